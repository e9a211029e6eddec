"""The outcome of a write: of one task, and of a whole change; pure."""

from collections.abc import Collection
from typing import Literal

__all__ = ["VOID", "Outcome", "overall_outcome"]

Outcome = Literal[
    "applied",  # it was written
    "unchanged",  # the task matched already: nothing was sent
    "refused",  # nothing was written; `code` says why
    "not_applied",  # read back after a crash: it was not written
    "unknown",  # it may have been written
    "not_attempted",  # the call ended before this task of many was sent
    "planned",  # a dry run, or a guard rail demanded a plan
    "declined",  # a person refused the plan
    "open",  # under way, or its process ended before it was settled
]

VOID: frozenset[Outcome] = frozenset({"refused", "not_applied", "not_attempted", "planned"})
"""Outcomes after which nothing was written: another change may hold a claim of such a change."""

_PRECEDENCE: tuple[Outcome, ...] = ("unknown", "applied", "not_applied", "refused", "not_attempted")


def overall_outcome(outcomes: Collection[Outcome]) -> Outcome:
    """The outcome of a change with these outcomes of its tasks: unknown if any is unknown, else applied if any is."""
    return next((outcome for outcome in _PRECEDENCE if outcome in outcomes), "unchanged")
