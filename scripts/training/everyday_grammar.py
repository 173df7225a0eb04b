"""The phrases of `everyday_grammar.toml`, and how a verb is said with them in both languages."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from training.inflection import inflect, inflect_english

Pair = tuple[str, str]
Phrases = tuple[str, str, str]
Rng = np.random.Generator

_FILE = Path(__file__).with_suffix(".toml")
_PLURAL = frozenset({"I", "we", "you", "they", "the children"})  # and I, which has no -s either
_NEGATED = {"am": "am not", "will": "won't", "can": "can't", "may": "may not", "might": "might not"}


@dataclass(frozen=True)
class Group:
    """A way to say what is done: after an English auxiliary a form of the verb, with `head` before it. In Japanese
    a form and its ending, plain and polite, for what is done and for what is not; `when` and `when_not` are times
    that fit."""

    auxiliary: str
    form: str
    head: str
    done: tuple[Pair, Pair]
    not_done: tuple[Pair, Pair]
    when: Sequence[Pair]
    when_not: Sequence[Pair]

    @property
    def joins(self) -> bool:
        """Whether its plain form can stand before ので and とき, as つもりだ cannot."""
        return not any(
            pair[0][1].endswith(("だ", "だろう")) and pair[0][0] != "past"
            for pair in (self.done, self.not_done)
        )

    def japanese(self, verb: str, *, negative: bool, polite: bool) -> str:
        form, ending = (self.not_done if negative else self.done)[polite]
        forms = inflect(verb)
        forms |= {"can-": forms["can"][:-1]}  # 書け
        return forms[form] + ending

    def english(self, subject: str, verb: str, *, negative: bool) -> str:
        auxiliary, rest = self.parts(subject, verb)
        if negative:
            negated = _NEGATED.get(auxiliary, f"{auxiliary}n't")
            return f"{subject} {negated} {rest}"
        if self.auxiliary not in ("do", "did"):
            return f"{subject} {auxiliary} {rest}"
        form = "ed" if self.auxiliary == "did" else "s" if takes_s(subject) else "v"
        return f"{subject} {inflect_english(rest)[form]}"

    def parts(self, subject: str, verb: str) -> Pair:
        """The auxiliary as the subject has it, and what follows it."""
        auxiliary = {
            "do": "does" if takes_s(subject) else "do",
            "have": "has" if takes_s(subject) else "have",
            "be": be(subject),
            "was": be(subject, past=True),
        }.get(self.auxiliary, self.auxiliary)
        return auxiliary, f"{self.head} {inflect_english(verb)[self.form]}".strip()


@dataclass(frozen=True)
class Grammar:
    """Japanese and English phrases, as the file explains them."""

    subjects: Sequence[Pair]
    owners: Sequence[Pair]
    places: Sequence[Pair]
    numbers: Sequence[Pair]
    joined: Sequence[Pair]
    thoughts: Sequence[Pair]
    asked: Sequence[Phrases]
    requests: Sequence[Phrases]
    being: Sequence[Pair]
    asked_of: Sequence[Pair]
    feels: Sequence[Pair]
    compared: Sequence[Pair]
    groups: Sequence[Group]


def read_grammar() -> Grammar:
    read = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    times = {name: [tuple(pair) for pair in pairs] for name, pairs in read.pop("times").items()}
    groups = [
        Group(
            auxiliary=each["auxiliary"],
            form=each["form"],
            head=each.get("head", ""),
            done=(tuple(each["done"][0]), tuple(each["done"][1])),
            not_done=(tuple(each["not_done"][0]), tuple(each["not_done"][1])),
            when=times[each.get("when", "always")],
            when_not=times[each.get("when_not", each.get("when", "always"))],
        )
        for each in read.pop("groups")
        for _ in range(each.get("count", 1))
    ]
    lists = {name: [tuple(phrases) for phrases in each] for name, each in read.items()}
    return Grammar(groups=groups, **lists)


def takes_s(subject: str) -> bool:
    """He writes, but I write."""
    return subject not in _PLURAL


def be(subject: str, *, past: bool = False) -> str:
    if subject == "I":
        return "was" if past else "am"
    if takes_s(subject):
        return "was" if past else "is"
    return "were" if past else "are"
