"""The statuses of Vambe, which has no list of them: those that are configured, and those that tasks show; pure."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, get_args

from pydantic import MISSING

from taskhand.backends.remote.write_refusals import references
from taskhand.domain.edit import Edit
from taskhand.domain.errors import CallerError, NotFound, OperatorError
from taskhand.domain.name_matching import fold
from taskhand.domain.status_lookup import unknown_status_error
from taskhand.domain.task import Status, StatusList, StatusType

__all__ = ["StatusCatalogue", "parse_statuses"]


def parse_statuses(text: str, variable: str) -> tuple[tuple[str, StatusType], ...]:
    """The value of a variable: names in their order, each with its type after a colon; OperatorError for anything else.

    Without types the first is initial, the last done, and those between are in progress.
    """
    entries = [entry.strip() for entry in text.split(",") if entry.strip()]
    pairs = [(name.strip(), kind.strip()) for name, _, kind in (entry.partition(":") for entry in entries)]
    defaults = ["initial", *["in_progress"] * (len(pairs) - 2), "done"]
    types = [kind or default for (_, kind), default in zip(pairs, defaults, strict=False)]
    allowed = get_args(StatusType)
    names = {fold(name) for name, _ in pairs} - {""}
    if not pairs or len(names) < len(pairs) or not set(types) <= set(allowed):
        raise OperatorError(
            f"{variable} is not a list of distinct names with optional types.",
            next_step=f"Write it as Pendiente:initial,Completado:done; the types are {', '.join(allowed)}.",
        )
    return tuple((name, kind) for (name, _), kind in zip(pairs, types, strict=True))  # type: ignore[misc]  # checked


class StatusCatalogue:
    """The statuses of an organisation: those configured, and those seen on tasks."""

    def __init__(self, configured: Sequence[tuple[str, StatusType]] = ()) -> None:
        self._configured = configured
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
        """Take note of the name of a status that tasks show only by its id."""
        known = next((status for status in self.known_statuses().statuses if fold(status.name) == fold(name)), None)
        if status_id not in self._seen and known is not None:
            self._seen[status_id] = known.model_copy(update={"id": status_id})

    def known_statuses(self) -> StatusList:
        """The statuses by position, and whether the list is complete."""
        if self._configured:
            return StatusList(self._with_orders(), complete=True, source="the settings, with ids as seen on tasks")
        seen = tuple(sorted(self._seen.values(), key=lambda status: status.order))
        return StatusList(seen, complete=False, source="seen on tasks, as the CRM lists none; there may be others")

    def explain_refusal(self, refused: CallerError, edit: Edit) -> CallerError:
        """The error for a refused PUT, which is probably about the status if that was never seen.

        After a 404 the writer reads the task, which may have been deleted.
        """
        if edit.status is not MISSING and edit.status.id not in self.by_id and _is_of_status(refused, edit):
            asked: Any = edit.status.name if edit.status.name is not None else edit.status.position
            message = f"Vambe refused the change: {str(asked)[:60]!r} is probably none of its statuses."
            return unknown_status_error(str(asked), self.known_statuses(), message=message)
        return refused

    def _with_orders(self) -> tuple[Status, ...]:
        """The configured statuses, each as the CRM spells it once it was seen.

        A status that was seen has its own position, and the others follow on; if these do not fit in between,
        positions count from the position of the first one seen, and from 1 if none was seen.
        """
        by_name = {fold(status.name): status for status in self._seen.values()}
        statuses = [
            by_name.get(fold(name)) or Status(id=None, name=name, color=None, type=kind, order=0)
            for name, kind in self._configured
        ]
        is_seen = [fold(status.name) in by_name for status in statuses]
        first = next((status.order - n for n, status in enumerate(statuses) if is_seen[n]), 1)
        orders: list[int] = []
        for status, seen in zip(statuses, is_seen, strict=True):
            orders.append(status.order if seen else orders[-1] + 1 if orders else first)
        if any(order >= following for order, following in pairwise(orders)):
            orders = [*range(first, first + len(statuses))]
        return tuple(status.model_copy(update={"order": order}) for status, order in zip(statuses, orders, strict=True))


def _is_of_status(refused: CallerError, edit: Edit) -> bool:
    """Whether a refusal is probably about the status: the error names it, or nothing else was sent."""
    if isinstance(refused, NotFound):
        return references(edit) == ["status"]
    named = refused.explanation.arguments if refused.explanation else frozenset[str]()
    return not named.isdisjoint({"newStatusName", "newStatusPosition"}) or len(edit.given_fields()) == 1
