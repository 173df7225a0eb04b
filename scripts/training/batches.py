"""What a training step sees: batches of (query, answer) pairs drawn from the corpus.

A batch comes from one source, so that the other answers in it are fair opponents. Batches of
paragraphs take neighbours of the same article together half of the time: they are about the same
things, and telling them apart is what a search inside one document asks for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.data import LONGEST_PASSAGE, Corpus, Ids, Pairs, Texts, TwoWays
from training.recipe import draw_source

SHARE_CUT = 0.3  # batches that use the texts with cuts inside words
SHARE_TITLED = 0.5  # passages that have the article's title in front
FEWEST_PIECES = 4  # a shorter sentence does not say which paragraph it belongs to


@dataclass(frozen=True)
class Draw:
    """How a source draws: from what, how many, with whose randomness."""

    corpus: Corpus
    size: int
    rng: np.random.Generator
    neighbours: int  # paragraphs of an article that are drawn together


Source = Callable[[Draw], Pairs]


def draw_batch(
    corpus: Corpus,
    mixture: dict[str, float],
    *,
    size: int,
    drop: float,
    neighbours: int,
    rng: np.random.Generator,
) -> tuple[str, Pairs]:
    """A source by its share in the mixture, and `size` pairs of it; `drop` of the pieces go."""
    name = draw_source(mixture, rng)
    together = neighbours if rng.random() < 0.5 else 1
    queries, answers = SOURCES[name](Draw(corpus, size, rng, together))
    return name, (thin(queries, drop, rng), thin(answers, drop, rng))


# Sources ----------------------------------------------------------------------------------------


def kyoto_sentences(draw: Draw) -> Pairs:
    return _parallel(draw, draw.corpus.kyoto_ja, draw.corpus.kyoto_en)


def lexicon(draw: Draw) -> Pairs:
    return _parallel(draw, draw.corpus.lexicon_ja, draw.corpus.lexicon_en)


def glosses(draw: Draw) -> Pairs:
    return _parallel(draw, draw.corpus.glosses_ja, draw.corpus.glosses_en)


def common(draw: Draw) -> Pairs:
    return _parallel(draw, draw.corpus.common_ja, draw.corpus.common_en)


def everyday(draw: Draw) -> Pairs:
    return _parallel(draw, draw.corpus.everyday_ja, draw.corpus.everyday_en)


def gloss_strings(draw: Draw) -> Pairs:
    """Two to six dictionary entries in a row: a made-up sentence whose every word counts."""
    rng, corpus = draw.rng, draw.corpus
    ja = corpus.glosses_ja.draw(rng, SHARE_CUT)
    en = corpus.glosses_en.draw(rng, SHARE_CUT)
    entries = rng.integers(0, len(ja), (draw.size, 6))
    counts = rng.integers(2, 7, draw.size)
    rows = [row[:count] for row, count in zip(entries, counts, strict=True)]
    return (
        [np.concatenate([ja[i] for i in row]) for row in rows],
        [np.concatenate([en[i] for i in row]) for row in rows],
    )


def jaquad(draw: Draw) -> Pairs:
    """Questions and their contexts, one question a context."""
    corpus, rng = draw.corpus, draw.rng
    questions = corpus.questions.draw(rng, SHARE_CUT)
    contexts = corpus.contexts.draw(rng, SHARE_CUT)
    chosen = neighbouring(len(contexts), draw)
    bounds = corpus.context_questions[chosen]
    which = rng.integers(bounds[:, 0], bounds[:, 1])
    titled = rng.random(len(chosen)) < SHARE_TITLED
    return (
        [questions[i] for i in which],
        [
            _passage([corpus.context_titles[i]] if title else [], contexts[i])
            for i, title in zip(chosen, titled, strict=True)
        ],
    )


def cross_paragraphs(draw: Draw) -> Pairs:
    """A sentence of one language and its whole paragraph in the other, mostly Japanese."""
    to_japanese = draw.rng.random() < 0.7
    return _sentence_and_paragraph(draw, query_ja=not to_japanese, answer_ja=to_japanese)


def same_paragraphs(draw: Draw) -> Pairs:
    """A sentence and the rest of its paragraph, mostly Japanese."""
    japanese = draw.rng.random() < 0.8
    return _sentence_and_paragraph(draw, query_ja=japanese, answer_ja=japanese)


def english_questions(draw: Draw) -> Pairs:
    """Parts of English sentences behind words of asking, and the Japanese paragraph."""
    queries, answers = _sentence_and_paragraph(draw, query_ja=False, answer_ja=True)
    openings, rng = draw.corpus.openings, draw.rng
    return (
        [
            np.concatenate([openings[int(rng.integers(len(openings)))], part(query, rng)])
            for query in queries
        ],
        answers,
    )


SOURCES: dict[str, Source] = {
    "kyoto_sentences": kyoto_sentences,
    "lexicon": lexicon,
    "glosses": glosses,
    "gloss_strings": gloss_strings,
    "common": common,
    "everyday": everyday,
    "jaquad": jaquad,
    "cross_paragraphs": cross_paragraphs,
    "same_paragraphs": same_paragraphs,
    "english_questions": english_questions,
}


# Drawing ----------------------------------------------------------------------------------------


def _parallel(draw: Draw, first: TwoWays, second: TwoWays) -> Pairs:
    one, other = first.draw(draw.rng, SHARE_CUT), second.draw(draw.rng, SHARE_CUT)
    chosen = draw.rng.choice(len(one), min(draw.size, len(one)), replace=False)
    return [one[i] for i in chosen], [other[i] for i in chosen]


def _sentence_and_paragraph(draw: Draw, *, query_ja: bool, answer_ja: bool) -> Pairs:
    """Where both are of one language, the sentence is taken out of its paragraph."""
    corpus, rng = draw.corpus, draw.rng
    query_texts = corpus.kyoto_ja if query_ja else corpus.kyoto_en
    answer_texts = corpus.kyoto_ja if answer_ja else corpus.kyoto_en
    sentences, paragraphs = query_texts.draw(rng, SHARE_CUT), answer_texts.draw(rng, SHARE_CUT)
    long_enough = paragraphs_of_sentences(corpus)
    chosen = long_enough[neighbouring(len(long_enough), draw)]
    titled = rng.random(len(chosen)) < SHARE_TITLED
    queries: list[Ids] = []
    answers: list[Ids] = []
    for paragraph, title in zip(chosen, titled, strict=True):
        start, stop = corpus.paragraph_rows[paragraph]
        row = int(rng.integers(start, stop))
        if len(sentences[row]) < FEWEST_PIECES:
            continue
        front = [paragraphs[int(corpus.paragraph_title[paragraph])]] if title else []
        if query_ja == answer_ja:
            front = [*front, paragraphs.span(start, row)]
            body = paragraphs.span(row + 1, stop)
        else:
            body = paragraphs.span(start, stop)
        queries.append(sentences[row])
        answers.append(_passage(front, body))
    return queries, answers


def paragraphs_of_sentences(corpus: Corpus) -> NDArray[np.int64]:
    """Paragraphs of at least two sentences; headings and lone lines have nothing to find."""
    rows = corpus.paragraph_rows
    return np.flatnonzero(rows[:, 1] - rows[:, 0] >= 2)


def neighbouring(count: int, draw: Draw) -> NDArray[np.int64]:
    """About `size` different numbers below count, in runs of `neighbours`."""
    run = draw.neighbours
    runs = draw.rng.choice(count // run, min(draw.size // run, count // run), replace=False)
    return (runs[:, None] * run + np.arange(run)).ravel()


def _passage(front: list[Ids], body: Ids) -> Ids:
    return np.concatenate([*front, body])[:LONGEST_PASSAGE]


def part(query: Ids, rng: np.random.Generator) -> Ids:
    """A run of 40 to 100 % of the pieces: questions are shorter than the sentences that answer."""
    length = max(FEWEST_PIECES, int(len(query) * rng.uniform(0.4, 1.0)))
    start = int(rng.integers(0, max(1, len(query) - length + 1)))
    return query[start : start + length]


def thin(texts: list[Ids], drop: float, rng: np.random.Generator) -> list[Ids]:
    """Each text without a share of its pieces, but never without all; empty ones stay empty."""
    if drop <= 0:
        return texts
    whole = Texts(
        np.concatenate(texts), np.cumsum([0, *(len(text) for text in texts)], dtype=np.int64)
    )
    keep = rng.random(len(whole.ids)) >= drop
    firsts = whole.offsets[:-1][whole.lengths() > 0]
    keep[firsts] |= np.add.reduceat(keep, firsts) == 0 if len(firsts) else False
    ends = np.concatenate([[0], np.cumsum(keep)])[whole.offsets]
    kept = Texts(whole.ids[keep], ends)
    return [kept[i] for i in range(len(kept))]
