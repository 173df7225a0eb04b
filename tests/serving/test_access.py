"""The gate before the routes: how often, whom proxies speak for, what strangers see, what goes wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from qa_service.errors import SettingsError
from qa_service.keys import KeyRing, Scope
from qa_service.retrieval.index import Index
from qa_service.serving.app import create_app
from qa_service.serving.door.access import THIS_MACHINE, Access, RateLimit, _counted, parse_networks
from qa_service.serving.door.admission import overloaded
from qa_service.serving.service.library import Library
from qa_service.serving.wire.security_headers import SECURITY_HEADERS


@pytest.fixture
def ring(tmp_path: Path) -> KeyRing:
    return KeyRing(tmp_path / "keys.json")


Serve = Callable[..., TestClient]


@pytest.fixture
def serve(chapter_index: Index) -> Serve:
    """`with serve(keys=…, rate_limit=…) as client`: a client at the address 9.9.9.9."""

    def serve(**access: object) -> TestClient:
        app = create_app(Library(chapter_index), access=Access(**access))  # type: ignore[arg-type]
        return TestClient(
            app, raise_server_exceptions=False, follow_redirects=False, client=("9.9.9.9", 1)
        )

    return serve


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


# --- how often ---------------------------------------------------------------------------------


def test_each_key_has_its_own_rate(serve: Serve, ring: KeyRing) -> None:
    one, two = ring.create("one", Scope.READ), ring.create("two", Scope.READ)
    with serve(keys=ring, rate_limit=RateLimit("2/minute")) as client:
        mine = [client.get("/v1/documents", headers=bearer(one)) for _ in range(3)]
        other = client.get("/v1/documents", headers=bearer(two))
        healthy = [client.get("/healthz").status_code for _ in range(5)]
    assert [each.status_code for each in mine] == [200, 200, 429]
    assert 1 <= int(mine[2].headers["retry-after"]) <= 61
    assert mine[2].json()["code"] == "rate_limited"
    assert other.status_code == 200
    assert healthy == [200] * 5


def test_who_guesses_keys_is_counted_by_address(serve: Serve, ring: KeyRing) -> None:
    key = ring.create("one", Scope.READ)
    with serve(keys=ring, rate_limit=RateLimit("2/minute")) as client:
        guesses = [
            client.get("/v1/models", headers=bearer(f"qa_{n}")).status_code for n in range(3)
        ]
        at_the_door = client.post("/sign-in", data={"key": "guess"}).status_code
        known = client.get("/v1/models", headers=bearer(key)).status_code
    assert guesses == [401, 401, 429]
    assert at_the_door == 429
    assert known == 200


def test_who_guesses_keys_at_an_open_address_is_counted_too(serve: Serve, ring: KeyRing) -> None:
    ring.create("one", Scope.READ)
    with serve(keys=ring, rate_limit=RateLimit("2/minute")) as client:
        guesses = [client.get("/readyz", headers=bearer(f"qa_{n}")).status_code for n in range(3)]
        without = [client.get("/readyz").status_code for _ in range(5)]
    assert guesses == [200, 200, 429]
    assert without == [200] * 5


def test_the_addresses_of_one_ipv6_network_are_one_client() -> None:
    assert _counted("2001:db8::1") == _counted("2001:db8::ffff:2") != _counted("2001:db8:0:1::1")
    assert _counted("192.0.2.1") != _counted("192.0.2.2")


@pytest.mark.parametrize("rate", ["often", "", "0/minute", "-1/minute", "9/day; 5/second"])
def test_a_rate_that_is_none_says_how_to_write_one(rate: str) -> None:
    with pytest.raises(SettingsError, match="120/minute"):
        RateLimit(rate)


# --- proxies -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("trusted", "forwarded", "same"),
    [
        pytest.param("", ["1.1.1.1", "2.2.2.2"], True, id="no proxy is trusted"),
        pytest.param("10.0.0.1", ["1.1.1.1", "2.2.2.2"], True, id="another one is"),
        pytest.param("9.9.9.9", ["1.1.1.1", "2.2.2.2"], False, id="this one is"),
        pytest.param("9.9.9.0/24", ["1.1.1.1", "2.2.2.2"], False, id="its network is"),
        pytest.param("9.9.9.9", ["6.6.6.6, 1.1.1.1", "7.7.7.7, 1.1.1.1"], True, id="invented hops"),
        pytest.param(
            "9.9.9.9, 1.1.1.1", ["6.6.6.6, 1.1.1.1", "7.7.7.7, 1.1.1.1"], False, id="two proxies"
        ),
        pytest.param("9.9.9.9", ["nonsense", "nonsense"], True, id="no address"),
    ],
)
def test_whom_a_proxy_speaks_for(
    serve: Serve, trusted: str, forwarded: list[str], same: bool
) -> None:
    access = {"rate_limit": RateLimit("1/minute"), "trusted_proxies": parse_networks(trusted)}
    with serve(**access) as client:
        statuses = [
            client.get("/v1/documents", headers={"X-Forwarded-For": each}).status_code
            for each in forwarded
        ]
    assert statuses == [200, 429 if same else 200]


def test_a_line_that_the_client_wrote_itself_counts_for_nothing(serve: Serve) -> None:
    """Some proxies add a header of their own below the client's instead of lengthening it."""
    access = {
        "rate_limit": RateLimit("1/minute"),
        "trusted_proxies": parse_networks("9.9.9.9"),
    }
    with serve(**access) as client:
        statuses = [
            client.get(
                "/v1/documents",
                headers=[("X-Forwarded-For", invented), ("X-Forwarded-For", "1.1.1.1")],
            ).status_code
            for invented in ("6.6.6.6", "7.7.7.7")
        ]
    assert statuses == [200, 429]


