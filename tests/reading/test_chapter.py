"""The chapter, read from the corpus: what is printed must come out as printed."""

from __future__ import annotations

from pathlib import Path

import pytest

from qa_service.reading.citations import cite
from qa_service.reading.passages import cut_passages
from qa_service.reading.sources import read_corpus
from qa_service.reading.structure import read_document
from qa_service.types import Document, Figure, Passage, PassageKind, RepairKind, Table

_TREE = """\
lead | 第2章 日米同盟
1 | 第1節 日米安全保障体制の概要
1/1 | 1 日米安全保障体制の意義
1/1/1 | 1 わが国の平和と安全の確保
1/1/2 | 2 わが国の周辺地域の平和と安定の確保
1/1/3 | 3 グローバルな課題への対応
1/2 | 2 日米防衛協力のための指針（ガイドライン）の内容
1/3 | 3 日米間の政策協議
1/3/1 | 1 最近行われた日米首脳会談
1/3/2 | 2 最近行われた日米防衛相会談"""

# The sentences as they read where the page breaks stood; one paragraph was cut twice.
_JOINED = [
    "わが国への侵攻が生じた場合には、日米共同対処によりこれを阻止する。",
    "自衛隊のみならず、米国の有する強大な軍事力とも直接対決する事態",
    "パワーバランスの変化に伴い既存の秩序をめぐる不確実性が増しており",
    "情報収集・警戒監視・偵察(ISR) 活動",
    "様々なレベルで緊密に連携し",
    "インド太平洋地域をはじめとする国際社会全体の平和",
    "DICASの早期開催に向けて準備を進めるとともに",
    "ジョージ陸軍参謀総長や海兵隊トップのスミス海兵隊総司令官",
    # Across a photo caption and a footnote:
    "インド太平洋を含めたどの地域でも許容してはならず、そのためにも",
]


@pytest.fixture(scope="module")
def document(chapter_corpus: Path) -> Document:
    (source,) = read_corpus(chapter_corpus)
    return read_document(source)


@pytest.fixture(scope="module")
def passages(document: Document) -> tuple[Passage, ...]:
    return cut_passages(document)


@pytest.fixture(scope="module")
def figure(document: Document) -> Figure:
    return next(figure for figure in document.figures if figure.label)


@pytest.fixture(scope="module")
def table(figure: Figure) -> Table:
    assert figure.table is not None
    return figure.table


def test_the_source_is_the_file_unchanged(document: Document, chapter_corpus: Path) -> None:
    file = chapter_corpus / document.source.path
    assert document.source.text.encode("utf-8") == file.read_bytes()


def test_metadata(document: Document) -> None:
    metadata = document.source.metadata
    assert metadata.title == "令和6年版防衛白書"
    assert str(metadata.part) == "第Ⅲ部 防衛目標を実現するための3つのアプローチ"
    assert str(metadata.chapter) == "第2章 日米同盟"
    assert (metadata.language, metadata.publisher) == ("ja", "防衛省")


def test_section_tree(document: Document) -> None:
    found = [f"{section.id} | {section.path[-1]}" for section in document.sections]
    assert found == _TREE.split("\n")


def test_printed_numbers_and_paths(document: Document) -> None:
    section = next(section for section in document.sections if section.id == "1/1/3")
    assert section.number == "第1節1-3"
    assert section.own_number == "3"
    assert section.path == (
        "第1節 日米安全保障体制の概要",
        "1 日米安全保障体制の意義",
        "3 グローバルな課題への対応",
    )


def test_figures(document: Document) -> None:
    found = [(f.id, f.kind, f.caption, f.section_id) for f in document.figures]
    assert found == [
        ("photo-u1", "photo", "日米共同記者会見 (2024年4月)【首相官邸HP】", "1/3/1"),
        ("photo-u2", "photo", "日米防衛相会談 (2024年5月)", "1/3/2"),
        (
            "figure-3-2-1-1",
            "table",
            "日米安全保障問題に関する日米両国政府の関係者間の主な政策協議",
            "1/3/2",
        ),
        ("photo-u3", "photo", "米国防省との打ち合わせの様子", "1/3/2"),
    ]


def test_the_last_photo_stands_in_the_box(document: Document) -> None:
    caption = next(block for block in document.blocks if block.figure_id == "photo-u3")
    assert caption.box_id == document.boxes[1].id


def test_table_columns(table: Table) -> None:
    assert table.columns == (
        ("協議の場",),
        ("出席対象者", "日本側"),
        ("出席対象者", "米側"),
        ("目的",),
        ("根拠など",),
    )


