"""The tokenizer of the built-in embedding model: word pieces of Japanese and English.

A Unigram model (Kudo, 2018) cuts Japanese well, but leaves English in fragments (govern, ment) when
its pieces must be short enough for Japanese. So it is trained on both languages with short pieces
first; then the pieces that the training texts hardly use make room for whole English words, and the
commonest words of both languages come on top.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers

from training.data import read_jmdict, read_kyoto, read_lexicon, training_contexts
from training.words import english_frequencies, japanese_frequencies

UNKNOWN = "<unk>"
# 同盟, サイバー, された: runs of kanji, of katakana and of hiragana
_JAPANESE_RUN = r"[\p{Han}々〆ヶ]+|[\p{Katakana}ー]+|[\p{Hiragana}ー]+"
# where whole words may hold both: 抱きしめ
_KATAKANA_RUN = r"[\p{Katakana}ー]+|[\p{Han}\p{Hiragana}々〆ヶー]+"
_JAPANESE_WORD = re.compile(r"[\u3041-\u3096\u30a1-\u30faー々\u3400-\u9fff]{2,}")
_AMERICA = r"\bU\.S\.(?:A\.)?|\bU\.S\b|\bUSA?\b"  # U.S., U.S.A., US: not "us"
_WORD = re.compile(r"[a-z]+")
_INFLECTIONS = ("s", "es", "d", "ed", "ing", "ly")
_LEAST_USES = 20  # of a piece in the training texts, or it makes room
_LEAST_FREQUENCY = 2e-7  # of an English word in general use
_GENERAL = 2e7  # words of running text whose use counts beside that in the training texts
_WHOLE = 1.5  # how much likelier, as a logarithm, a common word is whole than the lists say
_SCORE_DIGITS = 4  # behind the point: the file is a third smaller, and no text of Tatoeba or JaQuAD was cut differently
_LEAST_SEEN = 5  # of an English word in the training texts: a rarer one could not learn


def train_tokenizer(
    folder: Path, *, learned: int, vocabulary: int, longest_piece: int, seed: int
) -> Tokenizer:
    """`vocabulary` pieces without special tokens, `learned` of them from the training texts, the others
    common words; `longest_piece` is not for English words.

    Text is NFKC-folded and lower-cased, and cut at white space, at changes of script, around
    numbers and at punctuation. So 同盟は and 同盟を share the piece 同盟: what a piece has learned
    serves all its uses, and MaxSim finds it behind any particle. Only common words hold kanji and
    kana. A word is the same piece with and without a space before it.
    """
    short = _short_pieces(folder, vocabulary=learned, longest_piece=longest_piece, seed=seed)
    with_english = with_english_words(short, folder, vocabulary=learned)
    return with_common_words(
        with_english, english_frequencies(), japanese_frequencies(),
        vocabulary=vocabulary, longest_piece=longest_piece,
    )  # fmt: skip


def with_english_words(tokenizer: Tokenizer, folder: Path, *, vocabulary: int) -> Tokenizer:
    """The same with common English words whole, in place of the pieces used least."""
    texts = list(_all_texts(folder))
    uses = Counter[int]()
    for start in range(0, len(texts), 20_000):
        for encoding in tokenizer.encode_batch_fast(texts[start : start + 20_000]):
            uses.update(encoding.ids)
    seen = Counter(word for text in texts for word in _WORD.findall(text.lower()))
    state = json.loads(tokenizer.to_str())
    pieces = {
        piece: score
        for place, (piece, score) in enumerate(state["model"]["vocab"])
        if len(piece) == 1 or piece == UNKNOWN or uses[place] >= _LEAST_USES
    }
    total = sum(uses.values())
    for word in _whole_words(seen, pieces):
        pieces[word] = math.log(seen[word] / total)
    state["normalizer"]["normalizers"].insert(1, {
        "type": "Replace", "pattern": {"Regex": _AMERICA}, "content": "America",
    })  # fmt: skip
    surplus = len(pieces) - vocabulary
    if surplus > 0:
        latin = _uses_in_words(_with_pieces(state, pieces), seen)
        general = english_frequencies()
        droppable = [piece for piece in pieces if len(piece) > 1 and _WORD.fullmatch(piece)]
        droppable.sort(key=lambda piece: latin[piece] + _GENERAL * general.get(piece, 0))
        for piece in droppable[:surplus]:
            del pieces[piece]
    return _with_pieces(state, pieces)


def with_common_words(
    tokenizer: Tokenizer,
    english: Mapping[str, float],
    japanese: Mapping[str, float],
    *,
    vocabulary: int,
    longest_piece: int,
) -> Tokenizer:
    """The same with the commonest words of both languages that are no piece yet (抱きしめ, deterrence).

    Japanese verbs and adjectives, whose meaning kanji and kana carry together, become pieces as far as
    they are common; all other text is cut at changes of script as before, since no other piece holds two.
    """
    state = json.loads(tokenizer.to_str())
    pieces = dict(state["model"]["vocab"])
    for split in state["pre_tokenizer"]["pretokenizers"]:
        if split.get("pattern") == {"Regex": _JAPANESE_RUN}:
            split["pattern"] = {"Regex": _KATAKANA_RUN}
    stems = {word for word in english if word in pieces or english[word] >= _LEAST_FREQUENCY}
    words = {
        word: frequency
        for word, frequency in english.items()
        if word not in pieces
        and len(word) >= 3
        and _WORD.fullmatch(word)
        and not _inflected(word, stems)
    }
    words |= {
        word: frequency
        for word, frequency in japanese.items()
        if word not in pieces and len(word) <= longest_piece and _JAPANESE_WORD.fullmatch(word)
    }
    commonest = sorted(words, key=lambda word: (-words[word], word))
    for word in commonest[: vocabulary - len(pieces)]:
        pieces[word] = math.log(words[word]) + _WHOLE
    return _with_pieces(state, pieces)


def _with_pieces(state: dict[str, Any], pieces: dict[str, float]) -> Tokenizer:
    rounded = {piece: round(score, _SCORE_DIGITS) for piece, score in pieces.items()}
    state["model"]["vocab"] = list(rounded.items())  # the unknown piece is the first
    return Tokenizer.from_str(json.dumps(state, ensure_ascii=False))


def _uses_in_words(tokenizer: Tokenizer, seen: Counter[str]) -> Counter[str]:
    uses: Counter[str] = Counter()
    words = list(seen)
    for word, encoding in zip(words, tokenizer.encode_batch(words), strict=True):
        for token in encoding.tokens:
            uses[token] += seen[word]
    return uses


def _whole_words(seen: Counter[str], pieces: dict[str, float]) -> list[str]:
    """English words that are no piece yet, nor an inflection of one; commonest first."""
    frequencies = english_frequencies()
    common = [
        word
        for word in sorted(seen, key=lambda word: (-frequencies.get(word, 0), word))
        if len(word) >= 3
        and seen[word] >= _LEAST_SEEN
        and frequencies.get(word, 0) >= _LEAST_FREQUENCY
    ]
    known = {piece for piece in pieces if _WORD.fullmatch(piece)}
    stems = known & set(common) | set(common)
    return [word for word in common if word not in known and not _inflected(word, stems)]


def _inflected(word: str, stems: set[str]) -> bool:
    return any(
        word.endswith(ending) and word[: -len(ending)] in stems and len(word) - len(ending) >= 3
        for ending in _INFLECTIONS
    )


def _short_pieces(folder: Path, *, vocabulary: int, longest_piece: int, seed: int) -> Tokenizer:
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.WhitespaceSplit(),
            pre_tokenizers.UnicodeScripts(),
            pre_tokenizers.Split(Regex(_JAPANESE_RUN), "isolated"),
            pre_tokenizers.Digits(individual_digits=False),
            pre_tokenizers.Punctuation("isolated"),
        ]
    )
    trainer = trainers.UnigramTrainer(
        vocab_size=vocabulary,
        max_piece_length=longest_piece,
        unk_token=UNKNOWN,
        special_tokens=[UNKNOWN],
        show_progress=False,
    )
    tokenizer.train_from_iterator(_sample(folder, seed), trainer)
    state = json.loads(tokenizer.to_str())
    state["added_tokens"] = []  # a document that spells "<unk>" must not turn into one piece
    return Tokenizer.from_str(json.dumps(state, ensure_ascii=False))


def _sample(folder: Path, seed: int) -> Iterator[str]:
    """A sample of the training files; of Kyoto, also of articles that the vectors never see."""
    rng = np.random.default_rng(seed)
    rows = read_kyoto(folder)
    for i in rng.choice(len(rows), min(45_000, len(rows)), replace=False):
        yield rows[i].ja
        yield rows[i].en
    for pairs, count in ((read_jmdict(folder), 120_000), (read_lexicon(folder), 15_000)):
        for i in rng.choice(len(pairs), min(count, len(pairs)), replace=False):
            yield from pairs[i]
    yield from _questions_and_contexts(folder)


def _all_texts(folder: Path) -> Iterator[str]:
    for row in read_kyoto(folder):
        yield row.ja
        yield row.en
    for pair in (*read_jmdict(folder), *read_lexicon(folder)):
        yield from pair
    yield from _questions_and_contexts(folder)


def _questions_and_contexts(folder: Path) -> Iterator[str]:
    for context in training_contexts(folder):
        yield context.text
        yield from context.questions
