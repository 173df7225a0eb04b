"""A question to an answer, without a language model: quoted words, their citations, refusals."""

from __future__ import annotations

from collections.abc import Sequence

import anyio
import pytest

from qa_service.answering.answer import Request, ask, check_request, stream_answer
from qa_service.answering.conversation import make_standalone
from qa_service.answering.events import Cited, Delta, Done, Event, Sources
from qa_service.errors import InputError
from qa_service.retrieval.index import Index
from qa_service.types import AnswerMode, Filters, Reason, Support, Turn

QUESTIONS = [
    "日米合同委員会の目的は",
    "日米防衛協力のための指針が最初にできた年",
    "What is the purpose of the Joint Committee?",
    "2023年に米軍では何が相次いだか",
    "図表Ⅲ-2-1-1",
    "図表Ⅲ-2-1-1の注2は何と書いてあるか",
]


def collect(index: Index, request: Request) -> list[Event]:
    async def run() -> list[Event]:
        return [event async for event in stream_answer(index, request)]

    return anyio.run(run)


def in_order(words: str, quote: str) -> bool:
    """All characters of the words, white space aside, stand in the quote in their order."""
    rest = iter(quote)
    return all(character in rest for character in words if not character.isspace())


@pytest.mark.parametrize("question", QUESTIONS)
def test_every_statement_is_verbatim_and_cited(chapter_index: Index, question: str) -> None:
    result = ask(chapter_index, Request(question))
    assert result.answer.answered
    assert result.answer.reason is None
    assert 1 <= len(result.answer.statements) <= 3
    for statement in result.answer.statements:
        assert result.answer.text[statement.start : statement.end] == statement.text
        assert statement.support is Support.EXACT
        quotes = "".join(result.citations[n - 1].quote for n in statement.citations)
        for part in statement.text.split("; "):  # a row's cells have their column names in front
            assert in_order(part.split(": ", 1)[-1], quotes)
    for citation in result.citations:
        source = chapter_index.documents[citation.document.id].source.text
        cut = "".join(source[span.start : span.end] for span in citation.spans)
        assert citation.quote == cut


def test_a_cited_sentence_is_quoted_alone(chapter_index: Index) -> None:
    result = ask(chapter_index, Request("日米防衛協力のための指針はいつ策定されたか"))
    first = result.answer.statements[0]
    assert "1978年" in first.text
    assert result.citations[first.citations[0] - 1].quote == first.text


def test_a_quoted_row_says_what_its_cells_are(chapter_index: Index) -> None:
    (statement,) = ask(chapter_index, Request("日米合同委員会の目的は")).answer.statements
    assert statement.text == "; ".join(f"{cell.label}: {cell.text}" for cell in statement.cells)
    assert ("目的", "地位協定の実施に関して協議") in [(c.label, c.text) for c in statement.cells]
    (sentence, *_) = ask(chapter_index, Request("拡大抑止とは")).answer.statements
    assert sentence.cells == ()


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_stream_tells_the_same_as_the_whole(chapter_index: Index, question: str) -> None:
    events = collect(chapter_index, Request(question))
    assert isinstance(events[0], Sources)
    assert isinstance(events[-1], Done)
    result = events[-1].result
    assert "".join(event.text for event in events if isinstance(event, Delta)) == result.answer.text
    cited = [event for event in events if isinstance(event, Cited)]
    assert [event.n for event in cited] == list(range(1, len(result.citations) + 1))
    assert tuple(event.citation for event in cited) == result.citations
    assert result.answer == ask(chapter_index, Request(question)).answer


def test_a_citation_comes_before_its_mark(chapter_index: Index) -> None:
    told: set[int] = set()
    for event in collect(chapter_index, Request(QUESTIONS[0])):
        if isinstance(event, Cited):
            told.add(event.n)
        if isinstance(event, Delta):
            assert all(f"[{n}]" not in event.text or n in told for n in range(1, 9))


def test_an_answer_in_another_language_says_that_it_quotes(chapter_index: Index) -> None:
    result = ask(chapter_index, Request("What is the purpose of the Joint Committee?"))
    assert result.answer.language == "en"
    assert result.answer.text.startswith("Quoted from the document (Japanese):\n")


@pytest.mark.parametrize(
    ("question", "reason"),
    [
        ("夕食のおすすめレシピは", Reason.NOT_IN_DOCUMENTS),
        ("How long is the Great Wall of China?", Reason.NOT_IN_DOCUMENTS),
        ("図表Ⅳ-9-9-9は何か", Reason.NOT_IN_DOCUMENTS),
        ("資料26によると共同発表で何が合意されたか", Reason.ONLY_REFERENCED),
        ("こんにちは", Reason.NO_QUESTION),
        ("Hello!", Reason.NO_QUESTION),
        ("？？？", Reason.NO_QUESTION),
    ],
)
def test_what_is_not_there_is_not_answered(
    chapter_index: Index, question: str, reason: Reason
) -> None:
    result = ask(chapter_index, Request(question))
    assert not result.answer.answered
    assert result.answer.reason is reason
    assert result.answer.text
    assert result.citations == ()
    assert result.answer.statements == ()


