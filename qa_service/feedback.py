"""What readers say of answers and citations: kept in one SQLite file, turned into questions that
`qa-service evaluate` judges by.

What becomes of a verdict, of each question and passage the latest:

- a citation marked right: the words of its passage are an answer to the question; of them the
  longest sentence (or cell of a table row) that the answer repeats, the whole quote where there is
  none;
- an answer marked right: so are those of the passages that it cites;
- a refusal marked right: the documents do not hold an answer;
- marked wrong: it says only where the answer is not. A question with nothing else is `pending`: kept
  with the comments for a person to judge, and counted by no figure.
"""

from __future__ import annotations

import json
import os
import re
import sqlite3
import uuid
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from qa_service.errors import FeedbackError
from qa_service.evaluation import Question, comparison_form
from qa_service.reading.sentences import split_sentences

_BUSY_SECONDS = 10.0
_SCHEMA = 1  # the file's user_version
_LEAD_ID, _LEAD = "lead", "章頭"
_TABLE = """
CREATE TABLE IF NOT EXISTS verdicts (
    id TEXT PRIMARY KEY,
    given_at TEXT NOT NULL,
    entry TEXT NOT NULL
)
"""
_INSERT = "INSERT INTO verdicts SELECT ?, ?, ? WHERE (SELECT count(*) FROM verdicts) < ?"
_FRAGMENT_MIN_CHARACTERS = 8  # a shorter one (外務大臣) stands in passages that answer nothing
_CELL_BORDER = re.compile(r"[\t\n]")  # 外務大臣 防衛大臣\t国務長官 国防長官


@dataclass(frozen=True, slots=True)
class CitedPassage:
    """A passage as it was when the verdict was given; a later index may not hold it."""

    id: str
    quote: str
    section: str  # id
    label: str | None  # of its figure, box or footnote
    text: str = ""  # cleaned


@dataclass(frozen=True, slots=True)
class Verdict:
    """`passages` are those that the answer cites, or the one citation that was judged. An answer
    without passages is a refusal. `given_at` is in UTC, ISO 8601."""

    question: str
    language: str
    verdict: Literal["right", "wrong"]
    subject: Literal["answer", "citation"]
    answer: str = ""
    comment: str = ""
    generation: str = ""
    passages: tuple[CitedPassage, ...] = ()
    id: str = ""
    given_at: str = ""


class FeedbackStore:
    """The file is made when the first verdict comes. Safe for several threads and processes."""

    def __init__(self, path: Path, *, max_entries: int) -> None:
        self._path = path
        self._max_entries = max_entries

    def record(self, verdict: Verdict) -> str:
        """The id that it was kept under. Raises FeedbackError when it cannot be kept."""
        entry = asdict(verdict)
        id, given_at = uuid.uuid4().hex, datetime.now(UTC).isoformat(timespec="seconds")
        del entry["id"], entry["given_at"]
        with self._translated():
            self._path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600))  # what readers asked
            with closing(_connect(self._path.absolute().as_uri())) as database:
                self._prepare(database)
                values = (id, given_at, json.dumps(entry), self._max_entries)
                written = database.execute(_INSERT, values).rowcount
        if not written:
            raise FeedbackError(
                "feedback_full",
                f"{self._path} holds {self._max_entries} verdicts; no more are taken. Export them "
                "with `qa-service feedback export` and move the file away, or raise "
                "QA_SERVICE_FEEDBACK_MAX_ENTRIES.",
            )
        return id

    def verdicts(self) -> tuple[Verdict, ...]:
        """All of them, oldest first; none when there is no file yet. Changes nothing."""
        query = "SELECT id, given_at, entry FROM verdicts ORDER BY rowid"
        with self._translated():
            if not self._path.exists():
                return ()
            with closing(_connect(f"{self._path.absolute().as_uri()}?mode=ro")) as database:
                rows = database.execute(query).fetchall() if self._is_ours(database) else []
        return tuple(_verdict(*row) for row in rows)

    def _prepare(self, database: sqlite3.Connection) -> None:
        if not self._is_ours(database):
            database.execute("BEGIN IMMEDIATE")
            database.execute(_TABLE)
            database.execute(f"PRAGMA user_version = {_SCHEMA}")
            database.execute("COMMIT")
        with suppress(sqlite3.OperationalError):  # others write: whoever comes next switches
            database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")  # also when the power fails

    def _is_ours(self, database: sqlite3.Connection) -> bool:
        """False for a file that is still empty. Raises FeedbackError for somebody else's."""
        (tables,) = database.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if tables == 0:
            return False
        (version,) = database.execute("PRAGMA user_version").fetchone()  # set with the first table
        if version != _SCHEMA:
            raise FeedbackError(
                "feedback_unusable",
                f"{self._path} is a database, but not one of verdicts that this version of "
                "qa-service knows. Set QA_SERVICE_FEEDBACK to another file.",
            )
        return True

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (OSError, sqlite3.Error) as error:
            raise FeedbackError(
                "feedback_unusable",
                f"Verdicts cannot be kept in {self._path}: {error}. Check that the folder can be "
                "written and the file is no other one, or set QA_SERVICE_FEEDBACK to another file.",
            ) from error


