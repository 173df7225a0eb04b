"""Who may do what: the routes by the scope that they need, and how often a client may ask.

A client shows its key in `Authorization: Bearer KEY`, in `X-API-Key`, or, after it has signed in with
it once, in a cookie that no script can read (the pages use that).
"""

from __future__ import annotations

import ipaddress
import logging
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from limits import parse_many
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection, cookie_parser
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Send
from starlette.types import Scope as AsgiScope

from qa_service.errors import KeysError, SettingsError
from qa_service.keys import Key, KeyRing, Scope
from qa_service.serving.wire.openai_errors import refusal_response

_log = logging.getLogger(__name__)

SESSION_COOKIE = "qa_key"
THIS_MACHINE = ("localhost", "127.0.0.1", "::1")

# What needs no key: the pages' own files, signing in, and whether the process lives.
_SIGN_IN = "/sign-in"
_OPEN = ("/assets/", "/favicon.ico", "/healthz", "/readyz", _SIGN_IN, "/sign-out")
_ADMIN = ("/metrics",)
_SAFE = ("GET", "HEAD")

_DETAILS = {
    401: "Show a key: Authorization: Bearer KEY. `qa-service keys create` makes one.",
    403: "This key may not do this; it needs the scope admin.",
    429: "More requests than this client may make. Try again later.",
    421: "This service is not called by that name here. Use one that it goes by, or have the name "
    "added to the setting allowed_hosts.",
    503: "The service cannot tell who may ask at present. Its log says why; try again later.",
}
_NOT_VALID = "This is no key of this service, or it was revoked. Ask who runs it for another."
_CODES = {
    401: "unauthorised",
    403: "forbidden",
    421: "unknown_host",
    429: "rate_limited",
    503: KeysError.code,
}

_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def needed_scope(path: str) -> Scope | None:
    """The scope that a path needs, None for those that are open to all."""
    if path.startswith(_OPEN):
        return None
    return Scope.ADMIN if path.startswith(_ADMIN) else Scope.READ


class RateLimit:
    """`120/minute` for each key, and for each address that shows none of them. Counts in memory: a
    restart forgets."""

    def __init__(self, rate: str) -> None:
        try:
            self._item, *others = parse_many(rate)
        except ValueError as error:
            raise _no_rate(rate) from error
        if others or self._item.amount < 1:
            raise _no_rate(rate)
        # Not the moving window: in memory it never forgets a client.
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())

    def take(self, client: str) -> float | None:
        """Seconds until the client may ask again; None when it may now."""
        if self._limiter.hit(self._item, client):
            return None
        reset = self._limiter.get_window_stats(self._item, client).reset_time
        return max(reset - time.time(), 1.0)


@dataclass(frozen=True, slots=True)
class Access:
    """`keys` None lets everybody in, because the user said so; `open_until_keys` does as long as no
    key was ever made, for an address that only this machine reaches. `hosts` are the names that the
    service may be called by where it asks for no key; with none, by any. `trusted_proxies` are
    those whose X-Forwarded-For and -Proto are believed."""

    keys: KeyRing | None = None
    open_until_keys: bool = False
    hosts: Collection[str] = ()
    rate_limit: RateLimit | None = None
    trusted_proxies: Sequence[_Network] = ()

    @property
    def required(self) -> KeyRing | None:
        """The keys, where one of them must be shown. Raises KeysError."""
        if self.keys is None or (self.open_until_keys and not self.keys.in_use):
            return None
        return self.keys

    def goes_by(self, host: str) -> bool:
        """Whether `host`, as the header has it, is a name of this service. A page of another host
        can point its own name at this machine (DNS rebinding), but then the browser says so here."""
        if not self.hosts:
            return True
        try:
            return urlsplit(f"//{host}").hostname in self.hosts
        except ValueError:  # [::
            return False


def parse_networks(text: str) -> tuple[_Network, ...]:
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
        try:
            refusal = self._refusal(scope)
        except KeysError as error:
            _log.error("%s: %s", error.code, error.message)
            refusal = _refuse(scope["path"], 503, {"Retry-After": "10"})
        await (refusal or self._app)(scope, receive, send)

    def _refusal(self, scope: AsgiScope) -> Response | None:
        path, headers = scope["path"], Headers(scope=scope)
        needed, ring = needed_scope(path), self._access.required
        key: Key | None = None
        if needed is not None and ring is not None:
            key = ring.find(presented_key(headers))
        if (
            needed is not None
            and ring is None
            and not self._access.goes_by(headers.get("host", ""))
        ):
            return _refuse(path, 421, {})
        # Who guesses keys is counted too, by address: before being told that the key is wrong.
        if needed is not None or path == _SIGN_IN or presented_key(headers):
            seconds = self._seconds_to_wait(key, scope)
            if seconds is not None:
                return _refuse(path, 429, {"Retry-After": str(int(seconds) + 1)})
        if needed is None or ring is None:
            return None
        if key is None and _is_page(scope, headers):
            return RedirectResponse(f"{_SIGN_IN}?next={quote(_target(scope))}", status_code=303)
        if key is None:
            detail = _NOT_VALID if presented_key(headers) else _DETAILS[401]
            return _refuse(path, 401, {"WWW-Authenticate": 'Bearer realm="qa_service"'}, detail)
        return None if key.allows(needed) else _refuse(path, 403, {})

    def _seconds_to_wait(self, key: Key | None, scope: AsgiScope) -> float | None:
        if self._access.rate_limit is None:
            return None
        address = scope["client"][0] if scope.get("client") else ""
        return self._access.rate_limit.take(
            f"key {key.id}" if key else f"address {_counted(address)}"
        )


def _counted(address: str) -> str:
    """An IPv6 client has a whole network of addresses (/64)."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    return address if parsed.version == 4 else str(ipaddress.ip_network((parsed, 64), strict=False))


def is_known(connection: HTTPConnection) -> bool:
    """Whether who asks may see what is not for strangers. Raises KeysError."""
    access: Access = connection.app.state.access
    ring = access.required
    if ring is None:
        return access.goes_by(connection.headers.get("host", ""))
    return ring.find(presented_key(connection.headers)) is not None


def presented_key(headers: Headers) -> str:
    """The key that a request shows, empty when it shows none."""
    kind, _, value = headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer":
        return value.strip()
    if "x-api-key" in headers:
        return headers["x-api-key"].strip()
    # Not http.cookies, which gives up at the first cookie that is not well formed: other services
    # of the same host name set some.
    return cookie_parser(headers.get("cookie", "")).get(SESSION_COOKIE, "")


def _is_page(scope: AsgiScope, headers: Headers) -> bool:
    """A person's browser, which gets the sign-in page rather than a problem in JSON."""
    path = scope["path"]
    page = path == "/" or path == "/docs" or path.startswith("/documents/")
    return page and scope["method"] in _SAFE and "text/html" in headers.get("accept", "")


def _target(scope: AsgiScope) -> str:
    """The page that was asked for, as it stands in an address."""
    query = scope["query_string"].decode("latin-1")
    return quote(scope["path"]) + (f"?{query}" if query else "")


def _no_rate(rate: str) -> SettingsError:
    return SettingsError(
        "rate_limit", f"{rate!r} is no rate. Write one, like 120/minute or 5/second."
    )


def _refuse(
    path: str, status: int, headers: Mapping[str, str], detail: str | None = None
) -> Response:
    return refusal_response(
        path, status, _CODES[status], detail or _DETAILS[status], headers=headers
    )
