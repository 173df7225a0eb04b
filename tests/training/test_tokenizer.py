"""The tokenizer that the built-in model is trained with (scripts/training/tokenizer.py)."""

from __future__ import annotations

import json

import pytest
from tokenizers import Regex, Tokenizer, models, pre_tokenizers
from training.tokenizer import _JAPANESE_RUN, UNKNOWN, with_common_words

JAPANESE = {"抱きしめ": 1e-5, "同盟は": 1e-9, "一緒": 1e-4, "サーバ": 1e-5, "長すぎる言葉": 1e-3}
ENGLISH = {"deterrence": 1e-6, "walked": 1e-5, "walk": 1e-5, "ab": 1e-3}


@pytest.fixture
def tokenizer() -> Tokenizer:
    """Single characters, 同盟 and walk, cut at changes of script."""
    characters = sorted({*"".join((*JAPANESE, *ENGLISH)), *"同盟たを"})
    pieces = [
        (UNKNOWN, 0.0),
        *((each, -6.0) for each in characters),
        ("同盟", -5.0),
        ("walk", -5.0),
    ]
    made = Tokenizer(models.Unigram(pieces, unk_id=0))
    split = pre_tokenizers.Split(Regex(_JAPANESE_RUN), "isolated")
    made.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), split])
    return made


def test_common_words_come_on_top_the_commonest_first(tokenizer: Tokenizer) -> None:
    size = tokenizer.get_vocab_size()
    grown = with_common_words(tokenizer, ENGLISH, JAPANESE, vocabulary=size + 4, longest_piece=4)
    before, after = (set(each.get_vocab()) for each in (tokenizer, grown))
    assert before < after
    assert after - before == {"一緒", "抱きしめ", "サーバ", "deterrence"}


def test_a_word_may_hold_kanji_and_kana_and_nothing_else_does(tokenizer: Tokenizer) -> None:
    size = tokenizer.get_vocab_size()
    grown = with_common_words(tokenizer, ENGLISH, JAPANESE, vocabulary=size + 4, longest_piece=4)
    assert tokenizer.encode("抱きしめた").tokens == ["抱", "き", "し", "め", "た"]
    assert grown.encode("抱きしめた").tokens == ["抱きしめ", "た"]
    for text in ("同盟は", "同盟を", "walked", "サーバを"):
        assert grown.encode(text).tokens[0] in ("同盟", "walk", "サーバ")


def test_pieces_and_their_order_stay(tokenizer: Tokenizer) -> None:
    """The vectors of an earlier model are found by the place of a piece."""
    size = tokenizer.get_vocab_size()
    grown = with_common_words(tokenizer, ENGLISH, JAPANESE, vocabulary=size + 2, longest_piece=4)
    earlier, later = (json.loads(each.to_str())["model"]["vocab"] for each in (tokenizer, grown))
    assert later[:size] == earlier
    assert all(score == round(score, 4) for _, score in later)
    assert len(later) == size + 2
