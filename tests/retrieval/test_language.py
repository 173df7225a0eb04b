"""Short questions in many languages, told apart by script and function words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_service.retrieval.han import fold_to_japanese
from qa_service.retrieval.language import detect_language, primary_language


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("ガイドラインはいつ策定されたか", "ja"),
        ("日米合同委員会の目的", "ja"),
        ("日米安全保障条約第六条", "ja"),
        ("ｶﾞｲﾄﾞﾗｲﾝ", "ja"),
        ("是正勧告", "ja"),
        ("国是", "ja"),
        ("日米同盟是非", "ja"),
        ("多少影響", "ja"),
        ("如何", "ja"),
        ("髙市早苗総理大臣", "ja"),
        ("日美联合委员会的目的是什么", "zh"),
        ("聯合委員會的目的是什麼", "zh"),
        ("请说明侵略是如何被遏制的", "zh"),
        ("공동성명의 제목은?", "ko"),
        ("What is the SDC?", "en"),
        ("What is “拡大抑止”?", "en"),
        ("What is 日米「2+2」?", "en"),
        ("What does 図表Ⅲ-2-1-1 show?", "en"),
        ("ACSAとは what is the", "ja"),
        ("「extended deterrence」とは", "ja"),
        ("「拡大抑止」", "ja"),
        ("SDC", "en"),
        ("Quel est le but du comité mixte ?", "fr"),
        ("Was ist der Zweck des Ausschusses?", "de"),
        ("¿Cuál es el propósito del comité?", "es"),
        ("Какова цель комитета?", "ru"),
        ("ما هو الغرض من اللجنة؟", "ar"),
    ],
)
def test_language_of_a_question(text: str, language: str) -> None:
    assert detect_language(text) == language


def test_a_text_that_tells_nothing_has_the_default() -> None:
    assert detect_language("2+2", default="ja") == "ja"
    assert detect_language("", default="ja") == "ja"


@given(st.text())
def test_any_text_has_a_language(text: str) -> None:
    assert detect_language(text)


@pytest.mark.parametrize(
    ("chinese", "japanese"),
    [
        ("联合声明", "連合声明"),
        ("聯合聲明", "連合声明"),
        ("日美同盟", "日米同盟"),
        ("美国国防部", "米国国防部"),
        ("美術館", "美術館"),
        ("2+2 plus", "2+2 plus"),
    ],
)
def test_chinese_in_japanese_characters(chinese: str, japanese: str) -> None:
    assert fold_to_japanese(chinese) == japanese


@pytest.mark.parametrize(("tag", "language"), [("ja-JP", "ja"), ("zh_Hant_TW", "zh"), ("EN", "en")])
def test_a_tag_without_script_and_region(tag: str, language: str) -> None:
    assert primary_language(tag) == language