def _connect(uri: str) -> sqlite3.Connection:
    """Every statement is a transaction, unless one is begun."""
    return sqlite3.connect(uri, timeout=_BUSY_SECONDS, isolation_level=None, uri=True)


def to_questions(verdicts: Sequence[Verdict]) -> tuple[Question, ...]:
    """One for each that was asked, in the order of first asking; see the module's docstring."""
    by_question: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        by_question.setdefault(verdict.question.strip(), []).append(verdict)
    return tuple(_question(text, given) for text, given in by_question.items())


def _question(text: str, given: Sequence[Verdict]) -> Question:
    right: dict[str, tuple[CitedPassage, str]] = {}
    refused = False
    for verdict in given:
        if not verdict.passages:
            refused = verdict.verdict == "right"
        for passage in verdict.passages:
            right.pop(passage.id, None)
            if verdict.verdict == "right":
                right[passage.id] = passage, verdict.answer
    comments = dict.fromkeys(verdict.comment.strip() for verdict in given)
    places = {(passage.section, passage.label) for passage, _ in right.values()}
    section, label = places.pop() if len(places) == 1 else (None, None)
    return Question(
        id=f"feedback-{given[0].id[:12]}",
        lang=given[-1].language,
        question=text,
        gold=tuple(dict.fromkeys(_fragment(*each) for each in right.values())),
        section=_LEAD if section == _LEAD_ID else section,
        label=label,
        pending=not right and not refused,
        comment="\n".join(filter(None, comments)),
    )


def _fragment(passage: CitedPassage, answer: str) -> str:
    """What answers of the passage: an answer holds seldom the whole quote. The first that the answer
    repeats; where its words were not sent along, of a table's row the longest cell."""
    said = comparison_form(answer)
    parts = [
        sentence.of(cell)
        for cell in _CELL_BORDER.split(passage.text)
        for sentence in split_sentences(cell)
    ]
    told = [part for part in parts if len(comparison_form(part)) >= _FRAGMENT_MIN_CHARACTERS]
    repeated = [part for part in told if comparison_form(part) in said]
    if repeated:
        return min(repeated, key=lambda part: said.index(comparison_form(part)))
    cells = _CELL_BORDER.split(passage.text)
    return max(cells, key=len) if len(cells) > 1 and not said else passage.quote


def _verdict(id: str, given_at: str, entry: str) -> Verdict:
    values = json.loads(entry)
    passages = tuple(CitedPassage(**each) for each in values.pop("passages"))
    return Verdict(**values, passages=passages, id=id, given_at=given_at)
