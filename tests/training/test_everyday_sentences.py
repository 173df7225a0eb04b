"""The everyday sentences that the built-in model is taught with (scripts/training/everyday_sentences.py)."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from training.everyday_grammar import Grammar, read_grammar
from training.everyday_sentences import Speaker
from training.everyday_vocabulary import Vocabulary, sort_words
from training.inflection import inflect, inflect_english, plural
from training.wordnet import FOOD, PERSON, Verb, Wordnet, read_wordnet, wordnet_texts
from training.words import Words

WORDNET = Wordnet(
    nouns={"apple": FOOD, "teacher": PERSON, "book": 6, "news": 10, "park": 15, "dog": 5},
    verbs={
        "eat": Verb(34, True, False),
        "sleep": Verb(29, False, True),
        "say": Verb(32, True, False),
    },
    adjectives=frozenset({"beautiful", "quiet"}),
)
PAIRS = [
    ("りんご", "apple"), ("教師", "teacher"), ("本", "book"), ("ニュース", "news"), ("公園", "park"), ("犬", "dog"),
    ("食べる", "to eat"), ("眠る", "to sleep"), ("言う", "to say"), ("寝る", "to go to bed"),
    ("美しい", "beautiful"), ("静か", "quiet"), ("ある", "a certain (thing)"),
]  # fmt: skip


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    return sort_words(Words(PAIRS, np.full(len(PAIRS), 1 / len(PAIRS))), WORDNET)


@pytest.fixture(scope="module")
def grammar() -> Grammar:
    return read_grammar()


@pytest.mark.parametrize(
    ("verb", "forms"),
    [
        ("書く", "書き 書か 書いて 書いた 書ける 書かれる 書こう"),
        ("泳ぐ", "泳ぎ 泳が 泳いで 泳いだ 泳げる 泳がれる 泳ごう"),
        ("買う", "買い 買わ 買って 買った 買える 買われる 買おう"),
        ("待つ", "待ち 待た 待って 待った 待てる 待たれる 待とう"),
        ("帰る", "帰り 帰ら 帰って 帰った 帰れる 帰られる 帰ろう"),
        ("行く", "行き 行か 行って 行った 行ける 行かれる 行こう"),
        ("食べる", "食べ 食べ 食べて 食べた 食べられる 食べられる 食べよう"),
        ("見る", "見 見 見て 見た 見られる 見られる 見よう"),
        ("勉強する", "勉強し 勉強し 勉強して 勉強した 勉強できる 勉強される 勉強しよう"),
        ("来る", "来 来 来て 来た 来られる 来られる 来よう"),
        ("くる", "き こ きて きた こられる こられる こよう"),
    ],
)
def test_japanese_verbs(verb: str, forms: str) -> None:
    found = inflect(verb)
    names = ("stem", "nai", "te", "past", "can", "passive", "will")
    assert " ".join(found[name] for name in names) == forms
    assert found["plain"] == verb


@pytest.mark.parametrize(
    ("phrase", "forms"),
    [
        ("look for", "looks for|looked for|looked for|looking for"),
        ("write", "writes|wrote|written|writing"),
        ("stop", "stops|stopped|stopped|stopping"),
        ("study", "studies|studied|studied|studying"),
        ("play", "plays|played|played|playing"),
        ("use", "uses|used|used|using"),
        ("agree", "agrees|agreed|agreed|agreeing"),
        ("die", "dies|died|died|dying"),
        ("have", "has|had|had|having"),
        ("be", "is|was|been|being"),
        ("watch", "watches|watched|watched|watching"),
    ],
)
def test_english_verbs(phrase: str, forms: str) -> None:
    found = inflect_english(phrase)
    assert "|".join(found[name] for name in ("s", "ed", "en", "ing")) == forms


@pytest.mark.parametrize(
    ("noun", "many"),
    [
        ("dog", "dogs"),
        ("box", "boxes"),
        ("city", "cities"),
        ("day", "days"),
        ("old man", "old men"),
    ],
)
def test_plurals(noun: str, many: str) -> None:
    assert plural(noun) == many


@pytest.mark.parametrize(
    ("subject", "negative", "polite", "japanese", "english"),
    [
        ("she", False, False, "書く", "she writes"),
        ("they", False, True, "書きます", "they write"),
        ("she", True, True, "書きません", "she doesn't write"),
        ("I", True, False, "書かない", "I don't write"),
    ],
)
def test_a_group_in_both_languages(
    grammar: Grammar, subject: str, negative: bool, polite: bool, japanese: str, english: str
) -> None:
    group = grammar.groups[0]
    assert group.japanese("書く", negative=negative, polite=polite) == japanese
    assert group.english(subject, "write", negative=negative) == english


@pytest.mark.parametrize(
    ("head", "negative", "japanese", "english"),
    [
        ("stop", True, "書くのをやめなかった", "I didn't stop writing"),
        ("going to", False, "書くつもりだ", "I am going to write"),
        ("want to", True, "書きたくない", "I don't want to write"),
    ],
)
def test_a_group_with_a_verb_of_its_own(
    grammar: Grammar, head: str, negative: bool, japanese: str, english: str
) -> None:
    group = next(group for group in grammar.groups if group.head == head)
    assert group.japanese("書く", negative=negative, polite=False) == japanese
    assert group.english("I", "write", negative=negative) == english


def test_every_group_can_be_said(grammar: Grammar) -> None:
    said = {
        (group.japanese("書く", negative=n, polite=p), group.english("I", "write", negative=n))
        for group in grammar.groups
        for n in (False, True)
        for p in (False, True)
    }
    english = {each for _, each in said}
    assert {
        "I am going to write",
        "I couldn't write",
        "I am not writing",
        "I haven't written",
    } <= english
    assert ("書くことができませんでした", "I couldn't write") not in said
    assert ("書けなかった", "I couldn't write") in said


def test_words_are_sorted_by_what_they_are(vocabulary: Vocabulary) -> None:
    assert [gloss for _, gloss in vocabulary.transitive.pairs] == ["eat", "say"]
    assert [gloss for _, gloss in vocabulary.intransitive.pairs] == ["sleep", "go to bed"]
    assert vocabulary.i_adjectives.pairs == [("美しい", "beautiful")]
    assert vocabulary.na_adjectives.pairs == [("静か", "quiet")]
    assert vocabulary.kinds[FOOD].pairs == [("りんご", "apple")]
    assert len(vocabulary.nouns.pairs) == 6


def test_sentences_are_whole(grammar: Grammar, vocabulary: Vocabulary) -> None:
    speaker = Speaker(grammar, vocabulary, np.random.default_rng(0))
    made = [speaker.sentence() for _ in range(3_000)]
    for ja, en in made:
        assert en[0].isupper()
        assert (ja[-1], en[-1]) in {("。", "."), ("？", "?")}
        assert "{" not in ja + en
        assert "  " not in en
        assert not re.search(r"\b(?:I|we|they) (?:is|was not|has)\b|\bkind of an? |in home", en), en
        assert not re.search(r"\b(?:two|ten|many|whose) (?:an?|the|my|this)\b", en), en
        assert not re.search("だ(?:ので|とき|なら|の？)|だろう(?:ので|の)", ja), ja
    assert len(set(made)) > 2_000
    eaten = [en for ja, en in made if ja.endswith("りんごを食べる。")]
    assert eaten
    assert all("apple" in en for en in eaten)


# WordNet ----------------------------------------------------------------------------------------


@pytest.fixture
def wordnet_folder(tmp_path: Path) -> Path:
    licence = "  1 This software and database is being provided to you\n"
    breathe = (
        "00001740 29 v 02 breathe 0 take_a_breath 0 001 @ 00001 v 0000 02 + 02 00 + 08 00 | draw air "
        'into the lungs; "I can breathe better"; "he is breathing"  \n'
    )
    for kind in ("noun", "verb", "adj", "adv"):
        (tmp_path / f"data.{kind}").write_text(licence + breathe, encoding="latin-1")
        index = f"take_a_breath {kind[0]} 1 1 @ 1 0 00001740  \n"
        (tmp_path / f"index.{kind}").write_text(licence + index, encoding="latin-1")
    return tmp_path


def test_a_verb_goes_with_what_its_frames_say(wordnet_folder: Path) -> None:
    read = read_wordnet(wordnet_folder)
    assert read.verbs == {"take a breath": Verb(29, with_object=True, without_object=True)}
    assert read.nouns == {"take a breath": 29}
    assert read.adjectives == {"take a breath"}


def test_a_definition_its_examples_and_words_are_read(wordnet_folder: Path) -> None:
    read = set(wordnet_texts(wordnet_folder, np.random.default_rng(0)))
    assert read - {"breathe: draw air into the lungs", "breathe"} == {
        "draw air into the lungs",
        "I can breathe better",
        "he is breathing",
    }
