"""JSON bodies read strictly: nothing that two readers could understand differently.

The standard library's parser takes NaN, and takes the last of two equal keys. Here each is an error
that says what is wrong, and with which field. How large a body may be is `bodies`' part.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any, NoReturn

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from qa_service.serving.wire.json_fields import WHOLE, Token, field_of

_SHOWN_MAX = 100
_DEPTH_SHOWN = 50  # what is nested deeper than this is what is nested too deeply


class UnreadableJson(HTTPException):
    """A body that is no JSON, or not only one. `field` is where: `filters.section`, or `body`."""

    code = "invalid_json"

    def __init__(self, field: str, reason: str) -> None:
        place = "" if field == WHOLE else f"{field}: "
        super().__init__(400, f"The body is not JSON: {place}{reason}.")
        self.field = field
        self.reason = reason


class StrictJsonRoute(APIRoute):
    """A route whose body is parsed by `parse_strictly`; otherwise FastAPI's own."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_strictly(request: Request) -> Response:
            return await handle(_StrictRequest(request.scope, request.receive))

        return handle_strictly


class _StrictRequest(Request):
    async def json(self) -> Any:
        return parse_strictly(await self.body())


def parse_strictly(body: bytes) -> Any:
    """The value of a JSON text. Raises UnreadableJson for everything that is not to be read: bad
    UTF-8, NaN and infinities, repeated keys, depth or digits without end."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        text = body[: error.start].decode("utf-8") + "\ufffd"
        raise _unreadable(
            text, f"not UTF-8 at byte {error.start}", _reaches(len(text) - 1)
        ) from error
    try:
        return json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_unique_keys)
    except _FaultError as fault:
        raise _unreadable(text, fault.reason, fault.is_here) from fault
    except json.JSONDecodeError as error:
        reason = f"{error.msg} (at character {error.pos})"
        raise _unreadable(text, reason, _reaches(error.pos)) from error
    except RecursionError as error:
        raise _unreadable(text, "nested too deeply", _is_deep) from error
    except ValueError as error:  # an integer of more digits than Python converts
        raise _unreadable(text, "a number is too long", _is_long_number) from error


def _unreadable(text: str, reason: str, is_here: Callable[[Token], bool]) -> UnreadableJson:
    return UnreadableJson(field_of(text, is_here), reason)


class _FaultError(Exception):
    """What is wrong, and how the token is recognised that it is wrong with."""

    def __init__(self, reason: str, is_here: Callable[[Token], bool]) -> None:
        self.reason = reason
        self.is_here = is_here


def _refuse_constant(name: str) -> NoReturn:
    raise _FaultError(f"{name} is no JSON number", lambda token: token.text == name)


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        repeated, _ = Counter(name for name, _ in pairs).most_common(1)[0]
        reason = f"the key {repeated[:_SHOWN_MAX]!r} stands twice in one object"
        raise _FaultError(reason, lambda token: token.is_repeated)
    return values


def _reaches(place: int) -> Callable[[Token], bool]:
    return lambda token: token.end > place


def _is_deep(token: Token) -> bool:
    return token.depth > _DEPTH_SHOWN


def _is_long_number(token: Token) -> bool:
    return len(token.text) > sys.get_int_max_str_digits() and token.text.lstrip("-").isdecimal()
