"""The page `/` as a person uses it."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, Route, expect

from qa_service.retrieval.embedding import load_embedder
from qa_service.retrieval.index import Index, build_index, load_index

from .conftest import OpenPage, Site

QUESTION = "日米合同委員会の目的は何ですか"


def ask(page: Page, question: str = QUESTION) -> None:
    page.fill("#question", question)
    page.press("#question", "Enter")
    expect(page.locator(".turn").last.locator(".answer > .actions")).to_be_visible()


def test_answers_with_chips_that_name_their_source(open_page: OpenPage) -> None:
    page = open_page()
    ask(page)
    expect(page.locator(".answer-text")).to_contain_text("地位協定の実施に関して協議")
    chip = page.locator(".chip").first
    chip.focus()
    card = page.get_by_role("tooltip")
    expect(card).to_contain_text("図表Ⅲ-2-1-1")
    expect(card).to_contain_text("第1節3-2")
    expect(card.locator(".quote")).to_contain_text("日米合同委員会 (JC) Joint Committee")
    page.keyboard.press("Escape")
    expect(card).to_have_count(0)


def test_a_table_row_is_a_list_of_labels_and_values(open_page: OpenPage) -> None:
    page = open_page()
    ask(page)
    row = page.locator(".answer-text .row dl")
    labels = ["協議の場", "出席対象者 日本側", "出席対象者 米側", "目的", "根拠など"]
    expect(row.locator("dt")).to_have_text(labels)
    expect(row.locator("dd").nth(3)).to_have_text("地位協定の実施に関して協議")


def test_what_trying_again_drops_can_be_brought_back_once(open_page: OpenPage) -> None:
    page = open_page()
    for question in (QUESTION, "2+2とは何ですか", "SDCとは何ですか"):
        ask(page, question)
    page.locator(".turn").first.get_by_role("button", name="もう一度").click()
    expect(page.locator(".turn")).to_have_count(1)
    expect(page.locator(".answer > .actions")).to_be_visible()
    page.click("#bring-back")
    asked = [QUESTION, "2+2とは何ですか", "SDCとは何ですか", QUESTION]
    expect(page.locator(".turn h2")).to_have_text(asked)
    expect(page.locator("#bring-back")).to_be_hidden()
    page.reload()
    expect(page.locator(".turn h2")).to_have_text(asked)


def test_what_an_older_page_kept_does_not_stop_this_one(open_page: OpenPage) -> None:
    page = open_page()
    kept = '[{"question": "?", "response": {"answer": {"statements": []}}}, 3, null]'
    page.evaluate("kept => localStorage.setItem('qa_service.conversation', kept)", kept)
    page.reload()
    expect(page.locator("#examples button").first).to_be_visible()
    ask(page)


def test_skipping_to_the_content_stays_in_the_view(open_page: OpenPage) -> None:
    page = open_page("/#search")
    page.locator(".skip").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#search")).to_be_visible()
    expect(page.locator("#ask")).to_be_hidden()


def test_back_and_escape_close_the_document_beside(open_page: OpenPage) -> None:
    page = open_page(width=1280)
    ask(page)
    chip = page.locator(".chip").first
    chip.click()
    expect(page.frame_locator("#pane-frame").locator("mark").first).to_be_in_viewport()
    page.go_back()
    expect(page.locator("#pane")).to_be_hidden()
    expect(page.locator(".turn")).to_have_count(1)
    chip.focus()
    page.keyboard.press("Enter")
    expect(page.frame_locator("#pane-frame").locator("mark").first).to_be_in_viewport()
    page.frame_locator("#pane-frame").locator("body").press("Escape")
    expect(page.locator("#pane")).to_be_hidden()
    expect(chip).to_be_focused()


@pytest.mark.parametrize("width", [900, 1280], ids=["narrow", "beside the answer"])
def test_a_click_on_a_chip_marks_exactly_the_quote(
    open_page: OpenPage, site: Site, width: int
) -> None:
    page = open_page(width=width)
    with page.expect_response("**/v1/ask"):
        ask(page)
    answer = page.request.post(f"{site.url}/v1/ask", data={"question": QUESTION}).json()
    quote = answer["citations"][0]["quote"]
    page.locator(".chip").first.click()
    if width < 1088:
        page.wait_for_url("**/documents/**")
        marks = page.locator("mark")
    else:
        marks = page.frame_locator("#pane-frame").locator("mark")
    expect(marks.first).to_be_in_viewport()
    assert "".join(marks.all_text_contents()) == quote.replace("\t", "")


def test_enter_while_an_input_method_composes_sends_nothing(open_page: OpenPage) -> None:
    page = open_page()
    page.focus("#question")
    client = page.context.new_cdp_session(page)
    client.send(
        "Input.imeSetComposition", {"text": "にちべい", "selectionStart": 4, "selectionEnd": 4}
    )
    client.send(
        "Input.dispatchKeyEvent",
        {"type": "keyDown", "key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 229},
    )
    client.send("Input.insertText", {"text": "日米"})
    expect(page.locator("#question")).to_have_value("日米")
    expect(page.locator(".turn")).to_have_count(0)
    page.press("#question", "Shift+Enter")
    expect(page.locator(".turn")).to_have_count(0)
    page.press("#question", "Enter")
    expect(page.locator(".turn")).to_have_count(1)


def test_the_conversation_outlives_a_reload_and_is_led_on(open_page: OpenPage) -> None:
    page = open_page()
    ask(page)
    page.reload()
    expect(page.locator(".asked")).to_have_text(QUESTION)
    expect(page.locator(".chip").first).to_be_visible()
    ask(page, "その根拠は？")
    expect(page.locator(".standalone").last).to_contain_text("日米合同委員会")
    page.click("#new-conversation")
    expect(page.locator(".turn")).to_have_count(0)
    expect(page.locator("#examples button").first).to_be_visible()
    page.reload()
    expect(page.locator(".turn")).to_have_count(0)


@pytest.mark.parametrize(("confidence", "notices"), [(0.42, 1), (0.5, 0)], ids=["low", "high"])
def test_an_uncertain_answer_says_so(open_page: OpenPage, confidence: float, notices: int) -> None:
    page = open_page()

    def be_as_sure(route: Route) -> None:
        response = route.fetch()
        body = re.sub(r'"confidence":[\d.]+', f'"confidence":{confidence}', response.text())
        route.fulfill(response=response, body=body)

    page.route("**/v1/ask", be_as_sure)
    ask(page)
    expect(page.locator(".answer .notice").filter(has_text="不確かな答え")).to_have_count(notices)
    expect(page.get_by_text("確度 42%")).to_have_count(notices)


def test_a_refusal_says_what_to_do_next(open_page: OpenPage) -> None:
    page = open_page(locale="en-US")
    ask(page, "What is the capital of Peru?")
    expect(page.locator(".advice")).to_be_visible()
    expect(page.locator(".chip")).to_have_count(0)


def test_a_streaming_answer_can_be_stopped_and_asked_again(open_page: OpenPage) -> None:
    page = open_page()
    page.route("**/v1/ask", lambda route: None)  # an answer that does not come
    page.fill("#question", QUESTION)
    page.press("#question", "Enter")
    expect(page.locator("#send")).to_be_hidden()
    page.click("#stop")
    expect(page.get_by_role("alert")).to_contain_text("止めました")
    page.unroute("**/v1/ask")
    page.get_by_role("alert").get_by_role("button").click()
    expect(page.locator(".chip").first).to_be_visible()
    expect(page.locator(".turn")).to_have_count(1)


def test_a_server_that_is_gone_is_an_error_in_words(
    open_page: OpenPage,
    chapter_index: Index,
    serve: Callable[[Index], AbstractContextManager[Site]],
) -> None:
    with serve(chapter_index) as site:
        page = open_page(at=site.url, watch=False)  # the browser itself reports the refusal
        expect(page.locator("#examples button").first).to_be_visible()
        site.stop()
        page.fill("#question", QUESTION)
        page.press("#question", "Enter")
        expect(page.get_by_role("alert")).to_contain_text("サービスにつながりません")


def test_copies_an_answer_and_its_citations(open_page: OpenPage) -> None:
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    ask(page)
    actions = page.locator(".answer > .actions")
    for choice, held, not_held in [
        ("文だけ", "地位協定", "[1]"),
        ("番号つき", "[1]", "http"),
        ("引用つき (Markdown)", "http://127.0.0.1", "\x00"),
    ]:
        actions.get_by_role("button", name="コピー", exact=True).click()
        actions.get_by_role("button", name=choice, exact=True).click()
        expect(page.locator(".toast").last).to_be_visible()
        copied = page.evaluate("navigator.clipboard.readText()")
        assert held in copied
        assert not_held not in copied
    page.click(".sources summary")
    page.locator(".sources").get_by_role("button", name="出典をコピー").first.click()
    expect(page.locator(".toast")).to_have_count(0)
    page.get_by_role("button", name="BibTeX").first.click()
    expect(page.locator(".toast")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("@book")
    link = page.locator(".chip").first.get_attribute("href")
    assert link is not None
    assert ";at=" in link
    assert f"{link}}}" in copied


def test_menus_and_the_reason_can_be_reached_on_a_telephone(open_page: OpenPage) -> None:
    page = open_page(width=360, height=780)
    ask(page)
    actions = page.locator(".answer > .actions")
    actions.get_by_role("button", name="コピー", exact=True).click()
    place = page.locator(".menu-items:visible").bounding_box()
    assert place is not None
    assert place["x"] >= 0
    assert place["x"] + place["width"] <= 360
    assert place["y"] + place["height"] <= 780
    page.keyboard.press("Escape")
    actions.get_by_role("button", name="誤り").click()
    expect(page.locator(".why input")).to_be_focused()
    send = page.locator(".why button").bounding_box()
    composer = page.locator(".composer-place").bounding_box()
    assert send is not None
    assert composer is not None
    assert send["y"] + send["height"] <= composer["y"]


def test_exports_the_conversation(open_page: OpenPage) -> None:
    page = open_page()
    ask(page)
    with page.expect_download() as download:
        page.click("#export-conversation")
    text = Path(download.value.path()).read_text(encoding="utf-8")
    assert f"## {QUESTION}" in text
    assert "図表Ⅲ-2-1-1" in text


def test_a_reader_marks_a_citation_and_an_answer(open_page: OpenPage, site: Site) -> None:
    page = open_page()
    question = "日米合同委員会には誰が出席しますか"
    ask(page, question)
    page.locator(".answer > .actions").get_by_role("button", name="正しい").click()
    expect(page.locator(".why input")).to_be_focused()
    page.fill(".why input", "表で確かめた")
    page.locator(".why").get_by_role("button", name="送る").click()
    expect(page.locator(".thanks").first).to_contain_text("記録しました")
    kept = [each for each in site.feedback.verdicts() if each.question == question]
    assert [(each.verdict, each.subject, each.comment) for each in kept] == [
        ("right", "answer", ""),  # the click alone counts
        ("right", "answer", "表で確かめた"),
    ]
    assert kept[0].passages[0].label == "図表Ⅲ-2-1-1"


def test_searches_with_filters_and_explains(open_page: OpenPage) -> None:
    page = open_page("/#search")
    page.fill("#query", "拡大抑止")
    page.press("#query", "Enter")
    expect(page.locator(".hits > li").first).to_be_visible()
    page.locator(".explained summary").first.click()
    expect(page.locator(".explained").first).to_contain_text("拡大")
    expect(page.locator(".passage-text b").first).to_be_visible()
    page.select_option("#filter-kind", "table_row")
    expect(page.locator(".hits .where").filter(has_not_text="図表")).to_have_count(0)
    page.select_option("#filter-section", "1/2")
    expect(page.locator("#found")).to_contain_text("見つかりませんでした")


def test_a_search_is_in_the_address(open_page: OpenPage) -> None:
    page = open_page("/#search")
    hits = page.locator(".hits > li .where")
    page.fill("#query", "拡大抑止")
    page.press("#query", "Enter")
    expect(hits.first).to_be_visible()
    page.select_option("#filter-section", "1/3")
    page.select_option("#filter-kind", "table_row")
    page.wait_for_url("**/#search?**table_row**")
    expect(hits.filter(has_text="図表").first).to_be_visible()
    expect(hits.filter(has_not_text="図表")).to_have_count(0)
    rows = hits.all_text_contents()
    for shared in (page, open_page(page.url.removeprefix(f"http://{page.url.split('/')[2]}"))):
        shared.reload()
        expect(shared.locator(".hits > li .where")).to_have_text(rows)
        expect(shared.locator("#query")).to_have_value("拡大抑止")
        expect(shared.locator("#filter-section")).to_have_value("1/3")
        expect(shared.locator("#filter-kind")).to_have_value("table_row")
        expect(shared.locator(".turn")).to_have_count(0)
    page.fill("#query", "日米合同委員会")
    page.press("#query", "Enter")
    page.wait_for_url(lambda url: "%E6%8B%A1" not in url)
    page.go_back()
    expect(hits).to_have_text(rows)
    expect(page.locator("#query")).to_have_value("拡大抑止")
    page.click("#tab-ask")
    page.click("#tab-search")
    expect(hits).to_have_text(rows)
    assert "table_row" in page.url


def test_an_address_with_filters_that_are_not_there_searches_without_them(
    open_page: OpenPage,
) -> None:
    page = open_page("/#search?q=2%2B2%3F&kind=none&section=9/9&mode=x&document=none")
    expect(page.locator(".hits > li").first).to_be_visible()
    expect(page.locator("#query")).to_have_value("2+2?")
    expect(page.locator("#filter-mode")).to_have_value("hybrid")


def test_lists_the_documents(open_page: OpenPage) -> None:
    page = open_page("/#library")
    page.get_by_role("link", name="令和6年版防衛白書").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("日米同盟")


def test_speaks_the_readers_language_and_changes_it(open_page: OpenPage) -> None:
    page = open_page(locale="en-US")
    expect(page.locator("#tab-ask")).to_have_text("Ask")
    page.get_by_role("button", name="日本語").click()
    expect(page.locator("#tab-ask")).to_have_text("質問")
    page.reload()
    expect(page.locator("html")).to_have_attribute("lang", "ja")


def test_the_theme_is_chosen_and_kept(open_page: OpenPage) -> None:
    page = open_page(color_scheme="light")
    colour = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(colour)
    page.click("#theme")
    dark = page.evaluate(colour)
    assert light != dark
    page.reload()
    assert page.evaluate(colour) == dark


def test_can_be_used_by_the_keyboard_alone(open_page: OpenPage) -> None:
    page = open_page()
    expect(page.locator("#question")).to_be_focused()
    page.keyboard.type(QUESTION)
    page.keyboard.press("Enter")
    expect(page.locator(".answer > .actions")).to_be_visible()
    page.keyboard.press("ArrowUp")
    chip = page.locator(".chip").first
    expect(chip).to_be_focused()
    cited = page.frame_locator("#pane-frame").locator("mark").first
    for _ in range(2):  # the second time the document is there already
        page.keyboard.press("Enter")
        expect(cited).to_be_in_viewport()
        expect(cited).to_be_focused()
        page.keyboard.press("Escape")
        expect(page.locator("#pane")).to_be_hidden()
        expect(chip).to_be_focused()


def test_the_examples_come_from_all_of_a_few_documents(
    open_page: OpenPage, serve: Callable[[Index], AbstractContextManager[Site]], tmp_path: Path
) -> None:
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    for name, title in [("a", "河川"), ("b", "道路"), ("c", "港湾")]:
        (corpus / f"{name}.md").write_text(
            f"# 1 はじめに\n\n文書の初め。\n\n# 2 {title}の管理\n\n{title}を管理する。\n\n"
            f"# 3 {title}の費用\n\n{title}に費用がかかる。\n",
            encoding="utf-8",
        )
    embedder = load_embedder()
    build_index(corpus, tmp_path / "index", embedder=embedder)
    with serve(load_index(tmp_path / "index", embedder=embedder)) as site:
        page = open_page(at=site.url)
        examples = page.locator("#examples button")
        expect(examples).to_have_count(4)
        questions = examples.all_text_contents()
    assert len(set(questions)) == 4
    for title in ("河川", "道路", "港湾"):
        assert any(title in question for question in questions[:3])
    assert not any("はじめに" in question for question in questions)


def test_a_question_in_the_address_is_asked_once(open_page: OpenPage) -> None:
    page = open_page(f"/?q={QUESTION}")
    expect(page.locator(".chip").first).to_be_visible()
    page.reload()
    expect(page.locator(".chip").first).to_be_visible()
    expect(page.locator(".turn")).to_have_count(1)


def test_tabs_share_one_conversation_and_a_new_one_can_be_undone(open_page: OpenPage) -> None:
    page = open_page()
    ask(page)
    other = page.context.new_page()
    other.goto(page.url)
    ask(other, "日米合同委員会の根拠は何ですか")
    expect(page.locator(".turn")).to_have_count(2)
    ask(page, "日米「2+2」には誰が出席しますか")
    expect(other.locator(".turn")).to_have_count(3)
    page.click("#new-conversation")
    expect(other.locator(".turn")).to_have_count(0)
    page.click("#bring-back")
    expect(page.locator(".turn")).to_have_count(3)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("view", ["welcome", "answer", "search", "library"])
def test_has_no_accessibility_violations_and_fits(
    open_page: OpenPage, view: str, width: int, scheme: str
) -> None:
    page = open_page(
        f"/#{view}" if view in ("search", "library") else "/",
        width=width,
        color_scheme=scheme,
        reduced_motion="reduce",
    )
    if view == "welcome":
        expect(page.locator("#examples button").first).to_be_visible()
    elif view == "answer":
        ask(page)
        page.click(".sources summary")
    elif view == "search":
        page.fill("#query", "拡大抑止")
        page.press("#query", "Enter")
        page.locator(".explained summary").first.click()
    else:
        expect(page.locator("#documents a").first).to_be_visible()
    report = Axe().run(page)
    assert report.violations_count == 0, report.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_first_view_is_small(open_page: OpenPage, site: Site) -> None:
    page = open_page("/docs")
    sizes: dict[str, int] = {}
    page.on("response", lambda response: sizes.update({response.url: len(response.body())}))
    page.goto(site.url)
    expect(page.locator("#examples button").first).to_be_visible()
    page.wait_for_load_state("networkidle")
    assert sum(sizes.values()) <= 100_000


def test_what_an_answer_does_without_is_said_in_the_readers_language(open_page: OpenPage) -> None:
    page = open_page()

    def take_the_model_away(route: Route) -> None:
        response = route.fetch()
        lacking = '"degraded":["No model."],"degraded_codes":["no_language_model"]'
        body = response.text().replace('"degraded":[],"degraded_codes":[]', lacking)
        route.fulfill(response=response, body=body)

    page.route("**/v1/ask", take_the_model_away)
    ask(page)
    expect(page.locator(".answer .notice li")).to_have_text(
        "言語モデルが設定されていないため、文書の文を引用しました。"
    )