def test_table_header_spans(table: Table) -> None:
    first, second = (
        [(cell.content.text, cell.column_span, cell.row_span) for cell in row]
        for row in table.header
    )
    assert first == [
        ("協議の場", 1, 2),
        ("出席対象者", 2, 1),
        ("目的", 1, 2),
        ("根拠など", 1, 2),
    ]
    assert second == [("日本側", 1, 1), ("米側", 1, 1)]


def test_table_rows(table: Table) -> None:
    assert [row[0].content.text.split(" ")[0] for row in table.rows] == [
        "日米安全保障協議委員会",
        "日米安全保障高級事務レベル協議",
        "防衛協力小委員会",
        "日米合同委員会",
    ]
    assert [len(row) for row in table.rows] == [5, 5, 5, 5]


def test_table_rows_read_by_themselves(passages: tuple[Passage, ...]) -> None:
    rows = [passage for passage in passages if passage.kind is PassageKind.TABLE_ROW]
    assert len(rows) == 4
    assert "出席対象者 日本側: 外務大臣 防衛大臣" in rows[0].text
    assert "図表Ⅲ-2-1-1 日米安全保障問題に関する" in rows[0].context[-1]


def test_notes_are_bound_to_their_marks(document: Document, figure: Figure) -> None:
    notes = [note for note in document.notes if note.figure_id == figure.id]
    text = document.source.text
    assert [note.label for note in notes] == ["1", "2", "3"]
    assert [[anchor.cut(text) for anchor in note.anchors] for note in notes] == [
        ["(注1)"],
        ["(注2)", "(注2)"],
        ["(注3)"],
    ]
    assert notes[1].text.text == (
        "両国次官・局長クラスなど事務レベルの要人により適宜行われている。"
    )
    assert figure.note_ids == tuple(note.id for note in notes)


def test_notes_belong_to_their_cells(document: Document, table: Table) -> None:
    labels = {note.id: note.label for note in document.notes}
    bound = [[labels[id] for cell in row for id in cell.note_ids] for row in table.rows]
    assert bound == [["1"], ["2", "2"], ["3"], []]


def test_footnote_is_bound_to_its_mark(document: Document, passages: tuple[Passage, ...]) -> None:
    (footnote,) = (note for note in document.notes if note.kind is PassageKind.FOOTNOTE)
    assert footnote.text.text.startswith("前回は、安倍内閣総理大臣 (当時) が")
    assert [anchor.cut(document.source.text) for anchor in footnote.anchors] == ["<sup>1</sup>"]
    assert footnote.section_id == "1/3/1"
    marked = [passage for passage in passages if footnote.id in passage.note_ids]
    assert [passage.kind for passage in marked] == [PassageKind.PARAGRAPH, PassageKind.FOOTNOTE]
    assert "9年ぶりに米国を公式訪問した。" in marked[0].text


def test_boxes(document: Document) -> None:
    found = [(box.kind, box.title, box.section_id) for box in document.boxes]
    assert found == [
        ("KEY WORD", "日米「2+2」", "1/3"),
        ("解説", "同盟強化のための取組", "1/3/2"),
    ]
    assert [len(box.heading) for box in document.boxes] == [2, 2]


def test_a_box_ends_at_the_next_numbered_heading(document: Document) -> None:
    ids = {block.section_id for block in document.blocks if block.box_id == "box-1"}
    assert ids == {"1/3"}


def test_references(document: Document) -> None:
    found = [(r.label, r.status.value, r.target_id) for r in document.references]
    assert found == [
        ("資料23", "unresolved", None),
        ("資料24", "unresolved", None),
        ("図表Ⅲ-2-1-1", "resolved", "figure-3-2-1-1"),
        ("2節", "unresolved", None),
        ("資料25", "unresolved", None),
        ("資料26", "unresolved", None),
        ("資料27", "unresolved", None),
    ]
    assert document.references[0].title == "日米防衛協力のための指針（2015年4月27日）（仮訳）"
    text = document.source.text
    assert all(r.span.cut(text).startswith(r.label) for r in document.references)


@pytest.mark.parametrize("sentence", _JOINED)
def test_cut_paragraphs_are_joined(document: Document, sentence: str) -> None:
    assert sum(sentence in block.content.text for block in document.blocks) == 1


def test_joins_are_recorded(document: Document) -> None:
    joined = [repair for repair in document.repairs if repair.kind is RepairKind.JOINED]
    assert len(joined) == len(_JOINED)
    assert all(len(repair.spans) == 2 for repair in joined)


