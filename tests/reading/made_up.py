"""Documents put together from what such files really hold, and texts that no file should hold."""

from __future__ import annotations

from hypothesis import strategies as st

from qa_service.types import Heading, Metadata, Source

_WORDS = st.text(
    "海洋観測とは国の責務である、を定め「的」(A)B c*_12３Ⅲ・—", min_size=1, max_size=40
)
_SENTENCE = st.builds("{}。".format, _WORDS)
_PARAGRAPH = st.lists(_SENTENCE, min_size=1, max_size=4).map("".join)
_NUMBER = st.sampled_from(
    [
        "第1章",
        "第二節",
        "第Ⅲ部",
        "1",
        "2",
        "３",
        "(1)",
        "（2）",
        "①",
        "ア",
        "（イ）",
        "1.1",
        "1.2.3",
        "a.",
        "第1条",
        "第3条の2",
        "Ⅱ",
        "Chapter 3",
        "",
    ]
)
_HEADING = st.builds(
    "{} {} {}{}".format,
    st.integers(1, 6).map("#".__mul__),
    _NUMBER,
    _WORDS | st.just(""),
    st.sampled_from(["", " ##", "<sup>1</sup>", " **"]),
)
_CUT = st.builds("{}、{}{}{}。".format, _SENTENCE, _WORDS, st.sampled_from(["\n\n", "\n"]), _WORDS)
_CELL = st.sampled_from(["外務大臣", "日本側 (注1)", "", "1,000", "**強調**", "a|b", "※2", "<br>"])
_ROW = st.lists(_CELL, min_size=2, max_size=5)
_TABBED = st.lists(_ROW.map("\t".join), min_size=1, max_size=5).map("\n".join)
_PIPED = st.builds(
    "{}\n|---|:-:|\n{}".format,
    _ROW.map(lambda row: f"| {' | '.join(row)} |"),
    st.lists(_ROW.map(lambda row: f"|{'|'.join(row)}|"), max_size=4).map("\n".join),
)
_NOTE = st.builds(
    "{}{}\n 2 {}\n 3 {}".format,
    st.sampled_from(["(注) 1 ", "（注１）", "注1：", "※1", "資料：", "Source: ", "  (注)"]),
    _WORDS,
    _WORDS,
    _WORDS,
)
_MARKER = st.sampled_from(["<sup>1</sup>", "[^1]", "<sup>*</sup>"])
_FOOTNOTE = st.builds(
    "{} {}".format, st.sampled_from(["<sup>1</sup>", "[^1]:"]), _WORDS | st.just("")
)
_MARKED = st.builds("{}{}。".format, _WORDS, _MARKER)
_BOX = st.builds(
    "## {}\n\n## {}\n\n{}".format,
    st.sampled_from(["KEY WORD", "コラム", "解説 海洋", "Box 2.1 Storm"]),
    _WORDS,
    _PARAGRAPH,
)
_CAPTION = st.builds(
    "{}{} {}".format,
    st.sampled_from(["", "\n\n", "**"]),
    st.sampled_from(["図表Ⅲ-2-1-1", "第1-1-1図", "表 3.1", "別表第一", "Figure 1.1:", ""]),
    _WORDS,
)
_REFERENCE = st.builds(
    "**参照** {}（{}）、{}".format,
    st.sampled_from(["資料23", "図表Ⅲ-2-1-1", "2節", "第1章第1節"]),
    _WORDS,
    _WORDS,
)
_ARTICLE = st.builds(
    "（目的）\n第{}条　{}\n２　{}".format, st.sampled_from("一二3"), _SENTENCE, _SENTENCE
)
_RUBY = st.sampled_from(
    [
        "示威や恫喝どうかつに至る。",
        "協議 (DICAS) ダイキヤス Forum on Defense Industrial Cooperation, Acquisition "
        "and Sustainment を設立する。",
        "偵察 (ISR) 活動、訓練・Intelligence, Surveillance and Reconnaissance演習を行う。",
    ]
)
_MARKUP = st.sampled_from(["---", "![](x.png)", "<!-- 3 -->", "###", "# **", "\f", "**"])
_BLOCK = st.one_of(
    _PARAGRAPH, _HEADING, _CUT, _TABBED, _PIPED, _NOTE, _FOOTNOTE, _MARKED, _BOX, _CAPTION,
    _REFERENCE, _ARTICLE, _RUBY, _MARKUP,
)  # fmt: skip
_GAP = st.sampled_from(["\n\n", "\n", "\r\n\r\n", "\n\n\n\n", "\r", "\n　\n"])
_FORMATS = st.sampled_from(["md", "txt", "jsonl"])

# Line ends of all kinds, marks, surrogates: what a file may hold, and what it may not.
_HOSTILE = st.text(
    st.sampled_from(
        "\ufeff\u2028\x85\x0b\x1c\r\n\f\t\0\ud800 　|#*_~<>[]^()（）「」"
        "-:\\注※資料第1１٣条節図表参照a。、"
    )
    | st.characters(),
    max_size=120,
)


@st.composite
def documents(draw: st.DrawFn) -> Source:
    blocks = draw(st.lists(st.tuples(_BLOCK, _GAP), min_size=1, max_size=14))
    return _source("".join(f"{block}{gap}" for block, gap in blocks), draw(_FORMATS))


def any_text() -> st.SearchStrategy[Source]:
    return st.builds(_source, _HOSTILE | st.text(), _FORMATS)


def _source(text: str, format: str) -> Source:
    metadata = Metadata("架空白書", language="ja", chapter=Heading("第2章", "海洋"))
    return Source("made-up", f"made-up.{format}", format, text, metadata, "")
