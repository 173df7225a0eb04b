"""What a day may cost at the language model: requests, and tokens sent and written.

Counted in memory by this process, from midnight UTC. A Japanese character is taken for one and a
half tokens, four Latin ones for one, so that the count is rather too high: not every server says what it used.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from qa_service.errors import GenerationError

_DAY_SECONDS = 86_400


class Budget:
    """None for a bound means none. Used on one event loop alone."""

    def __init__(
        self,
        *,
        requests_per_day: int | None = None,
        tokens_per_day: int | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._requests_max = requests_per_day
        self._tokens_max = tokens_per_day
        self._clock = clock
        self._day = -1
        self.requests = 0
        self.tokens = 0

    def begin(self, text: str) -> None:
        """Counts a request that sends `text`. Raises GenerationError when the day's budget is spent."""
        self._turn_the_day()
        if self._requests_max is not None and self.requests >= self._requests_max:
            raise _spent("requests")
        if self._tokens_max is not None and self.tokens >= self._tokens_max:
            raise _spent("tokens")
        self.requests += 1
        self.add(text)

    def add(self, text: str) -> None:
        """Counts what the model has written."""
        self.tokens += estimate_tokens(text)

    def _turn_the_day(self) -> None:
        day = int(self._clock() // _DAY_SECONDS)
        if day != self._day:
            self._day, self.requests, self.tokens = day, 0, 0


def estimate_tokens(text: str) -> int:
    """Rather too many than too few: 1.5 for each character beyond Latin, one for four others."""
    wide = sum(character > "\u024f" for character in text)
    return math.ceil(1.5 * wide + (len(text) - wide) / 4)


def _spent(what: str) -> GenerationError:
    return GenerationError(
        "model_budget_spent", f"The language model's {what} for today are used up."
    )
