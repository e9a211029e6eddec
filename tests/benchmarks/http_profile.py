"""A profile of the server over HTTP, in this process; a client in another thread calls it."""

import cProfile
import pstats
import socket
from collections.abc import Mapping

import anyio
from anyio import to_thread
from anyio.lowlevel import checkpoint

from benchmarks.http_calls import body_length, request_bytes
from benchmarks.in_process import connect_in_process
from benchmarks.layers import Stats
from taskhand.config.settings import Settings
from taskhand.server.app import create_server
from taskhand.server.transports.host_names import ListenAddress
from taskhand.server.transports.http import Endpoint, serve_http
from taskhand.server.transports.http_limits import HttpLimits
from taskhand.wiring import open_app

__all__ = ["profile_http"]

_FIRST = 50
"""Calls that are not counted, in which modules are imported."""


def profile_http(environment: Mapping[str, str], calls: int) -> Stats:
    """The statistics of so many calls of `get_task`."""
    return anyio.run(_profile, environment, calls)


async def _profile(environment: Mapping[str, str], calls: int) -> Stats:
    profile, announced = cProfile.Profile(), list[str]()
    async with open_app(Settings.from_env(environment)) as app, anyio.create_task_group() as tasks:
        server = create_server(app, makes_spans=False)
        async with connect_in_process(server) as client:
            made = await client.call("create_task", title="Call Acme", responsibleIds=["me"], priority="1")
        endpoint = Endpoint(ListenAddress("127.0.0.1", 0), HttpLimits.of_this_machine(), announce=announced.append)
        tasks.start_soon(serve_http, server, endpoint, checkpoint)
        while not announced:
            await checkpoint()
        port = int(announced[0].removesuffix("/mcp").rpartition(":")[2])
        call = request_bytes(port, "get_task", {"id": made["task"]["id"]})
        await to_thread.run_sync(_call_often, port, call, _FIRST)
        profile.enable()
        await to_thread.run_sync(_call_often, port, call, calls)
        profile.disable()
        tasks.cancel_scope.cancel()
    return pstats.Stats(profile).stats  # type: ignore[attr-defined, no-any-return]  # pstats has no public access


def _call_often(port: int, call: bytes, calls: int) -> None:
    """Send a call on one connection, each time after the answer to the one before."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        for _ in range(calls):
            connection.sendall(call)
            got = b""
            while not (gap := got.partition(b"\r\n\r\n"))[1] or len(gap[2]) < body_length(gap[0]):
                got += connection.recv(65_536)
            assert b'"structuredContent":' in got, got[:300]
