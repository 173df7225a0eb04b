"""The document view as a person reads it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from qa_service.retrieval.embedding import load_embedder
from qa_service.retrieval.index import Index, build_index, load_index

from .conftest import OpenPage, Site

LONG_WORD = "長" * 10_000
HOSTILE = f"""# 1 <script>window.harmed = 1</script>

本文に<script>window.harmed = 1</script>と<img src=x onerror="window.harmed = 1">がある。これは検索で見つかる。

[押すな](javascript:window.harmed=1)と<a href="javascript:window.harmed=1">これも</a>押すな。

\u202e右から左へ読ませる\u202c文と、とても長い語{LONG_WORD}がある。

図表1-1 "><script>window.harmed = 1</script>

| 列<b>一</b> | {{{{ 7 * 7 }}}} |
| --- | --- |
| <svg onload=window.harmed=1> | {{% raw %}} |
"""


@pytest.fixture(scope="module")
def document(chapter_index: Index) -> str:
    return f"/documents/{next(iter(chapter_index.documents))}"


def test_every_passages_link_marks_exactly_its_quote(
    open_page: OpenPage, document: str, chapter_index: Index
) -> None:
    page = open_page(document)
    source = next(iter(chapter_index.documents.values())).source.text
    for passage in chapter_index.passages:
        page.evaluate("(id) => { location.hash = id }", passage.id)
        page.wait_for_function(
            "(id) => document.querySelector('mark') && document.getElementById(id) && location.hash.slice(1) === id",
            arg=passage.id,
        )
        page.wait_for_timeout(20)  # the hash's event comes a moment after the hash
        marked = "".join(page.locator("mark").all_text_contents())
        quote = "".join(span.cut(source) for span in passage.spans)
        assert "".join(marked.split()) == "".join(quote.split()), passage.id


def test_a_link_to_some_words_of_a_passage_marks_those_alone(
    open_page: OpenPage, document: str, chapter_index: Index
) -> None:
    passage = chapter_index.passages[0]
    page = open_page(f"{document}#{passage.id};at=2-8")
    source = next(iter(chapter_index.documents.values())).source.text
    expect(page.locator("mark")).to_have_text(source[2:8])
    expect(page.locator("mark")).to_be_in_viewport()
    expect(page.locator("#cited-bar")).to_contain_text("令和6年版防衛白書")


@pytest.mark.parametrize("at", [";at=2-8", ""], ids=["some words", "the passage"])
def test_a_copied_citation_leads_to_the_same_words(
    open_page: OpenPage, document: str, chapter_index: Index, at: str
) -> None:
    permissions = ["clipboard-read", "clipboard-write"]
    page = open_page(f"{document}#{chapter_index.passages[0].id}{at}", permissions=permissions)
    marked = page.locator("mark").all_text_contents()
    bar = page.locator("#cited-bar")
    bar.get_by_role("button", name="出典をコピー").click()
    bar.get_by_role("button", name="日本語").click()
    expect(page.locator(".toast")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()").rpartition("、")[2]
    assert copied == page.url
    page.goto("about:blank")
    page.goto(copied)
    assert page.locator("mark").all_text_contents() == marked


@pytest.mark.parametrize("at", ["0-9999", "abc", "", "10-5", "5812-5906"])
def test_a_link_marks_no_words_outside_of_its_passage(
    open_page: OpenPage, document: str, chapter_index: Index, at: str
) -> None:
    passage = chapter_index.passages[0]
    page = open_page(f"{document}#{passage.id};at={at}")
    expect(page.locator("#cited-bar")).to_contain_text("令和6年版防衛白書")
    assert "".join(page.locator("mark").all_text_contents()) == passage.text


def test_shows_the_structure(open_page: OpenPage, document: str) -> None:
    page = open_page(document)
    contents = page.get_by_role("navigation", name="目次")
    expect(contents.get_by_role("link")).to_have_count(10)
    contents.get_by_role("link", name="3 日米間の政策協議").click()
    expect(page.get_by_role("heading", name="3 日米間の政策協議")).to_be_in_viewport()
    table = page.get_by_role("table")
    expect(table.get_by_role("columnheader", name="出席対象者")).to_have_attribute("colspan", "2")
    expect(table.get_by_role("columnheader", name="協議の場")).to_have_attribute("rowspan", "2")
    expect(page.get_by_role("complementary", name="KEY WORD 日米「2+2」")).to_be_visible()
    expect(page.locator("ruby", has_text="恫喝").locator("rt")).to_have_text("どうかつ")
    expect(page.locator(".no-picture")).to_have_count(3)
    expect(page.locator(".unresolved").first).to_contain_text("資料23")
    page.get_by_role("link", name="図表Ⅲ-2-1-1 (日米").click()
    expect(page.locator("#figure-3-2-1-1")).to_be_in_viewport()


def test_footnotes_jump_both_ways(open_page: OpenPage, document: str) -> None:
    page = open_page(document)
    marker = page.get_by_role("link", name="注 1", exact=True)
    marker.click()
    note = page.locator("#footnote-1")
    expect(note).to_be_in_viewport()
    note.get_by_role("link").click()
    expect(marker).to_be_in_viewport()


def test_searches_inside(open_page: OpenPage, document: str) -> None:
    page = open_page(document)
    page.fill("#inside", "装備品の共同開発")
    page.press("#inside", "Enter")
    page.locator("#inside-found a").first.click()
    expect(page.locator("mark").first).to_be_in_viewport()


FOUND = "[...CSS.highlights.get('found')].map(String)"
HERE = "[...CSS.highlights.get('found-here')].map((range) => range.getBoundingClientRect().top)"


def test_words_inside_are_marked_and_gone_through(open_page: OpenPage, document: str) -> None:
    page = open_page(document)
    page.fill("#inside", "拡大抑止")
    page.press("#inside", "Enter")
    count = page.locator("#inside-count")
    found = page.evaluate(FOUND)
    assert set(found) == {"拡大抑止"}
    expect(count).to_have_text(f"1 / {len(found)}")
    first = page.evaluate(HERE)
    assert 0 < first[0] < 800
    page.press("#inside", "Enter")
    expect(count).to_have_text(f"2 / {len(found)}")
    assert 0 < page.evaluate(HERE)[0] < 800
    page.press("#inside", "Shift+Enter")
    page.press("#inside", "Shift+Enter")
    expect(count).to_have_text(f"{len(found)} / {len(found)}")
    page.locator("#inside-found a").first.click()
    expect(page.locator("mark").first).to_be_in_viewport()
    assert page.evaluate(FOUND) == found  # though the cited words are marked in the same text
    page.fill("#inside", "")
    assert page.evaluate(FOUND) == []
    expect(page.locator("#inside-found")).to_be_empty()


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("図表III−２−１−１", {"図表Ⅲ-2-1-1"}),
        ("ＪＯＩＮＴ　committee", {"Joint Committee"}),
        ("ﾐｻｲﾙ", {"ミサイル"}),
        ("示威や恫喝に至る", {"示威や恫喝どうかつに至る"}),
        ("どうかつ", {"どうかつ"}),
        ("ペルーと拡大抑止", {"拡大", "抑止"}),
        ("カピバラのチンチラ", set()),
    ],
)
def test_words_inside_in_any_spelling(
    open_page: OpenPage, document: str, typed: str, found: set[str]
) -> None:
    page = open_page(document)
    page.fill("#inside", typed)
    page.press("#inside", "Enter")
    expect(page.locator("#inside-found li").first).to_be_visible()
    assert set(page.evaluate(FOUND)) == found
    none = page.locator("#inside-found").get_by_text("この言葉を含む箇所はありません")
    expect(none).to_have_count(0 if found else 1)


def test_a_place_that_is_gone_is_said(open_page: OpenPage, document: str) -> None:
    page = open_page(f"{document}#not-there")
    expect(page.locator("#cited-bar")).to_contain_text("今の文書にありません")


def test_a_document_that_is_not_there_is_a_page_that_says_so(open_page: OpenPage) -> None:
    page = open_page("/documents/none", watch=False)  # the browser itself reports the 404
    expect(page.get_by_role("heading")).to_contain_text("この文書はありません")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_has_no_accessibility_violations_and_fits(
    open_page: OpenPage, document: str, chapter_index: Index, width: int, scheme: str
) -> None:
    table_row = next(each for each in chapter_index.passages if each.kind == "table_row")
    page = open_page(
        f"{document}#{table_row.id}", width=width, color_scheme=scheme, reduced_motion="reduce"
    )
    expect(page.locator("#cited-bar")).to_be_visible()
    report = Axe().run(page)
    assert report.violations_count == 0, report.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_prints_the_document_alone(open_page: OpenPage, document: str) -> None:
    page = open_page(document)
    page.emulate_media(media="print")
    for selector in (".bar", ".contents"):
        expect(page.locator(selector)).to_be_hidden()
    expect(page.get_by_role("table")).to_be_visible()
    assert page.pdf().startswith(b"%PDF")


@pytest.fixture(scope="module")
def hostile_index(tmp_path_factory: pytest.TempPathFactory) -> Index:
    folder: Path = tmp_path_factory.mktemp("hostile")
    (folder / "corpus").mkdir()
    (folder / "corpus" / "hostile.md").write_text(HOSTILE, encoding="utf-8")
    (folder / "corpus" / "hostile.toml").write_text(
        'title = "</title><script>window.harmed = 1</script>"\nlanguage = "ja"\n'
        'publisher = "<img src=x onerror=window.harmed=1>"\n',
        encoding="utf-8",
    )
    embedder = load_embedder()
    build_index(folder / "corpus", folder / "index", embedder=embedder)
    return load_index(folder / "index", embedder=embedder)


def test_a_hostile_document_is_harmless_text(
    open_page: OpenPage,
    hostile_index: Index,
    serve: Callable[[Index], AbstractContextManager[Site]],
) -> None:
    with serve(hostile_index) as site:
        page = open_page("/documents/hostile", at=site.url, width=400)
        expect(page.locator("article")).to_contain_text("<script>window.harmed = 1</script>と")
        expect(page.locator("article")).to_contain_text(LONG_WORD)
        expect(page.locator("article")).to_contain_text("{{ 7 * 7 }}")
        assert page.locator("article script, article img, article svg").count() == 0
        assert page.locator("a[href^='javascript']").count() == 0
        assert page.evaluate("document.documentElement.scrollWidth") <= 400
        assert page.evaluate("window.harmed") is None
        page = open_page("/#search", at=site.url, width=400)
        page.fill("#query", "検索で見つかる <script>window.harmed = 1</script>")
        page.press("#query", "Enter")
        expect(page.locator(".hits > li").first).to_be_visible()
        page.goto(f"{site.url}/?q=検索で見つかるのは何か")
        expect(page.locator(".answer > .actions")).to_be_visible()
        assert page.evaluate("window.harmed") is None
        assert page.evaluate("document.documentElement.scrollWidth") <= 400


def test_code_keeps_its_lines_and_is_marked_as_quoted(
    open_page: OpenPage, serve: Callable[[Index], AbstractContextManager[Site]], tmp_path: Path
) -> None:
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    text = (
        "# 手引き\n\n## 1 設定\n\n次のように書く。\n\n```toml\n[a]\n  b = 1\n```\n\n第2節を見る。\n"
    )
    (corpus / "a.md").write_text(f"{text}\n## 第2節 運用\n\n止めない。\n", encoding="utf-8")
    embedder = load_embedder()
    build_index(corpus, tmp_path / "index", embedder=embedder)
    index = load_index(tmp_path / "index", embedder=embedder)
    with serve(index) as site:
        passage = next(each for each in index.passages if "b = 1" in each.text)
        page = open_page(f"/documents/a#{passage.id}", at=site.url)
        marked = "".join(page.locator("mark").all_text_contents())
        source = index.documents["a"].source.text
        quote = "".join(span.cut(source) for span in passage.spans)
        assert "".join(marked.split()) == "".join(quote.split())
        assert "```toml" in quote
        assert page.locator("pre").inner_text() == "[a]\n  b = 1"
        assert page.get_by_role("heading", name="手引き").count() == 1
        page.get_by_role("link", name="第2節", exact=True).click()
        expect(page.get_by_role("heading", name="第2節 運用")).to_be_in_viewport()


def test_is_printed_dark_on_white_without_what_is_for_the_screen(
    open_page: OpenPage, document: str, chapter_index: Index
) -> None:
    page = open_page(f"{document}#{chapter_index.passages[0].id}")
    page.click("#theme")  # dark, by choice
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(page.locator("#cited-bar")).to_be_visible()
    page.emulate_media(media="print")
    colours = page.evaluate(
        "[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]"
    )
    assert colours == ["rgb(255, 255, 255)", "rgb(28, 30, 34)"]
    for part in (".bar", ".contents", "#cited-bar", ".document-end"):
        expect(page.locator(part)).to_be_hidden()
