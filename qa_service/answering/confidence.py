"""How likely the documents hold an answer: a calibrated probability, from what the search saw.

A logistic model over a few shares between 0 and 1, one for questions in the documents' language,
one for those whose words were looked up in it, and one across other languages. Its weights are in
confidence.json, fitted by scripts/fit_confidence.py on questions whose answers are known to be there
or not; never on the corpus in service.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from importlib.resources import files

from qa_service.answering.conversation import RELATIONS
from qa_service.answering.towns import without_town
from qa_service.answering.units import cut_units, unit_text
from qa_service.retrieval.asked import without_asking
from qa_service.retrieval.index import Index, embedding_text
from qa_service.retrieval.terms import content_words, extract_terms
from qa_service.types import Hit, Passage


@dataclass(frozen=True, slots=True)
class Features:
    """What the decision looks at; each between 0 and 1.

    Of the best passage: `interaction` its MaxSim, `unit` that of its best sentence, `missing` what
    it lacks of the question's weightiest pieces, `coverage` the weighted share of the question's
    terms in it, `sentence` the cosine with its nearest sentence, `translation` the share of the question's
    words that it holds in its own language, where they were looked up. `spread` is its lead over the mean of
    the next four.
    """

    interaction: float
    unit: float
    missing: float
    coverage: float
    sentence: float
    translation: float
    spread: float


@dataclass(frozen=True, slots=True)
class _Model:
    intercept: float
    weights: Mapping[str, float]
    threshold: float


@dataclass(frozen=True, slots=True)
class Confidence:
    """`probability` that there is an answer; `sufficient` when it reaches the threshold."""

    probability: float
    sufficient: bool


def assess(index: Index, question: str, hits: Sequence[Hit], *, same_language: bool) -> Confidence:
    """The confidence for a question and its hits; 0 where nothing was found."""
    if not hits:
        return Confidence(0.0, False)
    if same_language:
        model = _models()["same_language"]
    else:
        looked_up = "translation" in hits[0].scores
        model = _models()["translated" if looked_up else "other_language"]
    features = asdict(measure(index, question, hits))
    logit = model.intercept + sum(weight * features[name] for name, weight in model.weights.items())
    probability = 1 / (1 + math.exp(-max(min(logit, 50), -50)))
    return Confidence(round(probability, 4), probability >= model.threshold)


def measure(index: Index, question: str, hits: Sequence[Hit]) -> Features:
    """The features of a question's hits, which must not be empty."""
    best = hits[0]
    called = index.titles.find(question)
    if best.passage.document_id in called.documents:  # 青葉市公園条例の罰則: what is asked of it
        question = called.without_title
    question = without_town(
        question, index.documents[best.passage.document_id].source.metadata.title
    )
    asked = extract_terms(
        _without_relations(without_asking(question)), find_atoms=index.aliases.find
    )
    held = extract_terms(embedding_text(best.passage), find_atoms=index.aliases.find)
    # Fitted on the search's own scores, whatever order a reranker brings.
    scores = [hit.scores.get("fused", hit.score) for hit in hits[:5]]
    following = scores[1:] or [0.0]
    return Features(
        interaction=best.scores.get("interaction", 0.0),
        unit=_best_unit(index, question, best.passage),
        missing=index.pieces.missing(question, index.rows[best.passage.id]),
        coverage=index.lexical.coverage(asked, held),
        sentence=max(best.scores.get("sentence", 0.0), 0.0),
        translation=best.scores.get("translation", 0.0),
        spread=max(scores[0] - sum(following) / len(following), 0.0),
    )


def _without_relations(question: str) -> str:
    """Without what an answer says and need not name (SDCのメンバー, 2+2の目的), unless nothing else is asked."""
    words = list(content_words(question))
    if all(form in _relations() for _, form in words):
        return question
    for surface, form in words:
        if form in _relations():
            question = question.replace(surface, " ")
    return question


@cache
def _relations() -> frozenset[str]:
    return frozenset(form for _, form in content_words(RELATIONS))


def _best_unit(index: Index, question: str, passage: Passage) -> float:
    texts = [unit_text(passage, unit) for unit in cut_units(passage)]
    if not texts:
        return 0.0
    return float(index.interaction_of_texts(question, texts).max())


@cache
def _models() -> Mapping[str, _Model]:
    text = (files("qa_service.answering") / "confidence.json").read_text(encoding="utf-8")
    fitted = json.loads(text)["models"]
    return {
        name: _Model(model["intercept"], model["weights"], model["threshold"])
        for name, model in fitted.items()
    }
