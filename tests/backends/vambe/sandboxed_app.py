"""Taskhand on a sandboxed Vambe: over real sockets, in a time that only sleeping moves."""

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import httpx2
from pydantic import SecretStr

from backends.sandboxed_app import TRUST, open_sandboxed_app
from backends.vambe.backend_case import WORLD, vambe_settings
from behaviour.world import NOW, PEOPLE
from taskhand.backends.vambe.adapter import VambeAdapter
from taskhand.http.connection_pool import PooledTransport
from taskhand.http.upstream import Limits
from taskhand.sandbox.faults import Fault
from taskhand.sandbox.vambe import VambeSandbox
from taskhand.service.app_context import AppContext
from virtual_time import Time

__all__ = [
    "ANA",
    "ELENA",
    "EVER",
    "KEY",
    "LIST",
    "LUIS",
    "TASK",
    "Time",
    "Witness",
    "backend_at",
    "row",
    "sandboxed_app",
    "status",
    "task_id",
    "vambe",
]

KEY = "sk-fault-table-4711"
ELENA, ANA, LUIS = (str(person["id"]) for person in PEOPLE[:3])
LIST = "GET /api/public/tasks"
EVER: dict[str, Any] = {"nth": "every"}


def task_id(number: int) -> str:
    """The id of a task of these worlds, from 1."""
    return f"7a5c0000-0000-4000-8000-{number:012}"


TASK = task_id(1)


def row(number: int, **fields: Any) -> dict[str, Any]:
    """A seeded task of Elena's."""
    given = {"id": task_id(number), "title": f"Call Acme {number}", "responsibleIds": [ELENA], "priority": "1"}
    return given | fields


def vambe(tasks: int | list[dict[str, Any]] = 2, faults: Iterable[Fault] = (), **options: Any) -> VambeSandbox:
    """A Vambe with the small world and some tasks in it."""
    rows = [row(number) for number in range(1, tasks + 1)] if isinstance(tasks, int) else tasks
    given: dict[str, Any] = {"seed": WORLD | {"tasks": rows}, "key": KEY, "clock": lambda: NOW} | options
    return VambeSandbox(faults=tuple(faults), **given)


def status(code: int, retry_after: int | str | None = None, **more: Any) -> Fault:
    """An answer with this status, which changes nothing unless it commits."""
    return Fault("status", status=code, retry_after=retry_after, **more)


class Witness(httpx2.AsyncBaseTransport):
    """Real connections, watched: when each request left, and how many were under way at most."""

    def __init__(self, time: Time) -> None:
        self._inner = PooledTransport(TRUST)
        self._time = time
        self._now_under_way = 0
        self.left_at: list[float] = []
        self.most_under_way = 0

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self.left_at.append(self._time.now)
        self._now_under_way += 1
        self.most_under_way = max(self.most_under_way, self._now_under_way)
        try:
            return await self._inner.handle_async_request(request)
        finally:
            self._now_under_way -= 1

    async def aclose(self) -> None:
        await self._inner.aclose()


@asynccontextmanager
async def sandboxed_app(
    url: str,
    time: Time,
    *,
    limits: Limits | None = None,
    transport: httpx2.AsyncBaseTransport | None = None,
    clock: Callable[[], datetime] = lambda: NOW,
    **settings: Any,
) -> AsyncIterator[AppContext]:
    """Taskhand on it; further `settings` are those of a user."""
    chosen = vambe_settings(url, vambe_api_key=SecretStr(KEY), **settings)
    async with open_sandboxed_app(chosen, time, clock, limits=limits, transport=transport) as app:
        yield app


@asynccontextmanager
async def backend_at(url: str, time: Time, **options: Any) -> AsyncIterator[VambeAdapter]:
    """The backend of that."""
    async with sandboxed_app(url, time, **options) as app:
        assert isinstance(app.backend, VambeAdapter)
        yield app.backend
