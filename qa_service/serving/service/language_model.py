"""The language model in service: whether it can be reached at present, for `/readyz`.

An answer is never held up by this: without the model it is quoted from the documents.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Annotated

import anyio
from fastapi import Depends, Request

if TYPE_CHECKING:  # loading OpenAI's client takes longer than a search
    from qa_service.answering.generate import Generator

_log = logging.getLogger(__name__)

_UNREACHABLE = (
    "The language model cannot be reached: until it can, answers are quoted from the documents."
)
_CHECK_SECONDS = 30.0


class LanguageModel:
    """`faults` says in words that the model is out of reach; so it is until it has been reached.
    Empty where no model is set up."""

    def __init__(self, generator: Generator | None) -> None:
        self.generator = generator
        self.faults: tuple[str, ...] = () if generator is None else (_UNREACHABLE,)

    @property
    def requests(self) -> int:
        """How many answers it is being waited for at present."""
        return 0 if self.generator is None else self.generator.under_way

    async def watch(self) -> None:
        """Sees, now and then, whether the model can be reached; ends only where there is none."""
        known: bool | None = None
        while self.generator is not None:
            reached = await _reaches(self.generator)
            self.faults = () if reached else (_UNREACHABLE,)
            if reached is not known:
                state = "can be reached" if reached else "cannot be reached; serving without it"
                _log.log(logging.INFO if reached else logging.WARNING, "language model: %s", state)
            known = reached
            await anyio.sleep(_CHECK_SECONDS)


async def _reaches(generator: Generator) -> bool:
    try:
        return await generator.reachable()
    except Exception:  # whatever is wrong with it, the service goes on without
        _log.warning("the language model could not be checked", exc_info=True)
        return False


async def _language_model(request: Request) -> LanguageModel:
    model: LanguageModel = request.app.state.language_model
    return model


CurrentLanguageModel = Annotated[LanguageModel, Depends(_language_model)]
