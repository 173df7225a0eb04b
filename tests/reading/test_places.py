"""Which printed places are of the document itself, and which section each names."""

from __future__ import annotations

import pytest

from qa_service.reading.mentions import find_mentions
from qa_service.reading.places import PlaceFinder
from qa_service.reading.structure import read_document
from qa_service.types import Document, Heading, Metadata, Source

REPORT = """# 第1章 総説

## 第1節 目的

## 第2節 方法

### 1 調査

#### 1 対象

#### 2 範囲

# 第2章 細目

## 第1節 海

## 第2節 川

図表Ⅲ-2-1-1 川の長さ

{}

# 第3章 罰則

## 第3条 罰金

## 第4条の2 科料
"""
LAW = """# 第一条 目的

# 第二条 定義

# 第三条 罰則

# 附則

## 第一条 施行期日

{}
"""


def read(text: str) -> Document:
    metadata = Metadata("年報", language="ja", part=Heading("第Ⅲ部", "活動"))
    return read_document(Source("a", "a.md", "md", text, metadata, "0"))


def named(section: str, text: str) -> dict[str, str]:
    finder = PlaceFinder(read(REPORT))
    found = finder.find(text, section)
    return {text[each.start : each.end]: each.section_id for each in found}


@pytest.mark.parametrize(
    ("section", "text", "expected"),
    [
        ("2/2", "第1節で述べたとおり", {"第1節": "2/1"}),
        ("1/1", "川（第2章第2節参照）", {"第2章第2節": "2/2"}),
        ("1/1", "第Ⅲ部第2章第2節を見よ", {"第Ⅲ部第2章第2節": "2/2"}),
        ("1/2/1/2", "本節1-2、本節１と本章第1節", {"本節１": "1/2/1", "本章第1節": "1/1"}),
        ("1/1", "第2節1-2と第2節1(2)で", {"第2節1-2": "1/2/1/2", "第2節1(2)": "1/2/1/2"}),
        ("2/1", "前章と次節", {"前章": "1", "次節": "2/2"}),
        ("1/1", "第3条及び第4条の2第1項", {"第3条": "3/3", "第4条の2第1項": "3/4.2"}),
        ("3/4.2", "前条の規定", {"前条": "3/3"}),
    ],
)
def test_what_is_here_is_found(section: str, text: str, expected: dict[str, str]) -> None:
    assert named(section, text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "日米安保条約第3条、第4条の2及び第3条",
        "同法第3条",
        "条約（第3条）",
        "この法律の第3条",
        "『指針』第2章",
        "指針 第2章",
        "第Ⅱ部第2章第2節",
        "第Ⅲ部第1章第5節",
        "第2部隊と第1章程",
        "第2節3か月、第2節1.5倍、第2節20%、第2節9",
        "本章と本節、この節",
        "前部と次章節",
        "第2第3",
    ],
)
def test_what_is_elsewhere_is_not(text: str) -> None:
    assert named("1/1", text) == {}


def test_an_appended_part_of_a_law_counts_its_articles_by_itself() -> None:
    document = read(LAW.format("第二条の規定による。"))
    assert list(find_mentions(document)) == []
    assert named("2/1", "前条") == {}


def test_a_figure_of_another_work_is_not_the_one_of_that_number_here() -> None:
    text = "図表Ⅲ-2-1-1は、『昨年の年報』図表Ⅲ-2-1-1と同報告書の図表Ⅲ-2-1-1による。"
    (mention,) = find_mentions(read(REPORT.format(text)))
    assert (mention.label, mention.target_id) == ("図表Ⅲ-2-1-1", "figure-3-2-1-1")
    assert mention.span.start == REPORT.index("{}")
