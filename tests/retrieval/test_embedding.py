"""Embedders: the built-in model, and real (tiny) sentence-transformers models made here."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qa_service.errors import ModelError, ModelNotFoundError, SettingsError
from qa_service.retrieval.embedding import Embedder, load_embedder
from qa_service.retrieval.known_models import find_known_model, load_known_models
from qa_service.retrieval.unit_vectors import checked_vectors, unit_rows

TEXTS = ["日米安全保障条約", "Who attends the 2+2?", ""]
CHARACTERS = "日米安全保障条約検索クエリ文書トピ: 0123456789abcdefghijklmnopqrstuvwxyz?+"


@pytest.fixture(scope="module")
def make_model(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Saves a transformer of one layer, mean pooling, 16 dimensions; `prompts` go into its own
    configuration. The weights are the same for the same `seed`."""

    def make(name: str, *, prompts: dict[str, str] | None = None, seed: int = 0) -> Path:
        import torch
        from sentence_transformers import SentenceTransformer
        from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
        from transformers import BertConfig, BertModel, BertTokenizer

        folder = tmp_path_factory.mktemp("models")
        bare = folder / "bare"
        bare.mkdir()
        special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
        pieces = [*special, *dict.fromkeys(CHARACTERS), *(f"##{c}" for c in CHARACTERS)]
        vocabulary = {piece: number for number, piece in enumerate(dict.fromkeys(pieces))}
        torch.manual_seed(seed)
        config = BertConfig(
            vocab_size=len(vocabulary),
            hidden_size=16,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=32,
            max_position_embeddings=64,
        )
        BertModel(config).save_pretrained(bare)
        BertTokenizer(vocab=vocabulary).save_pretrained(bare)
        transformer = Transformer(str(bare))
        pooling = Pooling(transformer.get_embedding_dimension())
        model = SentenceTransformer(modules=[transformer, pooling], prompts=prompts, device="cpu")
        model.save(str(folder / name))
        return folder / name

    return make


@pytest.fixture(scope="module")
def plain(make_model: Callable[..., Path]) -> Path:
    return make_model("plain")


def _load(folder: Path | str, **options: Any) -> Any:
    return load_embedder(str(folder), device="cpu", **options)


def assert_unit_rows(vectors: np.ndarray[Any, Any], count: int, dimension: int) -> None:
    assert vectors.shape == (count, dimension)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_builtin() -> None:
    embedder = load_embedder()
    assert (embedder.name, embedder.licence) == ("builtin", "CC BY-SA 4.0")
    vectors = embedder.encode_passages(TEXTS)
    assert_unit_rows(vectors[:2], 2, embedder.dimension)
    assert not vectors[2].any()
    assert np.array_equal(vectors, embedder.encode_queries(TEXTS))


