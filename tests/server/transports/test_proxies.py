"""Forwarded addresses count only from proxies that the operator has named."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.routing import Route
from starlette.types import Scope

from server.transports.http_server import HELLO, client_at, listening, served
from server.transports.server_process import run
from taskhand.config.settings import Settings
from taskhand.domain.errors import OperatorError
from taskhand.server.app import create_server
from taskhand.server.linking.routes import LinkPages
from taskhand.server.transports.http_limits import HttpLimits
from taskhand.server.transports.peer_address import counted_address
from taskhand.server.transports.proxies import Proxies, read_forwarded
from taskhand.wiring import open_app

NAMED = Proxies.parse(["127.0.0.1", "10.1.0.0/16", "2001:db8::/32"])
PROXY, STRANGER = "127.0.0.1", "127.0.0.2"
ONE_EACH = HttpLimits(requests_s=0.01)
"""Every caller may send one request."""


@pytest.mark.parametrize(
    ("chain", "caller"),
    [
        (["192.0.2.1"], "192.0.2.1"),
        (["198.51.100.1", "192.0.2.1"], "192.0.2.1"),
        (["198.51.100.1", "192.0.2.1", "10.1.2.3"], "192.0.2.1"),
        (["127.0.0.1", "192.0.2.1", "10.1.2.3"], "192.0.2.1"),
        (["192.0.2.1:4711"], "192.0.2.1"),
        (["[2001:db9::1]:80"], "2001:db9::1"),
        (["2001:db9::1"], "2001:db9::1"),
        (["::ffff:192.0.2.1"], "192.0.2.1"),
        (["192.0.2.1", "2001:db8::1"], "192.0.2.1"),
        (["10.1.2.3"], "10.1.2.3"),
        (["192.0.2.1", "unknown"], "127.0.0.1"),
        (["192.0.2.1", "unknown", "10.1.2.3"], "10.1.2.3"),
        (["192.0.2.1", ""], "127.0.0.1"),
        (["192.0.2.1 evil"], "127.0.0.1"),
        ([], "127.0.0.1"),
    ],
)
def test_the_caller_is_the_last_address_that_is_no_named_proxy(chain: list[str], caller: str) -> None:
    assert NAMED.caller("127.0.0.1", chain) == caller


@pytest.mark.parametrize(
    "text", ["", "proxy.example", "127.0.0.1:80", "10.0.0.1/8", "*", "10.0.0.0/33", "0.0.0.0/0", "::/0"]
)
def test_a_proxy_is_named_by_an_address_or_a_network(text: str) -> None:
    with pytest.raises(OperatorError):
        Proxies.parse(["127.0.0.1", text])


def test_a_server_behind_a_proxy_does_not_start_without_authentication(
    store_file: Path,
) -> None:
    done = run(store_file, "serve", "--http", "--port", "0", "--proxy", "127.0.0.1")
    assert done.returncode == 1
    assert done.stderr.startswith(
        "taskhand: A proxy can be reached by other machines, and without --auth no caller is "
    )


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("::1", "::/64"),
        ("testclient", "testclient"),
    ],
)
def test_the_addresses_of_one_network_count_as_one_caller(address: str, counted: str) -> None:
    assert counted_address(address) == counted


async def statuses(client: httpx2.AsyncClient, port: int, *headers: dict[str, str]) -> list[int]:
    """How requests with these headers are answered, one after the other."""
    url = f"http://127.0.0.1:{port}/mcp"
    return [(await client.post(url, json=HELLO, headers=one)).status_code for one in headers]


async def test_callers_behind_a_named_proxy_are_counted_by_address_and_cannot_forge_one(store_file: Path) -> None:
    def forwarded(*entries: str, **more: str) -> dict[str, str]:
        return {"X-Forwarded-For": ", ".join(entries)} | more

    async with served(store_file, ONE_EACH, PROXY) as port, client_at(PROXY) as proxy:
        assert await statuses(proxy, port, forwarded("192.0.2.1"), forwarded("192.0.2.2")) == [200, 200]
        spoofed = [forwarded(f"198.51.100.{number}", "192.0.2.1") for number in range(3)]
        assert await statuses(proxy, port, *spoofed) == [429, 429, 429]
        standard = {"Forwarded": 'for=198.51.100.7, for="192.0.2.3:4711";proto=https'}
        assert await statuses(proxy, port, standard, standard, forwarded("192.0.2.3")) == [200, 429, 429]
        # Its caller has sent the header that the proxy does not write: all of these are the proxy's own.
        odd = [forwarded("192.0.2.4", Forwarded=f"for=198.51.100.{number}") for number in range(3)]
        assert await statuses(proxy, port, *odd) == [200, 429, 429]
        hidden = {"Forwarded": 'for=192.0.2.5;host="a,for=198.51.100.9"'}
        assert await statuses(proxy, port, hidden) == [429]


@pytest.mark.parametrize(("named", "caller"), [((PROXY,), STRANGER), ((), PROXY)])
async def test_forwarded_addresses_of_unnamed_proxies_are_ignored(
    store_file: Path, monkeypatch: pytest.MonkeyPatch, named: tuple[str, ...], caller: str
) -> None:
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "*")
    several = [{"X-Forwarded-For": f"192.0.2.{number}", "X-Forwarded-Host": "evil.example"} for number in range(3)]
    async with served(store_file, ONE_EACH, *named) as port, client_at(caller) as client:
        assert await statuses(client, port, *several) == [200, 429, 429]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"X-Forwarded-Host": "evil.example"}, 421),
        ({"X-Forwarded-Host": "localhost, evil.example"}, 421),
        ({"X-Forwarded-Host": "localhost:evil.example"}, 421),
        ({"X-Forwarded-Host": "localhost", "Host": "taskhand:8000"}, 200),
        ({"Forwarded": "For=192.0.2.1;Host=localhost;Proto=https", "Host": "taskhand:8000"}, 200),
        ({"Host": "taskhand:8000"}, 421),
    ],
)
async def test_the_host_name_is_the_one_that_a_named_proxy_was_called_by(
    store_file: Path, headers: dict[str, str], status: int
) -> None:
    async with served(store_file, HttpLimits(), PROXY) as port, client_at(PROXY) as proxy:
        assert await statuses(proxy, port, headers) == [status]


async def test_a_host_name_that_anyone_else_forwards_is_ignored(store_file: Path) -> None:
    forwarded = {"X-Forwarded-Host": "localhost", "Forwarded": "for=192.0.2.1;host=localhost", "Host": "evil.example"}
    async with served(store_file, HttpLimits(), STRANGER) as port, client_at(PROXY) as nobody:
        assert await statuses(nobody, port, forwarded) == [421]


class Pages(LinkPages):
    """Pages that note the server's URL for persons."""

    def __init__(self) -> None:
        self.url: str | None = None

    def routes(self, url: str | None, _: Callable[[str], bool]) -> list[Route]:
        self.url = url
        return []


