"""Paragraphs of articles, supplements, appendices that are only referred to, and what acronyms are."""

from __future__ import annotations

from pathlib import Path

import pytest

from qa_service.answering.answer import Request, ask
from qa_service.answering.definitions import asked_acronyms, explains
from qa_service.retrieval.embedding import load_embedder
from qa_service.retrieval.index import Index, build_index, load_index
from qa_service.retrieval.labels import find_named
from qa_service.types import PassageKind, Reason

LAW = """# 港の管理に関する条例

目次

第1章 総則（第1条・第2条）
附則

## 第1章 総則

（目的）
第1条 この条例は、港の管理に関し必要な事項を定める。

（点検）
第2条 港の管理者は、施設を点検しなければならない。
2 前項の点検は、毎年度一回以上行う。
３　管理者は、点検の結果を公表する。

（罰則）
第3条 第2条の規定に違反した者は、過料に処する。

附則
1 この条例は、令和5年10月1日から施行する。
"""


@pytest.fixture(scope="module")
def law(tmp_path_factory: pytest.TempPathFactory) -> Index:
    folder = tmp_path_factory.mktemp("law")
    (folder / "corpus").mkdir()
    (folder / "corpus" / "port.md").write_text(LAW, encoding="utf-8")
    embedder = load_embedder()
    build_index(folder / "corpus", folder / "index", embedder=embedder)
    return load_index(folder / "index", embedder=embedder)


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("第2条第1項は何を定めていますか", ["施設を点検しなければならない"]),
        ("第2条第2項", ["毎年度一回以上行う"]),
        ("第二条第三項の内容は", ["結果を公表する"]),
        ("第2条", ["施設を点検しなければならない", "毎年度一回以上", "結果を公表する"]),
    ],
)
def test_a_paragraph_of_an_article_is_told_alone(
    law: Index, question: str, words: list[str]
) -> None:
    answer = ask(law, Request(question)).answer
    assert len(answer.statements) == len(words)
    for statement, part in zip(answer.statements, words, strict=True):
        assert part in statement.text


@pytest.mark.parametrize("question", ["第2条第9項", "第2条第4項は何を定めていますか"])
def test_a_paragraph_that_an_article_does_not_have_is_refused(law: Index, question: str) -> None:
    assert ask(law, Request(question)).answer.reason is Reason.NOT_IN_DOCUMENTS


def test_a_paragraph_behind_numbered_items_is_there(tmp_path: Path) -> None:
    (tmp_path / "law.md").write_text(
        "# 条例\n\n第1条 市は、文書を保存する。\n2 期間は、次のとおりとする。\n(1) 条例 30年\n(2) 予算 10年\n"
        "3 期間が満了した文書は、廃棄する。\n",
        encoding="utf-8",
    )
    embedder = load_embedder()
    build_index(tmp_path, tmp_path / "index", embedder=embedder)
    index = load_index(tmp_path / "index", embedder=embedder)
    assert ask(index, Request("第1条第3項の内容")).answer.answered
    assert not ask(index, Request("第1条第4項の内容")).answer.answered
    _, item = ask(index, Request("第1条第2項第2号")).answer.statements
    assert item.text.startswith("(2) 予算 10年")


def test_a_supplement_is_no_part_of_the_last_article(law: Index) -> None:
    result = ask(law, Request("この条例はいつから施行されますか"))
    assert "令和5年10月1日" in result.answer.statements[0].text
    assert "附則" in result.citations[0].label
    assert "第3条" not in result.citations[0].label
    (last,) = ask(law, Request("第3条の内容は")).answer.statements
    assert "過料" in last.text


def test_a_title_is_told_from_the_reference_and_the_content_refused(chapter_index: Index) -> None:
    title = ask(chapter_index, Request("資料24の題名は何ですか"))
    assert title.answer.answered
    assert title.answer.text.startswith("資料24は収録されていません。")
    assert "日米同盟にかかわる主な経緯" in title.answer.text
    for question in ("資料24には何が書いてありますか", "資料27の内容は"):
        assert ask(chapter_index, Request(question)).answer.reason is Reason.ONLY_REFERENCED


