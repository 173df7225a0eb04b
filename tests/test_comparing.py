"""Several models judged by the same questions: what is kept, and what is not touched."""

from __future__ import annotations

from pathlib import Path

import pytest

from qa_service.cli.comparing import compare, settings_for
from qa_service.errors import SettingsError
from qa_service.evaluation import Question
from qa_service.retrieval.embedding import load_embedder
from qa_service.retrieval.generations import read_manifest
from qa_service.retrieval.index import build_index
from qa_service.retrieval.search import Mode
from qa_service.settings import Settings, load_settings

QUESTION = Question(id="a", lang="ja", question="日米合同委員会の目的は", gold=("地位協定の実施",))


@pytest.fixture
def settings(chapter_corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Of an index that the built-in model made."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    index = tmp_path / "index"
    build_index(chapter_corpus, index, embedder=load_embedder())
    return load_settings(corpus=chapter_corpus, index=index).settings


@pytest.fixture
def small_model(tmp_path: Path) -> Path:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding
    from tokenizers import Tokenizer, models, pre_tokenizers

    pieces = {piece: n for n, piece in enumerate(["[UNK]", *"日米合同委員会地位協定実施防衛"])}
    tokenizer = Tokenizer(models.WordLevel(pieces, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    static = StaticEmbedding(tokenizer, embedding_dim=8)
    folder = tmp_path / "small-model"
    SentenceTransformer(modules=[static], device="cpu").save(str(folder))
    return folder


def test_the_users_index_is_used_for_its_own_model(settings: Settings) -> None:
    assert settings_for(settings, None).index_path == settings.index_path
    assert settings_for(settings, "builtin").index_path == settings.index_path


@pytest.mark.parametrize("first", [True, False])
def test_judging_another_model_leaves_the_users_index_alone(
    settings: Settings, small_model: Path, capsys: pytest.CaptureFixture[str], first: bool
) -> None:
    before = read_manifest(settings.index_path)
    names = [str(small_model), "builtin"] if first else ["builtin", str(small_model)]
    faults = compare(
        settings,
        [QUESTION],
        embedders=names,
        rerankers=[],
        mode=Mode.HYBRID,
        plots=None,
        as_json=True,
    )
    assert not faults
    assert read_manifest(settings.index_path) == before
    assert str(small_model) in capsys.readouterr().out


def test_a_reranker_has_no_part_in_other_searches(settings: Settings) -> None:
    with pytest.raises(SettingsError, match="hybrid"):
        compare(
            settings,
            [QUESTION],
            embedders=["builtin"],
            rerankers=["anything"],
            mode=Mode.LEXICAL,
            plots=None,
            as_json=False,
        )
