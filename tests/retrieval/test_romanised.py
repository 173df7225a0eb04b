"""Japanese names in English questions: spelled in Latin letters, found as Japanese writes them."""

from __future__ import annotations

import pytest

from qa_service.retrieval.embedding import load_embedder
from qa_service.retrieval.index import Index, build_index, load_index
from qa_service.retrieval.romanised import spelling_of, with_japanese_names
from qa_service.retrieval.search import search
from qa_service.retrieval.terms import extract_terms

BASES = """---
language: ja
---
# 1 沖縄

普天間飛行場は市街地の中央にあり、名護市辺野古への移設を進めている。

# 2 本土

岩国飛行場には空母艦載機が移駐した。大野大臣が視察した。

# 3 訓練

馬毛島では、着陸訓練のための施設を整備している。
"""


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Index:
    folder = tmp_path_factory.mktemp("names")
    (folder / "corpus").mkdir()
    (folder / "corpus" / "bases.md").write_text(BASES, encoding="utf-8")
    embedder = load_embedder()
    build_index(folder / "corpus", folder / "index", embedder=embedder)
    return load_index(folder / "index", embedder=embedder)


@pytest.mark.parametrize(
    ("reading", "spellings"),
    [
        ("フテンマ", ["Futenma", "FUTEMMA", "futenma"]),
        ("トウキョウ", ["Tokyo", "Tōkyō", "Tôkyô", "Toukyou"]),
        ("オオノ", ["Ono", "Ohno", "Oono", "Ōno"]),
        ("シンイチロウ", ["Shinichiro", "Shinichirou"]),
        ("マッチャ", ["matcha", "maccha"]),
        ("ナンバ", ["Namba", "Nanba"]),
    ],
)
def test_all_spellings_of_a_name_are_one(reading: str, spellings: list[str]) -> None:
    names = {spelling_of(reading): "名"}
    for spelling in spellings:
        text = f"About {spelling}'s future"
        assert with_japanese_names(text, names, is_english=nothing) == "About 名's future"


def test_what_is_english_and_what_no_name_is_spelled_like_stays() -> None:
    names = {"handa": "半田", "hand": "半"}
    text = "A hand in Handa, and Osaka"
    found = with_japanese_names(text, names, is_english={"hand"}.__contains__)
    assert found == "A hand in 半田, and Osaka"


def test_names_are_those_with_a_reading_of_their_own() -> None:
    names = dict(extract_terms("普天間でオースティン長官とNATOの岸田氏が会談").names)
    assert names["普天間"] == "フテンマ"
    assert names["岸田"] == "キシダ"
    assert not {"オースティン", "NATO", "nato", "会談"} & names.keys()


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("What happens to Futenma?", "普天間飛行場"),
        ("Where is Henoko?", "辺野古"),
        ("What is built on Mageshima?", "馬毛島"),
        ("What did Minister Ohno see?", "大野大臣"),
    ],
)
def test_a_name_in_latin_letters_finds_the_japanese_one(
    index: Index, question: str, words: str
) -> None:
    assert words in search(index, question).hits[0].passage.text


def test_only_english_questions_are_respelled(index: Index) -> None:
    assert index.spell_names("Futenma", "en") == "普天間"
    assert index.spell_names("Futenma", "de") == "Futenma"
    assert index.spell_names("Kadena", "en") == "Kadena"  # stands nowhere here


def test_japanese_words_in_an_english_question_are_looked_for(index: Index) -> None:
    assert (("辺野古", 1.0),) in index.look_up("Where is 辺野古?", "ja").translations


def nothing(_: str) -> bool:
    return False
