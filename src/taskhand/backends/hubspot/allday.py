"""Days in an account that does not let `hs_task_is_all_day` be set: they are written as instants, and that is said."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from pydantic import MISSING

from taskhand.backends.hubspot.due import Zones, read_otherwise
from taskhand.backends.hubspot.errors import refuses_all_day
from taskhand.domain.due import Due
from taskhand.domain.edit import Edit
from taskhand.domain.errors import TaskhandError
from taskhand.domain.task import Task

__all__ = ["AllDay"]

_FLAG: Final = "hs_task_is_all_day"
_NOTE: Final = (
    "This HubSpot account does not accept it to be said whether a task is all day; "
    "the due date was written without that."
)


class AllDay:
    """Whether an account takes the flag: it does until it refuses it, which is remembered."""

    def __init__(self) -> None:
        self._refused = False

    def of(self, properties: Mapping[str, str]) -> dict[str, str]:
        """The properties to send: without the flag where the account refuses it."""
        return {name: value for name, value in properties.items() if name != _FLAG or not self._refused}

    def refused(self, error: TaskhandError, properties: Mapping[str, str]) -> bool:
        """Take note of a refusal; whether these properties are to be sent again, without the flag."""
        if not refuses_all_day(error):
            return False
        self._refused = True
        return _FLAG in properties

    def unmet(self, edit: Edit, task: Task, zones: Zones) -> bool:
        """Whether `task` is not as `edit` makes it in this account."""
        own = edit.unmet_by(task, written=True)
        if self._refused and isinstance(own.due, Due):
            own = replace(own, due=read_otherwise(own.due, zones) or MISSING).unmet_by(task, written=True)
        return any(own.given())

    def note(self, edit: Edit, task: Task, note: str | None) -> str | None:
        """What is to be said of a task that was written, where its due date is of the other kind."""
        if not self._refused or not isinstance(edit.due, Due) or edit.unmet_by(task, written=True).due is MISSING:
            return note
        return f"{note} {_NOTE}" if note else _NOTE
