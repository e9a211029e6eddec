"""Taskhand on a sandboxed Close: over real sockets, in a time that only sleeping moves.

The world is the behaviour suite's: you, Ana Soto, Luis Pereira and two people called Maria Rodriguez; the contact
Carolina Vega of the lead Acme.
"""

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from itertools import count
from typing import Any

import httpx2
from pydantic import SecretStr

from backends.close.backend_case import close_settings
from backends.sandboxed_app import open_sandboxed_app
from behaviour.world import NOW, PEOPLE
from taskhand.backends.close.adapter import CloseAdapter
from taskhand.http.upstream import Limits
from taskhand.journal.journal import Journal
from taskhand.sandbox.close import CloseSandbox
from taskhand.sandbox.faults import Fault
from taskhand.sandbox.server import serve_sandbox
from taskhand.service.app_context import AppContext
from taskhand.service.lazy import Lazy
from virtual_time import Time

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
    "TOKEN",
    "WORLD",
    "Time",
    "close",
    "on_close",
    "sandboxed_app",
    "task_id",
]

KEY = "api_fault-table-4711"
TOKEN = "oauth-fault-table-4711"  # noqa: S105 - it opens nothing but a sandbox

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
async def sandboxed_app(
    url: str,
    time: Time,
    *,
    limits: Limits | None = None,
    transport: httpx2.AsyncBaseTransport | None = None,
    clock: Callable[[], datetime] = lambda: NOW,
    journal: Journal | None = None,
    **settings: Any,
) -> AsyncIterator[AppContext]:
    """Taskhand on it, without a zone; further `settings` are those of a user. A `journal` may be one of another."""
    chosen = close_settings(url, **{"close_api_key": SecretStr(KEY), "timezone": None} | settings)
    async with open_sandboxed_app(chosen, time, clock, limits=limits, transport=transport) as app:
        yield replace(app, lazy_journal=Lazy(lambda: journal)) if journal else app


@asynccontextmanager
async def on_close(sandbox: CloseSandbox, time: Time | None = None, **options: Any) -> AsyncIterator[CloseAdapter]:
    """A backend on a served sandbox."""
    async with serve_sandbox(sandbox) as url, sandboxed_app(url, time or Time(), **options) as app:
        backend = app.backend
        assert isinstance(backend, CloseAdapter)
        yield backend
