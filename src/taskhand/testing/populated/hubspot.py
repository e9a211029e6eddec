"""A data set in an emulated HubSpot. A task has a due date, at most one owner, and a body in HTML."""

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, time, timedelta
from html import escape, unescape
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from taskhand.domain.due import Due
from taskhand.sandbox.hubspot import HubSpotSandbox, SpecVariant
from taskhand.sandbox.odd_data import ODD_KEYS
from taskhand.sandbox.server import serve_sandbox
from taskhand.testing.clock import Clock
from taskhand.testing.data import STATUSES, ZONE, DataSet, PlannedTask
from taskhand.testing.populated.backend import PopulatedBackend, RouteWord
from taskhand.testing.stored_task import StoredTask

__all__ = ["populate"]

_TOKEN: Final = "pat-na1-sandbox"  # noqa: S105  # only the sandbox accepts it
_AGE: Final = timedelta(days=30)
_WITHOUT_DATE: Final = timedelta(days=60)
_VALUES: Final = {"initial": "NOT_STARTED", "in_progress": "IN_PROGRESS", "done": "COMPLETED"}
_PRIORITIES: Final = ("LOW", "MEDIUM", "HIGH")
_STILL: Final = ("searches=0", "burst=0", "search_lag=0", "settle_ms=0")
"""Switches off the behaviour that needs time to pass: rate limits, and the lag of the search index."""
_FIRST_CONTACT, _FIRST_COMPANY, _FIRST_DEAL = 101, 201, 301
_FIRST_OWNER, _FIRST_USER = 64_492_917, 98_499_705
_PROPERTIES: Final = (
    {"name": "sales_region", "label": "Sales region", "type": "enumeration"}
    | {"options": [{"value": region.lower(), "label": region} for region in ("North", "Center", "South")]},
    {"name": "order_number", "label": "Order number", "hasUniqueValue": True},
)
"""The custom task properties; the first tasks have values of them."""
_WITH_OWN: Final = 5
_TASKS: Final = "/crm/v3/objects/tasks"
_ROUTES: Final[Mapping[RouteWord, str]] = {
    "create": f"POST {_TASKS}",
    "update": f"PATCH {_TASKS}/{{id}}",
    "bulk": f"POST {_TASKS}/batch/update",
    "delete": f"DELETE {_TASKS}/{{id}}",
    "list": f"POST {_TASKS}/search",
    "read": f"POST {_TASKS}/batch/read",
}


def _seed(data: DataSet, now: datetime) -> dict[str, Any]:
    companies = data.companies
    return {
        "owners": [_owner(index, person.name, person.email) for index, person in enumerate(data.people)],
        "properties": _PROPERTIES,
        "statuses": [{"value": _VALUES[kind], "label": label} for kind, label in STATUSES.items()],
        "companies": [
            {"id": _FIRST_COMPANY + n, "properties": {"name": company}} for n, company in enumerate(companies)
        ],
        "contacts": [
            {"id": _FIRST_CONTACT + index, "properties": _contact(data, index)} for index in range(len(data.outsiders))
        ],
        "deals": [{"id": _FIRST_DEAL + n, "properties": {"dealname": deal}} for n, deal in enumerate(data.deals)],
        "tasks": [_task(data, task, number, now) for number, task in enumerate(data.tasks)],
    }


def _owner(index: int, name: str, email: str) -> dict[str, Any]:
    first, _, last = name.partition(" ")
    row = {"id": str(_FIRST_OWNER + index), "userId": _FIRST_USER + index, "email": email}
    return row | {"firstName": first, "lastName": last}


def _contact(data: DataSet, index: int) -> dict[str, str]:
    outsider = data.outsiders[index]
    first, _, last = outsider.name.partition(" ")
    company = str(_FIRST_COMPANY + data.companies.index(outsider.company))
    known = {"firstname": first, "lastname": last, "email": outsider.email, "phone": outsider.phone}
    return {name: text for name, text in known.items() if text} | {"associatedcompanyid": company}


