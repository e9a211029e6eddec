"""The statuses of a Vambe organisation: no documented endpoint lists them, so they are configured, or learned."""

from collections.abc import Sequence
from typing import get_args

from taskhand.domain.errors import OperatorError
from taskhand.domain.names import fold
from taskhand.domain.task import Status, StatusList, StatusType

__all__ = ["StatusCatalogue", "parse_statuses"]


def parse_statuses(text: str) -> tuple[tuple[str, StatusType], ...]:
    """`VAMBE_STATUSES`: names in their order, each with its type after a colon; OperatorError says what is wrong.

    Without types the first is initial, the last done, and those between are in progress.
    """
    entries = [entry.strip() for entry in text.split(",") if entry.strip()]
    pairs = [(name.strip(), kind.strip()) for name, _, kind in (entry.partition(":") for entry in entries)]
    types = [kind or _usual(place, len(pairs)) for place, (_, kind) in enumerate(pairs)]
    allowed = get_args(StatusType)
    names = {fold(name) for name, _ in pairs} - {""}
    if not pairs or len(names) < len(pairs) or not set(types) <= set(allowed):
        raise OperatorError(
            "VAMBE_STATUSES is not a list of distinct names with optional types.",
            next_step=f"Write it as Pendiente:initial,Completado:done; the types are {', '.join(allowed)}.",
        )
    return tuple((name, kind) for (name, _), kind in zip(pairs, types, strict=True))  # type: ignore[misc]  # checked


def _usual(place: int, count: int) -> StatusType:
    if place == 0:
        return "initial"
    return "done" if place == count - 1 else "in_progress"


class StatusCatalogue:
    """What is known of the statuses: those configured make the list complete, those seen give ids and colours."""

    def __init__(self, named: Sequence[tuple[str, StatusType]] = ()) -> None:
        self._named = named
        self._seen: dict[str, Status] = {}

    @property
    def by_id(self) -> dict[str, Status]:
        """The statuses that were seen, by id."""
        return {status.id: status for status in self._seen.values() if status.id}

    def see(self, status: Status | None) -> None:
        """Take note of a status on a task."""
        if status is not None:
            self._seen[status.id or fold(status.name)] = status

    def name(self, status_id: str, name: str) -> None:
        """Take note of what a status that is only ever shown by its id is called."""
        known = next((status for status in self.known().statuses if fold(status.name) == fold(name)), None)
        if status_id not in self._seen and known is not None:
            self._seen[status_id] = known.model_copy(update={"id": status_id})

    def known(self) -> StatusList:
        """The statuses by position, and whether they are all."""
        if self._named:
            source = "VAMBE_STATUSES, with ids as seen on tasks"
            return StatusList(tuple(self._configured()), complete=True, source=source)
        seen = sorted(self._seen.values(), key=lambda status: status.order)
        return StatusList(
            tuple(seen), complete=False, source="seen on tasks, as Vambe lists none; set VAMBE_STATUSES for all"
        )

    def _configured(self) -> list[Status]:
        """The configured statuses; where none was seen positions count from 1, as in Vambe's sample."""
        seen = {fold(status.name): status for status in self._seen.values()}
        places = [seen[fold(name)].order - place for place, (name, _) in enumerate(self._named) if fold(name) in seen]
        first = places[0] if places else 1
        statuses = []
        for place, (name, kind) in enumerate(self._named):
            met = seen.get(fold(name))
            plain = Status(id=None, name=name, color=None, type=kind, order=first + place)
            # Vambe's own spelling, and its own type, count once they have been seen.
            statuses.append(met.model_copy(update={"order": first + place}) if met else plain)
        return statuses
