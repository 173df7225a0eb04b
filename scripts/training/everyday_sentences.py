"""Everyday sentences in both languages, made from the dictionary by a small grammar.

The Kyoto corpus has hardly a you, a question or a request. Here clauses are built of JMdict's words: who, when
and where, what is done to what, as a statement, question, request or wish, alone or joined
(`everyday_grammar.toml`). WordNet says which English verbs take an object, and which nouns are food, persons,
places. Few of the sentences make sense, but all are made as people make theirs.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from training.everyday_grammar import Grammar, Group, be, read_grammar, takes_s
from training.everyday_vocabulary import Vocabulary, sort_words
from training.inflection import inflect, inflect_english, plural
from training.wordnet import (
    ANIMAL,
    ARTIFACT,
    COMMUNICATION,
    CONSUMPTION,
    FOOD,
    MOTION,
    PERSON,
    PLACE,
    SPEECH,
    Wordnet,
)
from training.words import Words

Pair = tuple[str, str]

SHARE_JOINED, SHARE_THOUGHT, SHARE_REQUEST, SHARE_STATE = 0.12, 0.07, 0.15, 0.3
_POLITE = re.compile(r"(?:ます|ました|ません|です|でした|しょう|だろう)$")  # 書きます: 書きますか
_PREPOSITION = re.compile(r"^(?:in|on|at) ")  # on the desk: to the desk


def everyday_sentences(
    words: Words, wordnet: Wordnet, count: int, rng: np.random.Generator
) -> list[Pair]:
    """`count` sentences in both languages."""
    speaker = Speaker(read_grammar(), sort_words(words, wordnet), rng)
    return [speaker.sentence() for _ in range(count)]


class Speaker:
    """Makes sentences of a grammar and a vocabulary, at random."""

    def __init__(self, grammar: Grammar, words: Vocabulary, rng: np.random.Generator) -> None:
        self.grammar, self.words, self.rng = grammar, words, rng
        self.states = (
            self._is_adjective, self._is_adjective, self._is_noun, self._there_is,
            self._asked_of, self._feels, self._compared,
        )  # fmt: skip

    def sentence(self) -> Pair:
        draw, polite = self.rng.random(), self.rng.random() < 0.4
        if draw < SHARE_JOINED:
            ja, en = self._pick(self.grammar.joined)
            first, first_en = self._clause()
            second, second_en = self._clause(joins=True)
            pair = ja.format(first, second), en.format(first_en, second_en)
        elif draw < SHARE_JOINED + SHARE_THOUGHT:
            ending, thought = self._pick(self.grammar.thoughts)
            ja, en = self._clause(joins=True)
            pair = f"{self._who('私')}{ja}{ending}", f"I {thought} {en}"
        elif draw < SHARE_JOINED + SHARE_THOUGHT + SHARE_REQUEST:
            pair = self._request()
        elif self.rng.random() < SHARE_STATE:
            pair = self._state("です" if polite else "だ")
        elif self.rng.random() < 0.2:
            pair = self._question()
        else:
            pair = self._clause(polite=polite)
        ja, en = pair
        asks = en.endswith("?")
        return f"{ja}{'？' if asks else '。'}", f"{en[0].upper()}{en[1:]}{'' if asks else '.'}"

    # What is done ---------------------------------------------------------------------------------

    def _clause(self, *, polite: bool = False, joins: bool = False) -> Pair:
        """Somebody does something; with `joins`, said so that a conjunction can follow."""
        subject, subject_en = self._pick(self.grammar.subjects)
        group = self._group()
        while joins and not group.joins:
            group = self._group()
        negative = self.rng.random() < 0.2 or subject_en == "nobody"
        verb, verb_en, thing, thing_en = self._deed()
        ja = f"{thing}{group.japanese(verb, negative=negative, polite=polite)}"
        en = group.english(subject_en, verb_en, negative=negative and subject_en != "nobody")
        en = f"{en} {thing_en}".strip()
        if self.rng.random() < 0.25:
            place, place_en = self._place("で")
            ja, en = place + ja, f"{en} {place_en}"
        if self.rng.random() < 0.35:
            time, time_en = self._pick(group.when_not if negative else group.when)
            ja, en = time + ja, f"{en} {time_en}"
        return f"{self._who(subject)}{ja}", en

    def _question(self) -> Pair:
        subject, subject_en = self._pick(self.grammar.subjects)
        while subject_en == "nobody":
            subject, subject_en = self._pick(self.grammar.subjects)
        group = self._group()
        verb, verb_en, thing, thing_en = self._deed()
        done = group.japanese(verb, negative=False, polite=self.rng.random() < 0.6)
        asks = re.sub("だ$", "な", done) + ("か" if _POLITE.search(done) else "の")  # つもりなの
        auxiliary, rest = group.parts(subject_en, verb_en)
        who = self._who(subject) if self.rng.random() < 0.7 else ""
        if self.rng.random() < 0.4:
            return (
                f"{who}{thing}{asks}",
                f"{auxiliary} {subject_en} {rest} {thing_en}".strip() + "?",
            )
        asked = self.grammar.asked
        word, word_en, part = asked[int(self.rng.integers(len(asked)))]
        if part == "object":
            thing, thing_en = "", ""
        with_en = " with" if part == "with" else ""
        question = f"{word_en} {auxiliary} {subject_en} {rest} {thing_en}".strip()
        return f"{who}{word}{thing}{asks}", f"{question}{with_en}?"

    def _request(self) -> Pair:
        requests = self.grammar.requests
        form, ending, frame = requests[int(self.rng.integers(len(requests)))]
        verb, verb_en, thing, thing_en = self._deed()
        forms = {
            key: f"{value} {thing_en}".strip() for key, value in inflect_english(verb_en).items()
        }
        return f"{thing}{inflect(verb)[form]}{ending}", frame.format(**forms)

    # How things are -------------------------------------------------------------------------------

    def _state(self, end: str) -> Pair:
        """How something is, where, whose, how many; `end` is だ or です."""
        thing, thing_en = self._thing()
        return self.states[int(self.rng.integers(len(self.states)))](thing, thing_en, end)

    def _is_adjective(self, thing: str, thing_en: str, end: str) -> Pair:
        past, negative = self.rng.random() < 0.3, self.rng.random() < 0.2
        verb_en = ("was" if past else "is") + (" not" if negative else "")
        degree, degree_en = self._pick(
            (("", ""), ("", ""), ("とても", "very "), ("本当に", "really "), ("もっと", "more "))
        )
        if self.rng.random() < 0.6:
            adjective, en = self.words.i_adjectives.pick(self.rng)
            ending = (
                ("くなかった" if past else "くない") if negative else "かった" if past else "い"
            )
            ja = adjective[:-1] + ending + ("です" if end == "です" else "")
        else:
            adjective, en = self.words.na_adjectives.pick(self.rng)
            was = "でした" if end == "です" else "だった"
            is_not = "ではありません" if end == "です" else "ではない"
            ja = adjective + (
                ("ではなかった" if past else is_not) if negative else was if past else end
            )
        if self.rng.random() < 0.1:
            return f"{thing}は{degree}{ja}か", f"{verb_en.split()[0]} {thing_en} {degree_en}{en}?"
        return f"{thing}は{degree}{ja}", f"{thing_en} {verb_en} {degree_en}{en}"

    def _is_noun(self, thing: str, thing_en: str, end: str) -> Pair:
        these = (("これ", "this"), ("それ", "that"), ("あれ", "that"))
        subject, subject_en = self._pick((*self.grammar.subjects, *these))
        ending, verb = self._pick(self.grammar.being)
        verb = _agreeing(verb, subject_en)
        return (
            f"{self._who(subject)}{thing}{ending.format(end=end)}",
            f"{subject_en} {verb} {thing_en}",
        )

    def _there_is(self, thing: str, thing_en: str, end: str) -> Pair:
        alive = self.rng.random() < 0.3
        if alive:
            thing, thing_en = self._noun(PERSON if self.rng.random() < 0.6 else ANIMAL)
        else:
            thing, thing_en = self._noun()
        place, place_en = self._place("に")
        counts = [(number, f"are {number_en}") for number, number_en in self.grammar.numbers]
        many, many_en = self._pick((("", "is"), ("たくさん", "are many"), *counts))
        things = _with_article(thing_en) if many_en == "is" else plural(thing_en)
        verb = (
            ("います" if alive else "あります") if end == "です" else ("いる" if alive else "ある")
        )
        return f"{place}{thing}が{many}{verb}", f"there {many_en} {things} {place_en}"

    def _asked_of(self, thing: str, thing_en: str, end: str) -> Pair:
        question, frame = self._pick(self.grammar.asked_of)
        if "kind of {}" in frame or "whose {}" in frame:
            thing, thing_en = self._noun()
        return question.format(thing), frame.format(thing_en)

    def _feels(self, thing: str, thing_en: str, end: str) -> Pair:
        subject, subject_en = self._pick(self.grammar.subjects)
        ending, verb = self._pick(self.grammar.feels)
        verb = _agreeing(verb, subject_en)
        return (
            f"{self._who(subject)}{thing}{ending.format(end=end)}",
            f"{subject_en} {verb} {thing_en}",
        )

    def _compared(self, thing: str, thing_en: str, end: str) -> Pair:
        other, other_en = self._thing()
        adjective, en = self.words.i_adjectives.pick(self.rng)
        ja, frame = self._pick(self.grammar.compared)
        return ja.format(thing, other, adjective, adjective[:-1]), frame.format(
            thing_en, other_en, en
        )

    # Parts ----------------------------------------------------------------------------------------

    def _pick(self, pairs: Sequence[Pair]) -> Pair:
        return pairs[int(self.rng.integers(len(pairs)))]

    def _group(self) -> Group:
        return self.grammar.groups[int(self.rng.integers(len(self.grammar.groups)))]

    def _who(self, subject: str) -> str:
        if subject.endswith("も"):  # 誰も
            return subject
        return subject + ("が" if self.rng.random() < 0.2 else "は")

    def _place(self, particle: str) -> Pair:
        place, place_en = self._pick(self.grammar.places)
        return place + particle, place_en

    def _thing(self, kind: int | None = None) -> Pair:
        """A noun with what stands before it."""
        noun, noun_en = self._noun(kind)
        draw = self.rng.random()
        if draw < 0.35:
            return noun, f"the {noun_en}" if self.rng.random() < 0.5 else _with_article(noun_en)
        if draw < 0.45:
            return noun, noun_en
        if draw < 0.75:
            owner, owner_en = self._pick(self.grammar.owners)
            return owner + noun, f"{owner_en} {noun_en}"
        if draw < 0.87:
            adjective, en = self.words.i_adjectives.pick(self.rng)
            return adjective + noun, _with_article(f"{en} {noun_en}")
        adjective, en = self.words.na_adjectives.pick(self.rng)
        return f"{adjective}な{noun}", _with_article(f"{en} {noun_en}")

    def _noun(self, kind: int | None = None) -> Pair:
        nouns = self.words.nouns if kind is None else self.words.kinds[kind]
        return nouns.pick(self.rng)

    def _deed(self) -> tuple[str, str, str, str]:
        """A verb and what it is done to, with its particle, or nothing; each in both languages."""
        if self.rng.random() < 0.35:
            verb, verb_en = self.words.intransitive.pick(self.rng)
            return verb, verb_en, "", ""
        verb, verb_en = self.words.transitive.pick(self.rng)
        kind = self.words.object_kinds[verb_en]
        if kind == MOTION and self.rng.random() < 0.5:
            place, place_en = self._pick(self.grammar.places)
            return verb, verb_en, f"{place}に", _PREPOSITION.sub("to ", place_en)
        wanted = {CONSUMPTION: FOOD, SPEECH: COMMUNICATION}.get(kind)
        if wanted is None and self.rng.random() < 0.5:
            likely = (ARTIFACT, PERSON, COMMUNICATION, PLACE, ANIMAL)
            wanted = likely[int(self.rng.choice(5, p=(0.5, 0.25, 0.1, 0.1, 0.05)))]
        thing, thing_en = self._thing(wanted)
        return verb, verb_en, f"{thing}を", thing_en


def _agreeing(verb: str, subject: str) -> str:
    """be, was, or a verb that is not inflected, as the subject has it: am interested in, wants to be."""
    first, _, rest = verb.partition(" ")
    if first in ("is", "be", "was"):
        first = be(subject, past=first == "was")
    elif first not in ("must", "may", "will", "became") and takes_s(subject):
        first = "does" if first == "do" else inflect_english(first)["s"]
    return f"{first} {rest}".strip()


def _with_article(noun: str) -> str:
    return f"{'an' if noun[0].lower() in 'aeiou' else 'a'} {noun}"
