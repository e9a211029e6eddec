"""A data set in an emulated Close. A task has a lead, exactly one person, no description, and priority 1 or 2."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from taskhand.domain.due import Due
from taskhand.sandbox.close import CloseSandbox, SpecVariant
from taskhand.sandbox.server import serve_sandbox
from taskhand.testing.clock import Clock
from taskhand.testing.data import ZONE, DataSet, PlannedTask
from taskhand.testing.populated.backend import PopulatedBackend, RouteWord
from taskhand.testing.stored_task import StoredTask

__all__ = ["populate"]

_KEY: Final = "api_close-sandbox-key"
_AGE: Final = timedelta(days=30)
_OWN_LEAD: Final = "House"
"""The lead of tasks that have no contact."""
_PRIORITIES: Final = {"medium": 1, "high": 2}
_DAY_LENGTH: Final = len("2026-01-01")
_ROUTES: Final[Mapping[RouteWord, str]] = {
    "create": "POST /api/v1/task",
    "update": "PUT /api/v1/task/{id}",
    "bulk": "PUT /api/v1/task",
    "delete": "DELETE /api/v1/task/{id}",
    "list": "GET /api/v1/task",
    "read": "GET /api/v1/task/{id}",
}


def _id(kind: str, index: int) -> str:
    return f"{kind}_{index + 1:043}"


def _lead_id(data: DataSet, company: str | None) -> str:
    return _id("lead", len(data.companies) if company is None else data.companies.index(company))


def _seed(data: DataSet, now: datetime) -> dict[str, Any]:
    leads: list[dict[str, Any]] = [
        {"id": _lead_id(data, company), "name": company, "contacts": []} for company in data.companies
    ]
    for index, outsider in enumerate(data.outsiders):
        reached = {
            "emails": [outsider.email] if outsider.email else [],
            "phones": [outsider.phone] if outsider.phone else [],
        }
        lead = leads[data.companies.index(outsider.company)]
        lead["contacts"].append({"id": _id("cont", index), "name": outsider.name, **reached})
    return {
        "users": [_user(index, person.name, person.email) for index, person in enumerate(data.people)],
        "leads": [*leads, {"id": _lead_id(data, None), "name": _OWN_LEAD, "contacts": []}],
        "tasks": [_task(data, task, number, now) for number, task in enumerate(data.tasks)],
        "key_owner": _id("user", 0),
    }


def _user(index: int, name: str, email: str) -> dict[str, Any]:
    first, _, last = name.partition(" ")
    return {"id": _id("user", index), "first_name": first, "last_name": last, "email": email}


def _task(data: DataSet, planned: PlannedTask, number: int, now: datetime) -> dict[str, Any]:
    due = planned.due(now)
    outsider = None if planned.contact is None else data.outsider(planned.contact)
    row = {
        "text": planned.title,
        "date": str(due) if due else None,
        "assigned_to": _id("user", data.person(planned.people[0]) if planned.people else 0),
        "is_complete": planned.status == "done",
        "priority": "high" if planned.priority > 1 else "medium",
        "lead_id": _lead_id(data, None if outsider is None else data.outsiders[outsider].company),
        "contact_id": None if outsider is None else _id("cont", outsider),
        "date_created": (now - _AGE + timedelta(minutes=number)).isoformat(),
    }
    return row | dict(planned.own.get("close", {}))


def _stored_tasks(data: DataSet, tasks: Sequence[Mapping[str, Any]]) -> tuple[StoredTask, ...]:
    people = {_id("user", index): data.display_name(index) for index in range(len(data.people))}
    return tuple(
        StoredTask(
            id=row["id"],
            title=row.get("text") or "",
            description=None,
            status="Completed" if row["is_complete"] else "Open",
            status_type="done" if row["is_complete"] else "initial",
            due=_due(row),
            responsibles=(people.get(row["assigned_to"], row["assigned_to"]),),
            priority=_PRIORITIES.get(row.get("priority", ""), 0),
            contact=row["contact_name"],
            customer=None if row["lead_name"] == _OWN_LEAD else row["lead_name"],
            native=row,
        )
        for row in tasks
    )


def _due(row: Mapping[str, Any]) -> str | None:
    if row.get("is_dateless") or row["date"] is None:
        return None
    if len(row["date"]) == _DAY_LENGTH:
        return str(Due(date.fromisoformat(row["date"])))
    return str(Due.instant(datetime.fromisoformat(row["date"]), ZONE))


@asynccontextmanager
async def populate(data: DataSet, clock: Clock, _: Path, variants: Sequence[str]) -> AsyncIterator[PopulatedBackend]:
    """A Close on loopback; `variants` are `name=value` switches of its sandbox. ValueError for an unknown switch."""
    sandbox = CloseSandbox(
        key=_KEY,
        seed=_seed(data, clock.now()),
        spec_variant=SpecVariant.parse(variants),
        clock=clock.now,
        sleep=clock.sleep,
    )
    async with serve_sandbox(sandbox) as url:
        environment = {
            "TASKHAND_BACKEND": "close",
            "CLOSE_API_KEY": _KEY,
            "CLOSE_BASE_URL": f"{url}/api/v1",
            "CLOSE_RATE": "1000",
        }

        async def read() -> tuple[StoredTask, ...]:
            return _stored_tasks(data, sandbox.tasks)

        yield PopulatedBackend("close", environment, read, sandbox, _ROUTES)
