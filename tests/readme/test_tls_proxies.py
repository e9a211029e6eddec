"""The proxies of docs/operating.md, where they are installed: TLS ends there, and callers are who they are."""

import re
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path

import pytest

from documents import ROOT
from server.transports.server_process import serving
from time_limits import BOUND_S

PAGE = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
NAME = "tasks.example.com"
OPTIONS = ("--insecure-no-auth", "--proxy", "127.0.0.1", "--allow-host", NAME)


def _block(kind: str) -> str:
    [block] = re.findall(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL)
    return str(block)


def _caddy(folder: Path, port: int, upstream: int) -> list[str]:
    """The command that serves the page's Caddyfile, with a certificate of its own."""
    site = _block("caddyfile").replace(f"{NAME} {{", f"https://{NAME}:{port} {{\n\ttls internal")
    settings = "{\n\tadmin off\n\tauto_https disable_redirects\n\tskip_install_trust\n}\n"
    (folder / "Caddyfile").write_text(settings + site.replace("127.0.0.1:8000", f"127.0.0.1:{upstream}"))
    return ["caddy", "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]


def _nginx(folder: Path, port: int, upstream: int) -> list[str]:
    """The command that serves the page's block of nginx, with a certificate of its own."""
    pair = ["-keyout", f"{folder}/key.pem", "-out", f"{folder}/cert.pem"]
    request = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={NAME}", *pair]
    subprocess.run(request, check=True, capture_output=True, timeout=30)  # noqa: S603
    block = (
        _block("nginx")
        .replace("listen 443", f"listen 127.0.0.1:{port}")
        .replace("127.0.0.1:8000", f"127.0.0.1:{upstream}")
    )
    block = re.sub(r"/etc/ssl/\S+\.key", f"{folder}/key.pem", re.sub(r"/etc/ssl/\S+\.pem", f"{folder}/cert.pem", block))
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    folders = "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in kinds)
    start = f"daemon off;\npid {folder}/pid;\nevents {{}}\nhttp {{\naccess_log off;\n{folders}{block}}}\n"
    (folder / "nginx.conf").write_text(start)
    return ["nginx", "-e", f"{folder}/error.log", "-c", f"{folder}/nginx.conf"]


PROXIES = {"caddy": _caddy, "nginx": _nginx}


@contextmanager
def _running(command: list[str], folder: Path, port: int) -> Iterator[None]:
    environment = {
        "HOME": str(folder),
        "XDG_DATA_HOME": str(folder),
        "PATH": str(Path(shutil.which(command[0]) or "").parent),
    }
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as proxy:  # noqa: S603
        try:
            while proxy.poll() is None:
                with closing(socket.socket()) as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
            assert proxy.poll() is None
            yield
        finally:
            proxy.terminate()


def _post(port: int, **headers: str) -> int:
    """The status of a request over TLS to the name of the page."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    line = HTTPConnection(NAME, port, timeout=BOUND_S)
    with closing(line):
        line.sock = context.wrap_socket(socket.create_connection(("127.0.0.1", port), BOUND_S), server_hostname=NAME)
        sent = {"Host": NAME, "Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
        line.request("POST", "/mcp", b"{}", sent | {name.replace("_", "-"): value for name, value in headers.items()})
        return line.getresponse().status


@pytest.mark.parametrize("name", PROXIES)
def test_a_caller_of_the_page_s_proxy_cannot_pass_for_another(name: str, store_file: Path, tmp_path: Path) -> None:
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed on this machine")
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    with (
        serving(store_file, *OPTIONS, TASKHAND_REQUESTS_S="1") as web,
        _running(PROXIES[name](tmp_path, port, web.port), tmp_path, port),
    ):
        forged = [
            {"X_Forwarded_For": f"192.0.2.{number}", "Forwarded": f"for=192.0.2.{number}"} for number in range(20)
        ]
        statuses = [_post(port, **one) for one in forged]
    assert statuses[0] == 400  # the name is allowed, and the request is read
    assert 429 in statuses
