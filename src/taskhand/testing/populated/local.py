"""A data set in a built-in store."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

from pydantic import MISSING

from taskhand.backends.local.backend import LocalBackend
from taskhand.backends.local.people_and_statuses import Directory, sequential_id
from taskhand.backends.local.sqlite import open_file_store
from taskhand.domain.due import due_of
from taskhand.domain.edit import Edit
from taskhand.domain.task import StatusChoice, Task
from taskhand.domain.task_query import TaskQuery
from taskhand.testing.clock import Clock
from taskhand.testing.data import STATUSES, ZONE, DataSet, PlannedTask
from taskhand.testing.populated.backend import PopulatedBackend
from taskhand.testing.stored_task import StoredTask

__all__ = ["populate"]

_AGE = timedelta(days=30)


def _customer_id(company: str) -> str:
    """The id of a company as a customer: the store takes a text with spaces for a name."""
    return company.replace(" ", "-")


class _Store:
    """The store's file, opened separately from the server."""

    def __init__(self, file: Path, data: DataSet, clock: Clock) -> None:
        self._file = file
        self._data = data
        self._now = clock.now()
        self._people: list[str] = []
        self._contacts: list[str] = []

    async def plant(self) -> None:
        """Create the data; the tasks are a month old, created one minute apart."""
        made = iter(range(len(self._data.tasks)))
        async with self._open_backend(lambda: self._now - _AGE + timedelta(minutes=next(made))) as backend:
            self._people, self._contacts = await backend.edit(self._add_people)
            choices = {status.name: StatusChoice.of(status) for status in (await backend.statuses()).statuses}
            for planned in self._data.tasks:
                await backend.create_task(self._edit(planned, choices))

    async def read(self) -> tuple[StoredTask, ...]:
        """The stored tasks."""
        async with self._open_backend(lambda: self._now) as backend:
            page = await backend.list_tasks(TaskQuery(order="created", limit=10_000))
        return tuple(map(self._stored_task, reversed(page.tasks)))

    @asynccontextmanager
    async def _open_backend(self, clock: Callable[[], datetime]) -> AsyncIterator[LocalBackend]:
        backend = open_file_store(
            self._file,
            clock=clock,
            new_id=sequential_id,
            user=self._data.people[0].name,
            timezone=ZONE,
        )
        try:
            yield backend
        finally:
            await backend.aclose()

    def _add_people(self, directory: Directory) -> tuple[list[str], list[str]]:
        """The ids of the people and of the contacts."""
        others = [directory.add_member(person.name, person.email) for person in self._data.people[1:]]
        outsiders = [
            directory.add_contact(outsider.name, outsider.phone, outsider.email, _customer_id(outsider.company))
            for outsider in self._data.outsiders
        ]
        return [directory.me() or "", *others], outsiders

    def _edit(self, planned: PlannedTask, choices: Mapping[str, StatusChoice]) -> Edit:
        index = None if planned.contact is None else self._data.outsider(planned.contact)
        return Edit(
            title=planned.title,
            description=planned.description,
            due=planned.due(self._now),
            responsible_ids=tuple(self._people[self._data.person(who)] for who in planned.people),
            ai_contact_id=None if index is None else self._contacts[index],
            ai_customer_id=None if index is None else _customer_id(self._data.outsiders[index].company),
            priority=planned.priority,
            status=choices.get(STATUSES[planned.status], MISSING),
        )

    def _company(self, customer_id: str | None) -> str | None:
        return {_customer_id(company): company for company in self._data.companies}.get(customer_id or "", customer_id)

    def _stored_task(self, task: Task) -> StoredTask:
        due, status = due_of(task), task.status_config
        return StoredTask(
            id=task.id,
            title=task.title or "",
            description=task.description,
            status=status.name if status else "",
            status_type=status.type if status else "",
            due=str(due) if due else None,
            responsibles=tuple(map(self._display_name, task.responsible_ids)),
            priority=task.priority or 0,
            contact=self._contact(task.ai_contact_id),
            customer=self._company(task.ai_customer_id),
            native=task.model_dump(mode="json"),
        )

    def _display_name(self, member_id: str) -> str:
        return self._data.display_name(self._people.index(member_id)) if member_id in self._people else member_id

    def _contact(self, contact_id: str | None) -> str | None:
        known = contact_id in self._contacts
        return self._data.outsiders[self._contacts.index(contact_id or "")].name if known else contact_id


@asynccontextmanager
async def populate(
    data: DataSet, clock: Clock, folder: Path, variants: Sequence[str]
) -> AsyncIterator[PopulatedBackend]:
    """A built-in store in `folder`. ValueError for any variant."""
    if variants:
        raise ValueError("the built-in store has no variants")
    file = folder / "tasks.sqlite"
    store = _Store(file, data, clock)
    await store.plant()
    environment = {"TASKHAND_BACKEND": "local", "TASKHAND_DB": str(file), "TASKHAND_USER": data.people[0].name}
    yield PopulatedBackend("local", environment, store.read)
