"""Close in the suites of all CRMs: its sandbox, its requests, and its odd tasks."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial

from backends.close import sandboxed_app
from backends.close.backend_case import close_sandbox
from backends.remote.doctor_crm import DoctorCrm
from behaviour.world import SANTIAGO
from requests_table.counted_crm import TASKS, CountedCrm, OpenApp
from safety.odd_row import ABSENT
from safety.sandboxed_crm import OddTasks, SandboxedCrm, TaskSummary
from server.example_calls import DUE_DATE
from taskhand.backends.close import mapping
from taskhand.sandbox.close import CloseSandbox, SpecVariant
from taskhand.sandbox.emulator import Emulator
from taskhand.sandbox.server import serve_sandbox
from virtual_time import Time

__all__ = ["COUNTED_CRM", "CRM", "DOCTOR_CRM", "rate_limited"]


def _sandbox(tasks: int, time: Time, spec_variant: tuple[str, ...]) -> Emulator:
    del time
    return sandboxed_app.close(tasks, spec_variant=SpecVariant.parse(("rates=hidden", *spec_variant)))


CRM = SandboxedCrm(
    name="close",
    sandbox=_sandbox,
    sandboxed_app=partial(sandboxed_app.sandboxed_app, timezone=SANTIAGO),
    secret=sandboxed_app.KEY,
    task_id=sandboxed_app.task_id,
    summarize=lambda row: TaskSummary(row["text"], (row["assigned_to"],), row["is_complete"]),
    routes={
        "many": "PUT /api/v1/task",
        "one": "PUT /api/v1/task/{id}",
        "delete": "DELETE /api/v1/task/{id}",
        "create": "POST /api/v1/task",
        "read": "GET /api/v1/task/{id}",
    },
    me=sandboxed_app.ELENA,
    ana=sandboxed_app.ANA,
    reader=mapping,
    title_field="text",
    description_field=None,
    path_suffix="/",
    needs={"aiCustomerId": sandboxed_app.LEAD},
    odd=OddTasks(
        unreadable=[
            ({"priority": "urgent"}, "priority"),
            ({"date": "soon", "is_dateless": False}, "due_at"),
            ({"date": "0001-01-01T00:00:00+23:59", "is_dateless": False}, "due_at"),
            ({"assigned_to": {"id": "user_1"}}, "task_responsibles"),
            ({"assigned_to": ABSENT}, "task_responsibles"),
            ({"text": ["x"]}, "title"),
            ({"is_complete": "no"}, "status_config"),
            ({"is_complete": ABSENT}, "status_config"),
            ({"contact_id": 7}, "ai_contact_id"),
            ({"date_created": "yesterday"}, "created_at"),
        ],
        due={"date": 5, "is_dateless": False},
        nameless={"id": 7},
        whose=lambda member: {"assigned_to": member},
        of_unknown={"assigned_to": {"id": "user_1"}},
        names=[
            *("id", "_type", "text", "date", "due_date", "is_dateless", "is_complete", "assigned_to", "priority"),
            *("lead_id", "contact_id", "created_by", "date_created", "date_updated"),
        ],
        lists=[(f"GET /api/v1/{resource}", name) for resource in ("task", "user") for name in ("data", "has_more")],
    ),
    # The tasks are read before the change, and again after it.
    bulk_costs=(
        {"GET /api/v1/task": 3, "GET /api/v1/user": 1, "GET /api/v1/me": 1},
        {"GET /api/v1/task": 3 + 3, "PUT /api/v1/task": 3},
    ),
    names_references=False,  # its 404 is about the task
)


def rate_limited(clock: Callable[[], datetime]) -> tuple[Emulator, dict[str, str]]:
    """A sandbox without tasks whose rate limit is enforced, and the variables of a server on it."""
    rate = 40
    limits = SpecVariant(rates="enforced", rate_limit=8 * rate, rate_window=8)
    sandbox = CloseSandbox(key=sandboxed_app.KEY, seed=sandboxed_app.WORLD, clock=clock, spec_variant=limits)
    return sandbox, {"CLOSE_API_KEY": sandboxed_app.KEY, "CLOSE_RATE": str(rate)}


@asynccontextmanager
async def _counted() -> AsyncIterator[OpenApp]:
    time = sandboxed_app.Time()
    rows = [sandboxed_app.row(number, date=DUE_DATE) for number in range(1, TASKS + 1)]
    async with serve_sandbox(sandboxed_app.close(rows)) as url:
        yield lambda: sandboxed_app.sandboxed_app(url, time)


COUNTED_CRM = CountedCrm(_counted, sandboxed_app.task_id, {"aiCustomerId": sandboxed_app.LEAD})

DOCTOR_CRM = DoctorCrm(
    "close", close_sandbox, "GET /api/v1/task", {"TASKHAND_TIMEZONE": SANTIAGO}, untold=frozenset({"scopes"})
)
