"""HTTP beyond loopback: only where its names are given, and only under them."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.transports.server_process import Web, run, serving
from taskhand.domain.errors import OperatorError
from taskhand.server.transports.host_names import ListenAddress
from taskhand.server.transports.unauthenticated_access import check_listen_address

NAMES = ("--allow-host", "Tasks.example.com", "--allow-host", "exact.example:8443")


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    """A server that every interface of this machine reaches, as one in a container is."""
    store = tmp_path_factory.mktemp("names") / "tasks.sqlite"
    with serving(store, "--host", "0.0.0.0", "--insecure-no-auth", *NAMES) as web:  # noqa: S104  what a container needs
        assert (
            web.process.err.next() == "Anyone who reaches this port can use it: Taskhand does not identify callers.\n"
        )
        yield web


@pytest.mark.parametrize(
    "host",
    ["tasks.example.com", "tasks.example.com:443", "exact.example:8443", "127.0.0.1:{port}", "localhost", "[::1]:1"],
)
def test_a_configured_host_name_and_the_loopback_names_are_accepted(web: Web, host: str) -> None:
    assert web.post(b"{}", Host=host.format(port=web.port))[0] == 400


@pytest.mark.parametrize(
    "host",
    [
        *("evil.example", "exact.example", "exact.example:443", "tasks.example.com.evil.example", "0.0.0.0:{port}"),
        *("localhost:evil.example", "tasks.example.com:443.evil.example", "127.0.0.1:@evil.example", "localhost:"),
        *("[::1]:evil.example", "localhost:1:evil.example", "localhost:{port}a", "localhost:000080"),
        *("localhost:80:80", "localhost.evil.example", "127.0.0.1.nip.io", "[::1]:x", "user@localhost", "localhost."),
        *("localhost:-1", "localhost: 80", "[::1].evil.example", "[::1", "::1", "127.1", "2130706433", ""),
    ],
)
def test_any_other_name_is_refused(web: Web, host: str) -> None:
    status, body = web.post(b"{}", Host=host.format(port=web.port))
    assert status == 421
    assert body.startswith(b"Invalid Host header") or b" start it with --allow-host " in body


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("https://tasks.example.com", 400),
        ("http://tasks.example.com:8080", 400),
        ("https://exact.example:8443", 400),
        ("http://localhost:3000", 400),
        ("https://exact.example", 403),
        ("https://evil.example", 403),
        ("https://tasks.example.com.evil.example", 403),
        ("http://localhost:evil.example", 403),
        ("https://tasks.example.com:443.evil.example", 403),
        ("http://localhost:3000:evil.example", 403),
        *((f"http://{host}", 403) for host in ("localhost:80:80", "localhost.evil.example", "127.0.0.1.nip.io")),
        *((f"http://{host}", 403) for host in ("[::1]:x", "user@localhost", "localhost:", "localhost.", "localhost/")),
        ("file://localhost", 403),
        ("http://localhost http://evil.example", 403),
        ("null", 403),
    ],
)
def test_an_origin_is_accepted_only_from_the_configured_names(web: Web, origin: str, status: int) -> None:
    assert web.post(b"{}", Origin=origin)[0] == status


@pytest.mark.parametrize("names", [("localhost", "evil.example"), ("evil.example", "localhost")])
def test_two_host_headers_are_refused(web: Web, names: tuple[str, str]) -> None:
    head = "".join(f"Host: {name}\r\n" for name in names)
    request = f"POST /mcp HTTP/1.1\r\n{head}Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{{}}"
    with socket.create_connection(("127.0.0.1", web.port), 5) as connection:
        connection.sendall(request.encode())
        assert connection.recv(100).split()[1] in {b"400", b"421"}


def test_accepted_hosts_can_call_tools(web: Web) -> None:
    assert "result" in web.call("list_tasks", {})
    assert web.get("/health")[0] == 200


@pytest.mark.parametrize("name", ["", "*", "http://tasks.example.com", "a b", "a/b", "a:b", "-a", "a:*", "[::1", "a\n"])
def test_a_malformed_host_name_is_refused(name: str) -> None:
    with pytest.raises(OperatorError, match="is not the name of a host"):
        check_listen_address(ListenAddress("127.0.0.1", 0, ["a.example", name]))


def test_a_refused_name_ends_the_command_in_one_sentence(store_file: Path) -> None:
    done = run(store_file, "serve", "--http", "--port", "0", "--allow-host", "*")
    assert done.returncode == 1
    assert done.stderr == "taskhand: '*' is not the name of a host, with or without a port.\n"
    assert not store_file.exists()


@pytest.mark.parametrize("words", [("--allow-host", "tasks.example.com"), ("--insecure-no-auth",)])
def test_options_of_http_need_http(store_file: Path, words: tuple[str, ...]) -> None:
    done = run(store_file, "serve", *words)
    assert done.returncode == 2
    assert f"{words[0]} needs --http." in done.stderr


def test_where_callers_are_asked_any_address_is_served() -> None:
    check_listen_address(ListenAddress("0.0.0.0", 0), asks_callers=True)  # noqa: S104
    with pytest.raises(OperatorError, match="without --auth"):
        check_listen_address(ListenAddress("0.0.0.0", 0, ["tasks.example.com"]))  # noqa: S104


def test_every_loopback_address_checks_the_names() -> None:
    settings = ListenAddress("127.0.0.2", 8000).security()
    assert settings.enable_dns_rebinding_protection
    assert "localhost:*" in settings.allowed_hosts


@pytest.mark.parametrize(
    ("host", "names", "has_proxy", "reached_by"),
    [
        ("127.0.0.1", [], False, None),
        ("127.0.0.2", [], False, None),
        ("localhost", [], False, None),
        ("::1", [], False, None),
        ("127.0.0.1", ["tasks.example.com"], False, "tasks.example.com"),
        ("localhost", ["a.example", "b.example"], False, "a.example"),
        ("127.0.0.1", ["tasks.example.com"], True, "A proxy"),
        ("127.0.0.1", [], True, "A proxy"),
        ("192.0.2.1", [], False, "192.0.2.1"),
        ("192.0.2.1", ["Tasks.example.com"], True, "192.0.2.1"),
        ("::", [], False, "::"),
        ("tasks.example.com", [], False, "tasks.example.com"),
    ],
)
def test_an_address_that_other_machines_reach_needs_authentication_or_consent(
    host: str, names: list[str], reached_by: str | None, *, has_proxy: bool
) -> None:
    address = ListenAddress(host, 8000, names)
    assert address.is_loopback == (host in {"127.0.0.1", "127.0.0.2", "localhost", "::1"})
    assert address.is_local == (address.is_loopback and names == [])
    check_listen_address(address, asks_callers=True, has_proxy=has_proxy)
    check_listen_address(ListenAddress(host, 8000, names, is_insecure=True), has_proxy=has_proxy)
    if reached_by is None:
        check_listen_address(address)
    else:
        with pytest.raises(OperatorError, match=f"^{reached_by} can be reached by other machines"):
            check_listen_address(address, has_proxy=has_proxy)


@pytest.mark.parametrize(
    ("host", "is_allowed"),
    [
        *(
            (name, True)
            for name in ("localhost", "LOCALHOST:1", "127.0.0.1:8000", "[::1]:8000", "A.example", "a.example:1")
        ),
        *((name, True) for name in ("b.example:8443", "B.example:8443")),
        *((name, False) for name in ("b.example", "b.example:1", "a.example:x", "a.example:", "evil.example", "")),
        *((name, False) for name in ("x.a.example", "a.example.evil.example", "localhost:1:1", "[::1]:x")),
    ],
)
def test_pages_are_shown_under_the_names_of_mcp_alone(host: str, *, is_allowed: bool) -> None:
    assert ListenAddress("127.0.0.1", 0, ["A.example", "b.example:8443"]).allows_host(host) is is_allowed
