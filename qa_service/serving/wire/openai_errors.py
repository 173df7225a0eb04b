"""Everything that goes wrong at the OpenAI-compatible endpoints, in the form of OpenAI's errors.

What `problems` is for the other routes. A response holds no traceback, nor a path of this machine.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from qa_service.errors import InputError, NotFoundError, QaServiceError
from qa_service.serving.wire.json_fields import WHOLE
from qa_service.serving.wire.problems import problem_response
from qa_service.serving.wire.strict_json import StrictJsonRoute, UnreadableJson

_log = logging.getLogger(__name__)


class ErrorDetails(BaseModel):
    message: str
    type: Literal["invalid_request_error", "server_error"]
    param: str | None = Field(description="The field to blame.", examples=["messages[0].content"])
    code: str | None = Field(examples=["model_not_found"])


class ErrorResponse(BaseModel):
    error: ErrorDetails


ERROR_RESPONSES: dict[int | str, dict[str, Any]] = {
    "4XX": {"description": "The request is to blame.", "model": ErrorResponse},
    "5XX": {"description": "The service is to blame.", "model": ErrorResponse},
}


class OpenAIRoute(StrictJsonRoute):
    """A route whose errors are in OpenAI's form."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_or_refuse(request: Request) -> Response:
            try:
                return await handle(request)
            except Exception as error:
                refused = refusal(error)
                content = refused.response.model_dump_json()
                headers = {"Retry-After": "10"} if refused.status == 503 else None
                return Response(content, refused.status, headers, media_type="application/json")

        return handle_or_refuse


@dataclass(frozen=True, slots=True)
class Refusal:
    status: int
    response: ErrorResponse


def refusal(error: Exception) -> Refusal:
    """What the client may know of an error; the log gets the rest."""
    if isinstance(error, InputError):
        return _blame_request(400, error.message, param=error.field, code=error.code)
    if isinstance(error, NotFoundError):
        return _blame_request(404, error.message, param=error.kind, code=f"{error.kind}_not_found")
    if isinstance(error, RequestValidationError):
        return _invalid(error)
    if isinstance(error, UnreadableJson):
        parts = (int(part) if part.isdecimal() else part for part in error.field.split("."))
        param = None if error.field == WHOLE else _param(tuple(parts))
        return _blame_request(400, error.detail, param=param, code=error.code)
    if isinstance(error, HTTPException) and error.status_code < 500:
        return _blame_request(error.status_code, str(error.detail))
    _log.error("a chat completion failed", exc_info=error)
    details = ErrorDetails(
        message="Something went wrong inside the service. Its log says what.",
        type="server_error",
        param=None,
        code=error.code if isinstance(error, QaServiceError) else "internal_error",
    )
    status = 503 if isinstance(error, QaServiceError) else 500
    return Refusal(status, ErrorResponse(error=details))


def refusal_response(
    path: str, status: int, code: str, detail: str, *, headers: Mapping[str, str] | None = None
) -> Response:
    """For what is refused before a route is reached, in the form that the clients of the path know."""
    if is_openai_path(path):
        return openai_refusal(status, code, detail, headers=headers or {})
    return problem_response(status, code, detail, headers=headers)


def is_openai_path(path: str) -> bool:
    return path.startswith(("/v1/chat/", "/v1/models"))


def openai_refusal(status: int, code: str, message: str, *, headers: Mapping[str, str]) -> Response:
    """For what is refused before a route is reached."""
    blamed = "invalid_request_error" if status < 500 else "server_error"
    details = ErrorDetails(message=message, type=blamed, param=None, code=code)
    content = ErrorResponse(error=details).model_dump_json()
    return Response(content, status, headers=headers, media_type="application/json")


def _blame_request(
    status: int, message: str, *, param: str | None = None, code: str | None = None
) -> Refusal:
    details = ErrorDetails(message=message, type="invalid_request_error", param=param, code=code)
    return Refusal(status, ErrorResponse(error=details))


def _invalid(error: RequestValidationError) -> Refusal:
    """The first thing that is wrong with a body."""
    first = error.errors()[0]
    if isinstance(error.body, bytes):
        return _blame_request(
            415,
            "Send the body as JSON, with the header Content-Type: application/json.",
            code="unsupported_media_type",
        )
    param = _param(first["loc"][1:])
    reason = first["msg"].removeprefix("Value error, ")
    return _blame_request(
        400, f"{param or 'body'}: {reason}.", param=param or None, code=InputError.code
    )


def _param(location: tuple[str | int, ...]) -> str:
    """("messages", 0, "content") -> messages[0].content"""
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return "".join(parts).removeprefix(".")
