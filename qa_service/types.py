"""The nouns of the program: frozen values that every part hands to the next. Read this first.

A **source** file is read into a **Document**: **Section**s, **Figure**s, boxes and notes, each
knowing its place in the source. The document is cut into **Passage**s. An index keeps passages,
vectors and terms together. A question finds **Hit**s. Hits become **Citation**s.

Every offset counts Unicode code points of the source text from 0, end exclusive. The source text is
the decoded file, unchanged (line ends and a byte order mark included).

Nothing here reads files, knows models or speaks HTTP.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Self

# --- places in a source ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A stretch of the source text, `start` inclusive, `end` exclusive; never empty."""

    start: int
    end: int

    def __len__(self) -> int:
        return self.end - self.start

    def cut(self, source: str) -> str:
        """The exact words of the source in this span."""
        return source[self.start : self.end]


@dataclass(frozen=True, slots=True)
class Run:
    """`length` characters of a mapped text, from `position` on, that stand at `offset` in the
    source.

    `offset` is None for characters that the program put there (a space between two joined
    paragraphs, say) and that stand nowhere in the source.
    """

    position: int
    offset: int | None
    length: int


@dataclass(frozen=True, slots=True)
class MappedText:
    """Cleaned text that knows, for each of its characters, where in the source it came from.

    `runs` cover `text` from first to last character without gap or overlap. Build one with
    `qa_service.reading.mapped_text`.
    """

    text: str
    runs: tuple[Run, ...]

    def __len__(self) -> int:
        return len(self.text)

    def __str__(self) -> str:
        return self.text

    def slice(self, start: int, end: int) -> MappedText:
        """The characters `start` to `end` (exclusive, clipped to the text), still mapped."""
        start, end = max(start, 0), min(end, len(self.text))
        return MappedText(self.text[start:end], tuple(self._runs_between(start, end, shift=start)))

    def spans(self, start: int = 0, end: int | None = None) -> tuple[Span, ...]:
        """The places in the source of the characters `start` to `end`, in reading order.

        Neighbouring characters of the source become one span; text that the program put there has
        no place and is passed over.
        """
        stop = len(self.text) if end is None else min(end, len(self.text))
        found: list[Span] = []
        for run in self._runs_between(max(start, 0), stop, shift=0):
            if run.offset is None:
                continue
            if found and found[-1].end == run.offset:
                found[-1] = Span(found[-1].start, run.offset + run.length)
            else:
                found.append(Span(run.offset, run.offset + run.length))
        return tuple(found)

    def _runs_between(self, start: int, end: int, *, shift: int) -> Iterator[Run]:
        begin = bisect_right(self.runs, start, key=lambda run: run.position) - 1
        for place in range(max(begin, 0), len(self.runs)):
            run = self.runs[place]
            if run.position >= end:
                return  # a table has 100,000 runs, and is cut into as many pieces
            first, last = max(run.position, start), min(run.position + run.length, end)
            if first < last:
                offset = None if run.offset is None else run.offset + first - run.position
                yield Run(first - shift, offset, last - first)


# --- sources -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Heading:
    """A printed number and a title: of a part, a chapter, a section. `number` may be empty."""

    number: str
    title: str

    def __str__(self) -> str:
        return f"{self.number} {self.title}".strip()


@dataclass(frozen=True, slots=True)
class Metadata:
    """What `corpus/NAME.toml` says of a document; all but `title` may be unknown (empty or None).

    `part` and `chapter` are the headings above the file's first line, which the file itself does
    not print. `language` is a BCP 47 code, guessed from the text where the file does not say.
    """

    title: str
    edition: str = ""
    language: str = "und"
    publisher: str = ""
    published: date | None = None
    licence: str = ""
    source: str = ""
    part: Heading | None = None
    chapter: Heading | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """One text as received, decoded, with its metadata.

    `id` is what citations, URLs and filters call the document: lower-case letters, digits, `-`,
    `_` and `.`. `path` is relative to the corpus folder. `sha256` is over the file's bytes and its
    metadata's (for a `.jsonl` file: over the record's line), so it changes when either does.
    """

    id: str
    path: str
    format: str  # "md", "txt" or "jsonl"
    text: str
    metadata: Metadata
    sha256: str


