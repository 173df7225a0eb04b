"""Whether passages say what a statement says, where it does not quote: by likeness, not by logic.

The statement has to be matched by the passages in meaning, must be no sentence of theirs with a
word put in another's place, and must not deny what they assert. That is less than understanding: a
wrong statement made of the passage's own words, in a new order, passes.
"""

from __future__ import annotations

import re
from difflib import SequenceMatcher

from qa_service.answering.evidence import Evidence
from qa_service.answering.quotes import Parts
from qa_service.answering.words import clauses, content_words, letters_of, share_in_letters

# Two measures, from 0 to 1: the share of the statement's piece weight that the cited passages match
# (MaxSim), and the share of its character pairs that stand in them (Japanese about Japanese alone).
# Found on the chapter and on tests/answering/data/paraphrases.toml:
# - the chapter's sentences reach 1.0 and 1.0 in their passage; in the 3,686 pairs with a passage that
#   does not hold them, MaxSim is 0.23 in the median and 0.75 at the 99th percentile, character pairs
#   0.13 and 0.51. 29 pairs pass both, 16 of them all checks: rows and captions that say the same;
# - ten Japanese paraphrases have 0.69 to 1.0 and 0.58 to 0.87;
# - eighteen English ones have a MaxSim of 0.29 to 0.69 (tenth percentile 0.45), and with other
#   passages 0.15 in the median, 0.39 at the 95th percentile, 0.56 at the 99th.
SAME_LANGUAGE_SHARE = 0.68
SAME_LANGUAGE_PAIRS = 0.6
OTHER_LANGUAGE_SHARE = 0.45
# With this share of the passages' character pairs a Japanese statement is a copy: a word in it that
# they do not have was put in another's place. In freer words, one in six may be the writer's own.
_COPY_PAIRS = 0.8
_COPY_SHARE = 0.9  # of the letters, in order: from here on, no word at all may be another
_OWN_WORDS = 1 / 6
_SYNONYM_SHARE = 0.6  # 公賓 for 国賓: 0.68; 縮小 for 強化: 0.03
# A sentence of another language around a quote of the passage, without the quote; set by hand. "The
# joint statement says" is too short to be judged.
FRAME_SHARE = 0.25
_FRAME_CHARACTERS = 40
_CLAUSE_PAIRS = 0.6  # two clauses say the same thing from here on, or its contrary

# 2015
_DIGITS = re.compile(r"[0-9]+")
# 9, a, ア, 国: all but hiragana
_CONTENT = re.compile(r"[0-9a-z\u00df-\u024f\u30a1-\u30fa\u3400-\u9fff]")
_TURNING = frozenset("不非未無反否")  # 不可能, 非公式
_OWN_COUNTRY = frozenset(["わが国", "我が国", "日本", "米国", "アメリカ", "わが", "本", "我"])
# しない, ません, せず, 行わなかった, ではなく, 許容してはならず
_DENIAL = re.compile(
    r"ない|なかった|なく(?!な[りるっ])|なければ|ません|ぬ(?=[。、とがの]|$)|ず(?=[、。に]|$)|ざる"
)
# しなければならない (must), のみならず, 隙のない: no denials of what the clause says.
_NO_DENIAL = re.compile(
    r"な(?:ければ|くては)な(?:らない|らず|りません|らなく(?=な[るっ]))|のみならず|だけで(?:は)?なく|(?:にも)?(?:かか|拘)わらず|問わず|"
    r"(?:隙|切れ目|兆候|絶え間)の?ない|少なくない|ほかならない|やむを得(?:ない|ず)|まず|必ず|いず|はず|たゆまず|絶えず|先ず|[みも]ならず"
)
# does not, isn't, without
_ENGLISH_DENIAL = re.compile(
    r"\b(?:not|never|no|without|neither|nor|cannot|none)\b|n['’]t\b", re.IGNORECASE
)
_WEAK_DENIAL = re.compile(r"[不非無未難困防禁否拒]|抑止|反対")  # 困難, 防ぐ, 不可
# Words with which a writer speaks of a passage: …と述べている, …とされている, この文書では.
_FRAME_WORDS = frozenset(
    "こと もの ため 旨 文書 白書 記述 説明 明記 記載 言及 指摘 規定 通り とおり 具体的 以下 次 上記 "
    "内容 概要 引用 表現 名称 正式名称 略称 意味 同 本 これ それ 前 後 際 なか 中 等 など 者 的 年 月 日".split()
)


