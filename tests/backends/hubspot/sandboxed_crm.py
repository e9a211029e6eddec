"""HubSpot in the suites of all CRMs: its sandbox, its requests, and its odd tasks."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from typing import Any

from backends.hubspot import sandboxed_app
from backends.hubspot.backend_case import hubspot_sandbox
from backends.remote.doctor_crm import DoctorCrm
from behaviour.world import SANTIAGO
from requests_table.counted_crm import TASKS, CountedCrm, OpenApp
from safety.sandboxed_crm import OddTasks, SandboxedCrm, TaskSummary
from taskhand.backends.hubspot import task_reader
from taskhand.sandbox.emulator import Emulator
from taskhand.sandbox.hubspot import HubSpotSandbox, SpecVariant
from taskhand.sandbox.server import serve_sandbox
from virtual_time import Time

__all__ = ["COUNTED_CRM", "CRM", "DOCTOR_CRM", "rate_limited"]
READ, LINKS = "POST /crm/v3/objects/tasks/batch/read", "POST /crm/v4/associations/{kind}/{to}/batch/read"


def _sandbox(tasks: int, time: Time, spec_variant: tuple[str, ...]) -> Emulator:
    quick = ("burst=0", "searches=0", "search_lag=0")
    return sandboxed_app.hubspot(time, sandboxed_app.seed(tasks), spec_variant=(*quick, *spec_variant))


def _summarize(row: dict[str, Any]) -> TaskSummary:
    values = row["properties"]
    return TaskSummary(
        values["hs_task_subject"], (values["hubspot_owner_id"],), values["hs_task_status"] == "COMPLETED"
    )


CRM = SandboxedCrm(
    name="hubspot",
    sandbox=_sandbox,
    sandboxed_app=partial(sandboxed_app.sandboxed_app, timezone=SANTIAGO),
    secret=sandboxed_app.KEY,
    task_id=sandboxed_app.task_id,
    summarize=_summarize,
    routes={
        "many": "POST /crm/v3/objects/tasks/batch/update",
        "one": "PATCH /crm/v3/objects/tasks/{id}",
        "delete": "DELETE /crm/v3/objects/tasks/{id}",
        "create": "POST /crm/v3/objects/tasks",
        "read": "GET /crm/v3/objects/tasks/{id}",
    },
    me=sandboxed_app.ELENA,
    ana=sandboxed_app.ANA,
    reader=task_reader,
    title_field="properties.hs_task_subject",
    description_field="properties.hs_task_body",
    creates_in_batches=True,
    needs={"dueDate": "2026-03-06"},
    odd=OddTasks(
        unreadable=[
            ({"properties.hs_task_priority": {"value": "HIGH"}}, "priority"),
            ({"properties.hs_timestamp": "soon"}, "due_at"),
            ({"properties.hs_timestamp": "9999-12-31T23:59:59.999-23:59"}, "due_at"),
            ({"properties.hubspot_owner_id": ["1"]}, "task_responsibles"),
            ({"properties.hs_task_subject": 7}, "title"),
            ({"properties.hs_task_body": {"html": "x"}}, "description"),
            ({"properties.hs_task_status": []}, "status_config"),
            ({"properties": None}, "title"),
            ({"createdAt": "yesterday"}, "created_at"),
        ],
        due={"properties.hs_timestamp": "soon"},
        nameless={"id": None},
        whose=lambda member: {"properties.hubspot_owner_id": member},
        of_unknown={"properties.hubspot_owner_id": ["1"]},
        names=[
            *("id", "properties", "createdAt", "archived", "url", "associations", "associations.contacts"),
            *(
                f"properties.{name}"
                for name in ("hs_task_subject", "hs_task_body", "hs_timestamp", "hs_task_is_all_day")
            ),
            *(f"properties.{name}" for name in ("hubspot_owner_id", "hs_task_priority", "hs_task_status")),
            *(f"properties.{name}" for name in ("hs_pipeline_stage", "hs_createdate", "hs_task_type")),
        ],
        lists=[
            ("POST /crm/v3/objects/tasks/search", "results"),
            ("GET /crm/v3/owners", "results"),
            ("GET /crm/v3/pipelines/{kind}", "results"),
        ],
    ),
    # The answers have the tasks after the change; a portal is asked once what it is like.
    bulk_costs=(
        {READ: 3, LINKS: 3, "GET /crm/v3/owners": 1}
        | {"GET /account-info/v3/details": 1, "GET /crm/v3/pipelines/{kind}": 1},
        {READ: 3, LINKS: 3, "POST /crm/v3/objects/tasks/batch/update": 3},
    ),
)


def rate_limited(clock: Callable[[], datetime]) -> tuple[Emulator, dict[str, str]]:
    """A sandbox without tasks whose rate limit is enforced, and the variables of a server on it."""
    rate = 500
    sandbox = HubSpotSandbox(
        token=sandboxed_app.KEY,
        seed=sandboxed_app.seed(0),
        clock=clock,
        spec_variant=SpecVariant(burst=rate, search_lag=1),
    )
    given = {"HUBSPOT_ACCESS_TOKEN": sandboxed_app.KEY, "HUBSPOT_USER_ID": sandboxed_app.ELENA}
    return sandbox, given | {"HUBSPOT_RATE": str(rate)}


@asynccontextmanager
async def _counted() -> AsyncIterator[OpenApp]:
    time = sandboxed_app.Time()
    # The clock stands still, so a limit on searches per second would never end.
    sandbox = sandboxed_app.hubspot(time, sandboxed_app.seed(TASKS), spec_variant=["searches=0"])
    async with serve_sandbox(sandbox) as url:
        yield lambda: sandboxed_app.sandboxed_app(url, time, timezone=sandboxed_app.SANTIAGO)


COUNTED_CRM = CountedCrm(_counted, sandboxed_app.task_id, {"dueDate": "2026-03-09"})

DOCTOR_CRM = DoctorCrm(
    "hubspot",
    hubspot_sandbox,
    "GET /crm/v3/objects/tasks",
    {"TASKHAND_TIMEZONE": SANTIAGO, "HUBSPOT_USER_ID": "elena@example.com"},
    untold=frozenset({"rate"}),
)
