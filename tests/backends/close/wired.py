"""Taskhand on a sandboxed Close, wired by hand: over real sockets, in a time that only sleeping moves.

The world is the behaviour suite's: you, Ana Soto, Luis Pereira and two people called Maria Rodriguez; the contact
Carolina Vega of the lead Acme.
"""

import ssl
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, nullcontext
from datetime import datetime
from itertools import count
from typing import Any

import httpx2
from pydantic import SecretStr

from behaviour.world import NOW, PEOPLE
from journals import journal_at
from passing import Time
from taskhand.backends.close.adapter import CloseAdapter
from taskhand.backends.close.auth import credential
from taskhand.backends.close.client import CloseClient
from taskhand.backends.close.errors import explain
from taskhand.backends.close.factory import CloseSettings
from taskhand.backends.close.task_types import NewTaskType
from taskhand.backends.remote.adapter import Timing
from taskhand.http.client import Client
from taskhand.http.connection_pool import PooledTransport
from taskhand.http.rate_limiter import Rate, RateLimiter
from taskhand.http.upstream import Limits, Runtime, Upstream
from taskhand.journal.journal import Journal
from taskhand.sandbox.close import CloseSandbox
from taskhand.sandbox.faults import Fault
from taskhand.sandbox.server import serve
from taskhand.service.app_context import AppContext, CallTime
from taskhand.service.lazy import Lazy
from whole_answers import WHOLE

__all__ = [
    "ANA",
    "CAROLINA",
    "ELENA",
    "KEY",
    "LEAD",
    "LEADS",
    "LUIS",
    "OTHER_LEAD",
    "TASK",
    "WORLD",
    "Time",
    "close",
    "on_close",
    "task_id",
    "wired",
]

KEY = "api_fault-table-4711"
TOKEN = "oauth-fault-table-4711"  # noqa: S105 - it opens nothing but a sandbox
TRUST = ssl.create_default_context()  # made once: it is the slowest part of a client

USERS = [
    {"id": f"user_{number:043}", "first_name": who["first_name"], "last_name": who["last_name"], "email": who["email"]}
    for number, who in enumerate(PEOPLE, start=1)
]
ELENA, ANA, LUIS = (str(user["id"]) for user in USERS[:3])
LEAD, CAROLINA = f"lead_{1:043}", f"cont_{1:043}"
OTHER_LEAD = f"lead_{2:043}"
LEADS: list[dict[str, Any]] = [
    {
        "id": LEAD,
        "name": "Acme",
        "contacts": [
            {"id": CAROLINA, "name": "Carolina Vega", "emails": ["carolina@acme.example"]}
            | {"phones": ["+56 9 5555 0101"]}
        ],
    },
    {"id": OTHER_LEAD, "name": "Prairie Solar"},
]
WORLD: dict[str, Any] = {"users": USERS, "leads": LEADS, "tasks": [], "key_owner": ELENA}


def task_id(number: int) -> str:
    """The id of a task of these worlds, from 1."""
    return f"task_{number:043}"


TASK = task_id(1)


def row(number: int, **fields: Any) -> dict[str, Any]:
    """A seeded task of Elena's on the lead."""
    return {"id": task_id(number), "text": f"Call Acme {number}", "lead_id": LEAD, "assigned_to": ELENA} | fields


def close(tasks: int | list[dict[str, Any]] = 2, faults: Iterable[Fault] = (), **options: Any) -> CloseSandbox:
    """A Close with the small world and some tasks in it."""
    rows = [row(number) for number in range(1, tasks + 1)] if isinstance(tasks, int) else tasks
    given: dict[str, Any] = {
        "seed": WORLD | {"tasks": rows},
        "key": KEY,
        "token": TOKEN,
        "clock": lambda: NOW,
        "ids": (task_id(number) for number in count(1_000_001)).__next__,
    }
    return CloseSandbox(faults=tuple(faults), **given | options)


@asynccontextmanager
async def wired(
    url: str,
    time: Time,
    *,
    limits: Limits | None = None,
    token: str | None = None,
    rate: int = 1_000,
    timezone: str | None = None,
    types: str = "inbox",
    creates: NewTaskType = "lead",
    transport: httpx2.AsyncBaseTransport | None = None,
    journal: Journal | None = None,
    wall: Callable[[], datetime] = lambda: NOW,
) -> AsyncIterator[AppContext]:
    """An app context as it would be made for these settings, but for the time and for chance, which is a half."""
    variable, auth = credential(None if token else SecretStr(KEY), SecretStr(token) if token else None)
    upstream = Upstream(
        name="Close",
        base_url=f"{url}/api/v1",
        auth=auth,
        credential=variable,
        variable="CLOSE_BASE_URL",
        explain=explain,
    )
    runtime = Runtime(clock=time.clock, wall=time.wall, sleep=time.sleep, jitter=lambda: 0.5)
    limiter = RateLimiter(Rate(rate), 8, clock=time.clock, sleep=time.sleep)
    transport = transport or PooledTransport(TRUST)
    async with Client(upstream, limits=limits, runtime=runtime, rate_limiter=limiter, transport=transport) as client:
        settings = CloseSettings(close_task_types=types, close_new_task_type=creates)
        timing = Timing(wall, time.clock, time.sleep)
        backend = CloseAdapter(CloseClient(client, timezone), settings, timezone, timing)
        async with nullcontext(journal) if journal else journal_at(lambda: NOW) as written:
            yield AppContext(
                backend, Lazy(lambda: written), lambda: NOW, timezone, WHOLE, call_time=CallTime(monotonic=time.clock)
            )
        await transport.aclose()


@asynccontextmanager
async def on_close(sandbox: CloseSandbox, time: Time | None = None, **options: Any) -> AsyncIterator[CloseAdapter]:
    """A backend on a served sandbox."""
    async with serve(sandbox) as url, wired(url, time or Time(), **options) as app:
        backend = app.backend
        assert isinstance(backend, CloseAdapter)
        yield backend
