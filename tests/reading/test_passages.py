"""How passages carry notes, and what their quotes leave out."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from qa_service.reading.citations import cite
from qa_service.reading.passages import cut_passages
from qa_service.reading.readings import find_readings
from qa_service.reading.structure import read_document
from qa_service.types import Document, Metadata, Source

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


def test_threads_find_the_same_readings() -> None:
    texts = [f"{number}回の恫喝どうかつに対し、隠蔽いんぺいを図る" for number in range(200)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda text: list(find_readings(text)), texts))
    assert all(found)
