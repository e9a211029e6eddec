"""A task as it was read, with the CRM's own values beside the contract's; pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from taskhand.domain.task import Task

__all__ = ["Snapshot"]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A task as it is now, and what the place itself says of it.

    `native` are the place's own values (JSON, by its own names), enough to write the task's fields back exactly: that
    is what `Edit.native` takes. `unknown` are fields of an Edit whose value the place does not tell, or not with
    certainty: what `task` shows there must not be written back. `assumed` is whether `task` is what a write of ours
    answered while the place shows what was there before: it is behind, or somebody has put that back.
    """

    task: Task
    native: Mapping[str, Any] = field(default_factory=dict)
    unknown: frozenset[str] = frozenset()
    assumed: bool = False
