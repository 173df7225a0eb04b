"""The pages for people: `/` (ask and search; `/suggestions` are what it offers to be asked) and
`/documents/{id}` (the document itself).

A page loads nothing from another host and runs no inline code; whatever comes from a document is
written by a template that escapes it. The pages' own words are in `web/strings.toml`.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

import anyio.to_thread
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi import Path as PathParameter
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from starlette.responses import JSONResponse, RedirectResponse
from starlette.staticfiles import StaticFiles

from qa_service import __version__
from qa_service.retrieval.index import Index
from qa_service.serving.door.access import SESSION_COOKIE
from qa_service.serving.page.document_view import section_anchor, view_document
from qa_service.serving.page.page_strings import LANGUAGE_COOKIE, choose_language, page_strings
from qa_service.serving.service.library import CurrentShelf
from qa_service.serving.service.suggestions import suggest
from qa_service.types import Document

router = APIRouter(include_in_schema=False)

_WEB = Path(__file__).parent.parent / "web"
_ASSETS = _WEB / "assets"

CONTENT_SECURITY_POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "frame-src 'self'",
        "frame-ancestors 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    ]
)
_PAGE_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-cache",
    "Vary": "Accept-Language, Cookie",
}


def add_pages(app: FastAPI) -> None:
    app.include_router(router)
    app.mount("/assets", _Assets(directory=_ASSETS), name="assets")


@router.api_route("/", methods=["GET", "HEAD"])
async def get_chat_page(request: Request) -> Response:
    return show_page("chat.html", request, signed_in=SESSION_COOKIE in request.cookies)


@router.api_route("/favicon.ico", methods=["GET", "HEAD"])
async def get_icon() -> Response:
    """Where browsers look for an icon on what is no page: a picture, the API's JSON."""
    return RedirectResponse("/assets/icon.svg", status_code=308)


@router.get("/suggestions")
async def get_suggestions(request: Request, shelf: CurrentShelf) -> Response:
    """What the empty page offers to be asked, in the reader's language."""
    language = _language(request)
    questions = await anyio.to_thread.run_sync(
        suggest, shelf.index, page_strings(language), limiter=request.app.state.search_limiter
    )
    headers = {"Cache-Control": "no-cache", "Vary": _PAGE_HEADERS["Vary"]}
    return JSONResponse(questions, headers=headers)


@router.api_route("/documents/{id}", methods=["GET", "HEAD"])
async def get_document_page(
    document_id: Annotated[str, PathParameter(alias="id")], request: Request, shelf: CurrentShelf
) -> Response:
    """Where a citation's `url` leads: the document, with the passage marked that `#` names."""
    index = shelf.index
    language = _language(request)
    document = index.documents.get(document_id)
    if document is None:
        return show_page("missing.html", request, status=404)
    entity_tag = f'"{_digest(index.generation, document.id, language, __version__)}"'
    headers = {**_PAGE_HEADERS, "ETag": entity_tag}
    if entity_tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    content = await anyio.to_thread.run_sync(
        _render_document,
        index,
        document,
        language,
        limiter=request.app.state.search_limiter,
    )
    return Response(content, media_type="text/html; charset=utf-8", headers=headers)


class _Assets(StaticFiles):
    """Small files that a browser asks for again with their ETag."""

    def file_response(self, *args: Any, **knobs: Any) -> Response:
        response = super().file_response(*args, **knobs)
        response.headers["Cache-Control"] = "no-cache"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response


def _render_document(index: Index, document: Document, language: str) -> bytes:
    passages = [each for each in index.passages if each.document_id == document.id]
    return _render(
        "document.html",
        language,
        document=document,
        metadata=document.source.metadata,
        view=view_document(document, passages),
        section_anchor=section_anchor,
    )


def html_response(content: bytes, *, status: int = 200) -> Response:
    """A page with the headers that keep it to itself."""
    return Response(content, status, _PAGE_HEADERS, "text/html; charset=utf-8")


def show_page(template: str, request: Request, *, status: int = 200, **values: object) -> Response:
    """A template of `web/`, in the reader's language."""
    return html_response(_render(template, _language(request), **values), status=status)


def _render(template: str, language: str, **values: object) -> bytes:
    strings = page_strings(language)
    page = _templates().get_template(template)
    return page.render(t=strings, language=language, version=__version__, **values).encode()


@lru_cache(maxsize=1)
def _templates() -> Environment:
    return Environment(
        loader=FileSystemLoader(_WEB),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _language(request: Request) -> str:
    return choose_language(
        request.cookies.get(LANGUAGE_COOKIE), request.headers.get("accept-language")
    )


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]
