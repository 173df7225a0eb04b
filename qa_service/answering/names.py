"""Names in a statement, looked up in the passages that it cites, across languages where need be.

People and places by Sudachi's proper names, countries by a small table, acronyms by themselves and by
the names that the documents declare to be the same, an English family name by its sound (Kishida =
岸田). Names of other things in other languages than Japanese are left to `verify`'s measure of meaning.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from qa_service.answering.places import plain_text
from qa_service.retrieval.terms import fold, morphemes

# What one country is called: English words, then Japanese ones.
_COUNTRIES = tuple(
    (frozenset(english.split("|")), japanese)
    for english, japanese in (
        ("japan|japanese|tokyo", "わが国 我が国 日本 日米 日米韓 日豪 東京"),
        ("u.s|us|usa|united states|america|american|washington", "米 アメリカ ワシントン"),
        ("china|chinese|prc|beijing", "中国 中華 日中 米中 北京"),
        ("russia|russian|moscow|soviet", "ロシア ソ連 露 モスクワ"),
        ("north korea|north korean|dprk|pyongyang", "北朝鮮"),
        ("south korea|south korean|republic of korea|rok|seoul|korea|korean", "韓 朝鮮"),
        ("australia|australian|canberra", "オーストラリア 豪"),
        ("india|indian", "インド(?!太平洋|ネシア)"),
        ("indonesia|indonesian", "インドネシア"),
        ("philippines|philippine|manila", "フィリピン"),
        ("thailand|thai", "タイ"),
        ("vietnam|vietnamese", "ベトナム"),
        ("taiwan|taiwanese", "台湾"),
        ("ukraine|ukrainian", "ウクライナ"),
        ("united kingdom|uk|britain|british|london", "英 イギリス"),
        ("france|french|paris", "フランス 仏"),
        ("germany|german|berlin", "ドイツ"),
        ("italy|italian|rome", "イタリア"),
        ("canada|canadian", "カナダ"),
        ("iran|iranian", "イラン"),
        ("israel|israeli", "イスラエル"),
        ("nato", "NATO 北大西洋条約機構"),
        ("european union|eu", "EU 欧州連合"),
        ("united nations|un", "国連 国際連合 UN"),
        ("hawaii|hawaiian", "ハワイ"),
    )
)  # fmt: skip
_LATIN_WORD = re.compile(
    r"(?<![A-Za-z])[A-Za-z]\.(?:[A-Za-z]\.?)+|[A-Za-z][A-Za-z&'’]*[A-Za-z]"
)  # U.S., DICAS
_ACRONYM = re.compile(r"^[A-Z][A-Z&.]*[A-Z]s?$")  # ISR, FOIP, SDCs
# Prime Minister Kishida, Secretary of Defense Lloyd Austin, Mr. Kihara: the last of the names.
_TITLED = re.compile(
    r"\b(?:Minister|Secretary|President|Chancellor|General|Admiral|Ambassador|Governor|Chairman|Mr|Ms|Mrs|Dr)\b\.?"
    r"(?:\s+(?:of|for)\s+(?:State|Defense|Defence|Foreign Affairs|the Army|the Navy|the Air Force))?"
    r"(?:\s+(?!and\b)[A-Z][a-z]+){0,2}?\s+(?P<name>[A-Z][a-z]{2,})(?!\s[A-Z][a-z])(?![a-z])"
)
_NO_PERSON = frozenset(
    ["Defense", "Defence", "State", "Foreign", "Affairs", "Meeting", "Meetings", "Level", "Treaty"]
)
_KANA_ROWS = {
    "k": "カキクケコ", "g": "ガギグゲゴ", "s": "サシスセソ", "z": "ザジズゼゾヂヅ", "t": "タチツテト",
    "d": "ダデド", "n": "ナニヌネノン", "h": "ハヒフヘホ", "b": "バビブベボヴ", "p": "パピプペポ",
    "m": "マミムメモ", "y": "ヤユヨ", "r": "ラリルレロ", "w": "ワ", "a": "アイウエオ",
}  # fmt: skip
_KANA_SOUNDS = {kana: sound for sound, row in _KANA_ROWS.items() for kana in row}
# English spellings of the sounds above, first to last.
_LATIN_SOUNDS = (
    (r"sh|th", "s"), (r"ch|ts|tch", "t"), (r"ph|f", "h"), (r"ck|q", "k"), (r"x", "ks"),
    (r"c(?=[eiy])", "s"), (r"c", "k"), (r"j", "z"), (r"l", "r"), (r"v", "b"), (r"m(?=[pb])", "n"),
    (r"h(?![aeiou])", ""), (r"r(?![aeiouy])", ""), (r"[aeiouwy]+", ""), (r"(.)\1+", r"\1"),
)  # fmt: skip
_ERAS = frozenset(["明治", "大正", "昭和", "平成", "令和"])
_TWO_PLUS_TWO = re.compile(r"[0-9]\+[0-9]")  # 2+2


@dataclass(frozen=True)
class Names:
    """What a text calls by name, and the text itself, to look names up in it."""

    folded: str
    aliases: tuple[tuple[str, ...], ...] = ()

    def holds(self, name: str) -> bool:
        """Whether the name, or another name for the same thing, stands in the text."""
        wanted = fold(name)
        if _stands_in(wanted, self.folded):
            return True
        return any(
            wanted in group and any(_stands_in(other, self.folded) for other in group)
            for group in self.aliases
        )

    def holds_person(self, name: str) -> bool:
        """Whether a Latin family name stands in the text, or a Japanese one that sounds like it."""
        return self.holds(name) or _consonants(name) in self._sounds

    @cached_property
    def _sounds(self) -> frozenset[str]:
        """岸田 -> ksd, オースティン -> stn: the consonants of the proper names' readings."""
        return frozenset(
            _consonants(_romanised(word.reading_form()))
            for word in morphemes(self.folded)
            if word.part_of_speech()[1] == "固有名詞"
        )

    def holds_country(self, english: str) -> bool | None:
        """None for a word that is no country's."""
        for names, japanese in _COUNTRIES:
            if english in names:
                return any(re.search(fold(name), self.folded) for name in japanese.split()) or any(
                    _stands_in(name, self.folded) for name in names
                )
        return None


