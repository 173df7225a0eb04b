"""JSON bodies read strictly: none too large, none that two readers could understand differently.

The standard library's parser takes NaN, and takes the last of two equal keys. Here each is an error
that says what is wrong. A body that is too large is refused before it is in memory.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any, NoReturn

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

BODY_MAX_BYTES = 1_000_000


class StrictJsonRoute(APIRoute):
    """A route whose body is parsed by `parse_strictly`; otherwise FastAPI's own."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_strictly(request: Request) -> Response:
            return await handle(_StrictRequest(request.scope, request.receive))

        return handle_strictly


class _StrictRequest(Request):
    """Reads its body once, up to the limit; raises HTTPException 413 beyond it."""

    _whole: bytes | None = None

    async def body(self) -> bytes:
        if self._whole is None:
            declared = self.headers.get("content-length", "")
            if declared.isdecimal() and int(declared) > BODY_MAX_BYTES:
                raise HTTPException(413)
            read = bytearray()
            async for chunk in self.stream():
                read += chunk
                if len(read) > BODY_MAX_BYTES:
                    raise HTTPException(413)
            self._whole = bytes(read)
        return self._whole

    async def json(self) -> Any:
        return parse_strictly(await self.body())


def parse_strictly(body: bytes) -> Any:
    """The value of a JSON text. Raises json.JSONDecodeError for everything that is not to be read:
    bad UTF-8, NaN and infinities, repeated keys, depth or digits without end."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise json.JSONDecodeError(f"not UTF-8 at byte {error.start}", "", 0) from error
    try:
        return json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_unique_keys)
    except json.JSONDecodeError:
        raise
    except RecursionError as error:
        raise json.JSONDecodeError("nested too deeply", "", 0) from error
    except ValueError as error:  # an integer of more digits than Python converts
        raise json.JSONDecodeError("a number is too long", "", 0) from error


def _refuse_constant(name: str) -> NoReturn:
    raise json.JSONDecodeError(f"{name} is no JSON number", "", 0)


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        repeated, _ = Counter(name for name, _ in pairs).most_common(1)[0]
        raise json.JSONDecodeError(f"the key {repeated!r} stands twice in one object", "", 0)
    return values