# --- documents ---------------------------------------------------------------------------------


class PassageKind(StrEnum):
    """What a passage is. The values are part of the HTTP contract."""

    PARAGRAPH = "paragraph"
    TABLE = "table"
    TABLE_ROW = "table_row"
    CAPTION = "caption"
    BOX = "box"
    NOTE = "note"
    FOOTNOTE = "footnote"
    REFERENCE = "reference"


@dataclass(frozen=True, slots=True)
class Section:
    """A numbered (or only titled) part of the document's hierarchy.

    `id` is the path of normalised numbers from the top, `1/1/3`; the lead before the first heading
    has the id `lead`, the number of the chapter and its title. `number` is the printed number from
    the file's top down, `第1節1-3`; `own_number` the last part alone, as printed (`3`). `path` is
    the headings from the top down to this one, each with its own number and title.
    `heading` is the place of the heading in the source; the lead's is that of the document's own
    title, empty where the file prints none.
    """

    id: str
    number: str
    own_number: str
    title: str
    path: tuple[str, ...]
    depth: int  # 1 for the top; the lead has 1
    parent_id: str | None
    heading: tuple[Span, ...]

    @property
    def is_lead(self) -> bool:
        return self.id == "lead"


class FigureKind(StrEnum):
    TABLE = "table"
    FIGURE = "figure"
    PHOTO = "photo"


@dataclass(frozen=True, slots=True)
class Figure:
    """A table, figure or photo. A photo without a number has an empty `label`.

    `id` is the canonical form of the label, so that all spellings of one number share it
    (`figure-3-2-1-1` for 図表Ⅲ-2-1-1, 図表III－２－１－１ and Figure III-2-1-1: see
    `reading.numbering`); an element without a number gets an id from kind and order (`photo-u1`).
    """

    id: str
    label: str
    kind: FigureKind
    caption: str
    section_id: str
    spans: tuple[Span, ...]
    table: Table | None = None
    note_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Cell:
    """A table cell; `column_span` and `row_span` count the grid places that it covers."""

    content: MappedText
    column_span: int = 1
    row_span: int = 1
    note_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """Header rows and body rows; covered grid places have no cell of their own.

    `columns` gives, for each of the grid's columns, the header texts from top to bottom
    (`("出席対象者", "日本側")`), so that a row can be read by itself.
    """

    columns: tuple[tuple[str, ...], ...]
    header: tuple[tuple[Cell, ...], ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True, slots=True)
class Box:
    """A KEY WORD, 解説, コラム or similar box: beside the sections, not one of them."""

    id: str  # "box-1"
    kind: str  # as printed: "KEY WORD"
    title: str
    section_id: str
    heading: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Note:
    """A footnote of the text or a (注) note of a table; `label` is its printed number.

    `anchors` are the places of the markers that point to it; empty when none was found.
    """

    id: str  # "footnote-1", "note-figure-3-2-1-1-2"
    label: str
    text: MappedText
    kind: PassageKind  # FOOTNOTE or NOTE
    section_id: str
    figure_id: str | None
    anchors: tuple[Span, ...]


class ReferenceStatus(StrEnum):
    """RESOLVED: the target is in the corpus. UNRESOLVED: named, but not held."""

    RESOLVED = "resolved"
    UNRESOLVED = "unresolved"


@dataclass(frozen=True, slots=True)
class Reference:
    """One item of a 参照 line: `label` as printed (資料23), its title in the brackets behind it.

    `target_kind` says what it names: `figure`, `section` or `appendix`. `target_id` is the id of
    the figure or section that it resolves to, in `target_document_id`; both None when unresolved.
    """

    label: str
    canonical: str
    title: str
    section_id: str
    span: Span
    target_kind: str
    status: ReferenceStatus
    target_document_id: str | None = None
    target_id: str | None = None


