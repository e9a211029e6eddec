"""Tasks of a bulk update that go in requests of their own, and what an error comes to where they were sent before."""

from collections.abc import Awaitable, Callable, Sequence

from taskhand.backends.base import Written
from taskhand.backends.close.chunks import Place
from taskhand.backends.close.outcomes import Outcomes
from taskhand.backends.close.said import CLOSE, LOOK
from taskhand.backends.remote.concurrency import each_by_itself
from taskhand.domain.edit import Edit
from taskhand.domain.errors import CallerError, NotAttempted, OutcomeUnknown, TaskhandError
from taskhand.domain.request_log import recorded_requests
from taskhand.domain.task import Task

__all__ = ["Judge", "as_it_is", "by_themselves", "though_confirmed", "unless_stopped"]

Judge = Callable[[TaskhandError], TaskhandError]


async def by_themselves(
    update: Callable[[Task, Edit], Awaitable[Written]], places: Sequence[Place], outcomes: Outcomes, judge: Judge
) -> None:
    """Write each of these, which are different tasks; `judge` says what an error comes to."""
    places_of = {place.before.id: place for place in places}

    def failed(place: Place, error: TaskhandError) -> None:
        outcomes.heed(error)
        outcomes.failed(place, judge(error))

    async def one(before: Task, edit: Edit) -> Written:
        if outcomes.stopped:
            raise outcomes.stopped
        with recorded_requests() as sent:
            try:
                written = await update(before, edit)
            except TaskhandError as error:
                failed(places_of[before.id], outcomes.cause(error, sent))
                raise
        outcomes.written(places_of[before.id], written)
        return written

    ends = await each_by_itself(one, [(place.before, place.edit) for place in places])
    for place, end in zip(places, ends, strict=True):
        if end.error and not outcomes.is_known(place):
            failed(place, end.error)


def as_it_is(error: TaskhandError) -> TaskhandError:
    """Of a task that was not sent before."""
    return error


def unless_stopped(error: TaskhandError) -> TaskhandError:
    """Of a task in a chunk that was refused: it was sent, and some of a refused chunk can be changed all the same."""
    return CLOSE.unsettled(LOOK) if isinstance(error, NotAttempted) else error


def though_confirmed(error: TaskhandError) -> TaskhandError:
    """Of a task whose write was confirmed: a failure leaves a doubt."""
    return error if isinstance(error, CallerError | OutcomeUnknown) else CLOSE.unsettled(LOOK)
