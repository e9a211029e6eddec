"""Vambe in the suites of all CRMs: its sandbox, its requests, and its odd tasks."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from backends.remote.doctor_crm import DoctorCrm
from backends.vambe import sandboxed_app
from backends.vambe.backend_case import vambe_sandbox
from behaviour.world import PEOPLE, SANTIAGO
from requests_table.counted_crm import TASKS, CountedCrm, OpenApp
from safety.odd_row import ABSENT
from safety.sandboxed_crm import OddTasks, SandboxedCrm, TaskSummary
from server.example_calls import DUE_DATE
from taskhand.backends.vambe import account
from taskhand.sandbox.emulator import Emulator
from taskhand.sandbox.server import serve_sandbox
from taskhand.sandbox.vambe import SpecVariant
from virtual_time import Time

__all__ = ["COUNTED_CRM", "CRM", "DOCTOR_CRM", "rate_limited"]
HUGE = 10**400


def _sandbox(tasks: int, time: Time, spec_variant: tuple[str, ...]) -> Emulator:
    del time
    return sandboxed_app.vambe(tasks, spec_variant=SpecVariant.parse(spec_variant))


def _summarize(row: dict[str, Any]) -> TaskSummary:
    people = tuple(responsible["responsible_id"] for responsible in row["task_responsibles"])
    return TaskSummary(row["title"], people, row["status_config"]["type"] == "done")


CRM = SandboxedCrm(
    name="vambe",
    sandbox=_sandbox,
    sandboxed_app=sandboxed_app.sandboxed_app,
    secret=sandboxed_app.KEY,
    task_id=sandboxed_app.task_id,
    summarize=_summarize,
    routes={
        "many": "PUT /api/public/tasks/{id}",
        "one": "PUT /api/public/tasks/{id}",
        "delete": "DELETE /api/public/tasks/{id}",
        "create": "POST /api/public/tasks",
        "read": "GET /api/public/tasks",
    },
    me=sandboxed_app.ELENA,
    ana=sandboxed_app.ANA,
    reader=account,
    confirms_deletions=True,
    odd=OddTasks(
        unreadable=[
            ({"priority": None}, "priority"),
            ({"priority": "urgent"}, "priority"),
            ({"priority": ABSENT}, "priority"),
            ({"due_at": "soon"}, "due_at"),
            ({"due_at": "9999-12-31T23:59:59.999-23:59"}, "due_at"),
            ({"task_responsibles": {"id": "x"}}, "task_responsibles"),
            ({"task_responsibles": [{"user": {"id": "x"}}]}, "task_responsibles"),
            ({"task_responsibles": ABSENT}, "task_responsibles"),
            ({"title": {"text": "x"}}, "title"),
            ({"title": ABSENT}, "title"),
            ({"description": ["x"]}, "description"),
            ({"status_config": 7}, "status_config"),
            ({"status_config": {"id": "x", "order": HUGE}}, "status_config"),
            ({"ai_contact_id": 7}, "ai_contact_id"),
            ({"created_at": "yesterday"}, "created_at"),
        ],
        due={"due_at": "soon"},
        nameless={"id": 7},
        whose=lambda member: {"task_responsibles": [{"responsible_id": member}]},
        of_unknown={"task_responsibles": ABSENT},
        names=[
            *("id", "title", "description", "due_timezone", "due_at", "is_all_day", "created_at", "ai_contact_id"),
            *(
                "ai_customer_id",
                "task_status_config_id",
                "priority",
                "creator_id",
                "task_responsibles",
                "status_config",
            ),
            *("status_config.name", "status_config.order", "status_config.type", "status_config.color"),
        ],
        lists=[("GET /api/public/tasks", "")],
    ),
)


def rate_limited(clock: Callable[[], datetime]) -> tuple[Emulator, dict[str, str]]:
    """A sandbox without tasks whose rate limit is enforced, and the variables of a server on it."""
    rate = 60
    given = {
        "VAMBE_API_KEY": sandboxed_app.KEY,
        "VAMBE_USER_ID": sandboxed_app.ELENA,
        "VAMBE_STATUSES": "Pendiente,En Progreso,Completado",
    }
    return sandboxed_app.vambe(0, clock=clock, spec_variant=SpecVariant(per_second=rate)), given | {
        "VAMBE_RATE": str(rate)
    }


@asynccontextmanager
async def _counted() -> AsyncIterator[OpenApp]:
    time = sandboxed_app.Time()
    rows = [sandboxed_app.row(number, dueDate=DUE_DATE) for number in range(1, TASKS + 1)]
    async with serve_sandbox(sandboxed_app.vambe(rows)) as url:
        yield lambda: sandboxed_app.sandboxed_app(url, time)


COUNTED_CRM = CountedCrm(_counted, sandboxed_app.task_id)

DOCTOR_CRM = DoctorCrm(
    "vambe",
    vambe_sandbox,
    "GET /api/public/tasks",
    {
        "TASKHAND_TIMEZONE": SANTIAGO,
        "VAMBE_USER_ID": str(PEOPLE[0]["id"]),
        "VAMBE_STATUSES": "Pendiente:initial,En Progreso:in_progress,Completado:done",
    },
    untold=frozenset({"scopes", "rate"}),
)
