"""One suite over every backend and both protocol eras, through a real client; its writes answer whole tasks.

Every test of the fixture `agent` runs on every backend and in both eras, and not on each in both: the built-in store
has both eras, of the other backends half have one and half the other, and another half in the next test. Some run on
the built-in store in PostgreSQL too.
"""

import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial
from inspect import signature
from pathlib import Path
from typing import Protocol
from zlib import crc32

import pytest
from mcp import Client
from mcp.types import Implementation

from backends.local.backend_case import POSTGRES, open_postgres
from behaviour.agent import Agent
from behaviour.backend_cases import BACKEND_CASES
from behaviour.person import Person
from behaviour.world import BackendCase
from taskhand.server.app import create_server
from whole_answers import with_whole_answers

SERVER = os.environ.get("TASKHAND_TEST_POSTGRES")
ONE_IN = 6
"""One test in so many runs on the built-in store in PostgreSQL too; all do where a server is named."""
ERAS = ("legacy", "2026-07-28")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Choose the backends of a test, and the era on each."""
    function = metafunc.function
    names = {"backend", "era"} & set(metafunc.fixturenames)
    for mark in metafunc.definition.iter_markers("parametrize"):
        names -= set(mark.args[0] if isinstance(mark.args[0], tuple) else (mark.args[0],))
    if names == {"backend", "era"} and "era" not in signature(function).parameters:
        pairs = _spread(function.__name__)
        ids = [f"{era}-{backend.name}" for era, backend in pairs]
        metafunc.parametrize(("era", "backend"), pairs, indirect=True, ids=ids)
        return
    if "era" in names:
        metafunc.parametrize("era", ERAS, indirect=True)
    if "backend" in names:
        metafunc.parametrize("backend", BACKEND_CASES, indirect=True, ids=lambda backend: backend.name)


def _spread(test: str) -> list[tuple[str, BackendCase]]:
    """Both eras on the first backend, one on each other; which one differs from backend to backend, and by test."""
    first, *others = BACKEND_CASES
    turn = crc32(test.encode())
    pairs = [(era, first) for era in ERAS] + [
        (ERAS[(turn + index) % 2], backend) for index, backend in enumerate(others)
    ]
    return pairs + ([(ERAS[turn % 2], POSTGRES)] if SERVER or turn % ONE_IN == 0 else [])


@pytest.fixture
def backend(request: pytest.FixtureRequest) -> BackendCase:
    """The backend under test; a test that is one of its gaps is skipped with the reason."""
    chosen: BackendCase = request.param
    if reason := chosen.gaps.get(request.function.__name__):
        pytest.skip(reason)
    if chosen is POSTGRES:
        return replace(chosen, open=partial(open_postgres, request.getfixturevalue("postgres").url))
    return chosen


@pytest.fixture
async def agent(backend: BackendCase, era: str, tmp_path: Path) -> AsyncIterator[Agent]:
    """An agent connected to a server on the backend's small world."""
    async with backend.open(tmp_path) as app, Client(create_server(with_whole_answers(app)), mode=era) as client:
        yield Agent(client, backend.needs, app.backend.capabilities)


class Connect(Protocol):
    """Opens one more connection to the server under test, as a client of that name, with a person or without."""

    async def __call__(self, name: str = "tests", person: Person | None = None) -> Agent: ...


@pytest.fixture
async def connect(backend: BackendCase, request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Connect]:
    """Opens connections to one server on the backend's small world, in the era of `era` or else the newer one."""
    era = request.getfixturevalue("era") if "era" in request.fixturenames else ERAS[-1]
    async with AsyncExitStack() as stack:
        app = await stack.enter_async_context(backend.open(tmp_path))
        server = create_server(with_whole_answers(app))

        async def connected(name: str = "tests", person: Person | None = None) -> Agent:
            info = Implementation(name=name, version="1")
            asked = None if person is None else person.asked
            client = Client(server, mode=era, client_info=info, elicitation_callback=asked)
            await stack.enter_async_context(client)
            return Agent(client, backend.needs, app.backend.capabilities)

        yield connected


@pytest.fixture
async def worker(connect: Connect) -> Agent:
    """An agent in the newer era, for tests that do not depend on the era."""
    return await connect()


@pytest.fixture
def era(request: pytest.FixtureRequest) -> str:
    """Both protocol eras, for tests that depend on them."""
    return str(request.param)