def test_nothing_else_is_joined(document: Document) -> None:
    """Every paragraph begins where one begins in print."""
    kinds = (PassageKind.PARAGRAPH, PassageKind.BOX)
    paragraphs = [block for block in document.blocks if block.kind in kinds]
    assert len(paragraphs) == 31
    assert all(block.content.text.endswith("。") for block in paragraphs)


@pytest.mark.parametrize(
    ("kind", "lifted", "names"),
    [
        (RepairKind.READING_LIFTED, "どうかつ", ("恫喝", "どうかつ")),
        (
            RepairKind.NAME_LIFTED,
            "Intelligence, Surveillance and Reconnaissance",
            ("ISR", "Intelligence, Surveillance and Reconnaissance"),
        ),
        (
            RepairKind.NAME_LIFTED,
            "ダイキヤス Forum on Defense Industrial Cooperation, Acquisition and Sustainment",
            (
                "DICAS",
                "ダイキヤス",
                "Forum on Defense Industrial Cooperation, Acquisition and Sustainment",
            ),
        ),
    ],
    ids=["どうかつ", "ISR", "DICAS"],
)
def test_readings_and_names_are_lifted(
    document: Document, kind: RepairKind, lifted: str, names: tuple[str, ...]
) -> None:
    assert lifted in [repair.note for repair in document.repairs if repair.kind is kind]
    assert all(lifted not in block.content.text for block in document.blocks)
    assert names in [alias.names for alias in document.aliases]


@pytest.mark.parametrize(
    "sentence",
    [
        "示威や恫喝に至るまで",
        "訓練・演習、アセットの防護",
        "定期協議 (DICAS)を設立すること",
    ],
)
def test_sentences_without_what_was_lifted(document: Document, sentence: str) -> None:
    assert any(sentence in block.content.text for block in document.blocks)


@pytest.mark.parametrize(
    "names",
    [
        ("日米安全保障協議委員会", "SCC", "Security Consultative Committee", "2+2"),
        ("日米「2+2」", "2+2", "日米安全保障協議委員会"),
        ("防衛協力小委員会", "SDC", "Subcommittee for Defense Cooperation"),
    ],
    ids=["SCC", "2+2", "SDC"],
)
def test_names_that_the_chapter_declares(document: Document, names: tuple[str, ...]) -> None:
    assert names in [alias.names for alias in document.aliases]


@pytest.mark.parametrize(
    "words", ["米務長官、米国防長官", "恫喝どうかつに", "(DICAS) ダイキヤス Forum on Defense"]
)
def test_quotes_are_never_mended(
    document: Document, passages: tuple[Passage, ...], words: str
) -> None:
    assert any(words in cite(document, passage).quote for passage in passages)


def test_citation_labels(document: Document, passages: tuple[Passage, ...]) -> None:
    above = "令和6年版防衛白書 第Ⅲ部第2章"
    table = "図表Ⅲ-2-1-1「日米安全保障問題に関する日米両国政府の関係者間の主な政策協議」"
    labels = {p.id.partition(":")[2]: cite(document, p).label for p in passages}
    assert labels["lead:p1"] == f"{above}「日米同盟」"
    assert labels["1-1-3:p1"] == f"{above}第1節1-3「グローバルな課題への対応」"
    assert labels["1-3:b1"] == f"{above}第1節3 KEY WORD「日米「2+2」」"
    assert labels["1-3-2:t1"] == f"{above}第1節3-2 {table}"
    assert labels["1-3-2:n2"] == f"{above}第1節3-2 {table} (注)2"
    assert labels["1-3-2:c1"] == f"{above}第1節3-2 写真「日米防衛相会談 (2024年5月)」"
    assert labels["1-3-1:f1"].startswith(f"{above}第1節3-1")
    assert labels["1-3-1:f1"].endswith("脚注1")


def test_no_page_is_invented(document: Document, passages: tuple[Passage, ...]) -> None:
    assert {cite(document, passage).page for passage in passages} == {None}


def test_lines_of_a_paragraph_across_a_caption(
    document: Document, passages: tuple[Passage, ...]
) -> None:
    passage = next(p for p in passages if "どの地域でも許容" in p.text)
    lines = document.source.text.split("\n")
    first, last = cite(document, passage).spans
    assert lines[first.line_start - 1].endswith("インド太平洋を含めたどの")
    assert lines[last.line_end - 1].startswith("地域でも許容してはならず")


def test_passages_are_short(passages: tuple[Passage, ...]) -> None:
    lengths = [len(p.text) for p in passages if p.kind in (PassageKind.PARAGRAPH, PassageKind.BOX)]
    assert max(lengths) <= 400
