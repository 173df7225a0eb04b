"""Who may do what: the routes by the scope that they need, and how often a client may ask.

A client shows its key in `Authorization: Bearer KEY`, in `X-API-Key`, or, after it has signed in with
it once, in a cookie that no script can read (the pages use that).
"""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Sequence
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from urllib.parse import quote

from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.datastructures import Headers
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Send
from starlette.types import Scope as AsgiScope

from qa_service.errors import SettingsError
from qa_service.keys import Key, KeyRing, Scope
from qa_service.serving.openai_errors import is_openai_path, openai_refusal
from qa_service.serving.problems import problem_response

SESSION_COOKIE = "qa_key"

# What needs no key: the pages' own files, signing in, and whether the process lives.
_OPEN = ("/assets/", "/healthz", "/readyz", "/sign-in")
_ADMIN = ("/metrics",)
_SAFE = ("GET", "HEAD")

_DETAILS = {
    401: "Show a key: Authorization: Bearer KEY. `qa-service keys create` makes one.",
    403: "This key may not do this; it needs the scope admin.",
    429: "More requests than this client may make. Try again later.",
}
_CODES = {401: "unauthorised", 403: "forbidden", 429: "rate_limited"}


def needed_scope(path: str) -> Scope | None:
    """The scope that a path needs, None for those that are open to all."""
    if path.startswith(_OPEN):
        return None
    return Scope.ADMIN if path.startswith(_ADMIN) else Scope.READ


class RateLimit:
    """`120/minute` for each key, or address where there is no key. Counts in memory: a restart
    forgets."""

    def __init__(self, rate: str) -> None:
        try:
            self._item: RateLimitItem = parse(rate)
        except ValueError as error:
            raise SettingsError(
                "rate_limit", f"{rate!r} is no rate. Write it like 120/minute or 5/second."
            ) from error
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    def take(self, client: str) -> float | None:
        """Seconds until the client may ask again; None when it may now."""
        if self._limiter.hit(self._item, client):
            return None
        reset = self._limiter.get_window_stats(self._item, client).reset_time
        return max(reset - time.time(), 1.0)


@dataclass(frozen=True, slots=True)
class Access:
    """`keys` None lets everybody in: for an address that only this machine reaches, or because the
    user said so. `trusted_proxies` are those whose X-Forwarded-For is believed."""

    keys: KeyRing | None = None
    rate_limit: RateLimit | None = None
    trusted_proxies: Sequence[ipaddress.IPv4Network | ipaddress.IPv6Network] = ()


def parse_networks(
    text: str,
) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    """`127.0.0.1, 10.0.0.0/8`. Raises SettingsError."""
    try:
        return tuple(ipaddress.ip_network(each.strip()) for each in text.split(",") if each.strip())
    except ValueError as error:
        raise SettingsError(
            "trusted_proxies", f"{error}. Write addresses or networks: 127.0.0.1, 10.0.0.0/8"
        ) from error


class AccessGate:
    """Middleware: 401 without a key, 403 with too little of one, 429 for too many requests."""

    def __init__(self, app: ASGIApp, *, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        await (refusal or self._app)(scope, receive, send)

    def _refusal(self, scope: AsgiScope) -> Response | None:
        path, headers = scope["path"], Headers(scope=scope)
        needed = needed_scope(path)
        key: Key | None = None
        if needed is not None and self._access.keys is not None:
            key = self._access.keys.find(presented_key(headers))
            if key is None and _is_page(scope, headers):
                return RedirectResponse(f"/sign-in?next={quote(path)}", status_code=303)
            if key is None:
                return _refuse(path, 401, {"WWW-Authenticate": 'Bearer realm="qa_service"'})
            if not key.allows(needed):
                return _refuse(path, 403, {})
        if needed is not None and self._access.rate_limit is not None:
            client = key.id if key is not None else self.client_address(scope, headers)
            seconds = self._access.rate_limit.take(client)
            if seconds is not None:
                return _refuse(path, 429, {"Retry-After": str(int(seconds) + 1)})
        return None

    def client_address(self, scope: AsgiScope, headers: Headers) -> str:
        """The last address that no trusted proxy has: what stands before it, anybody can write."""
        client = scope.get("client")
        address = client[0] if client else ""
        hops = [each.strip() for each in headers.get("x-forwarded-for", "").split(",")]
        while hops and self._is_trusted(address):
            address = hops.pop() or address
        return address

    def _is_trusted(self, address: str) -> bool:
        try:
            found = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(found in network for network in self._access.trusted_proxies)


def presented_key(headers: Headers) -> str:
    """The key that a request shows, empty when it shows none."""
    kind, _, value = headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer":
        return value.strip()
    if "x-api-key" in headers:
        return headers["x-api-key"].strip()
    try:
        cookie = SimpleCookie(headers.get("cookie", ""))
    except CookieError:
        return ""
    return cookie[SESSION_COOKIE].value if SESSION_COOKIE in cookie else ""


def _is_page(scope: AsgiScope, headers: Headers) -> bool:
    """A person's browser, which gets the sign-in page rather than a problem in JSON."""
    path = scope["path"]
    page = path == "/" or path == "/docs" or path.startswith("/documents/")
    return page and scope["method"] in _SAFE and "text/html" in headers.get("accept", "")


def _refuse(path: str, status: int, headers: dict[str, str]) -> Response:
    if is_openai_path(path):
        return openai_refusal(status, _CODES[status], _DETAILS[status], headers=headers)
    return problem_response(status, _CODES[status], _DETAILS[status], headers=headers)
