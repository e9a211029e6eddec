"""The environment's proxy and certificates, over real TLS on loopback."""

from __future__ import annotations

import datetime as dt
import os
import ssl
from contextlib import AsyncExitStack
from ipaddress import ip_address
from typing import TYPE_CHECKING

import anyio
import anyio.abc
import httpx2
import pytest
from anyio.streams.tls import TLSListener
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from taskhand.domain.errors import OperatorError, UpstreamError
from taskhand.http.certificates import trust_environment
from taskhand.http.url_path import Path

if TYPE_CHECKING:
    import pathlib
    from collections.abc import AsyncGenerator
    from http.conftest import Clients, Server

TASKS = Path.of("/tasks")


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "ssl_cert_file", "ssl_cert_dir")
    for name in names:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A self-signed certificate for crm.test and 127.0.0.1, with its key in the same file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "crm.test")])
    now = dt.datetime.now(dt.UTC)
    names = [x509.DNSName("crm.test"), x509.IPAddress(ip_address("127.0.0.1"))]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    path = tmp_path_factory.mktemp("ca") / "crm.pem"
    path.write_bytes(made.public_bytes(pem) + key.private_bytes(pem, *plain))
    return path


@pytest.fixture
async def tls(server: Server, certificate: pathlib.Path) -> AsyncGenerator[int]:
    """The port on which the same server speaks TLS."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    async with AsyncExitStack() as stack, anyio.create_task_group() as tasks:
        plain = await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=0)
        listener = await stack.enter_async_context(TLSListener(plain, context, standard_compatible=False))
        tasks.start_soon(listener.serve, server.serve)
        yield plain.extra(anyio.abc.SocketAttribute.local_port)  # noqa: S610 - not Django's
        tasks.cancel_scope.cancel()


@pytest.fixture
def trusted(certificate: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))


class Proxy:
    """A CONNECT proxy that leads every tunnel to one port of this machine."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.refusal: bytes | None = None
        self.lines: list[str] = []
        self.heads: list[str] = []


@pytest.fixture
async def proxy(tls: int) -> AsyncGenerator[Proxy]:
    async with AsyncExitStack() as stack, anyio.create_task_group() as tasks:
        listener = await stack.enter_async_context(
            await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=0)
        )
        port = listener.extra(anyio.abc.SocketAttribute.local_port)  # noqa: S610 - not Django's
        proxy = Proxy(f"http://127.0.0.1:{port}")

        async def tunnel(client: anyio.abc.ByteStream) -> None:
            head = (await client.receive()).decode("latin-1")
            proxy.lines.append(head.partition("\r\n")[0])
            proxy.heads.append(head)
            if proxy.refusal:
                async with client:
                    await client.send(b"HTTP/1.1 %b\r\ncontent-length: 0\r\n\r\n" % proxy.refusal)
                return
            async with client, await anyio.connect_tcp("127.0.0.1", tls) as target:
                await client.send(b"HTTP/1.1 200 Connected\r\n\r\n")
                async with anyio.create_task_group() as both:
                    both.start_soon(pour, client, target)
                    both.start_soon(pour, target, client)

        tasks.start_soon(listener.serve, tunnel)
        yield proxy
        tasks.cancel_scope.cancel()


async def pour(source: anyio.abc.ByteStream, into: anyio.abc.ByteStream) -> None:
    try:
        async for data in source:
            await into.send(data)
    except (anyio.BrokenResourceError, anyio.ClosedResourceError):
        return
    finally:
        await into.aclose()


async def test_refuses_an_untrusted_certificate_without_a_retry(clients: Clients, server: Server, tls: int) -> None:
    client = await clients(f"https://127.0.0.1:{tls}")
    with pytest.raises(OperatorError, match="certificate"):
        await client.get(TASKS)
    assert (client.request_count, server.received) == (1, [])


@pytest.mark.usefixtures("trusted")
async def test_ssl_cert_file_adds_a_certificate_authority(clients: Clients, server: Server, tls: int) -> None:
    client = await clients(f"https://127.0.0.1:{tls}")
    assert (await client.get(TASKS)).status == 200
    assert len(server.received) == 1