@pytest.mark.parametrize(
    "question", ["DICASとは何の略ですか", "What does DICAS stand for?", "什么是DICAS", "DICASとは"]
)
def test_an_acronym_is_told_by_the_words_that_explain_it(
    chapter_index: Index, question: str
) -> None:
    (statement,) = ask(chapter_index, Request(question)).answer.statements
    assert "定期協議 (DICAS)" in statement.text


def test_an_acronym_that_is_only_used_is_not_explained(chapter_index: Index) -> None:
    assert asked_acronyms(chapter_index, "What is NATO?") == ("NATO",)
    assert not ask(chapter_index, Request("What is NATO?")).answer.answered
    alone, wide = (ask(chapter_index, Request(each)).answer for each in ("NATO", "ＮＡＴＯ"))
    assert alone.answered == wide.answered


@pytest.mark.parametrize("question", ["What is FOO?", "DICASの開催はいつですか", "What is it?"])
def test_what_asks_for_more_or_for_the_unknown_asks_for_no_acronym(
    chapter_index: Index, question: str
) -> None:
    assert asked_acronyms(chapter_index, question) == ()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("定期協議（DICAS）を設立", True),
        ("the Forum (DICAS), which", True),
        ("DICAS (Forum on Industry)", True),
        ("DICAS：防衛産業の協議", True),
        ("DICASの早期開催", False),
        ("定期協議（DICASX）", False),
        ("XDICAS (a forum)", False),
    ],
)
def test_brackets_and_colons_explain(text: str, told: bool) -> None:
    assert explains(text, "DICAS") is told


@pytest.mark.parametrize(
    "question",
    [
        "第3章には何が書かれていますか",
        "Chapter 3",
        "第9節の内容",
        "脚注9",
        "注99には何が書いてありますか",
        "2030年の指針の見直しについて教えて",
        "令和25年の日米防衛相会談",
        "ガイドラインの2020年の改訂",
        "2030",
        "In 2031, what will the alliance do?",
        "第7条は何を定めていますか",
        "图表Ⅳ-9-9-9是什么",
    ],
)
def test_what_is_named_and_not_there_is_refused(chapter_index: Index, question: str) -> None:
    answer = ask(chapter_index, Request(question)).answer
    assert answer.reason is Reason.NOT_IN_DOCUMENTS


@pytest.mark.parametrize(
    "question",
    [
        "第2章の概要",
        "2015年の指針とは",
        "令和6年版防衛白書で日米同盟はどう説明されていますか",  # the year it was published in
        "第六条は何を定めていますか",
        "What does Article VI say?",
        "图表Ⅲ-2-1-1是什么",
        "第2章第1节讲了什么",
        "资料25是什么",
    ],
)
def test_what_is_named_and_there_is_answered(chapter_index: Index, question: str) -> None:
    assert ask(chapter_index, Request(question)).answer.answered


@pytest.mark.parametrize("question", ["第6条は何を定めていますか", "What does Article 6 say?"])
def test_an_article_of_another_work_is_told_by_the_sentences_that_speak_of_it(
    chapter_index: Index, question: str
) -> None:
    answer = ask(chapter_index, Request(question)).answer
    assert answer.statements
    assert all("第6条" in statement.text for statement in answer.statements)


@pytest.mark.parametrize("word", ["木原", "Kihara", "拡大抑止", "deterrence"])
def test_a_word_alone_is_answered_where_it_is_written(chapter_index: Index, word: str) -> None:
    assert ask(chapter_index, Request(word)).answer.answered


@pytest.mark.parametrize("word", ["食堂", "cafeteria", "東京", "Tokyo"])
def test_a_word_alone_that_is_written_nowhere_is_refused(chapter_index: Index, word: str) -> None:
    assert ask(chapter_index, Request(word)).answer.reason is Reason.NOT_IN_DOCUMENTS


@pytest.mark.parametrize(
    "question",
    [
        "この文書は何について書かれていますか",
        "概要を教えてください",
        "What is this document about?",
        "Summarise the report",
        "这份文件讲了什么",
        "このドキュメントを3行で要約して",
        "この章の要点を簡潔に5つ教えてください",
        "Give me a short summary in three sentences",
        "总结一下",
        "What are the key takeaways?",
        "要するに何が書いてあるの",
        "かいつまんで説明して",
        "Pouvez-vous résumer ce document, s'il vous plaît ?",
        "Fassen Sie das Dokument bitte zusammen.",
        "이 문서를 요약해 주세요",
    ],
)
def test_a_document_is_told_by_what_it_says_of_itself(chapter_index: Index, question: str) -> None:
    first, *_ = ask(chapter_index, Request(question)).answer.statements
    assert "本章においては" in first.text
    assert "説明する" in first.text


