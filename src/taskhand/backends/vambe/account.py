"""A Vambe organisation: its statuses, team and contacts, and health checks."""

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from pydantic import MISSING

from taskhand.backends.remote.parsing import JsonObject, id_of, objects, read_task, sent_at
from taskhand.backends.remote.ttl_cache import TtlCache
from taskhand.backends.vambe.client import VambeClient, Window
from taskhand.backends.vambe.mapping import (
    DueAt,
    contact_of,
    detect_due_at,
    member_of,
    names_no_zone,
    status_of,
    task_of,
)
from taskhand.domain.capabilities import UUID
from taskhand.domain.check_result import CheckResult
from taskhand.domain.due import Due, due_of
from taskhand.domain.edit import Edit, is_readable
from taskhand.domain.names import has_words
from taskhand.domain.status_catalogue import StatusCatalogue
from taskhand.domain.task import Contact, Member, Task
from taskhand.http.health_checks import check_by_reading, run_checks
from taskhand.http.reply import Json

__all__ = ["Account", "TaskReader", "rests_on"]


class TaskReader:
    """Reads rows as tasks; `timezone` is the IANA zone of times without one.

    `due_at` is how due times are read now. Where it is not configured, an answer may show that this was wrong.
    """

    def __init__(self, catalogue: StatusCatalogue, timezone: str | None = None, due_at: DueAt | None = None) -> None:
        self._catalogue = catalogue
        self._timezone = timezone
        self._is_known = due_at is not None
        self.due_at: DueAt = due_at or "utc"

    def note(self, rows: Iterable[JsonObject]) -> None:
        """Take note of what rows say of statuses, and of how due times are written."""
        for row in rows:
            self._catalogue.see(status_of(row.get("status_config")))
            # A time without Z or offset can only be the wall clock's: where one is met, none wears a wrong Z.
            self._is_known = self._is_known or names_no_zone(row)

    def task(self, row: JsonObject, *, due_at: DueAt | None = None) -> Task:
        """A row as a task, as read now or in another way."""
        form, by_id = due_at or self.due_at, self._catalogue.by_id
        return read_task(id_of(row), lambda: task_of(row, form, self._timezone, by_id))

    def sure_of_due(self, task: Task, *, of_day: bool = False) -> bool:
        """Whether `due_at` was read rightly: while the reading is not known, a time in a zone off UTC may not be."""
        due = due_of(task)
        if self._is_known or due is None or due.at is None or due.local is None:
            return True
        return due.at.date() == due.day if of_day else not due.local.utcoffset()

    def was_misread(self, before: Task, was: JsonObject) -> bool:
        """Whether `before` is when the row `was` would be due if it were read in the other way."""
        if was.get("due_at") is None:
            return False
        other: DueAt = "wall" if self.due_at == "utc" else "utc"
        now, otherwise = self.task(was), self.task(was, due_at=other)
        # A zone that we do not know matters in one of the ways only.
        are_readable = all(is_readable(task, "due") for task in (before, now, otherwise))
        return are_readable and due_of(before) == due_of(otherwise) != due_of(now)

    def learn(self, edit: Edit, row: JsonObject) -> None:
        """Learn how `due_at` is to be read from a task that was given a timed due date."""
        form = detect_due_at(None if edit.due is MISSING else edit.due, row)
        if form is not None and not self._is_known:
            self.due_at, self._is_known = form, True

    def learn_status(self, before: Task, edit: Edit, row: JsonObject) -> None:
        """Where Vambe shows statuses by id only, the id that a task got when a name was sent is that name's."""
        status_id = row.get("task_status_config_id")
        if edit.status is MISSING or edit.status.name is None or row.get("status_config") is not None:
            return
        if isinstance(status_id, str) and status_id != before.task_status_config_id:
            self._catalogue.name(status_id, edit.status.name)


def rests_on(before: Task, edit: Edit) -> bool:
    """Whether a due time keeps the day or the clock that `before` shows, so that it was probably made from that."""
    due, was = edit.due, due_of(before)
    if not isinstance(due, Due) or due.local is None or was is None or was.local is None:
        return False
    return due.day == was.day or due.local.time() == was.local.time()


class Account:
    """Reads the team and the contacts of an organisation."""

    def __init__(self, client: VambeClient, user_id: str | None, keep_s: float, monotonic: Callable[[], float]) -> None:
        self._client = client
        self._user_id = user_id
        self._members: TtlCache[None, tuple[Member, ...]] = TtlCache(keep_s, monotonic)

    async def members(self) -> tuple[Member, ...]:
        """The active members of the organisation."""

        async def read() -> tuple[Member, ...]:
            return tuple(member_of(row) for row in objects((await self._client.members()).array) if id_of(row))

        return await self._members.get(None, read)

    async def me(self) -> str | None:
        """The configured user: Vambe has no way to ask whose key it is."""
        return self._user_id

    async def upstream_time(self) -> datetime | None:
        """The `Date` of an answer."""
        return sent_at(await self._client.members())

    async def find_contacts(self, query: str, limit: int) -> tuple[Contact, ...]:
        """By e-mail or phone as Vambe searches; by name, by id, and by an e-mail that Vambe does not find, here.

        Those who are looked through here are the people who wrote within a year.
        """
        digits = "".join(filter(str.isdigit, query))
        if "@" in query and (rows := await self._client.search_contacts(email=query)):
            return _contacts(rows)[:limit]
        is_id = re.fullmatch(UUID, query) is not None
        if "@" not in query and len(digits) > len(query) / 2 and not is_id:
            return _contacts(await self._client.search_contacts(phone=digits))[:limit]
        recent = _contacts(await self._client.recent_contacts(days=365))
        of_id = [one for one in recent if query in (one.id, one.customer_id)]
        return tuple((of_id or [one for one in recent if has_words(one.words, query)])[:limit])

    async def check_access(self) -> None:
        """Read what any key may read."""
        await self._client.members()

    async def check_health(self, now: datetime, *, writes: bool) -> tuple[CheckResult, ...]:
        """Health checks, in two requests. Vambe documents neither scopes of a key nor rate headers."""
        client, today = self._client, now.date().isoformat()
        reads = {"tasks": lambda: client.tasks(Window(today, today, dateless=False))}
        scopes = check_by_reading("Vambe", reads, writes=writes)
        return await run_checks(client.http, self.check_access, scopes, rate="VAMBE_RATE")


def _contacts(rows: Sequence[Json]) -> tuple[Contact, ...]:
    return tuple(contact_of(row) for row in objects(rows) if id_of(row))
