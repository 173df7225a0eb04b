"""Rerankers: real (tiny) cross-encoders made here, and the order that they bring."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from starlette.testclient import TestClient

from qa_service.answering.answer import Request, ask
from qa_service.errors import ModelError, ModelNotFoundError
from qa_service.evaluation import Question, evaluate
from qa_service.retrieval.index import Index
from qa_service.retrieval.known_models import find_known_model, load_known_rerankers
from qa_service.retrieval.rerank import Reranking, load_reranker, rerank_scores
from qa_service.retrieval.search import search
from qa_service.serving.app import create_app
from qa_service.serving.service.library import Library

QUESTION = "日米合同委員会の目的は何ですか"
WORDS = ["yes", "no", "[PAD]", "[UNK]", "[CLS]", "[SEP]", "<|im_end|>"]
CHARACTERS = (
    "日米合同委員会の目的は何ですか地位協定実施関して議外務大臣<>|:abcdefghijklmnopqrstuvwxyz"
)


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Saves a cross-encoder of one layer that gives `labels` numbers for a pair."""

    def make(*, labels: int = 1) -> Path:
        import torch
        from transformers import BertConfig, BertForSequenceClassification, BertTokenizer

        folder = tmp_path_factory.mktemp("reranker") / "tiny-reranker"
        pieces = dict.fromkeys([*WORDS, *CHARACTERS])
        torch.manual_seed(0)
        config = BertConfig(
            vocab_size=len(pieces),
            hidden_size=16,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=32,
            max_position_embeddings=512,
        )
        config.num_labels = labels
        BertForSequenceClassification(config).save_pretrained(folder)
        BertTokenizer(vocab={piece: n for n, piece in enumerate(pieces)}).save_pretrained(folder)
        return folder

    return make


@dataclass
class Scripted:
    """Gives the scores that a function says."""

    score: Callable[[str], float]
    name: str = "scripted"
    licence: str = ""
    batch_size: int = 10
    read: list[str] = field(default_factory=list)

    def scores(self, question: str, texts: Sequence[str]) -> NDArray[np.float32]:
        self.read.extend(texts)
        return np.array([self.score(text) for text in texts], dtype=np.float32)


def test_any_cross_encoder_gives_a_score_a_passage(classifier: Callable[..., Path]) -> None:
    reranker = load_reranker(str(classifier()), device="cpu", batch_size=2)
    scores = reranker.scores(QUESTION, ["地位協定", "外務大臣", "日米"])
    assert scores.dtype == np.float32
    assert ((scores > 0) & (scores < 1)).all()
    assert len(set(scores.tolist())) == 3


def test_a_model_that_gives_several_numbers_is_no_reranker(
    classifier: Callable[..., Path],
) -> None:
    with pytest.raises(ModelError, match="gives 3 numbers"):
        load_reranker(str(classifier(labels=3)), device="cpu")


def test_a_yes_or_no_language_model_reads_its_template(tmp_path: Path) -> None:
    import torch
    from tokenizers import Regex, Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM

    folder = tmp_path / "Qwen3-Reranker-0.6B"
    pieces = {piece: n for n, piece in enumerate(dict.fromkeys([*WORDS, *CHARACTERS]))}
    tokenizer = Tokenizer(models.WordLevel(pieces, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex("yes|no|."), "isolated")
    fast = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", eos_token="<|im_end|>"
    )
    torch.manual_seed(0)
    config = Qwen3Config(
        vocab_size=len(pieces),
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=8,
        max_position_embeddings=2048,
    )
    Qwen3ForCausalLM(config).save_pretrained(folder)
    fast.save_pretrained(folder)
    reranker = load_reranker(str(folder), device="cpu")
    scores = reranker.scores("目的は", ["地位協定", "外務大臣"])
    entry = find_known_model(["Qwen/Qwen3-Reranker-0.6B"], load_known_rerankers())
    assert entry is not None
    model = Qwen3ForCausalLM.from_pretrained(folder)
    for text, score in zip(["地位協定", "外務大臣"], scores, strict=True):
        asked = entry.query_template.replace("{text}", "目的は")
        given = entry.passage_template.replace("{text}", text)
        ids = torch.tensor([fast(asked + given, add_special_tokens=False)["input_ids"]])
        with torch.no_grad():
            logits = model(ids).logits[0, -1]
        expected = torch.sigmoid(logits[pieces["yes"]] - logits[pieces["no"]])
        assert score == pytest.approx(float(expected), abs=1e-4)


def test_a_reranker_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFoundError):
        load_reranker(str(tmp_path / "none"))


@pytest.mark.parametrize("backend", ["onnx", "openvino"])
def test_a_backend_that_is_not_installed_says_what_to_install(
    classifier: Callable[..., Path], backend: str
) -> None:
    with pytest.raises(ModelError, match=rf"sentence-transformers\[{backend}\]"):
        load_reranker(str(classifier()), backend=backend)  # type: ignore[arg-type]