@pytest.mark.usefixtures("trusted")
async def test_a_certificate_for_another_host_is_refused(clients: Clients, tls: int) -> None:
    with pytest.raises(OperatorError, match="it is for another host") as caught:
        await (await clients(f"https://localhost:{tls}")).get(TASKS)
    assert "base URL" in str(caught.value.next_step)


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "SSL_CERT_DIR"])
@pytest.mark.parametrize("value", ["/nowhere/ca", "$NOWHERE/ca", __file__])
async def test_certificates_that_cannot_be_read_are_an_operator_error_that_names_the_variable(
    clients: Clients, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(OperatorError, match=variable) as caught:
        await (await clients("https://crm.test")).get(TASKS)
    assert variable in str(caught.value.next_step)


@pytest.mark.usefixtures("trusted")
def test_ssl_cert_file_adds_to_the_authorities_of_the_system() -> None:
    context = httpx2.create_ssl_context(trust_env=False)
    before = context.cert_store_stats()["x509_ca"]
    trust_environment(context)
    assert context.cert_store_stats()["x509_ca"] == before + 1


async def test_the_error_names_the_variables_in_force_and_those_that_are_not_read(
    clients: Clients, tls: int, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CURL_CA_BUNDLE", raising=False)
    monkeypatch.delenv("NODE_EXTRA_CA_CERTS", raising=False)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/etc/ca.pem")
    with pytest.raises(OperatorError, match="it is self-signed") as caught:
        await (await clients(f"https://127.0.0.1:{tls}")).get(TASKS)
    assert "set SSL_CERT_FILE" in str(caught.value.next_step)
    assert "Taskhand does not read REQUESTS_CA_BUNDLE." in str(caught.value.next_step)
    monkeypatch.setenv("SSL_CERT_DIR", f"{tmp_path}{os.pathsep}{tmp_path.parent}")
    with pytest.raises(OperatorError) as caught:
        await (await clients(f"https://127.0.0.1:{tls}")).get(TASKS)
    assert str(caught.value.next_step).startswith("SSL_CERT_DIR is trusted besides the system's authorities")


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "ALL_PROXY"])
async def test_https_goes_through_the_environments_proxy_which_never_sees_the_key(
    clients: Clients, server: Server, proxy: Proxy, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, proxy.url)
    client = await clients("https://crm.test")
    assert (await client.get(TASKS)).status == 200
    assert proxy.lines == ["CONNECT crm.test:443 HTTP/1.1"]
    assert server.received[0].headers["x-api-key"] not in proxy.heads[0]


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize(
    "case",
    [
        (b"407 Proxy Authentication Required", True, "asks for a user name and a password (status 407)"),
        (b"403 Forbidden", True, "refused to connect to Acme (status 403)"),
        (b"451 <script>", True, "refused to connect to Acme (status 451)"),
        (b"502 Bad Gateway", False, "could not connect to Acme (status 502)"),
    ],
)
async def test_a_refusal_by_the_proxy_is_reported_as_the_proxys(
    clients: Clients, server: Server, proxy: Proxy, monkeypatch: pytest.MonkeyPatch, case: tuple[bytes, bool, str]
) -> None:
    refusal, is_final, told = case
    monkeypatch.setenv("HTTPS_PROXY", proxy.url.replace("://", "://ana:s3cr3t@"))
    proxy.refusal = refusal
    client = await clients("https://crm.test")
    with pytest.raises(OperatorError if is_final else UpstreamError) as caught:
        await client.put(TASKS)
    assert caught.value.message.startswith(f"The proxy {proxy.url.removeprefix('http://')} {told}.")
    assert "PROXY" in str(caught.value.next_step)
    assert "s3cr3t" not in f"{caught.value.message} {caught.value.next_step}"
    assert (server.received, client.request_count) == ([], 1 if is_final else 4)


async def test_an_unreachable_proxy_is_named(
    clients: Clients, unused_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://ana:s3cr3t@127.0.0.1:{unused_port}")
    with pytest.raises(UpstreamError, match=f"not be reached through the proxy 127.0.0.1:{unused_port} "):
        await (await clients("https://crm.test")).get(TASKS)


async def test_the_variable_no_proxy_is_respected(
    clients: Clients, proxy: Proxy, unused_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    monkeypatch.setenv("NO_PROXY", "127.0.0.0,other.test,0.0.0.0")
    client = await clients(f"https://0.0.0.0:{unused_port}")
    with pytest.raises(UpstreamError, match="could not be reached"):
        await client.get(TASKS)
    assert proxy.lines == []


async def test_an_upstream_on_this_machine_is_reached_without_the_proxy_of_the_environment(
    clients: Clients, server: Server, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    assert (await (await clients(server.url)).get(TASKS)).status == 200
    assert proxy.lines == []


@pytest.mark.parametrize(
    "value",
    ["gopher://x:1", "http://proxy:port", "socks5://127.0.0.1:1", "${HTTPS_PROXY}", "%PROXY%", "'http://proxy:1'"],
)
async def test_an_unusable_proxy_is_an_operator_error(
    clients: Clients, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", value)
    with pytest.raises(OperatorError, match="HTTPS_PROXY"):
        await (await clients("https://crm.test")).get(TASKS)
