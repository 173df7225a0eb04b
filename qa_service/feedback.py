"""What readers say of answers and citations: kept in one SQLite file, turned into questions that
`qa-service evaluate` judges by.

What becomes of a verdict, of each question and passage the latest:

- a citation marked right: the words of its passage are an answer to the question;
- an answer marked right: so are those of the passages that it cites;
- a refusal marked right: the documents do not hold an answer;
- marked wrong: nothing; a person has to find the right answer. `qa-service feedback list` shows it.
"""

from __future__ import annotations

import json
import sqlite3
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from qa_service.errors import FeedbackError
from qa_service.evaluation import Question

ENTRIES_MAX = 100_000

_LEAD_ID, _LEAD = "lead", "章頭"
_TABLE = """
CREATE TABLE IF NOT EXISTS verdicts (
    id TEXT PRIMARY KEY,
    given_at TEXT NOT NULL,
    entry TEXT NOT NULL
) STRICT
"""


@dataclass(frozen=True, slots=True)
class CitedPassage:
    """A passage as it was when the verdict was given; a later index may not hold it."""

    id: str
    quote: str
    section: str  # id
    label: str | None  # of its figure


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

    def __init__(self, path: Path, *, entries_max: int = ENTRIES_MAX) -> None:
        self._path = path
        self._entries_max = entries_max

    def record(self, verdict: Verdict) -> str:
        """The id that it was kept under. Raises FeedbackError when it cannot be kept."""
        entry = asdict(verdict)
        id, given_at = uuid.uuid4().hex, datetime.now(UTC).isoformat(timespec="seconds")
        del entry["id"], entry["given_at"]
        with self._open() as database:
            (count,) = database.execute("SELECT count(*) FROM verdicts").fetchone()
            if count >= self._entries_max:
                raise FeedbackError(
                    "feedback_full",
                    f"{count} verdicts are kept; no more are taken. Export them with `qa-service "
                    "feedback export` and move the file away.",
                )
            database.execute(
                "INSERT INTO verdicts VALUES (?, ?, ?)",
                (id, given_at, json.dumps(entry)),
            )
        return id

    def verdicts(self) -> tuple[Verdict, ...]:
        """All of them, oldest first; none when there is no file yet."""
        if not self._path.exists():
            return ()
        with self._open() as database:
            rows = database.execute(
                "SELECT id, given_at, entry FROM verdicts ORDER BY given_at, rowid"
            ).fetchall()
        return tuple(_verdict(*row) for row in rows)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            database = sqlite3.connect(self._path, timeout=10)
            try:
                with database:
                    database.execute("PRAGMA journal_mode = WAL")
                    database.execute(_TABLE)
                    yield database
            finally:
                database.close()
        except (OSError, sqlite3.Error) as error:
            raise FeedbackError(
                "feedback_unusable",
                f"Verdicts cannot be kept in {self._path}: {error}. Check that the folder can be "
                "written and the file is no other one, or set QA_SERVICE_FEEDBACK to another file.",
            ) from error


def to_questions(verdicts: Sequence[Verdict]) -> tuple[Question, ...]:
    """Judged questions, in the order in which they were first asked; see the module's docstring."""
    by_question: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        by_question.setdefault(verdict.question.strip(), []).append(verdict)
    found = (_question(text, given) for text, given in by_question.items())
    return tuple(question for question in found if question is not None)


def _question(text: str, given: Sequence[Verdict]) -> Question | None:
    right: dict[str, CitedPassage] = {}
    refused = False
    for verdict in given:
        if not verdict.passages:
            refused = verdict.verdict == "right"
        for passage in verdict.passages:
            right.pop(passage.id, None)
            if verdict.verdict == "right":
                right[passage.id] = passage
    if not right and not refused:
        return None
    places = {(passage.section, passage.label) for passage in right.values()}
    section, label = places.pop() if len(places) == 1 else (None, None)
    return Question(
        id=f"feedback-{given[0].id[:12]}",
        lang=given[-1].language,
        question=text,
        gold=tuple(passage.quote for passage in right.values()),
        section=_LEAD if section == _LEAD_ID else section,
        label=label,
    )


def _verdict(id: str, given_at: str, entry: str) -> Verdict:
    values = json.loads(entry)
    passages = tuple(CitedPassage(**each) for each in values.pop("passages"))
    return Verdict(**values, passages=passages, id=id, given_at=given_at)