PLAN = """# 若葉町交通計画

## 1 区域

計画の区域は、若葉町全域とする。町の人口は令和4年4月1日現在で8,420人である。

## 2 路線バス

路線バスの利用者数は、平成30年度の21万4千人から令和3年度の13万人に減少した。

## 3 デマンド交通

予約は電話で1時間前まで受け付ける。運賃は1回300円である。

## 4 住民アンケート

令和4年12月に、住民アンケート調査を行った。回収率は高橋花子委員が報告した。

## 5 調査の結果

路線バスの増便を望む人は62パーセントであった。町長の高橋一郎は、増便を令和8年度に行うと述べた。

## 6 訪問者

2019年の町への訪問者は3万1千人であった。

2020年の町への訪問者は8千人であった。
"""


def test_a_year_stands_beside_what_is_asked(tmp_path: Path) -> None:
    folder = tmp_path / "corpus"
    folder.mkdir()
    (folder / "plan.md").write_text(PLAN, encoding="utf-8")
    embedder = load_embedder()
    build_index(folder, tmp_path / "index", embedder=embedder)
    index = load_index(tmp_path / "index", embedder=embedder)
    assert ask(index, Request("令和3年度の利用者数は")).answer.answered
    assert ask(index, Request("令和4年の町の人口は")).answer.answered
    # the year stands with the survey, its results in the next section
    assert ask(
        index, Request("2022年のアンケート調査で増便を望む人は何パーセントでしたか")
    ).answer.answered
    assert ask(index, Request("高橋一郎町長は増便をいつ行うと述べましたか")).answer.answered
    (told,) = ask(index, Request("2020年の町への訪問者は何人でしたか")).answer.statements
    assert "8千人" in told.text  # and nothing of 2019
    assert not ask(index, Request("高橋次郎は増便をいつ行うと述べましたか")).answer.answered
    assert not ask(index, Request("令和4年度の利用者数は")).answer.answered
    assert not ask(index, Request("令和3年の町の人口は")).answer.answered


@pytest.mark.parametrize(
    "question",
    [
        "Résumez le prix du riz dans ce document",
        "300字以内で自転車を要約して",
        "要約筆記とは何ですか",
    ],
)
def test_a_subject_in_a_document_is_not_the_document(question: str) -> None:
    assert not find_named(question).whole


def test_which_of_two_documents_is_asked_about_is_not_guessed(tmp_path: Path) -> None:
    folder = tmp_path / "corpus"
    folder.mkdir()
    (folder / "port.md").write_text(LAW, encoding="utf-8")
    (folder / "road.md").write_text(LAW.replace("港", "道路"), encoding="utf-8")
    embedder = load_embedder()
    build_index(folder, tmp_path / "index", embedder=embedder)
    index = load_index(tmp_path / "index", embedder=embedder)
    assert not ask(index, Request("この文書は何について書かれていますか")).answer.answered


@pytest.mark.parametrize(
    ("question", "words"),
    [("注2の内容は", "議題"), ("What does note 3 say?", "1996"), ("注1", "")],
)
def test_a_note_is_told_by_its_number(chapter_index: Index, question: str, words: str) -> None:
    result = ask(chapter_index, Request(question))
    assert result.answer.answered
    assert result.hits[0].passage.kind is PassageKind.NOTE


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("第1節1について", "現在の国際社会において"),
        ("第1節1-2の内容", "日米安保条約第6条では"),
        ("第2章", "本章においては"),
    ],
)
def test_a_section_is_told_from_its_beginning(
    chapter_index: Index, question: str, words: str
) -> None:
    first, *_ = ask(chapter_index, Request(question)).answer.statements
    assert first.text.startswith(words)


@pytest.mark.parametrize(
    "question", ["報告", "説明", "誰が書いた文書ですか", "How long is the document?", "図表の説明"]
)
def test_not_every_word_about_documents_asks_for_all_of_one(question: str) -> None:
    assert not find_named(question).whole
