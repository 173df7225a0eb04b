"""What a step of the last training stage sees: questions, and passages as lists of sentences.

As in `batches.py`, a batch comes from one source, and half of the batches are made of
neighbours, which are the hard negatives of a search inside one document. The title of half of the
passages belongs to each of their sentences, as a heading does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import numpy as np
import torch

from training.batches import (
    FEWEST_PIECES,
    SHARE_CUT,
    SHARE_TITLED,
    Draw,
    neighbouring,
    paragraphs_of_sentences,
    part,
    thin,
)
from training.data import LONGEST_PASSAGE, Corpus, Ids, Texts
from training.lexical import Lexical
from training.ranking import Ranking
from training.recipe import draw_source
from training.relevance import Relevance

Sentences = list[Ids]


def draw_ranking(
    corpus: Corpus,
    lexical: Lexical,
    relevance: Relevance,
    mixture: dict[str, float],
    *,
    size: int,
    drop: float,
    neighbours: int,
    rng: np.random.Generator,
) -> tuple[str, Ranking]:
    name = draw_source(mixture, rng)
    together = neighbours if rng.random() < 0.5 else 1
    draw = Draw(corpus, size, rng, together)
    batch = _jaquad(draw, lexical, relevance) if name == "jaquad" else _KYOTO[name](draw)
    return name, _thinned(batch, drop, rng)


def _jaquad(draw: Draw, lexical: Lexical, relevance: Relevance) -> Ranking:
    """Questions and their contexts, one question a context."""
    corpus, rng = draw.corpus, draw.rng
    questions = corpus.questions.draw(rng, SHARE_CUT)
    chosen = neighbouring(len(corpus.context_questions), draw)
    bounds = corpus.context_questions[chosen]
    which = rng.integers(bounds[:, 0], bounds[:, 1])
    titled = rng.random(len(chosen)) < SHARE_TITLED
    return Ranking(
        [questions[i] for i in which],
        [
            _passage(
                corpus.context_sentences,
                int(corpus.sentence_bounds[i, 0]),
                int(corpus.sentence_bounds[i, 1]),
                corpus.context_titles[i] if title else None,
            )
            for i, title in zip(chosen, titled, strict=True)
        ],
        torch.from_numpy(lexical[np.ix_(which, chosen)].astype(np.float32)),
        relevance.between(which, chosen),
    )


def _english_questions(draw: Draw) -> Ranking:
    """Parts of English sentences behind words of asking, and the Japanese paragraph."""
    batch = _kyoto(draw, query_ja=False, answer_ja=True)
    openings, rng = draw.corpus.openings, draw.rng
    return Ranking(
        [
            np.concatenate([openings[int(rng.integers(len(openings)))], part(query, rng)])
            for query in batch.queries
        ],
        batch.passages,
    )


def _cross_paragraphs(draw: Draw) -> Ranking:
    to_japanese = draw.rng.random() < 0.7
    return _kyoto(draw, query_ja=not to_japanese, answer_ja=to_japanese)


def _same_paragraphs(draw: Draw) -> Ranking:
    japanese = draw.rng.random() < 0.7
    return _kyoto(draw, query_ja=japanese, answer_ja=japanese)


_KYOTO: dict[str, Callable[[Draw], Ranking]] = {
    "english_questions": _english_questions,
    "cross_paragraphs": _cross_paragraphs,
    "same_paragraphs": _same_paragraphs,
}


def _kyoto(draw: Draw, *, query_ja: bool, answer_ja: bool) -> Ranking:
    """A sentence and its paragraph; without the sentence where both are of one language."""
    corpus, rng = draw.corpus, draw.rng
    sentences = (corpus.kyoto_ja if query_ja else corpus.kyoto_en).draw(rng, SHARE_CUT)
    texts = (corpus.kyoto_ja if answer_ja else corpus.kyoto_en).draw(rng, SHARE_CUT)
    long_enough = paragraphs_of_sentences(corpus)
    chosen = long_enough[neighbouring(len(long_enough), draw)]
    titled = rng.random(len(chosen)) < SHARE_TITLED
    queries: list[Ids] = []
    passages: list[Sentences] = []
    for paragraph, title in zip(chosen, titled, strict=True):
        start, stop = (int(row) for row in corpus.paragraph_rows[paragraph])
        row = int(rng.integers(start, stop))
        if len(sentences[row]) < FEWEST_PIECES:
            continue
        heading = texts[int(corpus.paragraph_title[paragraph])] if title else None
        left_out = row if query_ja == answer_ja else None
        queries.append(sentences[row])
        passages.append(_passage(texts, start, stop, heading, left_out))
    return Ranking(queries, passages)


def _passage(
    texts: Texts, start: int, stop: int, title: Ids | None, left_out: int | None = None
) -> Sentences:
    """At least one sentence, LONGEST_PASSAGE pieces at most; each with the title."""
    sentences: Sentences = []
    room = LONGEST_PASSAGE
    for row in range(start, stop):
        if row == left_out or room <= 0:
            continue
        sentence = texts[row][:room]
        room -= len(sentence)
        sentences.append(sentence if title is None else np.concatenate([title, sentence]))
    return sentences


def _thinned(batch: Ranking, drop: float, rng: np.random.Generator) -> Ranking:
    queries = thin(list(batch.queries), drop, rng)
    sentences = thin([each for passage in batch.passages for each in passage], drop, rng)
    ends = np.cumsum([0, *(len(passage) for passage in batch.passages)])
    passages = [sentences[a:b] for a, b in pairwise(ends)]
    return replace(batch, queries=queries, passages=passages)
