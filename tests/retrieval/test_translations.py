"""Questions looked up in the table of translations: cutting them, the table, the search, both ways."""

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
from qa_service.retrieval.terms import Lookup, extract_terms
from qa_service.retrieval.translations import (
    FILE_NAME,
    OTHERS_MAX,
    TranslationTable,
    load_translations,
)

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
    found = set(all_expressions(words_of("Minister for Foreign Affairs, Tokyo")))
    assert {"minister", "foreign affair", "tokyo"} <= found
    assert not found & {"minister foreign", "affair tokyo", "foreign affair tokyo"}


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        ("the Ministry of Defense", "ministry defense"),
        ("Status of Forces Agreement", "status force agreement"),
        ("the end of the Cold War", "end cold war"),
    ],
)
def test_of_joins_what_stands_beside_it(text: str, expression: str) -> None:
    assert expression in set(all_expressions(words_of(text)))


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
    pairs = [("treaty", "条約", 0.75), ("treaty", "協定", 0.25), ("war", "戦争", 1.0)]
    made = TranslationTable.of(pairs)
    read = TranslationTable.from_bytes(made.to_bytes())
    assert [read.japanese[each] for each in ("treaty", "war")] == [
        made.japanese["treaty"],
        (("戦争", 1.0),),
    ]
    assert read.japanese["treaty"][0][0] == "条約"
    assert sum(share for _, share in read.japanese["treaty"]) == pytest.approx(1)
    found = read.to_japanese("Wars and treaties, and a war")
    assert found == (read.japanese["war"], read.japanese["treaty"])
    assert read.to_japanese("nothing known") == ()
    assert read.to_english("条約と協定を結ぶ") == ((("treaty", 1.0),), (("treaty", 1.0),))
    assert made.to_bytes() == TranslationTable.of(reversed(pairs)).to_bytes()


def test_an_entry_has_few_translations_and_none_that_is_unlikely() -> None:
    many = [("thing", f"物{place}", 0.5) for place in range(9)]
    table = TranslationTable.of([*many, ("war", "戦争", 1.0), ("war", "戦", 0.01)])
    assert len(table.japanese["thing"]) == OTHERS_MAX
    assert table.japanese["war"] == (("戦争", 1.0),)
    assert dict(table.english["戦"]) == {"war": 1.0}


def test_a_compound_that_is_not_known_is_looked_up_in_parts() -> None:
    table = TranslationTable.of([("committee", "委員会", 1.0), ("joint", "合同", 1.0)])
    assert table.to_english("合同委員会") == ((("joint", 1.0),), (("committee", 1.0),))
    treaty = ("security treaty", "安全 保障 条約", 1.0)
    apart = TranslationTable.of([treaty, ("safety", "安全", 1.0), ("security", "保障", 1.0)])
    assert apart.to_english("安全保障条約の改定") == ((("security treaty", 1.0),),)
    assert apart.to_english("安全保障") == ((("safety", 1.0),), (("security", 1.0),))
    together = TranslationTable.of([("ministry defense", "防衛 省", 1.0), ("defense", "防衛", 1.0)])
    assert together.to_english("防衛省") == ((("ministry defense", 1.0),),)
    whole = TranslationTable.of([("joint committee", "合同委員会", 1.0), ("joint", "合同", 1.0)])
    assert ("joint committee", 1.0) in {
        each for found in whole.to_english("合同委員会") for each in found
    } or (whole.to_english("合同委員会") == ((("joint", 1.0),),))


def test_the_packaged_table_knows_common_words() -> None:
    table = load_translations()
    assert "同盟" in dict(table.japanese["alliance"])
    assert "条約" in dict(table.japanese["treaty"])
    assert "alliance" in dict(table.english["同盟"])
    assert "prime minister" in dict(table.english["首相"])
    assert table.to_japanese("human rights in outer space")[0][0][0] == "人権"
    assert "防衛 省" in dict(table.to_japanese("the Ministry of Defense")[0])
    (agreement,) = table.to_english("地位協定")
    assert dict(agreement)["status force agreement"] > 0.5
    # what a word is called seldom does not take the place of what it is called
    assert dict(table.english["方針"])["policy"] > 0.5
    assert len(table) > 100_000