def content_stands(text: str, parts: Parts, language: str, evidence: Evidence) -> bool:
    """Whether the passages say what the statement, written in `language`, says."""
    if language != evidence.language:
        return _stands_across_languages(text, parts.outside, evidence)
    share = evidence.share(text)
    if language != "ja":
        return share >= SAME_LANGUAGE_SHARE
    pairs = evidence.pairs(text)
    if share < SAME_LANGUAGE_SHARE or pairs < SAME_LANGUAGE_PAIRS:
        return False
    return not (
        _is_altered_copy(text, evidence)
        or _has_strange_words(parts.own_words, pairs, evidence)
        or _denies(parts.own_words, evidence)
    )


def _stands_across_languages(text: str, outside: str, evidence: Evidence) -> bool:
    if evidence.share(text) < OTHER_LANGUAGE_SHARE or _denies_english(outside, evidence):
        return False
    # A long frame around a true quote has to be about the same thing, too.
    return len(outside) < _FRAME_CHARACTERS or evidence.share(outside) >= FRAME_SHARE


def _is_altered_copy(text: str, evidence: Evidence) -> bool:
    """Whether the statement is a sentence of the passages with a word or number put in another's
    place, or turned by 不 or 非. What is left out or said besides is no alteration."""
    own = letters_of(text)
    if _DIGITS.search(own) and _DIGITS.sub("", own) in _DIGITS.sub("", evidence.folded):
        return own not in evidence.folded
    source = max(evidence.sentences, key=lambda other: share_in_letters(text, other), default="")
    matcher = SequenceMatcher(None, source, own, autojunk=False)
    blocks = matcher.get_opcodes()
    kept = sum(end - start for kind, _, _, start, end in blocks if kind == "equal")
    if kept < len(own) * _COPY_SHARE:
        return False
    for kind, start, end, own_start, own_end in blocks:
        before, after = source[start:end], own[own_start:own_end]
        if kind == "replace" and _CONTENT.search(before) and _CONTENT.search(after):
            if not {before, after} <= _OWN_COUNTRY:
                return True
        elif kind == "insert" and after in _TURNING:
            return True
    return False


def _has_strange_words(own_words: str, pairs: float, evidence: Evidence) -> bool:
    """Whether too many words of the statement have no like in the passages."""
    words = [word for word in content_words(own_words) if word.surface not in _FRAME_WORDS]
    strange = [
        word
        for word in words
        if not word.forms & evidence.words
        and word.surface not in evidence.folded
        and evidence.share(word.surface) < _SYNONYM_SHARE
    ]
    return len(strange) > (0 if pairs >= _COPY_PAIRS else len(words) * _OWN_WORDS)


def _denies(text: str, evidence: Evidence) -> bool:
    """Whether a clause denies what its likest clause in the passages asserts, or the reverse."""
    for clause in clauses(text):
        best = max(
            evidence.clauses,
            key=lambda other: share_in_letters(clause, letters_of(other)),
            default="",
        )
        alike = share_in_letters(clause, letters_of(best)) >= _CLAUSE_PAIRS
        denied = _is_denied(clause)
        if denied != _is_denied(best) and (alike or denied):
            return True
    return False


def _is_denied(clause: str) -> bool:
    return _DENIAL.search(_NO_DENIAL.sub("", clause)) is not None


def _denies_english(text: str, evidence: Evidence) -> bool:
    """Only whether the statement denies while the passages deny nothing at all."""
    return _ENGLISH_DENIAL.search(text) is not None and not any(
        _is_denied(clause) or _WEAK_DENIAL.search(clause) for clause in evidence.clauses
    )