def _task(data: DataSet, planned: PlannedTask, number: int, now: datetime) -> dict[str, Any]:
    due = planned.due(now) or Due((now + _WITHOUT_DATE).date())
    own = planned.own.get("hubspot", {})
    at = due.at or datetime.combine(due.day, time(), UTC)
    properties = {
        "hs_task_subject": planned.title,
        "hs_task_body": escape(planned.description or "", quote=False).replace("\n", "<br>"),
        "hs_task_status": _VALUES[planned.status],
        "hs_task_priority": _PRIORITIES[planned.priority],
        "hs_timestamp": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "hs_task_is_all_day": str(due.at is None).lower(),
        "hubspot_owner_id": str(_FIRST_OWNER + data.person(planned.people[0])) if planned.people else "",
    } | {name: value for name, value in own.items() if name not in ODD_KEYS}
    if number < _WITH_OWN:
        properties |= {"sales_region": "north", "order_number": f"A-{1001 + number}"}
    made = (now - _AGE + timedelta(minutes=number)).astimezone(UTC).isoformat(timespec="seconds")
    row = {"properties": {name: text for name, text in properties.items() if text}, "createdAt": made}
    row |= {name: own[name] for name in ODD_KEYS & own.keys()}
    row |= {} if planned.deal is None else {"deals": [_FIRST_DEAL + data.deals.index(planned.deal)]}
    if planned.contact is None:
        return row
    index = data.outsider(planned.contact)
    company = _FIRST_COMPANY + data.companies.index(data.outsiders[index].company)
    return row | {"contacts": [_FIRST_CONTACT + index], "companies": [company]}


class _TaskReader:
    """Reads the sandbox's tasks."""

    def __init__(self, sandbox: HubSpotSandbox, data: DataSet) -> None:
        self._sandbox = sandbox
        self._people = {str(_FIRST_OWNER + index): data.display_name(index) for index in range(len(data.people))}
        self._linked = {
            ("contacts", str(_FIRST_CONTACT + n)): outsider.name for n, outsider in enumerate(data.outsiders)
        }
        self._linked |= {("companies", str(_FIRST_COMPANY + n)): company for n, company in enumerate(data.companies)}
        self._linked |= {("deals", str(_FIRST_DEAL + n)): deal for n, deal in enumerate(data.deals)}

    async def read(self) -> tuple[StoredTask, ...]:
        """The live tasks."""
        links: dict[tuple[str, str], str] = {}
        for link in self._sandbox.state()["links"]:
            named = self._linked.get((link["other"], link["other_id"]), link["other_id"])
            links.setdefault((link["task_id"], link["other"]), named)
        return tuple(self._stored_task(row, links) for row in self._sandbox.tasks)

    def _stored_task(self, row: Mapping[str, Any], links: Mapping[tuple[str, str], str]) -> StoredTask:
        own = row["properties"]
        kind = next((kind for kind, value in _VALUES.items() if value == own.get("hs_task_status")), "")
        owner = own.get("hubspot_owner_id")
        priority = own.get("hs_task_priority")
        return StoredTask(
            id=row["id"],
            title=own.get("hs_task_subject", ""),
            description=_text(own.get("hs_task_body")),
            status=STATUSES.get(kind, own.get("hs_task_status", "")),
            status_type=kind,
            due=_due(own),
            responsibles=(self._people.get(owner, owner),) if owner else (),
            priority=_PRIORITIES.index(priority) if priority in _PRIORITIES else 0,
            contact=links.get((row["id"], "contacts")),
            customer=links.get((row["id"], "companies")),
            deal=links.get((row["id"], "deals")),
            native=own,
        )


def _due(own_fields: Mapping[str, Any]) -> str | None:
    if not own_fields.get("hs_timestamp"):
        return None
    at = datetime.fromisoformat(own_fields["hs_timestamp"])
    if own_fields.get("hs_task_is_all_day") != "true":
        return str(Due.instant(at, ZONE))
    return str(Due(at.date() if at.time() == time() else at.astimezone(ZoneInfo(ZONE)).date()))


def _text(body: str | None) -> str | None:
    return unescape(re.sub(r"<[^>]*>", "", body.replace("<br>", "\n"))) or None if body else None


@asynccontextmanager
async def populate(data: DataSet, clock: Clock, _: Path, variants: Sequence[str]) -> AsyncIterator[PopulatedBackend]:
    """A HubSpot on loopback; `variants` are `name=value` switches of its sandbox. ValueError for an unknown switch."""
    sandbox = HubSpotSandbox(
        token=_TOKEN,
        seed=_seed(data, clock.now()),
        spec_variant=SpecVariant.parse([*_STILL, *variants]),
        clock=clock.now,
        sleep=clock.sleep,
    )
    async with serve_sandbox(sandbox) as url:
        environment = {
            "TASKHAND_BACKEND": "hubspot",
            "HUBSPOT_ACCESS_TOKEN": _TOKEN,
            "HUBSPOT_BASE_URL": url,
            "HUBSPOT_USER_ID": data.people[0].email,
            "HUBSPOT_RATE": "1000",
        }
        yield PopulatedBackend("hubspot", environment, _TaskReader(sandbox, data).read, sandbox, _ROUTES)
