"""English questions looked up in the table of translations: cutting them, the table, the search."""

from __future__ import annotations

import math
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from qa_service.errors import ModelError
from qa_service.retrieval import translations
from qa_service.retrieval.embedding import load_embedder
from qa_service.retrieval.explain import matched_terms
from qa_service.retrieval.expressions import all_expressions, longest_expressions, words_of
from qa_service.retrieval.index import Index, build_index, load_index
from qa_service.retrieval.lexical import LexicalIndex
from qa_service.retrieval.search import Mode, search
from qa_service.retrieval.translations import FILE_NAME, TranslationTable, load_translations

PACKAGED = Path(translations.__file__).resolve().parent.parent / "models" / "builtin" / FILE_NAME


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("What treaties bind the U.S.?", ["treaty", "bind", "america"]),
        ("the US' bases; they told us", ["america", "base", "told"]),
        ("Japan-U.S. alliance", ["japan", "america", "alliance"]),
        ("ＣＹＢＥＲ attack’s status", ["cyber", "attack", "status"]),
        ("日米同盟 2015", []),
        ("", []),
    ],
)
def test_words_are_folded_and_made_singular(text: str, words: list[str]) -> None:
    assert [word for word in words_of(text) if word] == words


def test_no_expression_reaches_over_a_stop_word_or_punctuation() -> None:
    found = set(all_expressions(words_of("Minister of Foreign Affairs, Tokyo")))
    assert {"minister", "foreign affair", "tokyo"} <= found
    assert not found & {"minister foreign", "affair tokyo", "foreign affair tokyo"}


def test_the_longest_known_expression_is_taken() -> None:
    known = {"prime minister", "prime", "minister", "visit"}
    words = words_of("The prime minister visited prime ministers unknownly")
    assert list(longest_expressions(words, known.__contains__)) == [
        "prime minister",
        "visited",
        "prime minister",
        "unknownly",
    ]


def test_a_table_is_the_same_after_writing_and_reading() -> None:
    made = TranslationTable.of({"treaty": [("条約", 0.75), ("協定", 0.25)], "war": [("戦争", 1.0)]})
    read = TranslationTable.from_bytes(made.to_bytes())
    assert [read[each] for each in ("treaty", "war")] == [made["treaty"], (("戦争", 1.0),)]
    assert read["treaty"][0][0] == "条約"
    assert sum(share for _, share in read["treaty"]) == pytest.approx(1)
    assert read.translate("Wars and treaties, and a war") == (read["war"], read["treaty"])
    assert read.translate("nothing known") == ()
    assert made.to_bytes() == read.to_bytes()


def test_the_packaged_table_knows_common_words() -> None:
    table = load_translations()
    assert "同盟" in dict(table["alliance"])
    assert "条約" in dict(table["treaty"])
    assert len(table) > 50_000


@pytest.mark.parametrize("damage", ["missing", "cut", "not a table"])
def test_a_broken_table_is_named(tmp_path: Path, damage: str) -> None:
    if damage == "cut":
        (tmp_path / FILE_NAME).write_bytes(PACKAGED.read_bytes()[:-1000])
    elif damage == "not a table":
        (tmp_path / FILE_NAME).write_text("no")
    else:
        shutil.rmtree(tmp_path)
    with pytest.raises(ModelError, match=FILE_NAME):
        load_translations(tmp_path)


def test_a_passage_counts_by_the_best_translation_that_it_holds() -> None:
    lexical = LexicalIndex.build(["条約を結ぶ", "協定を結ぶ", "雨が降る"])
    either = ((("条約", 0.8), ("協定", 0.2)),)
    likely, unlikely, neither = lexical.translated_scores(either).tolist()
    assert 0 < unlikely < likely < 1
    assert neither == 0
    assert unlikely / likely == pytest.approx(math.sqrt(0.2 / 0.8))


def test_what_no_passage_holds_takes_from_the_share() -> None:
    lexical = LexicalIndex.build(["条約を結ぶ", "雨が降る"])
    treaty, whale = (("条約", 1.0),), (("鯨", 1.0),)
    alone = lexical.translated_scores([treaty])[0]
    assert lexical.translated_scores([treaty, whale])[0] < alone
    assert not lexical.translated_scores([whale]).any()
    assert not lexical.translated_scores([]).any()


def test_english_questions_are_looked_up_and_others_are_not(chapter_index: Index) -> None:
    english = search(chapter_index, "How often does the Joint Committee meet?").hits
    assert all(0 <= hit.scores["translation"] <= 1 for hit in english)
    assert any(hit.scores["translation"] > 0 for hit in english)
    for query in ("日米合同委員会はどのくらい開かれるか", "日美联合委员会多久开一次会?"):
        assert all("translation" not in hit.scores for hit in search(chapter_index, query).hits)
    lexical = search(chapter_index, "Joint Committee", mode=Mode.LEXICAL).hits
    assert all("translation" not in hit.scores for hit in lexical)


def test_only_japanese_passages_are_found_by_translations(tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    (corpus / "a.md").write_text("---\nlanguage: ja\n---\n# 条約\n\n条約は国会が承認する。\n")
    (corpus / "b.md").write_text("---\nlanguage: en\n---\n# Treaties\n\nA treaty needs a vote.\n")
    embedder = load_embedder()
    build_index(corpus, tmp_path / "index", embedder=embedder)
    index = load_index(tmp_path / "index", embedder=embedder)
    hits = search(index, "Who approves a treaty?").hits
    assert {hit.passage.document_id: hit.scores["translation"] > 0 for hit in hits} == {
        "a": True,
        "b": False,
    }


def test_looked_up_words_are_shown_as_the_passage_spells_them(chapter_index: Index) -> None:
    found = matched_terms(chapter_index, "extended deterrence of the alliance", "同盟の抑止力。")
    assert found == ("同盟", "抑止力")


def test_an_index_without_japanese_needs_no_table(
    chapter_index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    elements = replace(chapter_index.elements, languages=("en",))
    monkeypatch.setattr("qa_service.retrieval.index.load_translations", lambda: 1 / 0)
    assert replace(chapter_index, elements=elements).translate("a treaty", "en") == ()
