"""What came of a change of many tasks, task by task; pure."""

from collections import Counter
from dataclasses import dataclass
from typing import Literal

from taskhand.domain.change import Unapplied
from taskhand.domain.errors import TaskhandError
from taskhand.domain.names import Match

__all__ = ["BulkReceipt", "TaskOutcome"]

Became = Literal["applied", "unchanged", "refused", "unknown", "not_attempted"]

_WORTH_RETRYING = frozenset({"rate_limited", "upstream_error", "conflict", "not_attempted", "store_busy"})
"""Codes of errors after which the same change may be sent again."""


@dataclass(frozen=True, slots=True)
class TaskOutcome:
    """What became of one task; `code` and `message` say why it was not written, or what is worth knowing of how."""

    id: str
    became: Became
    code: str | None = None
    message: str | None = None
    unapplied: tuple[Unapplied, ...] = ()

    @classmethod
    def failed(cls, task_id: str, became: Became, error: TaskhandError) -> "TaskOutcome":
        """The outcome that an error is."""
        return cls(task_id, became, error.code, error.message)

    @property
    def may_be_retried(self) -> bool:
        """Whether the same change may be sent again for this task: nothing of it was written."""
        return self.became == "not_attempted" or (self.became == "refused" and self.code in _WORTH_RETRYING)


@dataclass(frozen=True, slots=True)
class BulkReceipt:
    """The answer to a change of many tasks: an outcome for each, in the order given."""

    outcomes: tuple[TaskOutcome, ...]
    matched: tuple[Match, ...] = ()
    note: str | None = None
    change_id: str | None = None
    replayed: bool = False

    @property
    def totals(self) -> dict[str, int]:
        """How many tasks had which outcome."""
        return dict(Counter(one.became for one in self.outcomes))

    @property
    def retry_ids(self) -> tuple[str, ...]:
        """The tasks that the same change may be sent again for."""
        return tuple(one.id for one in self.outcomes if one.may_be_retried)
