"""Task statuses: the organisation's own, found by name or by position."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from taskhand.sandbox.vambe.spec_variant import SpecVariant

FINISHED = frozenset({"done", "master_done"})  # both count as finished


@dataclass(frozen=True)
class Status:
    """One status configuration, in the fields of `status_config`."""

    id: str
    name: str
    color: str
    type: Literal["initial", "in_progress", "done", "master_done"]
    order: int

    @property
    def is_finished(self) -> bool:
        """Whether a task in this status is over."""
        return self.type in FINISHED


def initial_status(statuses: Sequence[Status]) -> Status:
    """Give the status of a new task: the first of type `initial`."""
    return next(status for status in sort_statuses(statuses) if status.type == "initial")


def sort_statuses(statuses: Sequence[Status]) -> list[Status]:
    """Sort by `order`."""
    return sorted(statuses, key=lambda status: status.order)


def find_status(statuses: Sequence[Status], body: Mapping[str, Any], spec_variant: SpecVariant) -> Status | None:
    """Find the status that a PUT body asks for; None when there is no such status."""
    if "newStatusName" in body:
        return _by_name(statuses, body["newStatusName"], spec_variant)
    return _by_position(statuses, body["newStatusPosition"], spec_variant)


def _by_name(statuses: Sequence[Status], name: str, spec_variant: SpecVariant) -> Status | None:
    # must match an existing name; how closely is
    fold = _folded if spec_variant.status_names == "loose" else str
    return next((status for status in sort_statuses(statuses) if fold(status.name) == fold(name)), None)


def _by_position(statuses: Sequence[Status], position: float, spec_variant: SpecVariant) -> Status | None:
    # H1, the position is the `order`; H2, the 0-based index
    numbered = enumerate(sort_statuses(statuses))
    places = {index if spec_variant.position == "index" else status.order: status for index, status in numbered}
    return next((status for place, status in places.items() if place == position), None)


def _folded(name: str) -> str:
    letters = unicodedata.normalize("NFD", name.strip().casefold())
    return "".join(letter for letter in letters if not unicodedata.combining(letter))