def missing_name(statement: str, evidence: Names, *, language: str) -> bool:
    """Whether the statement, in `language`, names somebody or something that the evidence does not.

    Of languages other than Japanese, countries and acronyms alone are checked.
    """
    plain = plain_text(statement)
    if any(not evidence.holds(match.group()) for match in _TWO_PLUS_TWO.finditer(plain)):
        return True
    if language == "ja":
        words = (match.group() for match in _LATIN_WORD.finditer(plain))
        return any(not evidence.holds(word) for word in words) or _missing_japanese(plain, evidence)
    return _missing_english(plain, evidence)


def _missing_english(plain: str, evidence: Names) -> bool:
    lower = plain.lower()
    for names, _ in _COUNTRIES:
        for name in names:
            if (len(name) > 3 or name in ("prc", "rok")) and _stands_in(name, lower):
                if name in ("korea", "korean") and f"north {name}" in lower:
                    continue
                if not evidence.holds_country(name):
                    return True
    for match in _LATIN_WORD.finditer(plain):
        word = match.group()
        if (
            _ACRONYM.match(word.rstrip("."))
            and evidence.holds_country(word.lower().rstrip(".")) is not True
        ):
            bare = word[:-1] if word.endswith("s") else word
            if not evidence.holds(bare):
                return True
    return any(
        not evidence.holds_person(match["name"])
        for match in _TITLED.finditer(plain)
        if match["name"] not in _NO_PERSON
    )


def _missing_japanese(plain: str, evidence: Names) -> bool:
    """Proper names by Sudachi's part of speech; a title behind a name must stand there too."""
    folded = fold(plain)
    words = list(morphemes(folded))
    for place, word in enumerate(words):
        kind = word.part_of_speech()
        if kind[1] != "固有名詞" or word.surface() in _ERAS:
            continue
        name = word.surface()
        spellings = _spellings_of_country(name)
        if spellings:
            # インド in インド太平洋 is no country.
            named = any(re.search(spelling, folded) for spelling in spellings)
            if named and not any(re.search(spelling, evidence.folded) for spelling in spellings):
                return True
            continue
        if not evidence.holds(name):
            return True
        following = words[place + 1] if place + 1 < len(words) else None
        if (
            kind[2] == "人名"
            and following is not None
            and following.part_of_speech()[0] == "名詞"
            and following.part_of_speech()[1] == "普通名詞"
            and not re.search(
                f"{re.escape(name)}.{{0,8}}{re.escape(following.surface())}", evidence.folded
            )
        ):
            return True
    return False


def _romanised(kana: str) -> str:
    """キシダ -> kasasa…: the consonant of each kana with a vowel, enough for `_consonants`."""
    sounds = (_KANA_SOUNDS.get(character, "") for character in kana)
    return "".join(sound if sound == "a" else f"{sound}a" for sound in sounds if sound)


def _consonants(name: str) -> str:
    """Kishida -> ksd, Austin -> stn, Blinken -> brnkn: what a name keeps in another script."""
    sounds = name.lower()
    for spelling, sound in _LATIN_SOUNDS:
        sounds = re.sub(spelling, sound, sounds)
    return sounds


def _spellings_of_country(name: str) -> tuple[str, ...]:
    """Patterns of all Japanese names of the country; none for what is no country."""
    if name in ("米国", "アメリカ合衆国"):
        name = "米"
    for _, japanese in _COUNTRIES:
        spellings = tuple(fold(spelling) for spelling in japanese.split())
        if any(re.fullmatch(spelling, name) for spelling in spellings):
            return spellings
    return ()


def _stands_in(name: str, folded: str) -> bool:
    """As a whole word where it is Latin: ISR does not stand in ISRAEL."""
    if not name:
        return False
    if name[0].isascii() and name[0].isalnum() and name[-1].isascii():
        bare = name.rstrip(".")
        return re.search(rf"(?<![a-z0-9]){re.escape(bare)}(?![a-z0-9])", folded) is not None
    return name in folded


def alias_groups(groups: Iterable[Iterable[str]]) -> tuple[tuple[str, ...], ...]:
    """The documents' aliases, folded for `Names`."""
    return tuple(tuple(fold(name) for name in group) for group in groups)
