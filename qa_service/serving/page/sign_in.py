"""`/sign-in`: a person shows a key once, and the browser keeps it where no script can read it, until
`/sign-out` or for thirty days."""

from __future__ import annotations

from urllib.parse import parse_qs

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from qa_service.serving.door.access import SESSION_COOKIE, Access
from qa_service.serving.page.pages import show_page

router = APIRouter(include_in_schema=False)

_FORM_MAX_BYTES = 4_096
_DAYS = 30


@router.get("/sign-in")
async def get_sign_in(request: Request) -> Response:
    return show_page("sign-in.html", request, refused=False, next=_next(request))


@router.post("/sign-in")
async def post_sign_in(request: Request) -> Response:
    """Takes the form of the page; a key that is not known shows it again."""
    access: Access = request.app.state.access
    form = bytearray()
    async for chunk in request.stream():
        form += chunk
        if len(form) > _FORM_MAX_BYTES:
            break
    fields = parse_qs(bytes(form[:_FORM_MAX_BYTES]).decode("utf-8", "replace"))
    presented = fields.get("key", [""])[0].strip()
    response = RedirectResponse(_next(request), status_code=303)
    ring = access.required
    if ring is None:  # everybody is let in: there is nothing to keep
        return response
    if ring.find(presented) is None:
        return show_page("sign-in.html", request, status=401, refused=True, next=_next(request))
    response.set_cookie(
        SESSION_COOKIE,
        presented,
        max_age=_DAYS * 86_400,
        httponly=True,
        samesite="lax",  # a link to a document from a mail should open it; posting needs same-site
        secure=request.url.scheme == "https",
    )
    return response


@router.post("/sign-out")
async def post_sign_out() -> Response:
    response = RedirectResponse("/sign-in", status_code=303)
    response.delete_cookie(SESSION_COOKIE, httponly=True, samesite="lax")
    return response


def _next(request: Request) -> str:
    """Where to go afterwards: a path of this service, never another host."""
    wanted = request.query_params.get("next", "/")
    return wanted if wanted.startswith("/") and not wanted.startswith(("//", "/\\")) else "/"
