"""Years asked about and spoken of (qa_service/answering/years.py)."""

from __future__ import annotations

import pytest

from qa_service.answering.years import Years, asked_years


@pytest.mark.parametrize(
    ("question", "years"),
    [
        ("2030年のガイドライン", {2030}),
        ("令和6年と平成27年度の予算", {2024, 2015}),
        ("二〇三〇年までに", {2030}),
        ("2030年前半の計画", {2030}),
        ("What happened in 2015, and by 2030?", {2015, 2030}),
        ("In 2031 is Japan ready?", {2031}),
        ("the plan of 2031", {2031}),
        ("between 2030 and 2033", {2030, 2033}),
        ("FY2031 budget", {2031}),
        ("FY2031の予算", {2031}),
        ("町のFY2031の予算", {2031}),
        ("What happened in Reiwa 6?", {2024}),
        ("What happened on 14 November 2019?", {2019}),
        ("the treaty of Sept. 3rd, 2019", {2019}),
        ("the mayor 2019", set()),
        ("the May 2015 guidelines, 3 May 2016, in May 2017", {2015, 2016, 2017}),
        ("How many ships may 2000 people board?", set()),
        ("2000年以上前の船", set()),
        ("1900年代", set()),
        ("2000年前の船", set()),
        ("1,900隻の船", set()),
        ("of 1,900 ships", set()),
        ("of 1900 ships", set()),
        ("図表Ⅲ-2-1-1", set()),
    ],
)
def test_years_are_told_from_numbers(question: str, years: set[int]) -> None:
    assert asked_years(question) == years


@pytest.mark.parametrize(
    ("text", "spoken", "not_spoken"),
    [
        ("1978年に策定され、1997年と2015年に改訂された。", [1978, 2015], [1979, 2030]),
        ("令和5〜9年度の5年間に造る。", [2023, 2025, 2027], [2022, 2028]),
        ("令和5・6年度に行う。", [2023, 2024], [2025]),
        ("2020年から2028年にかけて毎年延ばす。", [2020, 2024, 2028], [2019]),
        ("前回は、2015年4月から5月まで米国を訪問した。", [2015], [2016]),
        ("the plan for 2020-25", [2020, 2023, 2025], [2019, 2026]),
        ("二〇三〇年までに完成する。", [2030], [2031]),
        ("平成31年4月1日から10パーセントとする。", [2019, 2025], [2018]),
        ("平成30年度の21万人から令和3年度の13万人に減少した。", [2018, 2021], [2017, 2022]),
        ("平成30年度の21万人から13万人に減少した。", [2018], [2017, 2022]),
        ("2018年から約3倍の2021年には5件となった。", [2018, 2021], [2022]),
        ("令和元年度以降", [2019, 2030], [2018]),
        ("It has applied since 2015.", [2015, 2040], [2014]),
        ("第5条 船舶は、三年ごとに検査を受ける。", [], [2015]),
    ],
)
def test_a_text_speaks_of_the_years_in_it(
    text: str, spoken: list[int], not_spoken: list[int]
) -> None:
    years = Years.of(text)
    assert [year for year in spoken if year not in years] == []
    assert [year for year in not_spoken if year in years] == []


def test_a_span_meets_the_years_between() -> None:
    asked = Years.of("2020年から2022年の来館者数")
    assert Years.of("令和3年度の来館者数").meets(asked)
    assert not Years.of("平成31年度の来館者数").meets(asked)
