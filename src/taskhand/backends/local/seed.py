"""Example data for the built-in store: a small sales team, its contacts and its tasks around today."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from pydantic import MISSING

from taskhand.backends.local.backend import LocalBackend
from taskhand.backends.local.people_and_statuses import Directory
from taskhand.domain.due import Due
from taskhand.domain.edit import Edit
from taskhand.domain.errors import CallerError
from taskhand.domain.task import StatusChoice, StatusType
from taskhand.domain.task_query import TaskQuery

__all__ = ["seed_store"]

_ZONE = "America/Santiago"

_PEOPLE = (
    ("Ana Soto", "ana.soto@example.com"),
    ("Luis Pereira", "luis.pereira@example.com"),
    ("María Rodríguez", "maria.rodriguez@example.com"),
    ("Maria Rodriguez", "maria.r@example.com"),
    ("Camila Núñez", "camila.nunez@example.com"),
)
"""The data has two people whose names differ only in accents."""

_CONTACTS = (
    ("Carolina Vega (Acme)", "+56 9 5555 0101", "carolina@acme.example", "acme"),
    ("Pedro Fuentes (Andes Solar)", "+56 9 5555 0102", "pedro@andes-solar.example", "andes-solar"),
    ("Lucía Méndez (Clínica Norte)", "+52 55 5555 0103", "lucia@clinica-norte.example", "clinica-norte"),
    ("Jorge Paz (Ferretería Paz)", "+54 11 5555 0104", None, "ferreteria-paz"),
    ("Sofía Lagos (Estudio Lagos)", None, "sofia@lagos.example", "estudio-lagos"),
)


@dataclass(frozen=True, slots=True)
class _SeedTask:
    """A task of the data set, due `day` days from today (None: no due date) at `hour` (None: all day)."""

    title: str
    day: int | None
    hour: int | None
    people: Sequence[int]
    priority: int
    status: StatusType = "initial"
    contact: int | None = None
    description: str | None = None


_TASKS = (
    _SeedTask("Send the proposal to Acme", -6, None, (0,), 2, "in_progress", 0, "Annual plan, 12 seats."),
    _SeedTask("Call Andes Solar about the invoice", -3, 11, (1,), 2, contact=1),
    _SeedTask("Collect the signed contract from Clínica Norte", -2, None, (0, 4), 1, contact=2),
    _SeedTask(
        "Answer the complaint of Ferretería Paz", -1, 16, (2,), 2, "in_progress", 3, "Delivery was two days late."
    ),
    _SeedTask("Prepare the demo for Estudio Lagos", 0, 15, (4,), 1, contact=4),
    _SeedTask("Update the price list", 0, None, (3,), 0, "in_progress"),
    _SeedTask("Review the open quotes", 0, None, (0, 1), 1),
    _SeedTask("Call Carolina Vega about the renewal", 1, 10, (0,), 2, contact=0),
    _SeedTask("Confirm the training date with Clínica Norte", 1, None, (4,), 1, contact=2),
    _SeedTask("Send the welcome kit to Andes Solar", 2, None, (1,), 0, contact=1),
    _SeedTask("Weekly pipeline review", 3, 9, (0, 1, 2, 4), 1),
    _SeedTask("Check the bounced e-mails", 3, None, (3,), 0),
    _SeedTask("Visit Ferretería Paz", 4, 12, (2,), 1, contact=3),
    _SeedTask("Write the case study about Acme", 6, None, (4,), 0, contact=0),
    _SeedTask("Renew the domain of the landing page", 8, None, (3,), 1),
    _SeedTask("Quarterly call with Estudio Lagos", 11, 17, (2,), 1, contact=4),
    _SeedTask("Plan the spring campaign", 14, None, (0, 4), 1),
    _SeedTask("Clean up duplicate contacts", None, None, (3,), 0),
    _SeedTask("Find a speaker for the webinar", None, None, (4,), 0),
    _SeedTask("Collect ideas for the onboarding", None, None, (), 0),
    _SeedTask("Send the invoice to Clínica Norte", -9, None, (1,), 1, "done", 2),
    _SeedTask("Book the room for the training", -5, None, (4,), 0, "done"),
    _SeedTask("Call back Jorge Paz", -4, 12, (2,), 2, "done", 3),
    _SeedTask("Set up the shared calendar", -12, None, (3,), 0, "done"),
)


async def seed_store(backend: LocalBackend, now: datetime) -> int:
    """Fill an empty store with the data set, dated around `now`, and return the number of tasks.

    Raises CallerError if the store has tasks.
    """
    if (await backend.list_tasks(TaskQuery(limit=1))).tasks:
        raise CallerError(
            "The store has tasks already.", code="in_use", next_step="Choose a new file with --db, then seed it."
        )
    people, contacts = await backend.edit(_add_people_and_contacts)
    statuses: dict[str | None, StatusChoice] = {}
    for status in (await backend.statuses()).statuses:
        statuses.setdefault(status.type, StatusChoice.of(status))
    for planned in _TASKS:
        await backend.create_task(_edit(planned, people, contacts, statuses.get(planned.status), now))
    return len(_TASKS)


def _add_people_and_contacts(directory: Directory) -> tuple[list[str], list[tuple[str, str]]]:
    """Add people and contacts; return the ids of the people, and the id and customer of each contact."""
    people = [directory.add_member(name, email) for name, email in _PEOPLE]
    return people, [(directory.add_contact(*contact), contact[3]) for contact in _CONTACTS]


def _edit(
    planned: _SeedTask,
    people: Sequence[str],
    contacts: Sequence[tuple[str, str]],
    status: StatusChoice | None,
    now: datetime,
) -> Edit:
    contact, customer = contacts[planned.contact] if planned.contact is not None else (None, None)
    return Edit(
        title=planned.title,
        description=planned.description,
        due=_due(planned, now),
        responsible_ids=tuple(people[index] for index in planned.people),
        ai_contact_id=contact,
        ai_customer_id=customer,
        priority=planned.priority,
        status=status or MISSING,
    )


def _due(planned: _SeedTask, now: datetime) -> Due | None:
    if planned.day is None:
        return None
    day = now.astimezone(ZoneInfo(_ZONE)).date() + timedelta(days=planned.day)
    if planned.hour is None:
        return Due(day, None, None)
    return Due.instant(datetime.combine(day, time(planned.hour), ZoneInfo(_ZONE)), _ZONE)
