"""What a question asks for beside what it names (qa_service/retrieval/asked.py)."""

from __future__ import annotations

from pathlib import Path

import pytest

from qa_service.answering.answer import Request, ask
from qa_service.retrieval.asked import without_asking, without_request
from qa_service.retrieval.embedding import load_embedder
from qa_service.retrieval.index import Index, build_index, load_index


@pytest.mark.parametrize(
    ("question", "subject"),
    [
        ("図書館について教えて", "図書館について"),
        ("図書館について教えてください。", "図書館について"),
        ("図書館について簡単に教えていただけますか？", "図書館について"),
        ("図書館について3行で要約して", "図書館について"),
        ("図書館を教えてくれませんか", "図書館"),
        ("図書館について知りたいのですが", "図書館について"),
        ("観光予算の要点をまとめてください", "観光予算"),
        ("計画の概要を教えて", "計画の概要"),
        ("What are the key points of the budget?", "the budget?"),
        ("Can you please explain what is the budget?", "the budget?"),
        ("Could you give me a brief overview of the revenue?", "the revenue?"),
        ("I would like to know about the fleet", "the fleet"),
        ("Summarize the cargo handling in three sentences", "the cargo handling"),
        ("图书馆的总结", "图书馆的总结"),
        ("请介绍一下港口", "港口"),
        ("請説明港口的货物", "港口的货物"),
        ("この資料館について教えて", "この資料館について"),
        ("5個以内に限られる理由を教えて", "5個以内に限られる理由"),
        ("観光予算の要点を5つ教えて", "観光予算"),
        ("図書館について、簡単に、3点で教えてください", "図書館について"),
        ("図書館について教えていただけますでしょうか", "図書館について"),
        ("Tell me more about the port", "the port"),
        ("What is the joint statement about?", "the joint statement"),
    ],
)
def test_words_that_ask_to_be_told_are_left_out(question: str, subject: str) -> None:
    assert without_request(question).strip() == subject


@pytest.mark.parametrize(
    "question",
    [
        "議長は何を説明しましたか",
        "要約して",
        "何が知りたいですか",
        "What did he explain?",
        "Who explained the budget?",
        "About 118 people work where?",
        "What about the budget?",
        "List the members",
        "学校で何を教えていますか",
        "What is the point of entry for visas?",
        "Outline planning permission: what is it?",
        "介绍信需要什么材料",
        "概括的な評価とは",
        "",
    ],
)
def test_other_questions_stay(question: str) -> None:
    assert without_request(question) == question


@pytest.mark.parametrize(
    ("question", "rest"),
    [
        ("歳入はいくらですか", "歳入は"),
        ("誰が出席しましたか", "が出席"),
        ("どのような目的ですか", "目的"),
        ("ぶどうの生産量はいくらですか", "ぶどうの生産量は"),
        ("ほたるいかはどこで獲れますか", "ほたるいかは で獲れ"),
        ("何人ですか", "何人ですか"),
        ("What is it?", "What is it"),
    ],
)
def test_words_of_asking_are_left_out_whole(question: str, rest: str) -> None:
    assert without_asking(question).strip() == rest


@pytest.mark.parametrize("question", ["、" * 1_990 + "同盟", "図書館" + " " * 1_900 + "教えて"])
def test_long_runs_are_read_to_their_end(question: str) -> None:
    assert without_request(question).strip() in ("図書館", question)


REPORT = """# 町の概況

## 1 図書館

町立図書館は昭和60年に開館した。蔵書は8万冊である。

## 2 港

港の貨物取扱量は年間230万トンである。岸壁の改修を進めている。

## 3 公園

公園で催しを行おうとする者は、町長の許可を受けなければならない。
"""


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Index:
    folder: Path = tmp_path_factory.mktemp("asked")
    (folder / "corpus").mkdir()
    (folder / "corpus" / "report.md").write_text(REPORT, encoding="utf-8")
    embedder = load_embedder()
    build_index(folder / "corpus", folder / "index", embedder=embedder)
    return load_index(folder / "index", embedder=embedder)


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("図書館について教えてください", "蔵書は8万冊である"),
        ("港について3行で要約して", "230万トン"),
        ("図書館の蔵書はいくらですか", "蔵書は8万冊である"),
        ("公園の催しについて説明してもらえますか", "町長の許可"),
        ("Summarize the cargo of the port", "230万トン"),
    ],
)
def test_a_subject_is_told_of(index: Index, question: str, expected: str) -> None:
    assert expected in ask(index, Request(question)).answer.text


@pytest.mark.parametrize("question", ["防災について教えてください", "Tell me about the airport"])
def test_a_subject_that_is_not_there_is_refused(index: Index, question: str) -> None:
    assert not ask(index, Request(question)).answer.answered
