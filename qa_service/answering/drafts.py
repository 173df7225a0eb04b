"""What a model writes, cut into sentences with their citation marks while it is being written.

A draft is given out as soon as nothing that follows could change it, so that a stream and a whole
text give the same drafts. Whether a draft is true is for `verify` to say.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from qa_service.reading.sentences import split_sentences

# [1]  [1, 2]  【1】  ［１］  [1-3]  [^1]  [1†source]: one mark, with the space in front of it.
_MARK = re.compile(
    r"[ \t\u3000]*[\[［【] ?\^?(?P<numbers>\d{1,6}(?: ?[,、，;；&\-–~〜] ?\d{1,6}){0,9}) ?"
    r"(?:†[^\]］】\n]{0,60})?[\]］】]"
)
_OPEN_MARK = re.compile(r"[ \t\u3000]*(?:[\[［【][^\]］】\n]{0,200})?$")  # "… [1" at the end
_RANGE = re.compile(r"(\d+)\s*[-–~〜]\s*(\d+)")  # 1-3
_RANGE_MAX = 20  # passages that one range can name
_THOUGHT = re.compile(
    r"\A\s*<think(?:ing)?>.*?</think(?:ing)?>\s*", re.DOTALL
)  # reasoning, not text
_OPEN_THOUGHT = re.compile(
    r"\s*<(?:t(?:h(?:i(?:n(?:k(?:i(?:n(?:g(?:>.*)?)?)?|>.*)?)?)?)?)?)?$", re.DOTALL
)
_LIST_SIGN = re.compile(r"^(?:[-*・•‣]\s+|\d{1,2}[.)．）]\s+|#+\s+)")  # - item, 1. item
_EMPHASIS = re.compile(r"\*\*|__(?=\S)|(?<=\S)__")  # **bold**
_OPENING = "「『（(［[〔【《〈“"
_BRACKETS = dict(zip("」』）)］]〕】》〉”", _OPENING, strict=True))
_ASCII_END = ".!?)]\"'"
_LOOK_AHEAD = 12  # characters that may decide whether one of these ends a sentence


@dataclass(frozen=True, slots=True)
class Draft:
    """A sentence without its marks, and the numbers that the marks gave, in order, each once."""

    text: str
    marks: tuple[int, ...]


class DraftReader:
    """Feed it the model's text piece by piece; the drafts do not depend on how it is cut."""

    def __init__(self) -> None:
        self._pending = ""
        self._look_at = 0  # length of the pending text at which looking again is worth it
        self._started = False

    def feed(self, text: str) -> tuple[Draft, ...]:
        """The drafts that are complete now."""
        self._pending += text
        if len(self._pending) < self._look_at:
            return ()
        if not self._skip_thought():
            self._look_at = len(self._pending) * 9 // 8
            return ()
        drafts, used = _complete(self._pending)
        self._pending = self._pending[used:]
        # Growing steps keep a text without any sentence end from costing its length squared.
        self._look_at = len(self._pending) * 9 // 8
        return drafts

    def finish(self, *, cut_off: bool = False) -> tuple[Draft, ...]:
        """The drafts left. `cut_off`: the model was stopped, so an unended sentence is dropped."""
        pending, self._pending = self._pending, ""
        if not self._started:
            pending = without_thought(pending)
        drafts = _drafts(pending)
        if cut_off and drafts and not re.search(r"[。．.!?！？」』”\"]$", drafts[-1].text):
            return drafts[:-1]
        return drafts

    def _skip_thought(self) -> bool:
        """False while the text may still be the model's reasoning."""
        if self._started:
            return True
        if match := _THOUGHT.match(self._pending):
            self._pending = self._pending[match.end() :]
        elif _OPEN_THOUGHT.match(self._pending):
            return False
        self._started = True
        return True


def read_drafts(text: str) -> tuple[Draft, ...]:
    """The drafts of a whole text."""
    reader = DraftReader()
    return (*reader.feed(text), *reader.finish())


def without_thought(text: str) -> str:
    """The text without a reasoning model's thoughts in front of it."""
    return "" if _OPEN_THOUGHT.match(text) else _THOUGHT.sub("", text, count=1)


