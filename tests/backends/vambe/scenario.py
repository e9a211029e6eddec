"""A scenario for every spec variant: the requests step by step, and the expected data in the sandbox.

What cannot work under a reading is a `Gap`, with the reason and what the tool says instead.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from backends.vambe.backend_case import WORLD
from behaviour.world import CAROLINA, CUSTOMER, PEOPLE, STATUSES, person

__all__ = [
    "ANA",
    "GAPS",
    "GIL",
    "KIRITIMATI",
    "LUIS",
    "MADRID",
    "OLD",
    "SANTIAGO",
    "SEED",
    "STORY",
    "Gap",
    "Step",
    "all_day",
    "timed",
]

SANTIAGO, MADRID, KIRITIMATI = "America/Santiago", "Europe/Madrid", "Pacific/Kiritimati"
ME, ANA, LUIS = (someone["id"] for someone in PEOPLE[:3])
PENDING, STARTED, DONE = (str(status["id"]) for status in STATUSES)
GIL = person(9, "Gil Paz", "gil@example.com") | {"active": False}
OLD = "01d00000-0000-4000-8000-000000000001"

SEED: dict[str, Any] = WORLD | {
    "members": [*PEOPLE, GIL],
    "tasks": [
        {"id": OLD, "title": "old", "priority": "2", "responsibleIds": [GIL["id"]]}
        | {"dueDate": "2026-03-10", "dueTime": "15:00", "timezone": SANTIAGO},
        {"title": "late in Santiago", "responsibleIds": [ANA]}
        | {"dueDate": "2026-03-10", "dueTime": "23:59", "timezone": SANTIAGO},
        {"title": "early in Kiritimati", "responsibleIds": [ANA, LUIS]}
        | {"dueDate": "2026-03-10", "dueTime": "00:00", "timezone": KIRITIMATI},
        {"title": "day in Kiritimati", "responsibleIds": [LUIS], "dueDate": "2026-03-10", "timezone": KIRITIMATI},
        {"title": "day in Santiago", "responsibleIds": [ANA], "dueDate": "2026-03-11", "timezone": SANTIAGO},
        {"title": "day before", "responsibleIds": [ME], "dueDate": "2026-03-09"},
        {"title": "undated", "responsibleIds": [ANA], "priority": "1"},
        {"title": "foreign", "responsibleIds": [ANA], "dueDate": "2026-03-10", "foreign": True},
        {"title": "deleted", "responsibleIds": [ANA], "dueDate": "2026-03-10", "deleted": True},
    ],
}
"""The suite's world, somebody who has left it, and tasks that are older than the server."""

Fields = dict[str, Any]


def timed(local: str, zone: str) -> Fields:
    """The documented due fields of a time on the clock of `zone`."""
    at = datetime.fromisoformat(local).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    return {"due_at": f"{at:%Y-%m-%dT%H:%M}:00.000Z", "is_all_day": False, "due_timezone": zone}


def all_day(day: str, zone: str) -> Fields:
    """The documented due fields of a whole day."""
    return {"due_at": f"{day}T00:00:00.000Z", "is_all_day": True, "due_timezone": zone}


def _people(*ids: str) -> Fields:
    return {"task_responsibles": [{"responsible_id": person_id} for person_id in ids]}


def _status(status_id: str) -> Fields:
    return {"task_status_config_id": status_id}


@dataclass(frozen=True)
class Step:
    """One call on the task, and what it asks to be so; `contact` sends the found contact's id."""

    name: str
    asks: Fields
    becomes: Fields
    tool: str = "update_task"
    contact: bool = False


NEW = {"title": "Call Acme", "responsibleIds": ["me"], "priority": "1", "description": "Ask for the tax id"}
EVENING = {"dueDate": "2026-03-10", "dueTime": "22:30", "timezone": SANTIAGO}

