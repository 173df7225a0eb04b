"""Parts of works that were named before (qa_service/answering/works.py)."""

from __future__ import annotations

import pytest

from qa_service.answering.conversation import make_standalone
from qa_service.types import Turn


@pytest.mark.parametrize(
    ("earlier", "question", "expected"),
    [
        (["青葉市公園条例第1条の内容"], "第2条は？", "青葉市公園条例第2条は？"),
        (
            ["青葉市公園条例の第1条は何を定めていますか"],
            "では、第2条は？",
            "青葉市公園条例第2条は？",
        ),
        (["公園条例第1条の内容", "第2条は？"], "第3条は？", "公園条例第3条は？"),
        (["公園条例第1条の内容", "第2条は？"], "その罰則は？", "公園条例第2条の罰則は？"),
        (["公園条例第1条の内容", "文書条例第1条は"], "第2条は？", "文書条例第2条は？"),
        (
            ["日米安保条約第5条とは"],
            "第6条には何が書かれていますか",
            "日米安保条約第6条には何が書かれていますか",
        ),
        (["日米安保条約第5条とは"], "第1節の概要", "第1節の概要"),
        (["この条例の第1条は"], "第2条は？", "第2条は？"),
        (["罰則は第3条ですか"], "第2条は？", "第2条は？"),
        (["第1条の内容"], "第2条は？", "第2条は？"),
        (["公園条例第1条の内容"], "文書条例第2条は？", "文書条例第2条は？"),
        (
            ["What does Chapter 1 of the Harbor Resilience Report say?"],
            "And chapter 2?",
            "chapter 2 of the Harbor Resilience Report?",
        ),
        (
            ["Harbor Resilience Report, Chapter 1"],
            "Chapter 2",
            "Chapter 2 of Harbor Resilience Report",
        ),
        (["「公園条例」（令和4年条例第3号）第1条は"], "第2条は？", "公園条例第2条は？"),
        (["公園条例第1条の内容", "文書管理の概要を教えてください"], "第2条は？", "第2条は？"),
        (["地方自治法第244条に基づく公園条例第1条の内容"], "第2条は？", "公園条例第2条は？"),
        (["防衛白書第2部の内容"], "第1部隊の配置は？", "第1部隊の配置は？"),
        (
            ["公園条例第1条"],
            "第2条は文書条例ではどうなっていますか",
            "第2条は文書条例ではどうなっていますか",
        ),
        (["同条例第1条の内容"], "第2条は？", "第2条は？"),
        (["違反した場合第1条は"], "第2条は？", "第2条は？"),
        (
            ["Show Chapter 1 of the Harbor Resilience Report and the other one"],
            "And what about chapter 2?",
            "chapter 2 of the Harbor Resilience Report?",
        ),
        (["Article 1 of the Constitution"], "Article 2", "Article 2 of the Constitution"),
        (
            ["Article 1 of the Harbor Act", "Tell me about Parks Plan 2030"],
            "Article 2",
            "Article 2",
        ),
        (["民法第1条は？"], "第3項は？", "民法第1条第3項は？"),
        (["公園条例第1条は", "第4条は？"], "同条第2項は？", "公園条例第4条第2項は？"),
        (["公園条例の第4条は？"], "民法では？", "民法第4条は？"),
        (["公園条例第4条は"], "税条例の方は？", "税条例第4条は"),
        (["公園の使用料は"], "税条例の方は？", "税条例の方は？"),
        (
            ["令和6年版白書で検査率は何％ですか"],
            "令和5年版では？",
            "令和5年版白書で検査率は何％ですか",
        ),
        (["令和4年度の利用者数は"], "では、2021年度は？", "2021年度の利用者数は"),
        (["How much cargo came in 2023?"], "What about 2021?", "How much cargo came in 2021?"),
        (
            ["What does section 3 of the Harbour Authority report say?"],
            "And section 4?",
            "section 4 of the Harbour Authority report?",
        ),
        (["What does Chapter 1 say?"], "Chapter 2", "Chapter 2"),
        (["Article 5 of the Security Treaty"], "Chapter 2", "Chapter 2"),
    ],
)
def test_the_same_works_part_is_meant(earlier: list[str], question: str, expected: str) -> None:
    history = [turn for asked in earlier for turn in (Turn("user", asked), Turn("assistant", "…"))]
    assert make_standalone(question, history) == expected