def test_builtin_imports_no_torch() -> None:
    code = (
        "import sys; from qa_service.retrieval.embedding import load_embedder;"
        "load_embedder().encode_queries(['日米']);"
        "assert not {'torch', 'sentence_transformers', 'transformers'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_any_model_gives_unit_rows(plain: Path) -> None:
    embedder: Embedder = _load(plain)
    assert embedder.name == str(plain)
    assert embedder.dimension == 16
    assert embedder.licence == ""
    assert_unit_rows(embedder.encode_queries(TEXTS), 3, 16)
    assert_unit_rows(embedder.encode_passages(TEXTS), 3, 16)
    assert embedder.encode_passages([]).shape == (0, 16)


def test_a_model_without_prompts_embeds_texts_as_they_are(plain: Path) -> None:
    from sentence_transformers import SentenceTransformer

    expected = SentenceTransformer(str(plain), device="cpu").encode(
        TEXTS, normalize_embeddings=True
    )
    assert np.allclose(_load(plain).encode_queries(TEXTS), expected, atol=1e-6)
    assert np.allclose(_load(plain).encode_passages(TEXTS), expected, atol=1e-6)


def test_prompts_of_the_table_are_put_in_front(plain: Path, tmp_path: Path) -> None:
    folder = tmp_path / "ruri-v3-30m"
    shutil.copytree(plain, folder)
    bare, embedder = _load(plain), _load(folder)
    assert embedder.licence == "Apache-2.0"
    queries = bare.encode_queries([f"検索クエリ: {text}" for text in TEXTS])
    passages = bare.encode_passages([f"検索文書: {text}" for text in TEXTS])
    assert np.allclose(embedder.encode_queries(TEXTS), queries, atol=1e-6)
    assert np.allclose(embedder.encode_passages(TEXTS), passages, atol=1e-6)


def test_a_copy_under_another_name_is_recognised(plain: Path, tmp_path: Path) -> None:
    folder = tmp_path / "my-model"
    shutil.copytree(plain, folder)
    file = folder / "config.json"
    config = json.loads(file.read_text()) | {"_name_or_path": "intfloat/multilingual-e5-small"}
    file.write_text(json.dumps(config))
    assert _load(folder).prompts.query == "query: "


@pytest.mark.parametrize(
    ("own", "query", "passage"),
    [
        pytest.param({"query": "q: ", "document": "d: "}, "q: ", "d: ", id="query and document"),
        pytest.param({"query": "q: ", "passage": "p: "}, "q: ", "p: ", id="query and passage"),
        pytest.param({"query": "q: "}, "q: ", "", id="query alone"),
        pytest.param({"topic": "t: "}, "検索クエリ: ", "検索文書: ", id="neither"),
    ],
)
def test_a_models_own_prompts_win(
    make_model: Callable[..., Path],
    plain: Path,
    own: dict[str, str],
    query: str,
    passage: str,
) -> None:
    embedder = _load(make_model("ruri-v3-30m", prompts=own))
    bare = _load(plain)
    assert np.allclose(
        embedder.encode_queries(TEXTS), bare.encode_queries([query + text for text in TEXTS])
    )
    assert np.allclose(
        embedder.encode_passages(TEXTS), bare.encode_passages([passage + text for text in TEXTS])
    )


def test_a_static_model(tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding
    from tokenizers import Tokenizer, models

    pieces = {piece: number for number, piece in enumerate(["[UNK]", *dict.fromkeys(CHARACTERS)])}
    tokenizer = Tokenizer(models.BPE(vocab=pieces, merges=[], unk_token="[UNK]"))
    static = StaticEmbedding(tokenizer, embedding_dim=8)
    SentenceTransformer(modules=[static], device="cpu").save(str(tmp_path / "static"))
    embedder = _load(tmp_path / "static")
    vectors = embedder.encode_queries(TEXTS)
    assert_unit_rows(vectors[:2], 2, embedder.dimension)
    assert not vectors[2].any()
    assert embedder.fingerprint == _load(tmp_path / "static").fingerprint


def test_longer_than_the_table_says_is_cut(plain: Path, tmp_path: Path) -> None:
    own = tmp_path / "models.toml"
    own.write_text('[[models]]\nname = "office/plain"\nmax_length = 8\n', encoding="utf-8")
    embedder = _load(plain, models_file=own)
    short, long = embedder.encode_passages(["a b c d e f", "a b c d e f g h i"])
    assert np.allclose(short, long)
    short, long = _load(plain).encode_passages(["a b c d e f", "a b c d e f g h i"])
    assert not np.allclose(short, long)


def test_the_fingerprint_stands_for_the_vectors(
    make_model: Callable[..., Path], plain: Path, tmp_path: Path
) -> None:
    assert _load(plain).fingerprint == _load(plain, batch_size=1).fingerprint
    own = tmp_path / "models.toml"
    others = [make_model("plain", seed=1), make_model("plain", prompts={"query": "q: "})]
    fingerprints = {_load(folder).fingerprint for folder in [plain, *others]}
    own.write_text('[[models]]\nname = "office/plain"\nmax_length = 8\n', encoding="utf-8")
    fingerprints.add(_load(plain, models_file=own).fingerprint)
    assert len(fingerprints) == 4


def test_the_fingerprint_stays_after_encoding(plain: Path) -> None:
    from qa_service.retrieval.sentence_transformer import _fingerprint

    embedder = _load(plain)
    embedder.encode_queries(TEXTS)
    assert _fingerprint(embedder.model, embedder.prompts) == embedder.fingerprint


# --- models that cannot be used ----------------------------------------------------------------


def _loaded_elsewhere(name: str, **environment: str) -> str:
    """What a process with another environment says of a model: its error, or what it is."""
    code = (
        "from qa_service.retrieval.embedding import load_embedder\n"
        "from qa_service.errors import ModelError\n"
        "try:\n"
        f"    embedder = load_embedder({name!r}, device='cpu')\n"
        "    print(embedder.name, embedder.dimension, embedder.prompts, embedder.fingerprint)\n"
        "except ModelError as error: print(type(error).__name__, error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), **environment},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=True,
    )
    return done.stdout


def test_an_unknown_model_offline(tmp_path: Path) -> None:
    said = _loaded_elsewhere("office/model", HF_HUB_OFFLINE="1", HF_HOME=str(tmp_path))
    for word in ("ModelNotFoundError", "HF_HUB_OFFLINE", "hf download office/model", "`builtin`"):
        assert word in said


@contextmanager
def _hub(status: int, error: str) -> Iterator[str]:
    """A hub that answers every question in one way."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("X-Error-Code", error)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("status", "error", "cure"),
    [
        pytest.param(404, "RepoNotFound", "check the spelling", id="unknown"),
        pytest.param(403, "GatedRepo", "hf auth login", id="licence not accepted"),
        pytest.param(500, "", "hf download office/model", id="broken"),
    ],
)
def test_a_model_that_the_hub_does_not_give(
    tmp_path: Path, status: int, error: str, cure: str
) -> None:
    with _hub(status, error) as address:
        said = _loaded_elsewhere("office/model", HF_ENDPOINT=address, HF_HOME=str(tmp_path))
    assert said.startswith("ModelNotFoundError")
    assert cure in said


def test_a_hub_that_cannot_be_reached(tmp_path: Path) -> None:
    said = _loaded_elsewhere(
        "office/model", HF_ENDPOINT="http://127.0.0.1:9", HF_HOME=str(tmp_path)
    )
    for word in ("ModelNotFoundError", "cannot be reached", "hf download office/model"):
        assert word in said


def test_a_model_in_the_hubs_cache_needs_no_network(plain: Path, tmp_path: Path) -> None:
    cached = tmp_path / "hub" / "models--cl-nagoya--ruri-v3-30m"
    shutil.copytree(plain, cached / "snapshots" / "1234")
    (cached / "refs").mkdir()
    (cached / "refs" / "main").write_text("1234")
    said = _loaded_elsewhere(
        "cl-nagoya/ruri-v3-30m", HF_ENDPOINT="http://127.0.0.1:9", HF_HOME=str(tmp_path)
    )
    assert said.startswith("cl-nagoya/ruri-v3-30m 16")
    assert "検索クエリ" in said


@pytest.mark.parametrize("name", ["./models/gone", "/models/gone", "a/b/c"])
def test_a_folder_that_is_not_there(name: str) -> None:
    with pytest.raises(ModelNotFoundError, match="no folder"):
        load_embedder(name)


def test_a_folder_without_a_model(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFoundError, match=r"modules\.json"):
        load_embedder(str(tmp_path))


@pytest.mark.filterwarnings("ignore")
def test_a_damaged_model(plain: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(plain, folder)
    (weights,) = folder.rglob("*.safetensors")
    weights.write_bytes(weights.read_bytes()[:100])
    with pytest.raises(ModelError, match="download it again"):
        _load(folder)


def _with_own_module(folder: Path, witness: Path) -> None:
    """The pooling module comes from a file beside the model, which leaves a trace when run."""
    file = folder / "modules.json"
    modules = json.loads(file.read_text())
    modules[1]["type"] = "own_pooling.OwnPooling"
    file.write_text(json.dumps(modules))
    (folder / "own_pooling.py").write_text(
        "from pathlib import Path\n"
        f"Path({str(witness)!r}).touch()\n"
        "from sentence_transformers.sentence_transformer.modules import Pooling\n"
        "class OwnPooling(Pooling): pass\n"
    )


def _with_auto_map(folder: Path, witness: Path) -> None:
    file = folder / "config.json"
    config = json.loads(file.read_text()) | {
        "model_type": "own",
        "auto_map": {"AutoConfig": "own.OwnConfig", "AutoModel": "own.OwnModel"},
    }
    file.write_text(json.dumps(config))
    (folder / "own.py").write_text(
        f"from pathlib import Path\nPath({str(witness)!r}).touch()\n"
        "from transformers import BertConfig, BertModel\n"
        "class OwnConfig(BertConfig): model_type = 'own'\n"
        "class OwnModel(BertModel): config_class = OwnConfig\n"
    )


@pytest.mark.parametrize("change", [_with_own_module, _with_auto_map])
def test_a_models_own_code_is_not_run_unless_trusted(
    plain: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[Path, Path], None],
) -> None:
    monkeypatch.setenv("HF_MODULES_CACHE", str(tmp_path / "cache"))
    folder, witness = tmp_path / "model", tmp_path / "witness"
    shutil.copytree(plain, folder)
    change(folder, witness)
    with pytest.raises(ModelError, match="QA_SERVICE_TRUST_REMOTE_CODE=true"):
        _load(folder)
    assert not witness.exists()


def test_a_models_own_code_is_run_when_trusted(plain: Path, tmp_path: Path) -> None:
    folder, witness = tmp_path / "model", tmp_path / "witness"
    shutil.copytree(plain, folder)
    _with_own_module(folder, witness)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        embedder = _load(folder, trust_remote_code=True)
    assert witness.exists()
    assert np.allclose(
        embedder.encode_queries(TEXTS), _load(plain).encode_queries(TEXTS), atol=1e-6
    )


def test_vectors_that_are_not_finite(plain: Path) -> None:
    import torch

    embedder = _load(plain)
    with torch.no_grad():
        next(embedder.model.parameters()).fill_(float("nan"))
    with pytest.raises(ModelError, match="not finite"):
        embedder.encode_queries(TEXTS)


@pytest.mark.parametrize("shape", [(3, 8), (2, 16), (3,)])
def test_vectors_of_another_shape(shape: tuple[int, ...]) -> None:
    with pytest.raises(ModelError, match="shape"):
        checked_vectors(np.ones(shape, dtype=np.float32), name="m", count=3, dimension=16)


def test_rows_get_length_1_and_zero_rows_stay() -> None:
    rows = np.array([[3, 4], [0, 0], [-2, 0]], dtype=np.float32)
    for made in (unit_rows(rows), checked_vectors(rows, name="m", count=3, dimension=2)):
        assert made.dtype == np.float32
        assert np.allclose(made, [[0.6, 0.8], [0.0, 0.0], [-1.0, 0.0]])


# --- the table ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "query", "passage"),
    [
        ("intfloat/multilingual-e5-small", "query: ", "passage: "),
        ("intfloat/multilingual-e5-base", "query: ", "passage: "),
        ("intfloat/multilingual-e5-large", "query: ", "passage: "),
        ("BAAI/bge-m3", "", ""),
        ("cl-nagoya/ruri-v3-30m", "検索クエリ: ", "検索文書: "),
        ("cl-nagoya/ruri-v3-130m", "検索クエリ: ", "検索文書: "),
        ("cl-nagoya/ruri-v3-310m", "検索クエリ: ", "検索文書: "),
        ("google/embeddinggemma-300m", "task: search result | query: ", "title: none | text: "),
        (
            "Qwen/Qwen3-Embedding-0.6B",
            "Instruct: Given a web search query, retrieve relevant passages that answer the query"
            "\nQuery:",
            "",
        ),
        ("ibm-granite/granite-embedding-278m-multilingual", "", ""),
        ("Snowflake/snowflake-arctic-embed-l-v2.0", "query: ", ""),
        ("sentence-transformers/static-similarity-mrl-multilingual-v1", "", ""),
    ],
)
def test_known_models(name: str, query: str, passage: str) -> None:
    known = load_known_models()
    for spelling in (name, name.lower(), f"/models/{name.rpartition('/')[2]}/"):
        entry = find_known_model([spelling], known)
        assert entry is not None
        assert (entry.name, entry.query_prompt, entry.passage_prompt) == (name, query, passage)
        assert entry.licence
        assert entry.source.startswith("https://")
        assert entry.dimension


@pytest.mark.parametrize(
    "name", ["", "intfloat/multilingual-e5-large-instruct", "cl-nagoya/ruri-v3-reranker-310m"]
)
def test_unknown_models(name: str) -> None:
    assert find_known_model([name], load_known_models()) is None


def test_a_users_entry_wins(tmp_path: Path) -> None:
    own = tmp_path / "models.toml"
    own.write_text('[[models]]\nname = "BAAI/bge-m3"\nquery_prompt = "Q: "\n', encoding="utf-8")
    entry = find_known_model(["BAAI/bge-m3"], load_known_models(own))
    assert entry is not None
    assert entry.query_prompt == "Q: "


@pytest.mark.parametrize(
    ("content", "word"),
    [
        ('[[models]]\nquery_prompt = "Q: "\n', "name"),
        ('[[models]]\nname = "a/b"\nprompt = "Q: "\n', "prompt"),
        ('[[models]]\nname = "a/b"\nmax_length = 0\n', "max_length"),
        ("[[models]\n", "TOML"),
        (None, "cannot be read"),
    ],
)
def test_a_broken_table(tmp_path: Path, content: str | None, word: str) -> None:
    file = tmp_path / "models.toml"
    if content is not None:
        file.write_text(content, encoding="utf-8")
    with pytest.raises(SettingsError, match=word):
        load_known_models(file)
