"""The built-in embedding model: what it gives, what it needs, and how it says that it is broken."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file
from training.losses import PieceVectors, pooled
from training.model_files import write_model

from qa_service.errors import ModelError
from qa_service.retrieval import static_model
from qa_service.retrieval.static_model import StaticModel, load_static_model
from qa_service.retrieval.unit_vectors import unit_rows

PACKAGED = Path(static_model.__file__).resolve().parent.parent / "models" / "builtin"
TEXTS = [
    "日米安全保障協議委員会（日米「2+2」）は、日本側の外務大臣と防衛大臣などで構成される。",
    "What is the role of the Japan-U.S. alliance?",
    "図表Ⅲ－２－１－１　ﾀﾞｲｷｬｽ ㈱",
    "a",
]


@pytest.fixture(scope="module")
def model() -> StaticModel:
    return load_static_model()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the packaged model that a test may break."""
    for name in ("config.json", "tokenizer.json", "model.safetensors"):
        shutil.copy(PACKAGED / name, tmp_path / name)
    return tmp_path


def test_needs_no_learning_framework() -> None:
    program = (
        "import sys; from qa_service.retrieval.static_model import load_static_model; "
        "load_static_model().encode(['同盟']); "
        "print(sorted({'torch', 'transformers', 'sentence_transformers'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_packaged_files_fit_into_the_repository() -> None:
    assert sum(path.stat().st_size for path in PACKAGED.iterdir()) <= 16_000_000


def test_record_describes_the_files_beside_it() -> None:
    import hashlib

    record = json.loads((PACKAGED / "training.json").read_text(encoding="utf-8"))
    for name, digest in record["files"].items():
        assert hashlib.sha256((PACKAGED / name).read_bytes()).hexdigest() == digest, name


def test_vectors_have_unit_length(model: StaticModel) -> None:
    vectors = model.encode(TEXTS)
    assert vectors.dtype == np.float32
    assert vectors.shape == (len(TEXTS), model.dimension)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_vector_of_a_text_does_not_depend_on_its_company(model: StaticModel) -> None:
    together = model.encode(TEXTS)
    alone = np.concatenate([model.encode([text]) for text in TEXTS])
    np.testing.assert_array_equal(together, alone)
    np.testing.assert_array_equal(together, load_static_model().encode(TEXTS))


@pytest.mark.parametrize("text", ["", " \n\u3000", "\U00013000"], ids=["empty", "blank", "unknown"])
def test_text_without_pieces_has_a_zero_vector(model: StaticModel, text: str) -> None:
    assert model.pieces([text])[0].shape == (0,)
    assert not model.encode([text, "同盟"])[0].any()


def test_no_texts_give_no_rows(model: StaticModel) -> None:
    assert model.encode([]).shape == (0, model.dimension)
    assert model.pieces([]) == []


def test_spelling_variants_are_the_same_pieces(model: StaticModel) -> None:
    plain, wide = model.pieces(["dicas ダイキャス 2024", "ＤＩＣＡＳ ﾀﾞｲｷｬｽ ２０２４"])
    np.testing.assert_array_equal(plain, wide)


def test_text_that_spells_a_special_token_is_only_text(model: StaticModel) -> None:
    assert len(model.pieces(["<unk>"])[0]) >= 3


def test_piece_vectors(model: StaticModel) -> None:
    ids = model.pieces(TEXTS)[0]
    vectors, units = model.vectors(ids), model.units(ids)
    assert vectors.shape == units.shape == (len(ids), model.dimension)
    assert vectors.dtype == units.dtype == np.float32
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    np.testing.assert_allclose(units, vectors / lengths, atol=1e-5)


def test_order_of_words_matters(model: StaticModel) -> None:
    first, other = model.encode(["The dog bit the man.", "The man bit the dog."])
    assert 0.5 < first @ other < 0.9999


def test_a_sentence_has_its_vector_and_those_of_its_clauses(model: StaticModel) -> None:
    first = "日米両国は、同盟の抑止力及び対処力を強化するための取組を着実に進めているが、"
    second = "雨が降った日には、子どもたちが家の中で本を読み、歌を歌っている。"
    pieces = model.pieces([first + second, second, ""])
    whole, short, nothing = model.encode_sentences(pieces)
    assert whole.shape == (3, model.dimension)
    alone = model.encode([first + second, second])
    np.testing.assert_allclose(whole[0], alone[0], atol=1e-5)
    assert whole[2] @ alone[1] > 0.95 > whole[1] @ alone[1]  # clauses see one another's edges
    np.testing.assert_allclose(short[0], alone[1], atol=1e-5)
    assert nothing.shape == (1, model.dimension)
    assert not nothing.any()


def test_piece_weights_tell_content_from_grammar(model: StaticModel) -> None:
    assert model.piece_weights.shape == (len(model._scales),)
    assert (model.piece_weights >= 0).all()

    def weight(word: str) -> float:
        return float(model.piece_weights[model.pieces([word])[0]].mean())

    for word, grammar in (("同盟", "は"), ("抑止", "、"), ("alliance", "the"), ("missile", "is")):
        assert weight(word) > 2 * weight(grammar)


def test_what_training_writes_is_what_is_read(tmp_path: Path, model: StaticModel) -> None:
    rng = np.random.default_rng(1)
    vectors = rng.normal(size=(len(model._scales), 256)).astype(np.float32)
    weights = rng.random(len(vectors)).astype(np.float32)
    torch.manual_seed(0)
    trained = PieceVectors(len(vectors), 256, hidden=32, adapted=len(vectors) - 1, rank=16)
    trained.adapt(-np.arange(len(vectors), dtype=np.float64))
    with torch.no_grad():
        trained.vectors.copy_(torch.from_numpy(vectors))
        trained.output.normal_()
        trained.codes.normal_()
    tokenizer = (PACKAGED / "tokenizer.json").read_bytes()
    write_model(tmp_path, tokenizer, vectors, weights, trained.adapter(), trained.context_layer())
    read = load_static_model(tmp_path)
    rows = np.arange(1, 3_000)
    cosines = (read.units(rows) * unit_rows(vectors[rows])).sum(axis=1)
    assert cosines.min() > 0.98
    assert not read.vectors(np.array([0])).any()
    with torch.no_grad():
        expected = pooled(trained, read.pieces(TEXTS)).numpy()
    assert (read.encode(TEXTS) * expected).sum(axis=1).min() > 0.98


def test_translations_are_nearer_than_other_texts(model: StaticModel) -> None:
    japanese = model.encode(["彼は手紙を書く。", "大臣が会談した。", "雨が降っている。"])
    english = model.encode(["He writes a letter.", "The ministers held talks.", "It is raining."])
    assert (japanese @ english.T).argmax(axis=1).tolist() == [0, 1, 2]


# Broken folders ---------------------------------------------------------------------------------

FILES = ["config.json", "tokenizer.json", "model.safetensors"]


@pytest.mark.parametrize("name", FILES)
def test_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(ModelError, match=name):
        load_static_model(folder)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("share", [0.0, 0.5, 0.99])
def test_truncated_file_is_named(folder: Path, name: str, share: float) -> None:
    data = (folder / name).read_bytes()
    (folder / name).write_bytes(data[: int(len(data) * share)])
    with pytest.raises(ModelError, match=name):
        load_static_model(folder)


def test_newer_format_is_refused(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    (folder / "config.json").write_text(json.dumps(config | {"format_version": 99}))
    with pytest.raises(ModelError, match=r"config\.json.*99"):
        load_static_model(folder)


@pytest.mark.parametrize(
    "content", ["[]", '{"format": 1}', "null", "\ufffd"], ids=["list", "few", "null", "text"]
)
def test_strange_config_is_named(folder: Path, content: str) -> None:
    (folder / "config.json").write_text(content, encoding="utf-8")
    with pytest.raises(ModelError, match=r"config\.json"):
        load_static_model(folder)


@pytest.mark.parametrize(
    "name",
    [
        "vectors",
        "scales",
        "piece_weights",
        "neighbours",
        "neighbours_scales",
        "bias",
        "output",
        "adapted",
        "codes",
        "basis",
    ],
)
def test_weights_that_do_not_fit_together_are_refused(folder: Path, name: str) -> None:
    tensors = load_file(folder / "model.safetensors")
    tensors[name] = tensors[name][:-1].copy()
    save_file(tensors, folder / "model.safetensors")
    with pytest.raises(ModelError, match=r"model\.safetensors"):
        load_static_model(folder)


def test_fingerprint_follows_the_files(folder: Path, model: StaticModel) -> None:
    assert load_static_model(folder).fingerprint == model.fingerprint
    tensors = load_file(folder / "model.safetensors")
    tensors["piece_weights"][5] += 1
    save_file(tensors, folder / "model.safetensors")
    assert load_static_model(folder).fingerprint != model.fingerprint