def test_an_expression_is_also_looked_for_word_by_word() -> None:
    table = TranslationTable.of(
        [
            ("joint statement", "共同 文書", 1.0),
            ("joint", "共同", 0.5),
            ("joint", "関節", 0.25),
            ("statement", "声明", 0.5),
        ]
    )
    (found,) = table.to_japanese("the joint statement")
    shares = dict(found)
    assert list(shares) == ["共同 文書", "共同 声明", "関節 声明"]
    assert shares["共同 文書"] > shares["共同 声明"] > shares["関節 声明"]
    lexical = LexicalIndex.build(["共同声明を発表した", "共同の訓練をした", "雨が降る"])
    both, one, none = lexical.translated_scores(Lookup("ja", (found,))).tolist()
    assert both > 0
    assert one == none == 0


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
    either = Lookup("ja", ((("条約", 0.8), ("協定", 0.2)),))
    likely, unlikely, neither = lexical.translated_scores(either).tolist()
    assert 0 < unlikely < likely < 1
    assert neither == 0
    assert unlikely / likely == pytest.approx(math.sqrt(0.2 / 0.8))
    held = lexical.translated_coverage(either, extract_terms("協定を結んだ"))
    assert held == pytest.approx(math.sqrt(0.2 / 0.8))


def test_what_no_passage_holds_takes_from_the_share() -> None:
    lexical = LexicalIndex.build(["条約を結ぶ", "雨が降る"])
    treaty, whale = (("条約", 1.0),), (("鯨", 1.0),)
    alone = lexical.translated_scores(Lookup("ja", (treaty,)))[0]
    assert lexical.translated_scores(Lookup("ja", (treaty, whale)))[0] < alone
    assert not lexical.translated_scores(Lookup("ja", (whale,))).any()
    assert not lexical.translated_scores(Lookup("ja", ())).any()


def test_a_term_of_several_words_needs_them_all() -> None:
    lexical = LexicalIndex.build(
        ["Prime ministers met.", "The minister met.", "A prime number.", "Rain."]
    )
    premier = Lookup("en", ((("prime minister", 1.0),),))
    both, *others = lexical.translated_scores(premier).tolist()
    assert both > 0
    assert others == [0, 0, 0]
    assert lexical.translated_coverage(premier, extract_terms("The Prime Minister")) == 1
    assert lexical.translated_coverage(premier, extract_terms("The Minister")) == 0


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


@pytest.fixture(scope="module")
def english_index(tmp_path_factory: pytest.TempPathFactory) -> Index:
    folder = tmp_path_factory.mktemp("english")
    corpus = folder / "corpus"
    corpus.mkdir()
    texts = {
        "rain": "Farmers wait for the rain to water their fields in summer.",
        "treaty": "The Diet approves treaties before the Cabinet ratifies them.",
        "base": "The U.S. Forces will return MCAS Futenma once a replacement is ready.",
        "budget": "Expenditure on roads rose by two percent over the previous year.",
    }
    for name, text in texts.items():
        (corpus / f"{name}.md").write_text(f"---\nlanguage: en\n---\n# {name}\n\n{text}\n")
    embedder = load_embedder()
    build_index(corpus, folder / "index", embedder=embedder)
    return load_index(folder / "index", embedder=embedder)


@pytest.mark.parametrize(
    ("question", "document"),
    [
        ("条約は誰が承認しますか", "treaty"),
        ("道路への支出は増えたか", "budget"),
        ("农民在夏天等什么雨?", "rain"),
        ("普天間はいつ返還されますか", "base"),
    ],
)
def test_japanese_and_chinese_questions_find_english_passages(
    english_index: Index, question: str, document: str
) -> None:
    best = search(english_index, question).hits[0]
    assert best.passage.document_id == document
    assert best.scores["translation"] > 0


def test_a_japanese_name_is_looked_up_by_its_reading(english_index: Index) -> None:
    terms = {
        term for each in english_index.look_up("普天間", "en").translations for term, _ in each
    }
    assert "futenma" in terms


def test_looked_up_words_are_shown_as_the_passage_spells_them(
    chapter_index: Index, english_index: Index
) -> None:
    found = matched_terms(chapter_index, "extended deterrence of the alliance", "同盟の抑止力。")
    assert found == ("同盟", "抑止力")
    found = matched_terms(english_index, "同盟の条約", "Treaties of the Allies")
    assert "Treaties" in found


def test_an_index_without_japanese_needs_no_table(
    chapter_index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    elements = replace(chapter_index.elements, languages=("en",))
    monkeypatch.setattr("qa_service.retrieval.index.load_translations", lambda: 1 / 0)
    index = replace(chapter_index, elements=elements)
    assert index.looked_up("en") is None
    assert search(index, "a treaty").hits
