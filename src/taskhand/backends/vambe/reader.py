"""What Vambe's rows mean: how its due times are read, as configured or learned, and the statuses that were seen."""

from collections.abc import Iterable, Sequence

from pydantic import MISSING

from taskhand.backends.remote.parsing import JsonObject, parse
from taskhand.backends.vambe.account import AccountSettings
from taskhand.backends.vambe.mapping import DueAt, learned, names_no_zone, status_of, task_of
from taskhand.domain.due import Due, due_of
from taskhand.domain.edit import Edit
from taskhand.domain.errors import UpstreamError
from taskhand.domain.snapshot import Snapshot
from taskhand.domain.task import Task
from taskhand.http.reply import Json

__all__ = ["Reader", "rests_on"]


class Reader:
    """Tasks out of Vambe's JSON; `due_at` is how that is read now, which an answer may show to have been wrong."""

    def __init__(self, settings: AccountSettings) -> None:
        self._timezone = settings.timezone
        self._catalogue = settings.catalogue
        self._is_known = settings.due_at is not None
        self.due_at: DueAt = settings.due_at or "utc"

    def note(self, rows: Iterable[JsonObject]) -> None:
        """Take note of what rows say of statuses, and of how due times are written."""
        for raw in rows:
            self._catalogue.see(status_of(raw.get("status_config")))
            # A time without Z or offset can only be the wall clock's: where one is met, none wears a wrong Z.
            self._is_known = self._is_known or names_no_zone(raw)

    def noted(self, rows: Sequence[JsonObject]) -> list[Task]:
        """Rows as tasks, each read by what all of them say."""
        self.note(rows)
        return [self.task(raw) for raw in rows]

    def task(self, raw: JsonObject, *, due_at: DueAt | None = None) -> Task:
        """A row as a task, as read now or in another way; UpstreamError when it is none."""

        def read(raw: Json) -> Task:
            return task_of(raw, due_at or self.due_at, self._timezone, self._catalogue.by_id)

        return parse("Vambe", read, raw)

    def snapshot(self, raw: JsonObject, *, assumed: bool = False) -> Snapshot:
        """A row as a task, with what it does not tell for certain: when it is due, what its status is called.

        `assumed`: the row is a write's answer, and a fresh list shows the task as it was before.
        """
        task = self.task(raw)
        doubts = {"due": not self.sure_of_due(task), "status": task.status_config is None}
        unknown = frozenset(name for name, is_doubtful in doubts.items() if is_doubtful)
        return Snapshot(task, dict(raw), unknown, assumed)

    def sure_of_due(self, task: Task, *, of_day: bool = False) -> bool:
        """Whether `due_at` was read rightly: while the reading is not known, a time in a zone off UTC may not be."""
        due = due_of(task)
        if self._is_known or due is None or due.at is None or due.local is None:
            return True
        return due.at.date() == due.day if of_day else not due.local.utcoffset()

    def was_misread(self, before: Task, was: JsonObject) -> bool:
        """Whether `before` is when the row `was` would be due if it were read in the other way."""
        other: DueAt = "wall" if self.due_at == "utc" else "utc"
        try:
            otherwise = due_of(self.task(was, due_at=other))
        except UpstreamError:  # a zone that we do not know matters in one of the ways only
            return False
        return due_of(before) == otherwise != due_of(self.task(was))

    def learn(self, edit: Edit, raw: JsonObject) -> None:
        """Learn how `due_at` is to be read from a task that was given a timed due date."""
        reading = learned(None if edit.due is MISSING else edit.due, raw)
        if reading is not None and not self._is_known:
            self.due_at, self._is_known = reading, True

    def learn_status(self, before: Task, edit: Edit, raw: JsonObject) -> None:
        """Where Vambe shows statuses by id only, the id that a task got when a name was sent is that name's."""
        status_id = raw.get("task_status_config_id")
        if edit.status is MISSING or edit.status.name is None or raw.get("status_config") is not None:
            return
        if isinstance(status_id, str) and status_id != before.task_status_config_id:
            self._catalogue.name(status_id, edit.status.name)

    def shows(self, raw: JsonObject, edit: Edit) -> bool:
        """Whether a task is as an edit asked for, under either reading of `due_at` while that is not known."""
        self.learn(edit, raw)
        return not any(edit.unmet_by(self.task(raw), written=True).given())


def rests_on(before: Task, edit: Edit) -> bool:
    """Whether a due time keeps the day or the clock that `before` shows, so that it was probably made from that."""
    due, was = edit.due, due_of(before)
    if not isinstance(due, Due) or due.local is None or was is None or was.local is None:
        return False
    return due.day == was.day or due.local.time() == was.local.time()
