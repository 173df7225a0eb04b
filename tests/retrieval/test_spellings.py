"""The same words, written in another way: the same section, figure and passage are found."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest

from qa_service.retrieval.embedding import load_embedder
from qa_service.retrieval.index import Index, build_index, load_index
from qa_service.retrieval.search import search

HALF = str.maketrans(
    {
        **dict(zip("ァアィイゥウェエォオャヤュユョヨッツー", "ｧｱｨｲｩｳｪｴｫｵｬﾔｭﾕｮﾖｯﾂｰ", strict=True)),
        **dict(zip("カキクケコサシスセソタチテトナニヌネノ", "ｶｷｸｹｺｻｼｽｾｿﾀﾁﾃﾄﾅﾆﾇﾈﾉ", strict=True)),
        **dict(zip("ハヒフヘホマミムメモラリルレロワヲン", "ﾊﾋﾌﾍﾎﾏﾐﾑﾒﾓﾗﾘﾙﾚﾛﾜｦﾝ", strict=True)),
        **{voiced: f"{plain}ﾞ" for voiced, plain in zip("ガギグゲゴザジズゼゾダヂヅデドバビブベボ",
                                                       "ｶｷｸｹｺｻｼｽｾｿﾀﾁﾂﾃﾄﾊﾋﾌﾍﾎ", strict=True)},
        **{voiced: f"{plain}ﾟ" for voiced, plain in zip("パピプペポ", "ﾊﾋﾌﾍﾎ", strict=True)},
    }
)  # fmt: skip
FULL = {place: place + 0xFEE0 for place in range(0x21, 0x7F)}

WRITTEN: dict[str, Callable[[str], str]] = {
    "decomposed": lambda text: unicodedata.normalize("NFD", text),
    "half-width kana": lambda text: text.translate(HALF),
    "full-width Latin": lambda text: text.translate(FULL),
    "variation selectors": lambda text: "".join(
        f"{character}\ufe00" if character in "日米合同" else character for character in text
    ),
    "ideographic variations": lambda text: text.replace("辺", "辺\U000e0100"),
    "zero-width spaces": lambda text: "\u200b".join(text),
}
QUESTIONS = {
    "日米合同委員会の目的は何ですか": "1-3-2:r4",
    "ガイドラインはいつ改訂されましたか 1997年 2015年": "1-2:p1",
    "わが国の周辺地域の平和と安定の確保": "1-1-2:",
    "図表Ⅲ-2-1-1": "1-3-2:",
}


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("way", WRITTEN)
def test_a_question_in_another_spelling_finds_the_same(
    chapter_index: Index, question: str, way: str
) -> None:
    found = search(chapter_index, WRITTEN[way](question)).hits[0]
    assert f":{QUESTIONS[question]}" in found.passage.id


DOCUMENT = """# 第1節 データの保護

## 1 ガイドラインの改訂

図表1-1 サーバーの一覧

| 名称 | 用途 |
| --- | --- |
| バックアップ | データの保護 |

## 2 プログラムの管理

① パスワードは毎年、変更する。

② ログは5年間、保存する。
"""


@pytest.mark.parametrize("way", ["as it is", "decomposed", "half-width kana", "full-width digits"])
def test_a_document_in_another_spelling_has_the_same_parts(tmp_path: Path, way: str) -> None:
    digits = str.maketrans("0123456789", "０１２３４５６７８９")
    written: dict[str, Callable[[str], str]] = {
        **WRITTEN,
        "as it is": str,
        "full-width digits": lambda text: text.translate(digits),
    }
    text = written[way](DOCUMENT)
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / "data.md").write_text(text, encoding="utf-8")
    (tmp_path / "corpus" / "data.toml").write_text('title = "架空白書"\n', encoding="utf-8")
    embedder = load_embedder()
    build_index(tmp_path / "corpus", tmp_path / "index", embedder=embedder)
    index = load_index(tmp_path / "index", embedder=embedder)
    (document,) = index.documents.values()
    assert [section.id for section in document.sections] == ["lead", "1", "1/1", "1/2"]
    assert [figure.id for figure in document.figures] == ["figure-1-1"]
    for question, words in [("図表1-1", "バックアップ"), ("パスワードの変更", "パスワード")]:
        first = search(index, question).hits[0]
        assert words in unicodedata.normalize("NFKC", first.passage.text)
        quote = "".join(text[span.start : span.end] for span in first.citation.spans)
        assert quote == first.citation.quote
