"""Learns how Vambe writes due times, which it does not document, and notices the tasks that were misread before."""

from collections.abc import Iterable
from datetime import datetime

from pydantic import MISSING

from taskhand.backends.remote.parsing import JsonObject, id_of, read_task
from taskhand.backends.vambe.fields.statuses import StatusCatalogue
from taskhand.backends.vambe.mapping import DueAt, due_in, parse_time, status_of, task_of
from taskhand.domain.due import Due, due_fields, due_of
from taskhand.domain.edit import Edit, is_readable
from taskhand.domain.task import Task
from taskhand.domain.unreadable_fields import ODD

__all__ = ["TaskMapper", "detect_due_at", "rests_on"]


class TaskMapper:
    """Reads rows as tasks; `timezone` is the IANA zone of times without one.

    `due_at` is the form in which due times are read at present. If it is not configured, it is learned from responses.
    """

    def __init__(self, catalogue: StatusCatalogue, timezone: str | None = None, due_at: DueAt | None = None) -> None:
        self._catalogue = catalogue
        self._timezone = timezone
        self._is_known = due_at is not None
        self.due_at: DueAt = due_at or "utc"

    def note(self, rows: Iterable[JsonObject]) -> None:
        """Learn statuses, and the form of due times, from rows."""
        for row in rows:
            self._catalogue.see(status_of(row.get("status_config")))
            # A time without Z or offset is local time. If Vambe writes those, its times with a Z are true instants.
            at = parse_time(row.get("due_at"))
            self._is_known = self._is_known or (isinstance(at, datetime) and at.tzinfo is None)

    def task(self, row: JsonObject) -> Task:
        """The task of a row."""
        return read_task(id_of(row), lambda: task_of(row, self.due_at, self._timezone, self._catalogue.by_id))

    def with_due_of(self, task: Task, row: JsonObject) -> Task:
        """The task with the due date of a row, which is read in the present form; as it is if that is impossible."""
        try:
            return task.model_copy(update=due_fields(due_in(row, self.due_at, self._timezone)))
        except ODD:
            return task

    def sure_of_due(self, task: Task, *, of_day: bool = False) -> bool:
        """Whether the due date of a task, or only its day (`of_day`), is certain.

        While the form of `due_at` is not known, a time in a zone other than UTC may be wrong.
        """
        due = due_of(task)
        if self._is_known or due is None or due.at is None or due.local is None:
            return True
        return due.at.date() == due.day if of_day else not due.local.utcoffset()

    def was_misread(self, before: Task, was: JsonObject) -> bool:
        """Whether `before` has the due date that the row `was` has only in the other form of `due_at`."""
        if was.get("due_at") is None or not is_readable(before, "due"):
            return False
        other: DueAt = "wall" if self.due_at == "utc" else "utc"
        try:
            now, otherwise = due_in(was, self.due_at, self._timezone), due_in(was, other, self._timezone)
        except ODD:  # an unknown zone makes the due date unreadable in one of the forms only
            return False
        return due_of(before) == otherwise != now

    def learn(self, edit: Edit | None, *rows: JsonObject) -> None:
        """Learn the form of `due_at` from the rows of a task that an edit gives a due time."""
        due = edit.due if edit else None
        for row in rows:
            if not self._is_known and isinstance(due, Due) and (form := detect_due_at(due, row)):
                self.due_at, self._is_known = form, True

    def learn_status(self, before: Task, edit: Edit, row: JsonObject) -> None:
        """Learn the id of a status by name: if the row shows only an id, it belongs to the name that was sent."""
        status_id = row.get("task_status_config_id")
        if edit.status is MISSING or edit.status.name is None or row.get("status_config") is not None:
            return
        if isinstance(status_id, str) and status_id != before.task_status_config_id:
            self._catalogue.name(status_id, edit.status.name)


def rests_on(before: Task, edit: Edit) -> bool:
    """Whether a due time keeps the day or the time of `before`, and so was probably derived from it."""
    due, was = edit.due, due_of(before)
    if not isinstance(due, Due) or due.local is None or was is None or was.local is None:
        return False
    return due.day == was.day or due.local.time() == was.local.time()


def detect_due_at(due: Due, json: JsonObject) -> DueAt | None:
    """The form of `due_at` in the response to a write of `due`; None if both forms fit, or neither."""
    at = parse_time(json.get("due_at"))
    if due.local is None or not isinstance(at, datetime) or at.tzinfo is None:
        return None
    is_instant, is_wall = at == due.at, at.replace(tzinfo=None) == due.local.replace(tzinfo=None)
    return None if is_instant == is_wall else "utc" if is_instant else "wall"