@dataclass(frozen=True, slots=True)
class Alias:
    """Names that the document itself gives to one thing: (日米安全保障協議委員会, SCC, 2+2)."""

    names: tuple[str, ...]


class RepairKind(StrEnum):
    JOINED = "joined"  # a paragraph cut by a page or column break; a table cell's line break
    READING_LIFTED = "reading_lifted"  # 恫喝どうかつ -> 恫喝, alias どうかつ
    NAME_LIFTED = "name_lifted"  # an English name displaced into a sentence
    MARKUP_DROPPED = "markup_dropped"  # emphasis marks, superscript tags
    SPACE_DROPPED = "space_dropped"  # a line-break space between Japanese characters


@dataclass(frozen=True, slots=True)
class Repair:
    """What was done to the source text for search and display, and where; never in quotes."""

    kind: RepairKind
    spans: tuple[Span, ...]  # what was lifted or dropped, or the two ends that were joined
    note: str = ""


@dataclass(frozen=True, slots=True)
class Block:
    """A typed piece of the document in reading order, for display and for cutting passages.

    `kind` is a passage kind (`table` for a whole table; a table's rows have no block). A heading
    is not a block: sections and boxes carry theirs. `preformatted`: code, whose lines are lines.
    """

    kind: PassageKind
    content: MappedText
    section_id: str
    figure_id: str | None = None
    box_id: str | None = None
    note_ids: tuple[str, ...] = ()
    preformatted: bool = False


@dataclass(frozen=True, slots=True)
class Document:
    """A source with everything found in it. Each tuple is in reading order."""

    source: Source
    sections: tuple[Section, ...]
    blocks: tuple[Block, ...]
    figures: tuple[Figure, ...] = ()
    boxes: tuple[Box, ...] = ()
    notes: tuple[Note, ...] = ()
    references: tuple[Reference, ...] = ()
    aliases: tuple[Alias, ...] = ()
    repairs: tuple[Repair, ...] = ()

    @property
    def id(self) -> str:
        return self.source.id


# --- passages, hits, citations -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Passage:
    """What one citation points at. Ids are readable, stable and safe in a URL's path.

    `content.text` is shown and searched; `context` (document, section titles, caption) goes in
    front of it when it is embedded. `spans` are the quote's places in the source: a superset of
    `content.spans()`, since the quote keeps what the cleaning dropped. `shortened`: a hit's passage
    that is only the beginning of the one in the index (`reading.shortened`).
    """

    id: str
    document_id: str
    kind: PassageKind
    content: MappedText
    context: tuple[str, ...]
    spans: tuple[Span, ...]
    section_id: str
    figure_id: str | None = None
    box_id: str | None = None
    note_ids: tuple[str, ...] = ()
    shortened: bool = False

    @property
    def text(self) -> str:
        return self.content.text


@dataclass(frozen=True, slots=True)
class DocumentRef:
    id: str
    title: str


@dataclass(frozen=True, slots=True)
class SectionRef:
    id: str
    number: str
    title: str
    path: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FigureRef:
    label: str
    kind: str
    caption: str


@dataclass(frozen=True, slots=True)
class BoxRef:
    kind: str
    title: str


@dataclass(frozen=True, slots=True)
class NoteRef:
    label: str
    text: str


@dataclass(frozen=True, slots=True)
class LocatedSpan:
    """A span with the lines that it starts and ends on, counted from 1."""

    start: int
    end: int
    line_start: int
    line_end: int


