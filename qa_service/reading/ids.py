"""Ids that are used once."""

from __future__ import annotations

from collections import Counter


class UnusedIds:
    """Gives an id back as it is the first time, then with `~2`, `~3` behind it."""

    def __init__(self, *taken: str) -> None:
        self._taken = set(taken)
        self._times: Counter[str] = Counter(taken)

    def unused(self, wanted: str) -> str:
        id = wanted
        while id in self._taken:
            self._times[wanted] += 1
            id = f"{wanted}~{self._times[wanted]}"
        self._taken.add(id)
        self._times[wanted] = max(self._times[wanted], 1)
        return id
