"""The training data of the built-in embedding model: reading, holding back, tokenising, sampling.

Reads the published files once, keeps some articles out of training for measuring, and turns every
text into word-piece ids that are cached in the work folder. Batches are drawn from a random
generator that the caller passes, so a step can be repeated exactly. The tokenizer is
`tokenizer.py`; what is done with a batch, `losses.py`; the loop,
`train_embedding.py`.
"""

from __future__ import annotations

import hashlib
import html
import json
import lzma
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from qa_service.reading.sentences import split_sentences
from training.everyday_sentences import everyday_sentences
from training.wordnet import read_wordnet
from training.words import common_words, single_glosses

Ids = NDArray[np.int32]
Pairs = tuple[list[Ids], list[Ids]]

TRAINING_FILES = (
    "train/kyoto_ja_en.tsv.xz",
    "train/kyoto_lexicon_ja_en.tsv.xz",
    "train/jmdict_ja_en.tsv.xz",
    "train/jaquad_train.jsonl.xz",
)
JAQUAD = {"dev": "eval/jaquad_dev.jsonl.xz", "train": "train/jaquad_train.jsonl.xz"}
HELD_BACK_KYOTO_ARTICLES = 1_000
HELD_BACK_JAQUAD_TITLES = 30
EVERYDAY_SENTENCES = 400_000
COMMON_GLOSSES = 400_000
LONGEST_PASSAGE = 400  # pieces; what comes after is left out in training

# Openings that make a statement look like what people type. The Kyoto corpus has hardly any
# question, so without them the words of asking would keep the weight of rare content words.
ENGLISH_OPENINGS = (
    "What is", "What are", "What was", "What does", "What did", "What kind of", "Which", "Who",
    "Who was", "When", "When did", "When was", "Where is", "Where was", "Where did", "Why",
    "Why did", "Why is", "How", "How many", "How much", "How did", "How long", "How does",
    "Tell me about", "Explain", "Describe", "Please explain", "According to the document,",
    "Is there", "Does", "Did", "Can you tell me", "What role does", "Give an overview of",
)  # fmt: skip


# Reading ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class KyotoRow:
    """One sentence pair; `article` and `paragraph` say where it stands."""

    article: str
    paragraph: str
    ja: str
    en: str


@dataclass(frozen=True)
class Context:
    """A paragraph of JaQuAD with the questions that it answers."""

    title: str
    text: str
    questions: tuple[str, ...]


def read_kyoto(folder: Path) -> list[KyotoRow]:
    return [KyotoRow(*fields) for fields in _read_tsv(folder / "train/kyoto_ja_en.tsv.xz")]


def read_lexicon(folder: Path) -> list[tuple[str, str]]:
    rows = [(ja, en) for ja, en in _read_tsv(folder / "train/kyoto_lexicon_ja_en.tsv.xz")]
    return rows[1:] if rows[0] == ("日本語", "英語") else rows


def read_jmdict(folder: Path) -> list[tuple[str, str]]:
    return [(ja, en) for ja, en in _read_tsv(folder / "train/jmdict_ja_en.tsv.xz")]


def read_contexts(path: Path) -> list[Context]:
    """The contexts of a JaQuAD file, in its order: those of an article stand together."""
    with lzma.open(path, "rt", encoding="utf-8") as lines:
        records = [json.loads(line) for line in lines]
    return [
        Context(
            title=record["title"],
            text=record["context"],
            questions=tuple(question["question"] for question in record["questions"]),
        )
        for record in records
    ]


def training_contexts(folder: Path) -> list[Context]:
    """JaQuAD's training part without the articles held back."""
    contexts = read_contexts(folder / JAQUAD["train"])
    back = held_back_titles(contexts)
    return [context for context in contexts if context.title not in back]


def read_tatoeba(folder: Path) -> list[tuple[str, str]]:
    lines = (folder / "eval/tatoeba_ja_en.tsv").read_text(encoding="utf-8").splitlines()
    return [(ja, en) for ja, en in (line.split("\t") for line in lines)]


def digest_of(texts: Sequence[str]) -> str:
    """Names a cache, so that it is made anew for other texts."""
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:12]


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def held_back(names: Sequence[str], count: int) -> frozenset[str]:
    """The `count` names with the lowest hash: the same ones on every machine and for every seed."""
    by_hash = sorted(set(names), key=lambda name: hashlib.sha256(name.encode()).hexdigest())
    return frozenset(by_hash[:count])


def held_back_kyoto(rows: Sequence[KyotoRow]) -> frozenset[str]:
    return held_back([row.article for row in rows], HELD_BACK_KYOTO_ARTICLES)


