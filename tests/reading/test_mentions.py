"""What running text names of its own document."""

from __future__ import annotations

import pytest

from qa_service.reading.mentions import find_mentions
from qa_service.reading.structure import read_document
from qa_service.types import Metadata, Source

DOCUMENT = """# 1 Aim

{sentence}

Table A.1 Costs

| a | b |
| --- | --- |
| 1 | Table A.1 |

# 2 Means

## 2.1 Ships

Figure 3 A plan of the harbour, as in Figure 3

# 3 Law

## Article 5 Fees

### 1 One

## Article 6 Fines

### 1 Another
"""


@pytest.mark.parametrize(
    ("sentence", "named"),
    [
        ("See Figure 3.", {"Figure 3": "figure-3"}),
        ("See figures 3 and 4, Fig. 3.", {"figures 3": "figure-3", "Fig. 3": "figure-3"}),
        ("See Table A.1 and table A.2.", {"Table A.1": "table-a-1"}),
        ("図表３を見る。", {"図表３": "figure-3"}),
        ("section 2.1, § 2 and Section 3.", {"section 2.1": "2/1", "§ 2": "2", "Section 3": "3"}),
        ("Section 2.1.4, Section 2-1, Section 2a, Sections 22", {}),
        ("Section 1 is one of three", {}),  # and which?
        ("Article V of this report", {"Article V": "5"}),
        ("Article 5 of the Treaty, Figure 3 of\nthe Report", {}),
        ("Part 2, Chapter 3, Article 2.1, in part I", {}),
    ],
)
def test_only_what_the_document_prints_is_found(sentence: str, named: dict[str, str]) -> None:
    text = DOCUMENT.format(sentence=sentence)
    document = read_document(Source("a", "a.md", "md", text, Metadata("Ports", language="en"), ""))
    found = [each for each in find_mentions(document) if each.section_id == "1"]
    assert {each.label: each.target_id for each in found} == named
    assert all(each.span.cut(text) == each.label for each in found)
