"""What a generator gives for one question, with the time it took."""

from __future__ import annotations

import time
from dataclasses import dataclass

from scripted_model import QUESTION

from qa_service.answering.generate import Generator, GeneratorSettings
from qa_service.answering.verify import DraftStatement
from qa_service.errors import GenerationError
from qa_service.retrieval.index import Index
from qa_service.types import Hit, Turn

HISTORY = (
    Turn("user", "日米防衛協力のための指針とは何ですか"),
    Turn("assistant", "日米間の役割や協力などのあり方についての大枠を示したものです。"),
)


@dataclass(frozen=True)
class Outcome:
    statements: list[DraftStatement]
    error: GenerationError | None
    seconds: float
    under_way: tuple[int, ...]  # at each statement, and at the end

    @property
    def code(self) -> str | None:
        return self.error.code if self.error else None


async def generated(settings: GeneratorSettings, index: Index, hits: tuple[Hit, ...]) -> Outcome:
    statements: list[DraftStatement] = []
    error = None
    under_way: list[int] = []
    started = time.monotonic()
    async with Generator(settings) as generator:
        try:
            async for statement in generator.generate(
                QUESTION, (), hits, "ja", documents=index.documents, model=index.pieces.model
            ):
                statements.append(statement)
                under_way.append(generator.under_way)
        except GenerationError as caught:
            error = caught
        under_way.append(generator.under_way)
    return Outcome(statements, error, time.monotonic() - started, tuple(under_way))
