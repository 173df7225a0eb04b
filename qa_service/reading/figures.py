"""The figures, tables and photos of a document while it is read, each with an id of its own."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from qa_service.reading.ids import UnusedIds
from qa_service.reading.numbering import label_at_start
from qa_service.types import Figure, FigureKind, MappedText, Span, Table

_KINDS = {
    "photo": FigureKind.PHOTO,
    "table": FigureKind.TABLE,
    "annex-table": FigureKind.TABLE,
}


class Figures:
    """Takes captions and tables in order."""

    def __init__(self) -> None:
        self._figures: list[Figure] = []
        self._ids = UnusedIds()
        self._unlabelled: Counter[FigureKind] = Counter()

    def all(self) -> list[Figure]:
        return self._figures

    def add_labelled(self, caption: MappedText, *, section_id: str) -> Figure:
        """The figure that a caption with a number names; its picture is not in the file."""
        text = caption.text
        label = label_at_start(text)
        if label is None:
            return self.add_photo(caption, section_id=section_id)
        return self._add(
            Figure(
                self._ids.unused(label.id),
                text[label.start : label.end].strip(),
                _KINDS.get(label.kind, FigureKind.FIGURE),
                text[label.end :].strip(" 　\t:：.．]】〕>＞"),
                section_id,
                caption.spans(),
            )
        )

    def add_photo(self, caption: MappedText, *, section_id: str) -> Figure:
        """A caption without a number, of a picture that is not in the file."""
        return self._add(
            Figure(
                self._next_id(FigureKind.PHOTO),
                "",
                FigureKind.PHOTO,
                caption.text,
                section_id,
                caption.spans(),
            )
        )

    def add_table(self, table: Table, span: Span, *, section_id: str) -> Figure:
        """A table without a caption."""
        return self._add(
            Figure(
                self._next_id(FigureKind.TABLE),
                "",
                FigureKind.TABLE,
                "",
                section_id,
                (span,),
                table,
            )
        )

    def set_table(self, table: Table, span: Span) -> Figure:
        """The table that stands below the last caption."""
        last = self._figures[-1]
        self._figures[-1] = replace(
            last, kind=FigureKind.TABLE, table=table, spans=(*last.spans, span)
        )
        return self._figures[-1]

    def _next_id(self, kind: FigureKind) -> str:
        self._unlabelled[kind] += 1
        return f"{kind}-u{self._unlabelled[kind]}"

    def _add(self, figure: Figure) -> Figure:
        self._figures.append(figure)
        return figure