@pytest.mark.parametrize(("trusted", "secure"), [("9.9.9.9", True), ("", False)])
def test_a_cookie_stays_on_https_where_a_trusted_proxy_has_it(
    serve: Serve, ring: KeyRing, trusted: str, secure: bool
) -> None:
    key = ring.create("one", Scope.READ)
    with serve(keys=ring, trusted_proxies=parse_networks(trusted)) as client:
        done = client.post("/sign-in", data={"key": key}, headers={"X-Forwarded-Proto": "https"})
    assert ("secure" in done.headers["set-cookie"].lower()) is secure


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:8000", 200),
        ("127.0.0.1:9", 200),
        ("[::1]:8000", 200),
        ("LOCALHOST", 200),
        ("attacker.example", 421),
        ("localhost.attacker.example:8000", 421),
        ("[::", 421),
        ("", 421),
    ],
)
def test_a_page_that_points_its_own_name_here_reads_nothing(
    serve: Serve, host: str, status: int
) -> None:
    with serve(hosts=THIS_MACHINE) as client:
        said = client.get("/v1/documents", headers={"Host": host})
        healthy = client.get("/healthz", headers={"Host": host})
    assert said.status_code == status
    assert status == 200 or said.json()["code"] == "unknown_host"
    assert healthy.status_code == 200


def test_who_shows_a_key_may_use_any_name(serve: Serve, ring: KeyRing) -> None:
    key = ring.create("one", Scope.READ)
    with serve(keys=ring, hosts=THIS_MACHINE) as client:
        said = client.get("/v1/documents", headers={"Host": "office.example", **bearer(key)})
    assert said.status_code == 200


def test_the_first_key_closes_an_open_service_and_revoking_it_opens_nothing(
    serve: Serve, ring: KeyRing
) -> None:
    with serve(keys=ring, open_until_keys=True) as client:
        before = client.get("/v1/documents").status_code
        key = ring.create("one", Scope.READ)
        closed = client.get("/v1/documents").status_code
        shown = client.get("/v1/documents", headers=bearer(key)).status_code
        ring.revoke(ring.keys[0].id)
        revoked = client.get("/v1/documents").status_code
    assert [before, closed, shown, revoked] == [200, 401, 200, 401]


