"""Questions over documents of several kinds, towns and languages together."""

from __future__ import annotations

from pathlib import Path

import pytest

from qa_service.answering.answer import Request, ask
from qa_service.answering.repeats import repeated
from qa_service.retrieval.embedding import load_embedder
from qa_service.retrieval.index import Index, build_index, load_index

DOCUMENTS = {
    "ordinance": """# みなと市空家等の適切な管理に関する条例

## 第1条（目的）

この条例は、空家等の適切な管理に関し必要な事項を定めることを目的とする。

## 第2条（定義）

この条例において、次の各号に掲げる用語の意義は、当該各号に定めるところによる。

(1) 空家等 市内の建築物で使用されていないことが常態であるものをいう。

(2) 管理不全状態 空家等が倒壊し、又は建築資材が飛散するおそれのある状態をいう。

## 第3条（責務）

所有者等は、空家等が管理不全状態とならないよう、適切に管理しなければならない。市民は、管理不全状態にある空家等を発見したときは、市長に知らせる。
""",
    "statistics": """# みどり町統計要覧

## はじめに

この要覧は、みどり町の人口、産業及び農業に関する統計を収録したものである。

## 人口

みどり町の総人口は、令和5年4月1日現在12,384人で、前年に比べ187人減少した。

| 年 | 総人口 | 世帯数 |
| --- | --- | --- |
| 令和3 | 12,790 | 5,230 |
| 令和4 | 12,571 | 5,221 |

## 農業

農家は412戸である。主な作物は米とねぎである。
""",
    "minutes": """# さくら市防災会議 議事録（令和4年度第2回）

## 議題1 避難所の見直し

新たに東高校を指定する。

## 議題2 備蓄の目標

備蓄食料の目標を4万5千食に引き上げる。
""",
    "transport": """# あおば市総合交通計画

## 第1章 趣旨

この計画は、路線バスの利用者の減少に対応するために策定する。

## 第2章 事業費

事業費の総額は5年間で28億6,000万円を見込む。
""",
    "housing": """# Affordable Housing Policy Paper

## Measures

The construction of social homes will cost 610 million crowns. The programme will be extended to rural areas.
""",
}


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Index:
    folder: Path = tmp_path_factory.mktemp("several")
    (folder / "corpus").mkdir()
    for name, text in DOCUMENTS.items():
        (folder / "corpus" / f"{name}.md").write_text(text, encoding="utf-8")
    embedder = load_embedder()
    build_index(folder / "corpus", folder / "index", embedder=embedder)
    return load_index(folder / "index", embedder=embedder)


@pytest.mark.parametrize(
    ("question", "first"),
    [
        ("みどり町の令和4年の人口は", "12,571"),
        ("みどり町の2021年の世帯数は", "5,230"),
        ("みどり町の農業について教えてください", "農家は412戸"),
        ("管理不全状態とは何ですか", "倒壊し、又は建築資材が飛散する"),
        ("条例の概要を教えてください", "必要な事項を定める"),
        ("この計画の概要", "路線バスの利用者の減少"),
        ("議題2は何ですか", "4万5千食"),
    ],
)
def test_the_statement_that_answers_comes_first(index: Index, question: str, first: str) -> None:
    answer = ask(index, Request(question)).answer
    assert any(first in each.text for each in answer.statements)
    if "とは" in question:
        assert first in answer.statements[0].text


@pytest.mark.parametrize(
    "question",
    [
        "路面電車の延伸はいつですか",
        "みどり町の町長は誰ですか",
        "みどり町の令和2年の人口は",
        "白書の概要を教えてください",
        "議題3は何ですか",
        "令和4年度第1回の防災会議では何が決まりましたか",
    ],
)
def test_what_is_not_there_is_refused(index: Index, question: str) -> None:
    assert not ask(index, Request(question)).answer.answered


def test_a_fiscal_year_takes_the_place_of_another() -> None:
    earlier = ["How much cargo did the port handle in FY2022?"]
    assert repeated("And in FY2021?", earlier) == "How much cargo did the port handle in FY2021?"
