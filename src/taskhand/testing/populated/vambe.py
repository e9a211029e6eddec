"""A data set in an emulated Vambe."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from taskhand.domain.due import Due
from taskhand.sandbox.server import serve_sandbox
from taskhand.sandbox.vambe import SpecVariant, VambeSandbox
from taskhand.testing.clock import Clock
from taskhand.testing.data import STATUSES, ZONE, DataSet, PlannedTask
from taskhand.testing.populated.backend import PopulatedBackend, RouteWord
from taskhand.testing.stored_task import StoredTask

__all__ = ["populate"]

_KEY: Final = "vambe-sandbox-key"
_AGE: Final = timedelta(days=30)
_ROUTES: Final[Mapping[RouteWord, str]] = {
    "create": "POST /api/public/tasks",
    "update": "PUT /api/public/tasks/{id}",
    "bulk": "PUT /api/public/tasks/{id}",
    "delete": "DELETE /api/public/tasks/{id}",
    "list": "GET /api/public/tasks",
    "read": "GET /api/public/tasks",
}


def _uuid(kind: str, number: int) -> str:
    return f"{kind}-0000-4000-8000-{number:012}"


def _member_id(index: int) -> str:
    return _uuid("5d1f0000", index + 1)


def _contact_id(index: int) -> str:
    return _uuid("c0a00000", index + 1)


def _customer_id(data: DataSet, company: str) -> str:
    return _uuid("7b0c0000", data.companies.index(company) + 1)


def _seed(data: DataSet, now: datetime) -> dict[str, Any]:
    return {
        "members": [_member(index, person.name, person.email) for index, person in enumerate(data.people)],
        "statuses": [
            {"id": _uuid("57a70000", order), "name": name, "color": "#60a5fa", "type": kind, "order": order}
            for order, (kind, name) in enumerate(STATUSES.items(), 1)
        ],
        "contacts": [
            {
                "id": _contact_id(index),
                "name": outsider.name,
                "phone": outsider.phone,
                "email": outsider.email,
                "ai_customer_id": _customer_id(data, outsider.company),
                "created_at": (now - _AGE).isoformat(),
                "last_message_at": (now - timedelta(days=index + 1)).isoformat(),
            }
            for index, outsider in enumerate(data.outsiders)
        ],
        "tasks": [_task(data, task, number, now) for number, task in enumerate(data.tasks)],
        "key_owner": _member_id(0),
    }


def _member(index: int, name: str, email: str) -> dict[str, Any]:
    first, _, last = name.partition(" ")
    return {"id": _member_id(index), "name": name, "first_name": first, "last_name": last, "email": email}


def _task(data: DataSet, planned: PlannedTask, number: int, now: datetime) -> dict[str, Any]:
    row: dict[str, Any] = {
        "title": planned.title,
        "description": planned.description,
        "status": STATUSES[planned.status],
        "responsibleIds": [_member_id(data.person(who)) for who in planned.people],
        "priority": str(planned.priority),
        "createdAt": (now - _AGE + timedelta(minutes=number)).isoformat(),
    }
    if due := planned.due(now):
        clock = {"dueTime": due.local.strftime("%H:%M")} if due.local else {}
        row |= {"dueDate": due.day.isoformat(), "timezone": ZONE, **clock}
    if planned.contact is not None:
        index = data.outsider(planned.contact)
        customer = _customer_id(data, data.outsiders[index].company)
        row |= {"aiContactId": _contact_id(index), "aiCustomerId": customer}
    return row | dict(planned.own.get("vambe", {}))


def _stored_tasks(data: DataSet, tasks: Sequence[Mapping[str, Any]]) -> tuple[StoredTask, ...]:
    people = {_member_id(index): data.display_name(index) for index in range(len(data.people))}
    contacts = {_contact_id(index): outsider.name for index, outsider in enumerate(data.outsiders)}
    companies = {_customer_id(data, company): company for company in data.companies}
    return tuple(
        StoredTask(
            id=row["id"],
            title=row["title"],
            description=row["description"],
            status=row["status_config"]["name"],
            status_type=row["status_config"]["type"],
            due=_due(row),
            responsibles=tuple(
                people.get(responsible["responsible_id"], responsible["responsible_id"])
                for responsible in row["task_responsibles"]
            ),
            priority=row["priority"],
            contact=contacts.get(row["ai_contact_id"], row["ai_contact_id"]),
            customer=companies.get(row["ai_customer_id"], row["ai_customer_id"]),
            native=row,
        )
        for row in tasks
    )


def _due(row: Mapping[str, Any]) -> str | None:
    due = Due.read(row["due_at"], row["due_timezone"], all_day=row["is_all_day"])
    return str(due) if due else None


@asynccontextmanager
async def populate(data: DataSet, clock: Clock, _: Path, variants: Sequence[str]) -> AsyncIterator[PopulatedBackend]:
    """A Vambe on loopback; `variants` are `name=value` switches of its sandbox. ValueError for an unknown switch."""
    sandbox = VambeSandbox(
        key=_KEY,
        seed=_seed(data, clock.now()),
        spec_variant=SpecVariant.parse(variants),
        clock=clock.now,
        sleep=clock.sleep,
    )
    async with serve_sandbox(sandbox) as url:
        environment = {
            "TASKHAND_BACKEND": "vambe",
            "VAMBE_API_KEY": _KEY,
            "VAMBE_BASE_URL": url,
            "VAMBE_USER_ID": _member_id(0),
            "VAMBE_STATUSES": ",".join(f"{name}:{kind}" for kind, name in STATUSES.items()),
            "VAMBE_RATE": "1000",
        }

        async def read() -> tuple[StoredTask, ...]:
            return _stored_tasks(data, sandbox.tasks)

        yield PopulatedBackend("vambe", environment, read, sandbox, _ROUTES)
