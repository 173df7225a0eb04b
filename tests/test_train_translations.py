"""What the table of translations takes from the dictionary (scripts/train_translations.py)."""

from __future__ import annotations

import pytest
from train_translations import dictionary_glosses, short_units, whole_expression


@pytest.mark.parametrize(
    ("gloss", "expression"),
    [
        ("human rights", "human right"),
        ("the Ministry of Defense", "ministry defense"),
        ("status of forces agreement", "status force agreement"),
        ("deterrence", None),  # one word: learned from the texts
        ("to put into practice", None),  # a stop word parts it
        ("joint, several", None),
        ("one two three four five", None),
        ("", None),
    ],
)
def test_a_gloss_of_several_words_is_an_expression(gloss: str, expression: str | None) -> None:
    assert whole_expression(gloss) == expression


def test_an_aside_in_front_is_read_with_and_without() -> None:
    entries = [("宇宙空間", "(outer) space"), ("町役場", "(esp. in Tokyo) town hall (building)")]
    assert set(dictionary_glosses(entries)) == {
        ("宇宙空間", "space"),
        ("宇宙空間", "outer space"),
        ("町役場", "town hall"),
    }


def test_a_word_is_its_short_units() -> None:
    assert short_units("防衛省") == ["防衛", "省"]
    assert short_units("共同声明") == ["共同", "声明"]
