"""The organisation's task statuses, found by name or by position."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from taskhand.sandbox.text_folding import fold

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from taskhand.sandbox.vambe.spec_variant import SpecVariant


@dataclass(frozen=True)
class StatusConfig:
    """One status, in the documented fields of `status_config`."""

    id: str
    name: str
    color: str
    type: Literal["initial", "in_progress", "done", "master_done"]
    order: int

    @property
    def is_finished(self) -> bool:
        """Whether tasks in this status are finished; both done types are assumed to be."""
        return self.type in {"done", "master_done"}


def initial_status(statuses: Sequence[StatusConfig]) -> StatusConfig:
    """Return the status of a new task: the first of type `initial`."""
    return next(status for status in sort_statuses(statuses) if status.type == "initial")


def sort_statuses(statuses: Sequence[StatusConfig]) -> list[StatusConfig]:
    """Sort by `order`."""
    return sorted(statuses, key=lambda status: status.order)


def find_status(
    statuses: Sequence[StatusConfig], body: Mapping[str, Any], spec_variant: SpecVariant
) -> StatusConfig | None:
    """Return the status that a PUT body names by `newStatusName` or `newStatusPosition`, or None."""
    if "newStatusName" in body:
        return _by_name(statuses, body["newStatusName"], spec_variant)
    return _by_position(statuses, body["newStatusPosition"], spec_variant)


def _by_name(statuses: Sequence[StatusConfig], name: str, spec_variant: SpecVariant) -> StatusConfig | None:
    key = _loose_key if spec_variant.status_names == "loose" else str
    return next((status for status in sort_statuses(statuses) if key(status.name) == key(name)), None)


def _by_position(statuses: Sequence[StatusConfig], position: float, spec_variant: SpecVariant) -> StatusConfig | None:
    numbered = enumerate(sort_statuses(statuses))
    by_position: dict[float, StatusConfig] = {
        index if spec_variant.position == "index" else status.order: status for index, status in numbered
    }
    return by_position.get(position)


def _loose_key(name: str) -> str:
    return fold(name.strip())
