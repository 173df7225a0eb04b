"""JaQuAD's questions over its contexts, as a person runs the script; toy data in its format."""

from __future__ import annotations

import json
import lzma
from pathlib import Path

import evaluate_jaquad
import pytest
from context_collection import questions_on, write_collection
from training.data import JAQUAD, Context

from qa_service.bootstrap import share_interval
from qa_service.reading.sources import read_corpus

RECORDS = {
    "dev": [
        ("海", "海上保安庁は海の安全を守る。", ["海の安全を守るのは", "海上保安庁は何を守る"]),
        ("空", "気象庁は空を観測する。", ["空を観測するのは", "海上保安庁の海とは"]),
    ],
    "train": [("山", "国土地理院は山の高さを測る。", ["山の高さを測るのは"])],
}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    for part, records in RECORDS.items():
        path = tmp_path / JAQUAD[part]
        path.parent.mkdir(parents=True)
        with lzma.open(path, "wt", encoding="utf-8") as file:
            for title, text, questions in records:
                asked = [{"question": question} for question in questions]
                record = {"title": title, "context": text, "questions": asked}
                file.write(json.dumps(record, ensure_ascii=False) + "\n")
    return tmp_path


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    monkeypatch.setattr("sys.argv", ["evaluate_jaquad.py", *arguments])
    evaluate_jaquad.main()


@pytest.mark.parametrize(("contexts", "passages"), [("dev", 2), ("all", 3)])
def test_prints_the_interval_of_the_share_that_comes_first(
    data: Path,
    contexts: str,
    passages: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run(monkeypatch, str(data), "--contexts", contexts, "--modes", "lexical")
    first, second = capsys.readouterr().out.splitlines()
    assert first == f"4 questions over {passages} passages"
    low, high = share_interval(3, 4)
    assert second.startswith(f"lexical  hit@1 0.750 ({low:.3f}-{high:.3f})  hit@3 1.000  ")


def test_questions_whose_contexts_are_left_out_are_refused(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        run(monkeypatch, str(data), "--contexts", "dev", "--part", "train")
    assert "--contexts all" in capsys.readouterr().err


def test_the_questions_name_the_documents_of_the_collection(tmp_path: Path) -> None:
    contexts = [
        Context("海", "海上保安庁は\u2028海を守る。", ("何を守る", "誰が守る")),
        Context("", "題のない文章。", ("題は",)),
    ]
    write_collection(tmp_path / "corpus", "made", contexts)
    sources = {source.id: source for source in read_corpus(tmp_path / "corpus")}
    questions = list(questions_on("made", contexts))
    assert [question.id for question in questions] == ["made.0.0", "made.0.1", "made.1.0"]
    assert [question.document for question in questions] == ["made.0", "made.0", "made.1"]
    assert [sources[f"made.{n}"].text for n in range(2)] == [each.text for each in contexts]
    assert sources["made.0"].metadata.title == "海"
