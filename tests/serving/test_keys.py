"""API keys: made, recognised, revoked; and what each may do."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.routing import Mount
from starlette.testclient import TestClient
from typer.testing import CliRunner

from qa_service.cli.commands import app as cli
from qa_service.cli.opening import open_access
from qa_service.errors import InputError, KeysError, SettingsError
from qa_service.keys import KeyRing, Scope
from qa_service.retrieval.index import Index
from qa_service.serving.app import create_app
from qa_service.serving.door.access import Access
from qa_service.serving.service.library import Library
from qa_service.settings import load_settings


@pytest.fixture
def ring(tmp_path: Path) -> KeyRing:
    return KeyRing(tmp_path / "keys.json")


@pytest.fixture
def app(chapter_index: Index, ring: KeyRing) -> FastAPI:
    return create_app(Library(chapter_index), access=Access(keys=ring))


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app, raise_server_exceptions=False, follow_redirects=False) as client:
        yield client


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def test_a_key_is_found_by_its_secret_alone(ring: KeyRing) -> None:
    first, second = ring.create("one", Scope.READ), ring.create("two", Scope.ADMIN)
    found = ring.find(first)
    assert found is not None
    assert (found.name, found.scope) == ("one", Scope.READ)
    swapped = "_".join([*first.split("_", 2)[:2], second.split("_", 2)[2]])
    for wrong in (swapped, first[:-1], f"{first}x", "", "qa_", "é", first.upper()):
        assert ring.find(wrong) is None


def test_only_hashes_are_kept_readable_by_the_owner_alone(ring: KeyRing, tmp_path: Path) -> None:
    key = ring.create("one", Scope.READ)
    file = tmp_path / "keys.json"
    assert key.split("_", 2)[2] not in file.read_text(encoding="utf-8")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert sorted(each.name for each in tmp_path.iterdir()) == ["keys.json", "keys.json.lock"]


def test_processes_that_make_keys_at_once_lose_none(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    code = (
        "import sys; from pathlib import Path; from qa_service.keys import KeyRing, Scope\n"
        "for n in range(20): KeyRing(Path(sys.argv[1])).create(f'{n}', Scope.READ)"
    )
    makers = [subprocess.Popen([sys.executable, "-c", code, str(file)]) for _ in range(3)]
    assert [maker.wait(timeout=60) for maker in makers] == [0, 0, 0]
    assert len({key.id for key in KeyRing(file).keys}) == 60


@pytest.mark.parametrize(
    "name",
    ["", " ", "a\nb", "a\x1b[31m", "not UTF-8 \udcff", "x" * 101],
    ids=["empty", "blank", "two lines", "terminal codes", "surrogate", "long"],
)
def test_a_name_shows_in_one_line(ring: KeyRing, name: str) -> None:
    with pytest.raises(InputError, match="one line"):
        ring.create(name, Scope.READ)
    assert ring.keys == ()


def test_what_another_process_makes_and_revokes_counts_at_once(tmp_path: Path) -> None:
    serving, office = KeyRing(tmp_path / "keys.json"), KeyRing(tmp_path / "keys.json")
    assert serving.keys == ()
    key = office.create("one", Scope.READ)
    assert serving.find(key) is not None
    office.revoke(office.keys[0].id)
    assert serving.find(key) is None


def test_a_file_that_holds_no_keys_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text("{}", encoding="utf-8")
    with pytest.raises(KeysError, match="keys create"):
        KeyRing(tmp_path / "keys.json").find("qa_00000000_" + "a" * 43)
    with pytest.raises(KeysError, match="keys list"):
        KeyRing(tmp_path / "none.json").revoke("00000000")


def test_on_the_command_line(tmp_path: Path) -> None:
    file = str(tmp_path / "keys.json")
    runner = CliRunner()
    made = runner.invoke(cli, ["keys", "create", "press", "--scope", "admin", "--file", file])
    key = made.stdout.strip()
    found = KeyRing(tmp_path / "keys.json").find(key)
    assert found is not None
    listed = runner.invoke(cli, ["keys", "list", "--file", file]).stdout
    assert found.id in listed
    assert "press" in listed
    assert key.split("_", 2)[2] not in listed
    assert runner.invoke(cli, ["keys", "revoke", found.id, "--file", file]).exit_code == 0
    assert "no keys" in runner.invoke(cli, ["keys", "list", "--file", file]).stdout


# --- who may do what ---------------------------------------------------------------------------

# For every route: status without a key, with a wrong one, with read, with admin. 200 stands for
# whatever the route answers to a request that may be made.
OPEN, READ, ADMIN = (200, 200, 200, 200), (401, 401, 200, 200), (401, 401, 403, 200)
ROUTES = {
    "GET /": READ,
    "GET /docs": READ,
    "GET /openapi.json": READ,
    "GET /documents/{id}": READ,
    "GET /sign-in": OPEN,
    "POST /sign-in": OPEN,
    "POST /sign-out": OPEN,
    "GET /assets": OPEN,
    "GET /suggestions": READ,
    "GET /favicon.ico": OPEN,
    "GET /healthz": OPEN,
    "GET /readyz": OPEN,
    "GET /metrics": ADMIN,
    "POST /mcp": READ,
    "POST /v1/ask": READ,
    "POST /v1/chat/completions": READ,
    "POST /v1/feedback": READ,
    "POST /v1/search": READ,
    "GET /v1/documents": READ,
    "GET /v1/documents/{id}": READ,
    "GET /v1/documents/{id}/source": READ,
    "GET /v1/models": READ,
    "GET /v1/models/{id}": READ,
    "GET /v1/passages/{id}": READ,
    "GET /v1/passages/{id}/citation": READ,
}


def all_routes(routes: Iterable[Any]) -> set[str]:
    """Those of included routers as well, which the application keeps as they are."""
    found = set()
    for route in routes:
        inner = getattr(route, "original_router", None)
        if inner is not None:
            found |= all_routes(inner.routes)
        elif isinstance(route, Mount):
            found.add(f"GET {route.path}")
        else:
            found |= {f"{method} {route.path}" for method in route.methods if method != "HEAD"}
    return found


def test_the_table_names_every_route(client: TestClient) -> None:
    app = client.app
    assert isinstance(app, FastAPI)
    assert all_routes(app.routes) == set(ROUTES)


@pytest.mark.parametrize("route", ROUTES)
def test_a_route_lets_in_whom_it_should(client: TestClient, ring: KeyRing, route: str) -> None:
    method, path = route.split()
    path = "/assets/style.css" if path == "/assets" else path.replace("{id}", "none")
    wrong = ring.create("revoked", Scope.ADMIN)
    ring.revoke(ring.keys[0].id)
    read, admin = ring.create("reader", Scope.READ), ring.create("admin", Scope.ADMIN)
    shown: list[dict[str, str]] = [{}, bearer(wrong), bearer(read), bearer(admin)]
    for headers, wanted in zip(shown, ROUTES[route], strict=True):
        response = client.request(method, path, headers=headers)
        if route == "POST /sign-in":
            assert response.status_code == 401  # its form shows no key
        elif wanted == 200:
            assert response.status_code not in (401, 403), response.text
            # Where no verdicts are kept, 503 says so, for whoever may ask.
            assert response.status_code < 500 or path == "/v1/feedback", response.text
        else:
            assert response.status_code == wanted
            assert response.headers["content-type"].startswith("application/")
        if wanted == 401:
            assert response.headers["www-authenticate"].startswith("Bearer")


def test_a_key_can_be_shown_in_three_ways(client: TestClient, ring: KeyRing) -> None:
    key = ring.create("reader", Scope.READ)
    for headers in (bearer(key), {"X-API-Key": key}, {"Cookie": f"qa_key={key}"}):
        assert client.get("/v1/documents", headers=headers).status_code == 200


def test_who_shows_a_key_that_is_none_is_told_so(client: TestClient) -> None:
    none, wrong = (
        client.get("/v1/documents", headers=headers) for headers in ({}, {"X-API-Key": "wrong"})
    )
    assert (none.status_code, wrong.status_code) == (401, 401)
    assert none.json()["detail"].startswith("Show a key")
    assert wrong.json()["detail"].startswith("This is no key of this service")


def test_openais_clients_get_openais_errors(client: TestClient) -> None:
    refused = client.post("/v1/chat/completions", json={})
    assert refused.status_code == 401
    assert refused.json()["error"]["code"] == "unauthorised"


def test_a_person_signs_in_once(client: TestClient, ring: KeyRing, document_id: str) -> None:
    key = ring.create("reader", Scope.READ)
    page = f"/documents/{document_id}"
    asked = f"{page}?lang=en&x=1"
    sent = client.get(asked, headers={"Accept": "text/html"})
    assert sent.status_code == 303
    assert sent.headers["location"].startswith(f"/sign-in?next={page}")
    assert client.post(sent.headers["location"], data={"key": "wrong"}).status_code == 401
    done = client.post(sent.headers["location"], data={"key": f" {key} "})
    assert (done.status_code, done.headers["location"]) == (303, asked)
    cookie = done.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert client.get(page, headers={"Accept": "text/html"}).status_code == 200


def test_signing_out_forgets_the_key(client: TestClient, ring: KeyRing) -> None:
    key = ring.create("reader", Scope.READ)
    html = {"Accept": "text/html"}
    client.post("/sign-in", data={"key": key})
    assert "/sign-out" in client.get("/", headers=html).text
    client.post("/sign-out")
    assert client.get("/", headers=html).headers["location"] == "/sign-in?next=/"


@pytest.mark.parametrize("next", ["//evil.example", "https://evil.example", "/\\evil.example", ""])
def test_signing_in_leads_to_no_other_host(client: TestClient, ring: KeyRing, next: str) -> None:
    key = ring.create("reader", Scope.READ)
    done = client.post("/sign-in", params={"next": next}, data={"key": key})
    assert done.headers["location"] == "/"


# --- to whom at all ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.168.1.4", False),
        ("example.org", False),
    ],
)
def test_an_address_that_others_reach_needs_keys(tmp_path: Path, host: str, local: bool) -> None:
    settings = load_settings(host=host, keys=tmp_path / "keys.json").settings
    assert settings.is_local is local
    if local:
        assert open_access(settings).required is None
    else:
        with pytest.raises(SettingsError, match="keys create"):
            open_access(settings)
    opened = load_settings(host=host, keys=tmp_path / "keys.json", open=True).settings
    assert open_access(opened).required is None
    ring = KeyRing(tmp_path / "keys.json")
    ring.create("one", Scope.READ)
    assert open_access(settings).required is not None
    ring.revoke(ring.keys[0].id)
    with pytest.raises(SettingsError, match="revoked"):
        open_access(settings)


def test_behind_a_proxy_this_machine_needs_keys_too(tmp_path: Path) -> None:
    settings = load_settings(keys=tmp_path / "keys.json", trusted_proxies="127.0.0.1").settings
    with pytest.raises(SettingsError, match=r"Through the proxy .*keys.json"):
        open_access(settings)
    KeyRing(tmp_path / "keys.json").create("one", Scope.READ)
    assert open_access(settings).required is not None


def test_a_running_service_lets_nobody_in_when_its_keys_go_away(tmp_path: Path) -> None:
    ring = KeyRing(tmp_path / "keys.json")
    ring.create("one", Scope.READ)
    access = open_access(load_settings(keys=tmp_path / "keys.json").settings)
    assert access.required is not None
    (tmp_path / "keys.json").unlink()
    with pytest.raises(KeysError, match="has gone"):
        access.required  # noqa: B018


def test_names_are_checked_where_only_this_machine_asks(tmp_path: Path) -> None:
    def hosts(**options: object) -> Collection[str]:
        return open_access(load_settings(keys=tmp_path / "keys.json", **options).settings).hosts

    assert "localhost" in hosts()
    assert hosts(allowed_hosts="a.example, b.example") == ["a.example", "b.example"]
    assert not hosts(allowed_hosts="*")
    assert not hosts(trusted_proxies="127.0.0.1", open=True)
    assert not hosts(host="0.0.0.0", open=True)


def test_other_hosts_pages_may_ask_only_where_listed(chapter_index: Index) -> None:
    origin = {"Origin": "https://intranet.example.org"}
    with TestClient(create_app(Library(chapter_index))) as client:
        assert (
            "access-control-allow-origin" not in client.get("/v1/documents", headers=origin).headers
        )
    listed = create_app(Library(chapter_index), cors_origins=["https://intranet.example.org"])
    with TestClient(listed) as client:
        allowed = client.get("/v1/documents", headers=origin).headers
        assert allowed["access-control-allow-origin"] == "https://intranet.example.org"
        other = client.get("/v1/documents", headers={"Origin": "https://evil.example"}).headers
        assert "access-control-allow-origin" not in other


def test_the_description_can_be_left_out(chapter_index: Index) -> None:
    with TestClient(create_app(Library(chapter_index), docs=False)) as client:
        assert client.get("/docs").status_code == 404
        assert client.get("/openapi.json").status_code == 404


def test_keys_never_come_back(client: TestClient, ring: KeyRing) -> None:
    key = ring.create("reader", Scope.READ)
    for path in ("/v1/documents", "/nowhere", "/v1/passages/none"):
        assert key not in json.dumps(client.get(path, headers=bearer(key)).text)