STORY = (
    Step(
        "create with a time",
        NEW | EVENING,
        timed("2026-03-10T22:30", SANTIAGO) | _people(ME) | _status(PENDING) | {"title": "Call Acme", "priority": 1},
        "create_task",
    ),
    Step("move the day only", {"dueDate": "2026-04-10"}, timed("2026-04-10T22:30", SANTIAGO)),
    Step("move the time only", {"dueTime": "09:05"}, timed("2026-04-10T09:05", SANTIAGO)),
    Step("move the zone only", {"timezone": KIRITIMATI}, timed("2026-04-10T09:05", KIRITIMATI)),
    Step("make it all-day", {"dueTime": None}, all_day("2026-04-10", KIRITIMATI)),
    Step("move the whole day", {"dueDate": "2026-04-12"}, all_day("2026-04-12", KIRITIMATI)),
    Step(
        "give it a time again",
        {"dueDate": "2026-05-02", "dueTime": "00:15", "timezone": MADRID},
        timed("2026-05-02T00:15", MADRID),
    ),
    Step("another day without a time", {"dueDate": "2026-05-04", "dueTime": None}, all_day("2026-05-04", MADRID)),
    Step("clear the due date", {"dueDate": None}, {"due_at": None, "is_all_day": False}),
    Step("a day from nothing", {"dueDate": "2026-05-03"}, {"due_at": "2026-05-03T00:00:00.000Z", "is_all_day": True}),
    Step(
        "an instant",
        {"dueDate": "2026-05-02T15:00:00-04:00", "timezone": SANTIAGO},
        timed("2026-05-02T15:00", SANTIAGO),
    ),
    Step("the same again", {"dueDate": "2026-05-02", "dueTime": "15:00"}, timed("2026-05-02T15:00", SANTIAGO)),
    Step("status by exact name", {"newStatusName": "En Progreso"}, _status(STARTED)),
    Step("status in another case", {"newStatusName": "COMPLETADO"}, _status(DONE)),
    Step("reopen by name", {"newStatusName": "Pendiente"}, _status(PENDING)),
    Step("status by position", {"newStatusPosition": 2}, _status(STARTED)),
    Step("complete", {}, _status(DONE), "complete_task"),
    Step("complete again", {}, _status(DONE), "complete_task"),
    Step("reopen by position", {"newStatusPosition": 1}, _status(PENDING)),
    Step("add a person", {"responsibleIds": ["Ana Soto"], "mode": "add"}, _people(ME, ANA), "reassign_task"),
    Step("remove a person", {"responsibleIds": ["me"], "mode": "remove"}, _people(ANA), "reassign_task"),
    Step("replace people", {"responsibleIds": ["luis@example.com", "Ana Soto"]}, _people(LUIS, ANA), "reassign_task"),
    Step("unassign everybody", {"responsibleIds": [], "mode": "replace"}, _people(), "reassign_task"),
    Step(
        "link a contact",
        {"aiCustomerId": CUSTOMER},
        {"ai_contact_id": CAROLINA["id"], "ai_customer_id": CUSTOMER},
        contact=True,
    ),
    Step("unlink it", {"aiContactId": None, "aiCustomerId": None}, {"ai_contact_id": None, "ai_customer_id": None}),
    Step("clear the description", {"description": None}, {"description": None}),
    Step("title and priority", {"title": "Call  Ácme", "priority": "2"}, {"title": "Call  Ácme", "priority": 2}),
)


@dataclass(frozen=True)
class Gap:
    """Steps that cannot work under a switch's value, why, and the truth that is told instead.

    `refused` is the code of a refusal that leaves the task as it was; `unconfirmed` is the field that is reported as
    unapplied although it is so, because nothing in the answer shows it.
    """

    steps: frozenset[str]
    why: str
    refused: str | None = None
    unconfirmed: str | None = None


GAPS: dict[tuple[str, str], Gap] = {
    ("reopen", "refused"): Gap(
        frozenset({"reopen by name", "status by position", "reopen by position"}),
        "this Vambe lets no task leave a finished status",
        refused="upstream_refused",
    ),
    ("empty_responsibles", "rejected"): Gap(
        frozenset({"unassign everybody"}), "this Vambe wants at least one person on a task", refused="upstream_refused"
    ),
}
