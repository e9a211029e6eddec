"""Serving: a free port, only loopback, a quick stop, and the app without a socket."""

from __future__ import annotations

import subprocess
import sys
import time

import httpx2
import pytest

from backends.sandboxed_app import TRUST
from sandbox.vambe.served_sandbox import MEMBERS, TASKS, open_served_sandbox
from taskhand.sandbox.faults import Fault
from taskhand.sandbox.server import run, serve_sandbox
from taskhand.sandbox.vambe import VambeSandbox


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.10", "example.com", ""])  # noqa: S104  # refused
async def test_refuses_a_host_that_is_not_loopback(host: str) -> None:
    with pytest.raises(ValueError, match="loopback only"):
        async with serve_sandbox(VambeSandbox(), host):
            pass


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.0.0.2"])
async def test_takes_a_free_port_and_releases_it(host: str) -> None:
    async with serve_sandbox(VambeSandbox(), host) as url, httpx2.AsyncClient(base_url=url, verify=TRUST) as client:
        assert (await client.get(MEMBERS)).status_code == 401
    async with httpx2.AsyncClient(verify=TRUST) as client:
        with pytest.raises(httpx2.ConnectError):
            await client.get(url)


async def test_two_sandboxes_share_nothing() -> None:
    async with open_served_sandbox() as one, open_served_sandbox() as other:
        await one.create_task()
        assert (len(one.sandbox.tasks), len(other.sandbox.tasks)) == (2, 1)


async def test_stopping_does_not_wait_for_a_slow_request() -> None:
    sandbox = VambeSandbox(faults=[Fault("slow", seconds=3600)])
    async with httpx2.AsyncClient(verify=TRUST) as client:
        async with serve_sandbox(sandbox) as url:
            with pytest.raises(httpx2.ReadTimeout):
                await client.get(url + TASKS, timeout=0.05)
            began = time.monotonic()
        assert time.monotonic() - began < 0.5


async def test_the_app_works_without_a_socket() -> None:
    sandbox = VambeSandbox(faults=[Fault("reset_before", nth=2)])
    transport = httpx2.ASGITransport(sandbox.app)
    headers = {"x-api-key": sandbox.key}
    async with httpx2.AsyncClient(transport=transport, base_url="http://vambe", headers=headers) as client:
        assert (await client.get(MEMBERS)).status_code == 200
        with pytest.raises(ConnectionResetError):
            await client.get(MEMBERS)


def test_run_announces_its_url_and_ends_with_ctrl_c() -> None:
    announced: list[str] = []

    def announce(url: str) -> None:
        announced.append(url)
        raise KeyboardInterrupt

    run(VambeSandbox(), "127.0.0.1", 0, announce)
    assert announced[0].startswith("http://127.0.0.1:")


def test_imports_nothing_else_of_taskhand_and_uvicorn_only_to_serve() -> None:
    script = (
        "import sys, taskhand.sandbox.vambe\n"
        "ours = [name for name in sys.modules if name.startswith('taskhand.')]\n"
        "assert all(name.startswith('taskhand.sandbox') for name in ours), ours\n"
        "assert 'uvicorn' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)  # noqa: S603  # our own interpreter and words
