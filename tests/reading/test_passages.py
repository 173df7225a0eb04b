"""How passages carry notes, and what their quotes leave out."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from qa_service.reading.citations import cite
from qa_service.reading.passages import cut_passages
from qa_service.reading.readings import find_readings
from qa_service.reading.structure import read_document
from qa_service.reading.table_rows import row_cells
from qa_service.types import Document, LabelledCell, Metadata, Source

SENTENCE = "日米両国は、様々な分野において緊密に協力していくことを改めて確認した。"


def read(text: str) -> Document:
    return read_document(Source("a", "a.md", "md", text, Metadata("題", language="ja"), "0"))


def test_every_mark_of_a_footnote_is_an_anchor() -> None:
    text = f"{SENTENCE}<sup>1</sup>\n\n## 1 節\n\n{SENTENCE}<sup>1</sup>\n\n<sup>1</sup> 注の文。"
    document = read(text)
    assert [len(note.anchors) for note in document.notes] == [2]


def test_a_piece_of_a_long_paragraph_has_the_notes_marked_in_it() -> None:
    paragraph = SENTENCE * 12 + "ここに注がある<sup>1</sup>。" + SENTENCE * 12
    passages = cut_passages(read(f"{paragraph}\n\n<sup>1</sup> 注の文。"))
    pieces = [passage for passage in passages if passage.kind == "paragraph"]
    assert len(pieces) > 2
    for piece in pieces:
        assert bool(piece.note_ids) == ("ここに注がある" in piece.text)


def test_a_picture_between_short_paragraphs_is_not_quoted() -> None:
    document = read("短い段落である。\n\n![図](x.png)\n\nもう一つの短い段落である。")
    quotes = [cite(document, passage).quote for passage in cut_passages(document)]
    assert not any("x.png" in quote for quote in quotes)


def test_a_row_is_taken_apart_as_it_was_put_together() -> None:
    document = read(
        "# 1 表\n\n表1 会議の一覧\n\n| | 目的: 細目 | 出席者 |\n| --- | --- | --- |\n"
        "| 甲の会議 | 協議; 調整 | 大臣: 一名 |\n| 乙の会議 | | 局長 |\n"
    )
    rows = [each for each in cut_passages(document) if each.kind == "table_row"]
    assert [row_cells(document, row) for row in rows] == [
        (
            LabelledCell("", "甲の会議"),
            LabelledCell("目的: 細目", "協議; 調整"),
            LabelledCell("出席者", "大臣: 一名"),
        ),
        (LabelledCell("", "乙の会議"), LabelledCell("出席者", "局長")),
    ]
    others = [each for each in cut_passages(document) if each.kind != "table_row"]
    assert all(row_cells(document, each) == () for each in others)


def test_threads_find_the_same_readings() -> None:
    texts = [f"{number}回の恫喝どうかつに対し、隠蔽いんぺいを図る" for number in range(200)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda text: list(find_readings(text)), texts))
    assert all(found)