@pytest.mark.parametrize(("proxies", "has_url"), [((), True), (("10.1.0.0/16",), False)])
async def test_pages_have_the_address_of_this_machine_only_without_a_proxy(
    tmp_path: Path, proxies: tuple[str, ...], *, has_url: bool
) -> None:
    pages = Pages()
    async with (
        open_app(Settings.from_env({"TASKHAND_DB": str(tmp_path / "tasks.sqlite")})) as app,
        listening(create_server(app), HttpLimits(), *proxies, pages=pages) as port,
    ):
        assert pages.url == (f"http://127.0.0.1:{port}/mcp" if has_url else None)


@pytest.mark.parametrize(
    "header",
    [(b"x-forwarded-proto", b"http, HTTPS"), (b"forwarded", b"for=192.0.2.1;proto=http, for=192.0.2.2;proto=https")],
)
async def test_the_scheme_is_the_one_that_the_nearest_proxy_reports(header: tuple[bytes, bytes]) -> None:
    schemes: list[str] = []

    async def app(scope: Scope, _: object, __: object) -> None:
        schemes.append(scope["scheme"])

    scope = {"type": "http", "scheme": "http", "client": (PROXY, 1), "headers": [header]}
    await read_forwarded(app, NAMED)(scope, nothing, nothing)
    assert schemes == ["https"]


async def nothing(*_: object) -> Any:
    """Neither receives nor sends."""