def test_networks_that_are_none_say_how_to_write_them() -> None:
    with pytest.raises(SettingsError, match=r"10\.0\.0\.0/8"):
        parse_networks("everybody")


# --- what strangers see ------------------------------------------------------------------------


def test_strangers_learn_whether_it_is_ready_and_no_more(serve: Serve, ring: KeyRing) -> None:
    key = ring.create("one", Scope.READ)
    with serve(keys=ring) as client:
        assert client.get("/readyz").json() == {"status": "ready"}
        assert client.get("/readyz", headers=bearer("wrong")).json() == {"status": "ready"}
        assert "generation" in client.get("/readyz", headers=bearer(key)).json()


@pytest.mark.parametrize(
    "others", ['theme={"x": [1, 2]}', "日=本", "a b=c", "=x", "broken"], ids=ascii
)
def test_other_services_cookies_sign_nobody_out(serve: Serve, ring: KeyRing, others: str) -> None:
    cookie = f"{others}; qa_key={ring.create('one', Scope.READ)}"
    with serve(keys=ring) as client:
        answer = client.get("/v1/documents", headers=[(b"cookie", cookie.encode())])
    assert answer.status_code == 200


@pytest.mark.parametrize("key", ["鍵", "a; Path=/", "x\r\nSet-Cookie: a=b", ""], ids=ascii)
def test_where_no_keys_are_asked_for_signing_in_keeps_nothing(serve: Serve, key: str) -> None:
    with serve() as client:
        done = client.post("/sign-in", data={"key": key})
    assert (done.status_code, done.headers["location"]) == (303, "/")
    assert "set-cookie" not in done.headers


# --- what goes wrong ---------------------------------------------------------------------------


def test_keys_that_cannot_be_read_let_nobody_in(
    serve: Serve, ring: KeyRing, tmp_path: Path
) -> None:
    key = ring.create("one", Scope.ADMIN)
    with serve(keys=ring) as client:
        (tmp_path / "keys.json").write_text("{broken", encoding="utf-8")
        refused = {
            path: client.get(path, headers=bearer(key))
            for path in ("/v1/documents", "/v1/models", "/metrics", "/readyz", "/healthz")
        }
        at_the_door = client.post("/sign-in", data={"key": key})
        (tmp_path / "keys.json").unlink()
        gone = client.get("/v1/documents", headers=bearer(key))
    assert refused.pop("/healthz").status_code == 200
    for answer in (*refused.values(), at_the_door):
        assert answer.status_code == 503
        assert "retry-after" in answer.headers
        assert str(tmp_path) not in answer.text
    assert refused["/v1/documents"].json()["code"] == "keys_unusable"
    assert refused["/v1/models"].json()["error"]["type"] == "server_error"
    assert gone.status_code == 503  # who takes the file away does not mean to let everybody in


# --- headers -----------------------------------------------------------------------------------


def test_security_headers_are_on_every_response(serve: Serve, ring: KeyRing) -> None:
    with serve(keys=ring) as client:
        for path in ("/healthz", "/nowhere", "/v1/models", "/assets/style.css", "/sign-in", "/"):
            headers = client.get(path).headers
            for name, value in SECURITY_HEADERS.items():
                assert name in headers
                if name != "Content-Security-Policy":  # the pages have their own
                    assert headers[name] == value
            assert "default-src 'none'" in headers["content-security-policy"]


def test_they_are_there_when_the_service_breaks(chapter_index: Index) -> None:
    app = create_app(Library(chapter_index))

    @app.get("/breaks")
    async def breaks() -> None:
        raise RuntimeError("inside")

    with TestClient(app, raise_server_exceptions=False) as client:
        broken = client.get("/breaks")
    assert broken.status_code == 500
    assert set(SECURITY_HEADERS) <= {name.title() for name in broken.headers}


def test_they_are_there_when_a_request_is_not_even_parsed() -> None:
    names = {name.title() for name in overloaded("/").headers}
    assert set(SECURITY_HEADERS) <= names
    assert {"Retry-After", "Content-Length"} <= names
