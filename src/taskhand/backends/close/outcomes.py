"""What came of each of many edits, told to whoever watches as soon as it is known, and once."""

from collections.abc import Sequence

from taskhand.backends.base import BulkProgress, ItemResult, Written
from taskhand.backends.close.chunks import Place
from taskhand.domain.errors import NotAttempted, RateLimited, TaskhandError
from taskhand.domain.task import Task

__all__ = ["Outcomes"]


class Outcomes:
    """The outcomes of one bulk update, by place."""

    def __init__(self, watch: BulkProgress) -> None:
        self._watch = watch
        self._known: dict[int, ItemResult] = {}

    @property
    def stopped(self) -> NotAttempted | None:
        """Why nothing more may be sent."""
        return self._watch.stopped

    def written(self, place: Place, written: Written) -> None:
        """It is so."""
        self._tell(place, ItemResult(place.before.id, written))

    def failed(self, place: Place, error: TaskhandError) -> None:
        """It is not so, or nobody can tell."""
        self._tell(place, ItemResult(place.before.id, error=error))

    def failed_all(self, places: Sequence[Place], error: TaskhandError) -> None:
        """The error of all that have no outcome yet."""
        for place in places:
            if not self.is_known(place):
                self.failed(place, error)

    def cause(self, error: TaskhandError, sent: Sequence[str]) -> TaskhandError:
        """What kept a write from being done: its error, or why all was stopped where it waited for its turn till then.

        `sent` are the requests that left for it.
        """
        waited = isinstance(error, RateLimited) and not any(one.startswith("PUT ") for one in sent)
        return self.stopped if waited and self.stopped is not None else error

    def heed(self, error: TaskhandError) -> None:
        """Let nothing more be sent where Close asked to wait, be it while something was only read."""
        if isinstance(error, RateLimited) and self._watch.stopped is None:
            self._watch.stop("the CRM asked to wait", retry_after_s=error.retry_after_s)

    def is_known(self, place: Place) -> bool:
        """Whether the place has its outcome."""
        return place.number in self._known

    def task(self, place: Place) -> Task | None:
        """The task as it was written."""
        outcome = self._known[place.number]
        return outcome.written.task if outcome.written else None

    def error(self, place: Place) -> TaskhandError | None:
        """What kept the task from being written."""
        return self._known[place.number].error

    def in_order(self, count: int) -> tuple[ItemResult, ...]:
        """All of them, by place."""
        return tuple(self._known[number] for number in range(count))

    def _tell(self, place: Place, outcome: ItemResult) -> None:
        self._known[place.number] = outcome
        self._watch.tell(place.number, outcome)
