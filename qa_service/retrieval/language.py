"""Which language a question is in, told from its script and a few function words.

Questions are short, and a statistical detector mistakes short Japanese for Chinese; the script
decides almost every case that matters here. A text of only Chinese characters could be either: it
is Chinese when it has a character or a word that Japanese does not write.
"""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise

from qa_service.retrieval.han import fold_to_japanese

_KANA = re.compile(r"[\u3041-\u3096\u30A1-\u30FA\uFF66-\uFF9D]")  # の, ガ, ｶﾞ
_HIRAGANA = re.compile(r"[\u3041-\u3096]")  # の: no Japanese sentence is without
_HANGUL = re.compile(r"[\u1100-\u11FF\u3131-\u318E\uAC00-\uD7A3]")  # 미일
_HAN = re.compile(r"[\u3400-\u4DBF\u4E00-\u9FFF\uF900-\uFAFF]")  # 協議
# 是什么, 什麼, 哪, 吗 …: words that a Chinese question can hardly do without. Characters that Japanese
# writes too (是正, 国是, 多少, 如何) count only in a combination that it does not.
_CHINESE_WORD = re.compile(
    r"是什|是否|是谁|是誰|是不是|是哪|的是|什麼|甚麼|哪|嗎|麼|們|這|關於|請問|怎|多少[个個人次年钱錢]|[？?]了"
)
_OTHER_SCRIPTS = {
    "CYRILLIC": "ru",
    "ARABIC": "ar",
    "THAI": "th",
    "DEVANAGARI": "hi",
    "GREEK": "el",
    "HEBREW": "he",
}
_FUNCTION_WORDS = {
    "en": "the of is are what which who when where how does do did was were in on to and a for",
    "fr": "le la les des est que quel quelle qui où quand comment du une et dans pour sont",
    "de": "der die das ist was welche wer wann wo wie und ein eine im für den sind von",
    "es": "el la los las es qué cuál quién cuándo dónde cómo y una del para son en por",
    "pt": "o os as é que qual quem quando onde como e uma do da para são em por",
    "it": "il lo gli è che quale chi quando dove come e una del della per sono di",
    "vi": "là gì của và các những được khi nào ở đâu như thế cho có",
    "id": "apa yang adalah siapa kapan di mana bagaimana dan untuk dari dengan itu",
}

# 「拡大抑止」, 「日米「2+2」の開催」, 『…』, “…”, "…"
QUOTED = re.compile(r"「((?:[^「」]|「[^「」]*」)+)」|『([^『』]+)』|“([^“”]+)”|\"([^\"]+)\"")
_SENTENCE_WORDS = 2  # function words that make a sentence: What is 日米合同委員会?
_OLD_FORMS = 2  # one may stand in a Japanese name: 國


def detect_language(text: str, *, default: str = "en") -> str:
    """A BCP 47 code: ja, zh, ko, en or another; `default` where nothing tells (numbers alone).

    What is quoted does not count: What is “拡大抑止”? is asked in English. Nor do names alone: What
    does 図表Ⅲ-2-1-1 show?
    """
    unquoted = QUOTED.sub(" ", text)
    if any(character.isalpha() for character in unquoted):
        text = unquoted
    if _HANGUL.search(text):
        return "ko"
    if not _HIRAGANA.search(text) and (language := _language_of_words(text)):
        return language
    if _KANA.search(text):
        return "ja"
    if _HAN.search(text):
        return "zh" if _is_chinese(text) else "ja"
    for character in text:
        if character.isalpha() and not character.isascii():
            script = unicodedata.name(character, "").split(" ")[0]
            if script in _OTHER_SCRIPTS:
                return _OTHER_SCRIPTS[script]
    return _latin_language(text, default)


def primary_language(tag: str) -> str:
    """The language of a BCP 47 tag without script and region: ja-JP -> ja, zh-Hant-TW -> zh."""
    return tag.replace("_", "-").split("-")[0].lower()


def _is_chinese(text: str) -> bool:
    """True for 请说明侵略 (请 and 说 are not in the Japanese character set) and 聯合委員會 (two forms that
    Japan has given up), false for 日米安保条約."""
    for character in _HAN.findall(unicodedata.normalize("NFKC", text)):
        try:
            character.encode("cp932")
        except UnicodeEncodeError:
            return True
    if _CHINESE_WORD.search(text) is not None:
        return True
    folded = fold_to_japanese(text)
    return sum(a != b for a, b in zip(text, folded, strict=False)) >= _OLD_FORMS


def _language_of_words(text: str) -> str | None:
    """The language in Latin letters of which the text has several function words."""
    counts = _function_words(text)
    best = max(counts, key=counts.__getitem__, default=None)
    return best if best and counts[best] >= _SENTENCE_WORDS else None


def _latin_language(text: str, default: str) -> str:
    counts = _function_words(text)
    if not counts:
        return default
    ranked = sorted(counts.items(), key=lambda item: -item[1])
    (best, most), (_, second) = next(pairwise(ranked))
    # A tie (or no function word at all, as in "SDC") is English, the likelier of the two.
    return best if most > second else "en"


def _function_words(text: str) -> dict[str, int]:
    """How many words of the text each language has among its function words; empty without words."""
    words = re.findall(r"[^\W\d_]+", text.lower())  # "What", "où"
    return {
        language: sum(word in vocabulary.split() for word in words)
        for language, vocabulary in _FUNCTION_WORDS.items()
        if words
    }