@pytest.mark.parametrize(
    "question",
    [
        "日米安保条約第7条とは",
        "What does Article 10 of the treaty say?",
        "FOO",
        "What is XYZ?",
        "G7とは",
    ],
)
def test_an_article_or_acronym_that_stands_nowhere_is_not_answered(
    chapter_index: Index, question: str
) -> None:
    assert ask(chapter_index, Request(question)).answer.reason is Reason.NOT_IN_DOCUMENTS


@pytest.mark.parametrize(
    "question", ["日米安保条約第六条とは", "What does Article 6 of the treaty provide?"]
)
def test_of_an_article_only_what_speaks_of_it_is_quoted(
    chapter_index: Index, question: str
) -> None:
    result = ask(chapter_index, Request(question))
    assert result.answer.answered
    assert "第6条" in result.answer.statements[0].text


@pytest.mark.parametrize("question", ["図表Ⅲ-2-1-1", "What does Figure III-2-1-1 show?"])
def test_a_figure_is_told_from_its_beginning(chapter_index: Index, question: str) -> None:
    statements = ask(chapter_index, Request(question)).answer.statements
    assert statements[0].text.startswith("図表Ⅲ-2-1-1")
    assert not any("1990年12月26日以前は" in each.text for each in statements)


@pytest.mark.parametrize(
    "question",
    [
        "「わが国の平和と安全の確保」には何が書かれていますか",
        "What does the document say about “わが国の平和と安全の確保”?",
    ],
)
def test_a_quoted_title_names_its_section(chapter_index: Index, question: str) -> None:
    result = ask(chapter_index, Request(question))
    assert result.answer.language == ("en" if question.startswith("What") else "ja")
    assert result.answer.answered
    assert {each.section.number for each in result.citations} == {"第1節1-1"}


def test_a_reference_answers_what_it_says_itself(chapter_index: Index) -> None:
    assert "日米同盟にかかわる主な経緯" in ask(chapter_index, Request("資料24は何か")).answer.text


def test_a_refusal_speaks_the_language_of_the_question(chapter_index: Index) -> None:
    texts: Sequence[str] = [
        ask(chapter_index, Request(question)).answer.text
        for question in ("夕食のレシピは", "Who won the World Cup?", "世界杯是谁赢了？")
    ]
    assert texts[0].endswith("見当たりません。")
    assert texts[1].startswith("The documents")
    assert texts[2].startswith("收录")


def test_a_follow_up_is_made_to_stand_alone(chapter_index: Index) -> None:
    history = (Turn("user", "日米合同委員会とは何か"), Turn("assistant", "…"))
    result = ask(chapter_index, Request("その目的は？", history=history))
    assert result.standalone_question == "日米合同委員会の目的は？"
    assert "地位協定の実施に関して協議" in result.answer.text


def test_filters_hold_for_answers(chapter_index: Index) -> None:
    result = ask(chapter_index, Request("協議の目的は", filters=Filters(section="1/2")))
    assert {hit.citation.section.id for hit in result.hits} == {"1/2"}


def test_a_wish_for_a_language_model_that_is_not_there_is_told(chapter_index: Index) -> None:
    done = collect(chapter_index, Request(QUESTIONS[0], mode="generated"))[-1]
    assert isinstance(done, Done)
    assert done.result.answer.mode is AnswerMode.EXTRACTIVE
    assert any("No language model" in note for note in done.result.degraded)


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (Request(""), "question"),
        (Request("あ" * 2001), "question"),
        (Request("a", top_k=0), "top_k"),
        (Request("a", history=(Turn("user", "b"), Turn("robot", "c"))), "history.1.role"),
        (Request("a", history=(Turn("user", "b" * 20_001),)), "history.0.content"),
        (Request("a", history=(Turn("user", "b"),) * 101), "history"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_bad_requests_name_their_field(request_: Request, field: str) -> None:
    with pytest.raises(InputError) as caught:
        check_request(request_)
    assert caught.value.field == field


def test_a_follow_up_that_would_grow_too_long_is_asked_as_it_is(chapter_index: Index) -> None:
    question = f"その目的は？{'？' * 1_990}"
    request = Request(question, history=(Turn("user", "日米合同委員会とは何か"),))
    assert len(make_standalone(question, request.history)) > 2_000
    assert ask(chapter_index, request).standalone_question == question
    (done,) = [event for event in collect(chapter_index, request) if isinstance(event, Done)]
    assert done.result.standalone_question == question
