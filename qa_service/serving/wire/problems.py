"""Everything that goes wrong, as problem details (RFC 9457): one shape, whatever the cause.

Translates the program's errors, bad requests and the unforeseen. A response never holds a
traceback, nor a path of this machine.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from qa_service.errors import (
    FeedbackError,
    IndexFaultError,
    InputError,
    KeysError,
    ModelError,
    NotFoundError,
    QaServiceError,
)
from qa_service.serving.observing.request_log import REQUEST_ID
from qa_service.serving.wire.security_headers import SECURITY_HEADERS
from qa_service.serving.wire.strict_json import UnreadableJson

_log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"


class FieldProblem(BaseModel):
    field: str = Field(examples=["top_k"])
    message: str = Field(examples=["Input should be less than or equal to 100"])


class Problem(BaseModel):
    """Problem details (RFC 9457)."""

    type: str = "about:blank"
    title: str = Field(description="The HTTP status in words.", examples=["Unprocessable Content"])
    status: int = Field(examples=[422])
    detail: str = Field(description="What is wrong, and the cure.")
    code: str = Field(description="What is wrong, for programs.", examples=["invalid_input"])
    errors: tuple[FieldProblem, ...] = Field(
        default=(), description="For bad input: each field, with what is wrong with it."
    )


def problem_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What a route documents of its errors: `responses=problem_responses(404, 422)`."""
    return {
        status: {"description": HTTPStatus(status).phrase, "model": Problem} for status in statuses
    }


_PROBLEM_CONTENT = {"schema": {"$ref": f"#/components/schemas/{Problem.__name__}"}}


def with_problem_media_type(openapi: dict[str, Any]) -> dict[str, Any]:
    """The description with problems under their own media type; FastAPI files them under JSON."""
    for methods in openapi["paths"].values():
        for operation in methods.values():
            for status, response in operation["responses"].items():
                content = response.get("content", {})
                if status >= "4" and content.get("application/json") == _PROBLEM_CONTENT:
                    content[MEDIA_TYPE] = content.pop("application/json")
    return openapi


def problem_response(
    status: int,
    code: str,
    detail: str,
    *,
    errors: Sequence[FieldProblem] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    problem = _problem(status, code, detail, errors)
    # Escaped to ASCII: what a client sent comes back in messages, and may be no valid text.
    content = json.dumps(problem.model_dump())
    whole = {**SECURITY_HEADERS, **(headers or {})}
    return Response(content, status, headers=whole, media_type=MEDIA_TYPE)


def install_problem_handlers(app: FastAPI) -> None:
    app.add_exception_handler(QaServiceError, _handle_program_error)
    app.add_exception_handler(RequestValidationError, _handle_invalid_request)
    app.add_exception_handler(HTTPException, _handle_http_exception)
    app.add_exception_handler(Exception, _handle_unforeseen)


_FULL = (
    "The verdict was not kept: the service holds as many as it may. Tell the people who run it; "
    "they can export them (`qa-service feedback export`) and make room."
)
_NOT_KEPT = (
    "The verdict could not be kept. The service's log says why; questions are answered as before."
)


def problem_of(error: Exception) -> Problem:
    """What a client may know of an error; the log gets the rest.

    The same for a response and for a stream that has begun.
    """
    if isinstance(error, InputError):
        field = FieldProblem(field=error.field, message=error.message)
        return _problem(422, error.code, error.message, [field])
    if isinstance(error, NotFoundError):
        return _problem(404, error.code, error.message)
    if isinstance(error, IndexFaultError | ModelError):
        _log.error("%s: %s", error.code, error.message)
        return _problem(
            503,
            error.code,
            "The service cannot search at present. Its log says why; try again later.",
        )
    if isinstance(error, KeysError):
        _log.error("%s: %s", error.code, error.message)
        detail = "The service cannot read its keys at present. Its log says why; try again later."
        return _problem(503, error.code, detail)
    if isinstance(error, FeedbackError):
        _log.error("%s: %s", error.code, error.message)
        status, detail = (507, _FULL) if error.code == "feedback_full" else (503, _NOT_KEPT)
        return _problem(status, error.code, detail)
    _log.error("unforeseen error", exc_info=error)
    return _problem(
        500, "internal_error", "Something went wrong inside the service. Its log says what."
    )


def _problem(status: int, code: str, detail: str, errors: Sequence[FieldProblem] = ()) -> Problem:
    return Problem(
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        code=code,
        errors=tuple(errors),
    )


def _handle_program_error(request: Request, error: Exception) -> Response:
    problem = problem_of(error)
    headers = {"Retry-After": "10"} if problem.status == 503 else None
    return problem_response(
        problem.status, problem.code, problem.detail, errors=problem.errors, headers=headers
    )


def _handle_invalid_request(request: Request, error: Exception) -> Response:
    """422; another content type than JSON is 415."""
    assert isinstance(error, RequestValidationError)
    if isinstance(error.body, bytes):
        return problem_response(
            415,
            "unsupported_media_type",
            "Send the body as JSON, with the header Content-Type: application/json.",
        )
    fields = [
        FieldProblem(field=_field_name(each["loc"]), message=each["msg"])
        for each in error.errors()[:20]
    ]
    detail = "; ".join(f"{field.field}: {field.message}" for field in fields[:3])
    return problem_response(422, InputError.code, f"{detail}.", errors=fields)


def _field_name(location: Sequence[str | int]) -> str:
    """("body", "filters", "kinds", 0) -> filters.kinds.0; ("body",) -> body"""
    return ".".join(str(part) for part in location[1:]) or str(location[0])


_CODES = {
    400: "bad_request",
    404: "not_found",
    405: "method_not_allowed",
    415: "unsupported_media_type",
}
_DETAILS = {
    404: "There is nothing at this address. The page is at /, the API under /v1/.",
    405: "This address does not take this method. The header Allow says which it takes.",
}


def _handle_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    status = error.status_code
    if isinstance(error, UnreadableJson):
        field = FieldProblem(field=error.field, message=error.reason)
        return problem_response(status, error.code, error.detail, errors=[field])
    return problem_response(
        status,
        _CODES.get(status, "http_error"),
        _DETAILS.get(status, str(error.detail)),
        headers=error.headers,
    )


def _handle_unforeseen(request: Request, error: Exception) -> Response:
    """The server writes the traceback to its log; nothing of it goes out."""
    return problem_response(
        500,
        "internal_error",
        "Something went wrong inside the service. Its log says what.",
        headers={REQUEST_ID: request.scope.get(REQUEST_ID, "")},
    )
