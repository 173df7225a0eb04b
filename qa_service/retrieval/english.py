"""English words in one form: in the singular, possessives and the country's initials made even.

The S stemmer is Harman's ("How effective is suffixing?", JASIS 42:1, 1991): it knows no dictionary,
errs seldom, and two words that mean different things rarely become one.
"""

from __future__ import annotations

import re

_AMERICA = re.compile(r"\bU\.S\.(?:A\.)?|\bU\.S\b|\bUSA?\b")  # U.S., U.S.A., US: not "us"

_SHORTEST = 4  # is what may be a plural: gas, bus

# Words that carry no subject.
STOP_WORDS = frozenset(
    "a an and any are as at be been before by can could did do does for from had has "
    "have how if in into is it its many may me much not of on or please say says "
    "should such tell that the their them there these they this those to under was "
    "were what when where which who whom whose why will with would you your about "
    "describe explain give".split()
)


def spell_out_america(text: str) -> str:
    """US and U.S. are America, and no pronoun."""
    return _AMERICA.sub("America", text)


def root_of(word: str) -> str:
    """A lower-case word without possessive ending, in the singular."""
    return _singular(word.replace("’", "'").removesuffix("'s"))


def _singular(word: str) -> str:
    """treaties, treaty; bases, base; forces, force; status, pass and gas as they are."""
    if len(word) < _SHORTEST:
        return word
    if word.endswith("ies") and len(word) > 4 and not word.endswith(("eies", "aies")):
        return word[:-3] + "y"
    if word.endswith("es") and not word.endswith(("aes", "ees", "oes")):
        return word[:-1]
    if word.endswith("s") and not word.endswith(("us", "ss")):
        return word[:-1]
    return word
