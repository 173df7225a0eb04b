"""Everyday sentences made from the dictionary, for what encyclopedias hardly say.

The Kyoto corpus has hardly a you, a question or a request. A few sentence patterns filled with
verbs, nouns and adjectives of JMdict, inflected on both sides by rule, teach the pieces that carry
them. The sentences need not make sense: the model takes the mean of the pieces, so that what counts
is which words stand on both sides.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from embedding_words import Words
from numpy.typing import NDArray

Pair = tuple[str, str]

PERSONS: tuple[Pair, ...] = (
    ("私", "I"), ("僕", "I"), ("私たち", "we"), ("あなた", "you"), ("君", "you"), ("彼", "he"),
    ("彼女", "she"), ("彼ら", "they"), ("みんな", "everyone"), ("誰か", "someone"),
    ("それ", "it"), ("これ", "this"), ("あれ", "that"), ("あの人", "that person"),
)  # fmt: skip
OWNERS: tuple[Pair, ...] = (
    ("私の", "my"), ("僕の", "my"), ("私たちの", "our"), ("あなたの", "your"), ("君の", "your"),
    ("彼の", "his"), ("彼女の", "her"), ("彼らの", "their"), ("この", "this"), ("その", "the"),
    ("あの", "that"), ("", "the"), ("", "a"), ("", ""),
)  # fmt: skip
TIMES: tuple[Pair, ...] = (
    ("昨日", "yesterday"), ("今日", "today"), ("明日", "tomorrow"), ("今", "now"),
    ("毎日", "every day"), ("昨夜", "last night"), ("今朝", "this morning"), ("すぐ", "soon"),
    ("来週", "next week"), ("先週", "last week"), ("去年", "last year"), ("来年", "next year"),
    ("いつも", "always"), ("時々", "sometimes"), ("もう", "already"), ("まだ", "still"),
    ("とても", "very"), ("たくさん", "a lot"), ("一緒に", "together"), ("また", "again"),
)  # fmt: skip
QUESTIONS: tuple[Pair, ...] = (
    ("何を", "what"), ("どこで", "where"), ("いつ", "when"), ("なぜ", "why"), ("どうして", "why"),
    ("誰が", "who"), ("どうやって", "how"), ("どこへ", "where"), ("いくつ", "how many"),
    ("どのくらい", "how long"), ("どちら", "which"),
)  # fmt: skip
COPULAS: tuple[Pair, ...] = (
    ("だ", "is"), ("です", "is"), ("です", "are"), ("だった", "was"), ("でした", "were"),
    ("ではない", "is not"), ("じゃない", "isn't"), ("ですか", "is it"), ("でしょう", "will be"),
    ("になった", "became"), ("かもしれない", "may be"), ("に違いない", "must be"),
)  # fmt: skip
JOINERS: tuple[Pair, ...] = (
    ("が、", "but"), ("けど、", "but"), ("ので、", "because"), ("から、", "so"), ("し、", "and"),
    ("。そして", "and"), ("とき、", "when"), ("なら、", "if"), ("。でも、", "but"), ("前に", "before"),
)  # fmt: skip
SHARE_JOINED = 0.2
# What follows which form of a Japanese verb, and the English frame: {v} write, {s} writes,
# {ed} wrote, {en} written, {ing} writing.
FRAMES: tuple[tuple[str, str, str], ...] = (
    ("plain", "", "{v}"), ("plain", "", "{s}"), ("past", "", "{ed}"), ("past", "", "{ed}"),
    ("stem", "ます", "{s}"), ("stem", "ました", "{ed}"), ("stem", "ませんでした", "did not {v}"),
    ("te", "いる", "is {ing}"), ("te", "います", "are {ing}"), ("te", "いた", "was {ing}"),
    ("nai", "ない", "do not {v}"), ("nai", "ない", "doesn't {v}"),
    ("nai", "なかった", "didn't {v}"), ("nai", "なかった", "did not {v}"),
    ("stem", "たい", "want to {v}"), ("stem", "たいです", "would like to {v}"),
    ("te", "ください", "please {v}"),
    ("te", "くれますか", "could you {v}?"), ("nai", "なければならない", "must {v}"),
    ("nai", "なければなりません", "have to {v}"), ("te", "はいけない", "must not {v}"),
    ("te", "もいい", "may {v}"), ("plain", "ことができる", "can {v}"),
    ("plain", "ことができない", "cannot {v}"), ("plain", "ことができなかった", "could not {v}"),
    ("stem", "ましょう", "let's {v}"), ("past", "ことがある", "have {en}"),
    ("past", "ことがない", "have never {en}"), ("plain", "つもりだ", "am going to {v}"),
    ("plain", "だろう", "will {v}"), ("plain", "な", "don't {v}"),
    ("plain", "べきだ", "should {v}"),
    ("past", "ほうがいい", "had better {v}"), ("stem", "ますか", "do you {v}?"),
    ("past", "の", "did you {v}?"), ("plain", "かもしれない", "might {v}"),
    ("stem", "始めた", "began to {v}"), ("plain", "のが好きだ", "like {ing}"),
    ("plain", "と思う", "I think {s}"), ("past", "と言った", "said {ed}"),
    ("te", "しまった", "have {en}"), ("stem", "すぎた", "{ed} too much"),
    ("stem", "なさい", "{v}"), ("te", "くれた", "{ed} for me"), ("te", "ほしい", "want you to {v}"),
)  # fmt: skip
# The sound that a verb's last kana turns into: stem (書き), nai (書か), te (書いて), past (書いた).
GODAN = {
    "う": ("い", "わ", "って", "った"), "つ": ("ち", "た", "って", "った"),
    "る": ("り", "ら", "って", "った"), "く": ("き", "か", "いて", "いた"),
    "ぐ": ("ぎ", "が", "いで", "いだ"), "す": ("し", "さ", "して", "した"),
    "ぬ": ("に", "な", "んで", "んだ"), "ぶ": ("び", "ば", "んで", "んだ"),
    "む": ("み", "ま", "んで", "んだ"),
}  # fmt: skip
BEFORE_ICHIDAN_RU = "いきしちにひみりぎじびえけせてねへめれげぜでべ"
ICHIDAN = (
    "見る",
    "着る",
    "寝る",
    "出る",
    "似る",
    "煮る",
    "経る",
    "得る",
)  # the vowel is in the kanji
IRREGULAR = {
    line.split()[0]: (line.split()[1], line.split()[2])
    for line in """be was been;become became become;begin began begun;bite bit bitten
    blow blew blown;break broke broken;bring brought brought;build built built;buy bought bought
    catch caught caught;choose chose chosen;come came come;cut cut cut;do did done
    draw drew drawn;drink drank drunk;drive drove driven;eat ate eaten;fall fell fallen
    feel felt felt;fight fought fought;find found found;fly flew flown;forget forgot forgotten
    get got gotten;give gave given;go went gone;grow grew grown;hang hung hung;have had had
    hear heard heard;hide hid hidden;hit hit hit;hold held held;hurt hurt hurt;keep kept kept
    know knew known;lay laid laid;lead led led;leave left left;lend lent lent;let let let
    lie lay lain;lose lost lost;make made made;mean meant meant;meet met met;pay paid paid
    put put put;read read read;ride rode ridden;ring rang rung;rise rose risen;run ran run
    say said said;see saw seen;sell sold sold;send sent sent;set set set;shake shook shaken
    shine shone shone;shoot shot shot;show showed shown;shut shut shut;sing sang sung
    sink sank sunk;sit sat sat;sleep slept slept;speak spoke spoken;spend spent spent
    stand stood stood;steal stole stolen;strike struck struck;swim swam swum;take took taken
    teach taught taught;tear tore torn;tell told told;think thought thought
    throw threw thrown;understand understood understood;wake woke woken;wear wore worn
    win won won;write wrote written""".replace("\n", ";").split(";")
}


@dataclass(frozen=True)
class WordList:
    """Words with their running total of commonness, by which they are drawn."""

    pairs: Sequence[Pair]
    totals: NDArray[np.float64]

    def pick(self, rng: np.random.Generator) -> Pair:
        return self.pairs[int(np.searchsorted(self.totals, rng.random() * self.totals[-1]))]


@dataclass(frozen=True)
class Vocabulary:
    verbs: WordList
    nouns: WordList
    adjectives: WordList


def everyday_sentences(words: Words, count: int, rng: np.random.Generator) -> list[Pair]:
    """`count` sentences in both languages."""
    vocabulary = sort_words(words)
    return [
        _joined(vocabulary, rng) if rng.random() < SHARE_JOINED else _sentence(vocabulary, rng)
        for _ in range(count)
    ]


def sort_words(words: Words) -> Vocabulary:
    """Short words with plain glosses; verbs are those whose gloss starts with "to "."""
    kinds: dict[str, list[int]] = {"verbs": [], "nouns": [], "adjectives": []}
    for n, (form, gloss) in enumerate(words.pairs):
        if len(form) > 6 or not re.fullmatch(r"[A-Za-z' -]{1,}", gloss):
            continue
        if gloss.startswith("to "):
            if form[-1] in GODAN and len(gloss.split()) <= 4:
                kinds["verbs"].append(n)
        elif len(gloss.split()) <= 2:
            kinds["adjectives" if form.endswith("しい") else "nouns"].append(n)
    return Vocabulary(**{kind: _listed(words, rows) for kind, rows in kinds.items()})


def _listed(words: Words, rows: list[int]) -> WordList:
    pairs = [words.pairs[row] for row in rows]
    verbs = all(gloss.startswith("to ") for _, gloss in pairs)
    plain = [(form, gloss[3:]) if verbs else (form, gloss) for form, gloss in pairs]
    return WordList(plain, np.cumsum(words.shares[rows]))


def _joined(words: Vocabulary, rng: np.random.Generator) -> Pair:
    (first, first_en), (second, second_en) = _sentence(words, rng), _sentence(words, rng)
    joiner, joiner_en = JOINERS[int(rng.integers(len(JOINERS)))]
    return (
        f"{first.rstrip('。')}{joiner}{second}",
        f"{first_en.rstrip('.')} {joiner_en} {second_en}",
    )


def _sentence(words: Vocabulary, rng: np.random.Generator) -> Pair:
    def pick(pairs: Sequence[Pair]) -> Pair:
        return pairs[int(rng.integers(len(pairs)))]

    person, person_en = pick(PERSONS)
    owner, owner_en = pick(OWNERS)
    noun, noun_en = words.nouns.pick(rng)
    pattern = rng.random()
    if pattern < 0.15:
        copula, copula_en = pick(COPULAS)
        ja, en = f"{person}は{owner}{noun}{copula}", f"{person_en} {copula_en} {owner_en} {noun_en}"
    elif pattern < 0.3:
        adjective, adjective_en = words.adjectives.pick(rng)
        ending, ending_en = (
            ("い", "is"),
            ("かった", "was"),
            ("くない", "is not"),
            ("いです", "are"),
        )[int(rng.integers(4))]
        ja = f"{owner}{noun}は{adjective[:-1]}{ending}"
        en = f"{owner_en} {noun_en} {ending_en} {adjective_en}"
    else:
        form, ending, frame = FRAMES[int(rng.integers(len(FRAMES)))]
        verb, verb_en = words.verbs.pick(rng)
        particle = "をにでがへと"[int(rng.choice(6, p=(0.5, 0.2, 0.1, 0.1, 0.05, 0.05)))]
        ja = f"{owner}{noun}{particle}{inflect(verb)[form]}{ending}"
        en = f"{frame.format(**inflect_english(verb_en))} {owner_en} {noun_en}"
        if rng.random() < 0.7:
            ja, en = f"{person}{'はが'[int(rng.random() < 0.2)]}{ja}", f"{person_en} {en}"
    if rng.random() < 0.25:
        time, time_en = pick(TIMES)
        ja, en = f"{time}{'、' if rng.random() < 0.3 else ''}{ja}", f"{en} {time_en}"
    if rng.random() < 0.15:
        question, question_en = pick(QUESTIONS)
        return f"{question}{ja}か？", f"{question_en} {en}?"
    return f"{ja}。", en if en.endswith("?") else f"{en}."


def inflect(verb: str) -> dict[str, str]:
    """Forms of a verb in its dictionary form: stem, nai, te, past and plain.

    Verbs in -iru and -eru are taken as ichidan (見る), which is right for most of them.
    """
    if verb.endswith("する"):
        front, endings = verb[:-2], ("し", "し", "して", "した")
    elif verb in ("来る", "くる"):
        front, endings = verb[:-2] + verb[-2].replace("く", "き"), ("", "", "て", "た")
    elif verb in ("行く", "いく"):
        front, endings = verb[:-1], ("き", "か", "って", "った")
    elif verb in ICHIDAN or (verb[-1] == "る" and verb[-2:-1] in BEFORE_ICHIDAN_RU):
        front, endings = verb[:-1], ("", "", "て", "た")
    else:
        front, endings = verb[:-1], GODAN[verb[-1]]
    forms = {
        name: front + ending
        for name, ending in zip(("stem", "nai", "te", "past"), endings, strict=True)
    }
    return forms | {"plain": verb}


def inflect_english(phrase: str) -> dict[str, str]:
    """The first word of the phrase inflected: look for -> looked for."""
    verb, _, rest = phrase.partition(" ")
    soft = verb[:-1] if verb.endswith("e") and not verb.endswith("ee") else verb
    changes_y = verb.endswith("y") and verb[-2:-1] not in "aeiou"
    hisses = verb.endswith(("s", "x", "z", "ch", "sh", "o"))
    regular = verb[:-1] + "ied" if changes_y else soft + "ed"
    past, participle = IRREGULAR.get(verb, (regular, regular))
    third = verb[:-1] + "ies" if changes_y else verb + ("es" if hisses else "s")
    if verb == "be":
        third, soft = "is", "be"
    forms = {"v": verb, "s": third, "ed": past, "en": participle, "ing": soft + "ing"}
    return {name: f"{form} {rest}".strip() for name, form in forms.items()}