def held_back_titles(contexts: Sequence[Context]) -> frozenset[str]:
    return held_back([context.title for context in contexts], HELD_BACK_JAQUAD_TITLES)


def _read_tsv(path: Path) -> Iterator[list[str]]:
    """Rows without the header; the corpora carry HTML entities (&quot;), which are undone."""
    with lzma.open(path, "rt", encoding="utf-8", newline="\n") as lines:
        next(lines)
        for line in lines:
            yield [html.unescape(field) for field in line.rstrip("\n").split("\t")]


# Texts as ids -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Texts:
    """Texts as word-piece ids, back to back: text i is ids[offsets[i]:offsets[i + 1]]."""

    ids: Ids
    offsets: NDArray[np.int64]

    def __getitem__(self, i: int) -> Ids:
        return self.ids[self.offsets[i] : self.offsets[i + 1]]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def span(self, start: int, stop: int) -> Ids:
        """Texts start to stop - 1 as one."""
        return self.ids[self.offsets[start] : self.offsets[stop]]

    def lengths(self) -> NDArray[np.int64]:
        return np.diff(self.offsets)


@dataclass(frozen=True)
class TwoWays:
    """The same texts, tokenised as they are and with cuts inside words.

    The second way puts a boundary at random places, so that 話す is also learned as 話 and す:
    a cheap form of subword regularisation (Kudo, 2018).
    """

    plain: Texts
    cut: Texts

    def draw(self, rng: np.random.Generator, share_cut: float) -> Texts:
        return self.cut if rng.random() < share_cut else self.plain


@dataclass(frozen=True)
class Corpus:
    """All that training sees. Row numbers index the texts; nothing held back is in here."""

    kyoto_ja: TwoWays
    kyoto_en: TwoWays
    paragraph_rows: NDArray[np.int64]  # (paragraphs, 2): first row, row after the last
    paragraph_title: NDArray[np.int64]  # the row of the article's title
    lexicon_ja: TwoWays
    lexicon_en: TwoWays
    glosses_ja: TwoWays  # the dictionary, one pair a gloss
    glosses_en: TwoWays
    common_ja: TwoWays  # the same as often as the words are used, readings in kana too
    common_en: TwoWays
    everyday_ja: TwoWays
    everyday_en: TwoWays
    contexts: TwoWays
    context_sentences: Texts
    sentence_bounds: NDArray[np.int64]  # (contexts, 2): first sentence, after the last
    context_titles: Texts
    questions: TwoWays
    context_questions: NDArray[np.int64]  # (contexts, 2): first question, after the last
    openings: Texts

    def counts(self) -> dict[str, int]:
        return {
            "kyoto_sentence_pairs": len(self.kyoto_ja.plain),
            "kyoto_paragraphs": len(self.paragraph_rows),
            "lexicon_pairs": len(self.lexicon_ja.plain),
            "jmdict_single_glosses": len(self.glosses_ja.plain),
            "everyday_sentences_made_from_jmdict": len(self.everyday_ja.plain),
            "jaquad_contexts": len(self.contexts.plain),
            "jaquad_questions": len(self.questions.plain),
        }