@dataclass(frozen=True, slots=True)
class _Bare:
    """A text without its marks: each mark with its place in the bare text and in the marked one."""

    text: str
    marks: tuple[tuple[int, tuple[int, ...]], ...]
    removed: tuple[tuple[int, int], ...]  # (place in the bare text, characters taken out there)

    def place_in_marked(self, place: int) -> int:
        """Where the bare text's character `place` stands in the marked text."""
        return place + sum(length for at, length in self.removed if at <= place)


def _complete(text: str) -> tuple[tuple[Draft, ...], int]:
    """The drafts that no further text can change, and how many characters they take."""
    sure = text[: _OPEN_MARK.search(text).start()]  # type: ignore[union-attr]  # matches the end
    bare = _bare(sure)
    sentences = split_sentences(bare.text)
    closed = _closed_places(bare.text, [sentence.end for sentence in sentences])
    for before, after in zip(reversed(sentences[:-1]), reversed(sentences[1:]), strict=True):
        new_line = "\n" in bare.text[before.end : after.start]
        ahead = _LOOK_AHEAD if bare.text[before.end - 1] in _ASCII_END else 1
        seen = len(bare.text) - before.end >= ahead
        if new_line or (seen and before.end in closed):
            cut = bare.place_in_marked(after.start)
            if new_line:  # marks at the head of a line belong to that line
                cut = sure.rfind("\n", 0, cut) + 1
            return _drafts(text[:cut]), cut
    return (), 0


def _closed_places(text: str, places: list[int]) -> frozenset[int]:
    """Those of `places` at which no bracket is open in their line."""
    wanted, found = set(places), set()
    stack: list[str] = []
    for place, character in enumerate(text):
        if place in wanted and not stack:
            found.add(place)
        if character == "\n":
            stack.clear()
        elif character in _OPENING:
            stack.append(character)
        elif stack and stack[-1] == _BRACKETS.get(character):
            stack.pop()
    return frozenset(found)


def _drafts(text: str) -> tuple[Draft, ...]:
    bare = _bare(text)
    sentences = split_sentences(bare.text)
    marks: list[list[int]] = [[] for _ in sentences]
    for place, numbers in bare.marks:
        owner = next((n for n, sentence in enumerate(sentences) if place <= sentence.end), None)
        if owner is None:
            owner = len(sentences) - 1
        elif place <= sentences[owner].start and owner > 0:
            # Between two sentences: the mark is the first one's, unless it opens the second's line.
            opens_line = "\n" in bare.text[sentences[owner - 1].end : place]
            alone = "\n" in bare.text[place : sentences[owner].start]
            owner -= 0 if opens_line and not alone else 1
        if sentences:
            marks[owner].extend(numbers)
    drafts = (
        Draft(_cleaned(sentence.of(bare.text)), tuple(dict.fromkeys(numbers)))
        for sentence, numbers in zip(sentences, marks, strict=True)
    )
    return tuple(draft for draft in drafts if draft.text)


def _bare(text: str) -> _Bare:
    pieces: list[str] = []
    marks: list[tuple[int, tuple[int, ...]]] = []
    removed: list[tuple[int, int]] = []
    length = end = 0
    for match in _MARK.finditer(text):
        pieces.append(text[end : match.start()])
        length += match.start() - end
        end = match.end()
        marks.append((length, _numbers(match["numbers"])))
        removed.append((length, match.end() - match.start()))
    pieces.append(text[end:])
    return _Bare("".join(pieces), tuple(marks), tuple(removed))


def _numbers(text: str) -> tuple[int, ...]:
    """1, 2 -> (1, 2); 1-3 -> (1, 2, 3)."""
    plain = unicodedata.normalize("NFKC", text)
    numbers: list[int] = []
    for part in re.split(r"[,、;&]", plain):  # 1, 3-5
        if match := _RANGE.search(part):
            first, last = int(match[1]), int(match[2])
            numbers.extend(range(first, min(last, first + _RANGE_MAX) + 1))
        else:
            numbers.append(int(part))
    return tuple(numbers)


def _cleaned(sentence: str) -> str:
    """Without Markdown's list signs and emphasis; white space in one line, single."""
    return " ".join(_EMPHASIS.sub("", _LIST_SIGN.sub("", sentence)).split())