@dataclass(frozen=True, slots=True)
class Citation:
    """A place in a document that a reader can check; the shape is that of the HTTP contract.

    `quote` is the source between the spans, joined, unchanged. `page` is None when the source has
    no page numbers: none is ever invented.
    """

    id: str
    label: str
    document: DocumentRef
    section: SectionRef
    figure: FigureRef | None
    box: BoxRef | None
    notes: tuple[NoteRef, ...]
    spans: tuple[LocatedSpan, ...]
    quote: str
    page: int | None
    url: str


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage that a question found. `score` is between 0 and 1, `rank` counts from 1.

    `scores` holds what each leg said, in the leg's own unit; a leg that said nothing is missing.
    """

    rank: int
    score: float
    scores: Mapping[str, float]
    passage: Passage
    citation: Citation


@dataclass(frozen=True, slots=True)
class Filters:
    """Which passages may be found; an empty tuple or None lets all through.

    `section` lets a section and everything below it through.
    """

    documents: tuple[str, ...] = ()
    kinds: tuple[PassageKind, ...] = ()
    section: str | None = None


class Degradation(str):
    """What a result does without, in words for people; `code` is its kind, for programs."""

    __slots__ = ("code",)
    code: str

    def __new__(cls, code: str, words: str) -> Self:
        made = super().__new__(cls, words)
        made.code = code
        return made


@dataclass(frozen=True, slots=True)
class SearchResult:
    """Ranked hits. `language` is the question's; `degraded` says, for people, what was left out
    or done with a lesser part; empty when nothing was. `timings_ms` are milliseconds by stage."""

    query: str
    language: str
    hits: tuple[Hit, ...]
    timings_ms: Mapping[str, float] = field(default_factory=dict)
    degraded: tuple[Degradation, ...] = ()


# --- answers -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Turn:
    """One entry of a conversation's history; `role` is `user`, `assistant` or `system`."""

    role: str
    content: str


class Support(StrEnum):
    """How the cited passages bear out a statement's quotes.

    EXACT: verbatim; of a quoted passage, its words as the source has them, without the marks,
    readings and line breaks that reading sets aside (a citation's quote has those too), a table's
    cells with its column names in front. NORMALISED: the same but for NFKC, spaces and punctuation;
    so is a statement that quotes nothing and whose content is in the cited passages. NOT_FOUND: not
    there.
    """

    EXACT = "exact"
    NORMALISED = "normalised"
    NOT_FOUND = "not_found"


@dataclass(frozen=True, slots=True)
class LabelledCell:
    """A cell's text with the header texts of its column: `出席対象者 日本側`, empty where it has
    none."""

    label: str
    text: str


@dataclass(frozen=True, slots=True)
class Statement:
    """`text[start:end]` of the answer is this statement, its citation marks `[n]` not included.

    `citations` are the numbers n of the citations that it stands on, at least one. `cells` are the
    parts of a quoted table row, which `text` holds as one line.
    """

    text: str
    start: int
    end: int
    citations: tuple[int, ...]
    support: Support
    cells: tuple[LabelledCell, ...] = ()


class Reason(StrEnum):
    """Why a question was not answered.

    ONLY_REFERENCED: the documents name what is asked for (資料25) but do not hold it.
    """

    NOT_IN_DOCUMENTS = "not_in_documents"
    ONLY_REFERENCED = "only_referenced"
    NO_QUESTION = "no_question"


class AnswerMode(StrEnum):
    EXTRACTIVE = "extractive"
    GENERATED = "generated"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the user reads. Not answered: `text` says so in the question's language, `reason` why,
    and there are no statements. `confidence` is the calibrated probability that the documents
    hold an answer; 1 or 0 where not the match but a look-up decided (資料25 is named, but not held)."""

    text: str
    answered: bool
    reason: Reason | None
    mode: AnswerMode
    language: str
    confidence: float
    statements: tuple[Statement, ...]

    @property
    def is_doubtful(self) -> bool:
        """Answered, but more likely than not the documents hold no answer: to be said."""
        return self.answered and self.confidence < 0.5


@dataclass(frozen=True, slots=True)
class AskResult:
    """An answer with what it stands on: citation number n is `citations[n - 1]`.

    `hits` are the nearest passages, whether or not there is an answer. `degraded` as in a search.
    """

    question: str
    standalone_question: str
    answer: Answer
    citations: tuple[Citation, ...]
    hits: tuple[Hit, ...]
    timings_ms: Mapping[str, float] = field(default_factory=dict)
    degraded: tuple[Degradation, ...] = ()
