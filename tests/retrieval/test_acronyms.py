"""Acronyms, which the model spells in letters (qa_service/retrieval/acronyms.py)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from qa_service.retrieval.acronyms import AcronymTable, find_acronyms
from qa_service.retrieval.embedding import load_embedder
from qa_service.retrieval.index import Index, build_index, load_index
from qa_service.retrieval.search import search


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("What is the role of the SDC?", ("SDC",)),
        ("ＤＩＣＡＳとG7、DICASは", ("DICAS", "G7")),
        ("5G networks, F35s and the NGOs", ("5G", "F35", "NGO")),
        ("SDC", ("SDC",)),
        ("NATO SDC", ("NATO", "SDC")),
        ("What is A, or an iPhone, or XyZ, or ÉCOLE, or 2024?", ()),
        ("第Ⅲ部の図表Ⅲ-2-1-1", ()),
        ("WHAT DOES THE SDC DO?", ()),
        ("RESULTS OF THE MEETING\nof the SDC", ("SDC",)),
        ("", ()),
    ],
)
def test_words_in_capitals_are_acronyms(text: str, found: tuple[str, ...]) -> None:
    assert find_acronyms(text) == found


def test_the_table_knows_which_passages_hold_an_acronym() -> None:
    table = AcronymTable.build(["防衛協力小委員会（ＳＤＣ）", "sdc", "SDCとG7", ""])
    table = AcronymTable.from_files(table.to_files())
    assert "SDC" in table
    assert "sdc" not in table
    assert table.rarity("SDC") == 0.5
    held = table.held({"SDC": 1.0, "G7": 0.5}, np.array([3, 2, 0]))
    assert held.tolist() == [0, 1.5, 1]


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Index:
    return built(
        tmp_path_factory.mktemp("acronyms"),
        {
            "sub": "防衛協力小委員会（SDC）は、両国の協力の具体的なあり方を検討する。",
            "role": "大臣の役割は、政策を定めることである。自衛隊の役割は、国を守ることである。",
            "other": "令和7年の共同訓練では、部隊が島の防衛を想定して行動する。",
        },
    )


def built(folder: Path, texts: dict[str, str]) -> Index:
    for name, text in texts.items():
        (folder / f"{name}.md").write_text(f"---\nlanguage: ja\n---\n# 見出し\n\n{text}\n")
    embedder = load_embedder()
    build_index(folder, folder / "index", embedder=embedder)
    return load_index(folder / "index", embedder=embedder)


@pytest.mark.parametrize(
    "question",
    [
        "What is the role of the SDC?",
        "What do SDCs do?",
        "ＳＤＣの役割は?",
        "SDC",
        "sdc",
        "sdcとは",
        "WHAT DOES THE SDC DO?",
    ],
)
def test_what_an_acronym_names_is_found(index: Index, question: str) -> None:
    assert search(index, question).hits[0].passage.document_id == "sub"


@pytest.mark.parametrize("question", ["What is the role of the XQZ?", "XQZの役割は?"])
def test_an_acronym_that_stands_nowhere_lowers_all_alike(index: Index, question: str) -> None:
    rows = np.arange(len(index.passages))
    without = index.pieces.scores(question, rows)
    found = index.interaction(question, rows)
    assert (found < without)[without > 0].all()
    assert np.argsort(found).tolist() == np.argsort(without).tolist()


def test_an_acronym_whose_translation_stands_there_changes_nothing(tmp_path: Path) -> None:
    index = built(tmp_path, {"a": "国連は総会を開いた。", "b": "部隊は訓練した。"})
    rows = np.arange(2)
    question = "What did the UN hold?"
    np.testing.assert_array_equal(
        index.interaction(question, rows), index.pieces.scores(question, rows)
    )


def test_an_acronym_that_every_passage_holds_changes_nothing(tmp_path: Path) -> None:
    texts = {"a": "SDCは協議した。", "b": "SDCは訓練した。"}
    index = built(tmp_path, texts)
    rows = np.arange(2)
    question = "SDCの訓練は?"
    np.testing.assert_array_equal(
        index.interaction(question, rows), index.pieces.scores(question, rows)
    )


def test_names_and_dates_are_looked_up_as_what_they_stand_for(chapter_index: Index) -> None:
    looked_up = chapter_index.look_up("Who attended the 2+2 in April 2024?", "ja").translations
    terms = {term for each in looked_up for term, _ in each}
    assert "=2024" in terms
    assert chapter_index.aliases.find("2+2")[0] in terms
    assert search(chapter_index, "Who attends the 2+2?").hits[0].passage.text.count("外務大臣") == 1


def test_a_small_word_is_no_acronym(tmp_path: Path) -> None:
    index = built(tmp_path, {"a": "IT部門はUS軍と協議した。", "b": "部門は軍と訓練した。"})
    rows = np.arange(2)
    question = "Who told us what it is?"
    np.testing.assert_array_equal(
        index.interaction(question, rows), index.pieces.scores(question, rows)
    )


def test_what_documents_write_as_it_stands_is_looked_up_so(index: Index) -> None:
    assert (("sdc", 1.0),) in index.look_up("What is the SDC?", "ja").translations
    shouted = index.look_up("WHAT DOES THE MINISTER SAY", "ja").translations
    assert (("minister", 1.0),) not in shouted