def test_the_order_is_the_rerankers(chapter_index: Index) -> None:
    reranker = Scripted(lambda text: 0.9 if "ダイキヤス" in text or "DICAS" in text else 0.1)
    result = search(chapter_index, "拡大抑止", reranking=Reranking(reranker))
    assert "DICAS" in result.hits[0].passage.text
    assert result.hits[0].score == pytest.approx(0.9)
    assert result.hits[0].scores["rerank"] == pytest.approx(0.9)
    assert result.hits[0].scores["fused"] < 0.9
    assert [hit.score for hit in result.hits] == sorted(
        (hit.score for hit in result.hits), reverse=True
    )
    assert result.degraded == ()
    assert len(reranker.read) <= 50


def test_what_a_question_names_stays_first(chapter_index: Index) -> None:
    reranker = Scripted(lambda text: 0.0 if "図表" in text else 0.9)
    result = search(chapter_index, "図表Ⅲ-2-1-1", reranking=Reranking(reranker))
    figure = result.hits[0].citation.figure
    assert figure is not None
    assert figure.label == "図表Ⅲ-2-1-1"


def test_past_the_deadline_the_order_of_the_search_stands(chapter_index: Index) -> None:
    plain = search(chapter_index, QUESTION)
    late = search(
        chapter_index, QUESTION, reranking=Reranking(Scripted(lambda text: 0.5), seconds=0)
    )
    assert [hit.passage.id for hit in late.hits] == [hit.passage.id for hit in plain.hits]
    assert "order of the search" in late.degraded[0]


@pytest.mark.parametrize(
    ("seconds", "read"),
    [(0.5, 1), (2.5, 1), (3.5, 3), (6.9, 5), (7.0, 7)],
)
def test_a_batch_that_would_be_late_is_not_begun(seconds: float, read: int) -> None:
    """A second a text, two at once after the first."""
    reranker = Scripted(lambda text: 0.5, batch_size=2)
    scores = rerank_scores(
        Reranking(reranker, seconds=seconds),
        "?",
        list("abcdefg"),
        clock=lambda: float(len(reranker.read)),
    )
    assert len(reranker.read) == read
    assert (scores is not None) is (read == 7)


def test_a_chinese_question_finds_what_it_names(chapter_index: Index) -> None:
    reranker = Scripted(lambda text: 0.0 if "図表" in text else 0.9)
    result = search(chapter_index, "图表Ⅲ-2-1-1是什么", reranking=Reranking(reranker))
    figure = result.hits[0].citation.figure
    assert figure is not None
    assert figure.label == "図表Ⅲ-2-1-1"


def test_scores_fall_beyond_what_was_reranked(chapter_index: Index) -> None:
    reranker = Scripted(lambda text: len(text) % 7 / 20)
    result = search(chapter_index, "日米同盟", top_k=100, reranking=Reranking(reranker))
    scores = [hit.score for hit in result.hits]
    assert scores == sorted(scores, reverse=True)


def test_a_reranker_that_fails_leaves_the_order(chapter_index: Index) -> None:
    def fail(text: str) -> float:
        raise ModelError("out of memory")

    result = search(chapter_index, QUESTION, reranking=Reranking(Scripted(fail)))
    assert result.hits[0].citation.figure is not None
    assert "failed" in result.degraded[0]


def test_a_reranker_that_fails_is_not_judged(chapter_index: Index) -> None:
    question = Question(id="a", lang="ja", question=QUESTION, gold=("地位協定",))
    late = Reranking(Scripted(lambda text: 0.5), seconds=0)
    with pytest.raises(ModelError, match="scripted could not be judged, at question a"):
        evaluate(chapter_index, [question], reranking=late)


def test_over_http_and_in_answers(chapter_index: Index) -> None:
    reranker = Scripted(lambda text: 0.9 if "Joint Committee" in text else 0.1)
    app = create_app(Library(chapter_index), reranking=Reranking(reranker))
    with TestClient(app) as client:
        asked = {"query": "拡大抑止", "top_k": 1}
        plain = client.post("/v1/search", json=asked).json()
        reranked = client.post("/v1/search", json={**asked, "rerank": True}).json()
        assert "rerank" not in plain["results"][0]["scores"]
        assert "Joint Committee" in reranked["results"][0]["passage"]["text"]
        answer = client.post("/v1/ask", json={"question": QUESTION}).json()
        assert answer["results"][0]["scores"]["rerank"] == pytest.approx(0.9)
        assert answer["answer"]["answered"] is True
    same = ask(chapter_index, Request(QUESTION), reranking=Reranking(reranker))
    assert same.answer.text == answer["answer"]["text"]
    assert json.loads(json.dumps(answer))["degraded"] == []


@pytest.mark.parametrize(
    "name", ["hotchpotch/japanese-reranker-xsmall-v2", "models/bge-reranker-v2-m3/"]
)
def test_known_rerankers(name: str) -> None:
    entry = find_known_model([name], load_known_rerankers())
    assert entry is not None
    assert entry.licence
    assert entry.query_template == "{text}"