def load_corpus(
    folder: Path, tokenizer: Tokenizer, cache: Path, *, seed: int, say: Callable[[str], None]
) -> Corpus:
    """The training part of the data as ids; each list of texts is tokenised once and cached.

    The cache belongs to one tokenizer, data folder and seed: the caller names it accordingly.
    """
    cache.mkdir(parents=True, exist_ok=True)

    def ids(name: str, texts: Sequence[str], change: Callable[[str], str] = str) -> Texts:
        path = cache / f"{name}_{digest_of(texts)}.npz"
        if path.exists():
            with np.load(path, allow_pickle=False) as arrays:
                return Texts(arrays["ids"], arrays["offsets"])
        say(f"tokenising {name}: {len(texts):,} texts")
        result = tokenise(tokenizer, [change(text) for text in texts])
        np.savez(path, ids=result.ids, offsets=result.offsets)
        return result

    def two_ways(name: str, texts: Sequence[str]) -> TwoWays:
        rng = np.random.default_rng([seed, len(texts)])
        cut = ids(f"{name}_cut", texts, lambda text: cut_words(text, rng))
        return TwoWays(ids(name, texts), cut)

    def one_way(name: str, texts: Sequence[str]) -> TwoWays:
        plain = ids(name, texts)  # the longest list; other texts cut its words often enough
        return TwoWays(plain, plain)

    rows = read_kyoto(folder)
    back = held_back_kyoto(rows)
    rows = [row for row in rows if row.article not in back]
    paragraphs, titles = paragraph_bounds(rows)
    contexts = training_contexts(folder)
    lexicon, jmdict = read_lexicon(folder), read_jmdict(folder)
    glosses = list(single_glosses(jmdict))
    words = common_words(jmdict)
    common = words.sample(COMMON_GLOSSES, np.random.default_rng([seed, 1]))
    everyday = everyday_sentences(
        words, read_wordnet(), EVERYDAY_SENTENCES, np.random.default_rng(seed)
    )
    sentences = [
        [sentence.of(context.text) for sentence in split_sentences(context.text)]
        for context in contexts
    ]
    return Corpus(
        kyoto_ja=one_way("kyoto_ja", [row.ja for row in rows]),
        kyoto_en=one_way("kyoto_en", [row.en for row in rows]),
        paragraph_rows=paragraphs,
        paragraph_title=titles,
        lexicon_ja=two_ways("lexicon_ja", [ja for ja, _ in lexicon]),
        lexicon_en=two_ways("lexicon_en", [en for _, en in lexicon]),
        glosses_ja=two_ways("glosses_ja", [ja for ja, _ in glosses]),
        glosses_en=two_ways("glosses_en", [en for _, en in glosses]),
        common_ja=two_ways("common_ja", [ja for ja, _ in common]),
        common_en=two_ways("common_en", [en for _, en in common]),
        everyday_ja=two_ways("everyday_ja", [ja for ja, _ in everyday]),
        everyday_en=two_ways("everyday_en", [en for _, en in everyday]),
        contexts=two_ways("jaquad_contexts", [context.text for context in contexts]),
        context_sentences=ids("jaquad_sentences", [each for some in sentences for each in some]),
        sentence_bounds=_bounds([len(some) for some in sentences]),
        context_titles=ids("jaquad_titles", [context.title for context in contexts]),
        questions=two_ways("jaquad_questions", [q for c in contexts for q in c.questions]),
        context_questions=_bounds([len(context.questions) for context in contexts]),
        openings=ids("openings", ENGLISH_OPENINGS),
    )


def _bounds(lengths: Sequence[int]) -> NDArray[np.int64]:
    """[2, 3] -> [[0, 2], [2, 5]]."""
    stops = np.cumsum(lengths)
    return np.stack([stops - lengths, stops], axis=1).astype(np.int64)


def some_texts(texts: Texts, chosen: NDArray[np.int64]) -> list[Ids]:
    """A text without any piece is as good as the unknown one."""
    nothing = np.zeros(1, dtype=np.int32)
    return [texts[i] if len(texts[i]) else nothing for i in chosen]


def tokenise(tokenizer: Tokenizer, texts: Sequence[str], *, at_once: int = 20_000) -> Texts:
    """Ids without the unknown piece (id 0), which says nothing about a text."""
    parts: list[Ids] = []
    lengths: list[int] = [0]
    for start in range(0, len(texts), at_once):
        batch = tokenizer.encode_batch_fast(list(texts[start : start + at_once]))
        for encoding in batch:
            row = np.array(encoding.ids, dtype=np.int32)
            row = row[row != 0]
            parts.append(row)
            lengths.append(len(row))
    return Texts(np.concatenate(parts), np.cumsum(lengths, dtype=np.int64))


_JAPANESE_GAP = re.compile(r"(?<=[\u3040-\u30ff\u4e00-\u9fff])(?=[\u3040-\u30ff\u4e00-\u9fff])")
_LATIN_GAP = re.compile(r"(?<=[a-z]{3})(?=[a-z]{2})")  # after "sea" in "search", not in "the"


def cut_words(text: str, rng: np.random.Generator) -> str:
    """The text with a space at 12 % of the places inside Japanese, 5 % inside English words."""

    def sometimes(share: float) -> Callable[[re.Match[str]], str]:
        draws = iter(rng.random(len(text) + 1) < share)
        return lambda _: " " if next(draws) else ""

    return _LATIN_GAP.sub(sometimes(0.05), _JAPANESE_GAP.sub(sometimes(0.12), text))


def paragraph_bounds(
    rows: Sequence[KyotoRow],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First row and row after the last of each paragraph, and its article's title (first row)."""
    starts = [
        i
        for i, row in enumerate(rows)
        if i == 0 or (rows[i - 1].article, rows[i - 1].paragraph) != (row.article, row.paragraph)
    ]
    bounds = np.stack([starts, [*starts[1:], len(rows)]], axis=1).astype(np.int64)
    titles, title = np.zeros(len(starts), np.int64), 0
    for n, start in enumerate(starts):
        if start == 0 or rows[start].article != rows[start - 1].article:
            title = start
        titles[n] = title
    return bounds, titles
