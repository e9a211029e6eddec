"""The data sets: a small sales team, its contacts and its tasks, in terms that all backends share.

Days count from the day of the run's clock in ZONE, so an overdue task is overdue at any clock.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field

from taskhand.domain.due import Due
from taskhand.domain.errors import CallerError

__all__ = ["DATA", "NOW", "STATUSES", "ZONE", "DataSet", "Outsider", "PlannedTask", "Teammate", "find_data"]

NOW = "2026-03-02T15:00:00Z"
"""The default clock of a run: a Monday, noon in ZONE."""

ZONE = "America/Santiago"
"""The team's time zone; every backend is configured with it."""

STATUSES = {"initial": "Pendiente", "in_progress": "En Progreso", "done": "Completado"}
"""The names of the statuses by type, in their order, on every backend whose statuses are configurable."""


class _DataModel(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Teammate(_DataModel):
    """A member of the team."""

    name: str
    email: str


class Outsider(_DataModel):
    """A contact and its company."""

    name: str
    company: str
    phone: str | None = None
    email: str | None = None


class PlannedTask(_DataModel):
    """A task to create before the run.

    A backend that cannot express a value gets the nearest one: Close gets the first person (else `me`) and at least
    priority 1; HubSpot gets the first person, and a due date in sixty days if none is given.
    """

    title: str
    """The title."""
    day: int | None = None
    """The due day, counted from today. None: no due date."""
    time: Annotated[str, Field(pattern=r"^\d\d:\d\d$")] | None = None
    """The due time, `HH:MM`. None: due all day."""
    people: tuple[str, ...] = ()
    """Names or e-mails of responsible people."""
    priority: Annotated[int, Field(ge=0, le=2)] = 1
    """0, 1 or 2."""
    status: Literal["initial", "in_progress", "done"] = "initial"
    """The type of its status: `initial`, `in_progress` or `done`."""
    contact: str | None = None
    """The name of a contact of the data set."""
    deal: str | None = None
    """The name of a deal, which only some backends have."""
    description: str | None = None
    """The description."""
    own: Mapping[str, Mapping[str, Any]] = Field(default_factory=dict)
    """Raw values by backend, over the other fields; `odd` and `missing` among them are as in the seed of a sandbox."""

    def due(self, now: datetime) -> Due | None:
        """The due date, counted from `now`."""
        if self.day is None:
            return None
        day: date = now.astimezone(ZoneInfo(ZONE)).date() + timedelta(days=self.day)
        if self.time is None:
            return Due(day)
        return Due.instant(datetime.combine(day, time.fromisoformat(self.time), ZoneInfo(ZONE)), ZONE)


class DataSet(_DataModel):
    """A data set: the first of `people` is `me`, `says` is its description."""

    name: str
    says: str
    people: tuple[Teammate, ...]
    outsiders: tuple[Outsider, ...]
    tasks: tuple[PlannedTask, ...] = ()

    @property
    def companies(self) -> tuple[str, ...]:
        """The distinct companies of the outsiders."""
        return tuple(dict.fromkeys(outsider.company for outsider in self.outsiders))

    @property
    def deals(self) -> tuple[str, ...]:
        """The distinct deals of the tasks."""
        return tuple(dict.fromkeys(task.deal for task in self.tasks if task.deal is not None))

    def person(self, who: str) -> int:
        """The index of a person, by e-mail or name; CallerError if there is none."""
        for index, person in enumerate(self.people):
            if who in (person.email, person.name):
                return index
        raise CallerError(f"The data has no person {who!r}.", code="unknown_person")

    def outsider(self, name: str) -> int:
        """The index of an outsider, by name; CallerError if there is none."""
        for index, outsider in enumerate(self.outsiders):
            if name == outsider.name:
                return index
        raise CallerError(f"The data has no contact {name!r}.", code="unknown_contact")

    def display_name(self, index: int) -> str:
        """The person's name in a StoredTask; the e-mail if two people share the name."""
        person = self.people[index]
        return person.email if sum(other.name == person.name for other in self.people) > 1 else person.name

    def with_tasks(self, planned: Sequence[PlannedTask]) -> "DataSet":
        """The data set with these tasks appended."""
        return self.model_copy(update={"tasks": (*self.tasks, *planned)})


_PEOPLE = (
    Teammate(name="Elena Ruiz", email="elena.ruiz@example.com"),
    Teammate(name="Ana Soto", email="ana.soto@example.com"),
    Teammate(name="Luis Pereira", email="luis.pereira@example.com"),
    Teammate(name="Maria Rodriguez", email="maria.one@example.com"),
    Teammate(name="Maria Rodriguez", email="maria.two@example.com"),
    Teammate(name="Camila Núñez", email="camila.nunez@example.com"),
)
"""Two of them share a name."""

_OUTSIDERS = (
    Outsider(name="Carolina Vega", company="Acme", phone="+56 9 5555 0101", email="carolina@acme.example"),
    Outsider(name="Pedro Fuentes", company="Andes Solar", phone="+56 9 5555 0102", email="pedro@andes.example"),
    Outsider(name="Lucía Méndez", company="Clínica Norte", phone="+52 55 5555 0103", email="lucia@norte.example"),
    Outsider(name="Jorge Paz", company="Ferretería Paz", phone="+54 11 5555 0104"),
)

_SMALL_TEAM = (
    PlannedTask(title="Call Acme", day=1, time="10:00", people=("Ana Soto",), priority=1, contact="Carolina Vega"),
    PlannedTask(title="Send the price list", day=2, people=("Luis Pereira",), priority=1, contact="Pedro Fuentes"),
    PlannedTask(title="Book the room", day=3, people=("Elena Ruiz",), priority=1),
    PlannedTask(title="Order the samples", day=-1, people=("Camila Núñez",), priority=2, contact="Jorge Paz"),
    PlannedTask(title="Write the minutes", day=-4, people=("Ana Soto",), priority=1, status="done"),
)

_SALES_WEEK = (
    PlannedTask(
        title="Send the proposal to Acme",
        day=-6,
        people=("Ana Soto",),
        priority=2,
        status="in_progress",
        contact="Carolina Vega",
        deal="Acme renewal 2026",
        description="Annual plan, 12 seats.",
    ),
    PlannedTask(
        title="Call Andes Solar about the invoice",
        day=-3,
        time="11:00",
        people=("Luis Pereira",),
        priority=2,
        contact="Pedro Fuentes",
        deal="Andes Solar renewal",
    ),
    PlannedTask(
        title="Collect the signed contract",
        day=-2,
        people=("Luis Pereira", "Camila Núñez"),
        priority=1,
        contact="Lucía Méndez",
    ),
    PlannedTask(
        title="Answer the complaint of Ferretería Paz",
        day=-1,
        time="16:00",
        people=("maria.one@example.com",),
        priority=2,
        status="in_progress",
        contact="Jorge Paz",
        description="Delivery was two days late.",
    ),
    PlannedTask(
        title="Prepare the demo for Clínica Norte",
        day=0,
        time="16:00",
        people=("Camila Núñez",),
        priority=1,
        contact="Lucía Méndez",
    ),
    PlannedTask(title="Review the open quotes", day=0, people=("Elena Ruiz",), priority=1),
    PlannedTask(
        title="Call Carolina about the renewal",
        day=1,
        time="10:00",
        people=("Ana Soto",),
        priority=2,
        contact="Carolina Vega",
        deal="Acme renewal 2026",
    ),
    PlannedTask(title="Send the welcome kit", day=2, people=("Luis Pereira",), priority=1, contact="Pedro Fuentes"),
    PlannedTask(
        title="Update the price list",
        day=3,
        people=("maria.two@example.com",),
        priority=0,
        own={"hubspot": {"hs_task_priority": "NONE"}},
    ),
    PlannedTask(title="Weekly pipeline review", day=4, time="09:00", people=("Elena Ruiz", "Ana Soto"), priority=1),
    PlannedTask(title="Clean up duplicate contacts", priority=0),
    PlannedTask(title="Collect ideas for the onboarding", priority=1),
    PlannedTask(
        title="Send the invoice to Clínica Norte",
        day=-9,
        people=("Luis Pereira",),
        priority=1,
        status="done",
        contact="Lucía Méndez",
    ),
    PlannedTask(title="Book the room for the training", day=-5, people=("Camila Núñez",), priority=1, status="done"),
)

_BACKLOG = tuple(
    PlannedTask(title=f"Check in with customer {number:02}", day=number // 6, people=("Ana Soto",), priority=1)
    for number in range(1, 31)
)

DATA: Mapping[str, DataSet] = {
    name: DataSet(name=name, says=says, people=_PEOPLE, outsiders=_OUTSIDERS, tasks=tasks)
    for name, says, tasks in (
        ("empty", "People and contacts, no tasks.", ()),
        ("small_team", "Five tasks: one overdue, one finished.", _SMALL_TEAM),
        (
            "sales_week",
            "A week of fourteen tasks: overdue, due today, undated, unassigned, of namesakes, finished.",
            _SALES_WEEK,
        ),
        ("backlog", "Thirty tasks of one person, more than one page.", _BACKLOG),
    )
}
"""The data sets by name."""


def find_data(name: str) -> DataSet:
    """The data set of that name; CallerError lists the names."""
    if name not in DATA:
        raise CallerError(f"There is no data set {name!r}. The data sets are: {', '.join(DATA)}.", code="unknown_data")
    return DATA[name]
