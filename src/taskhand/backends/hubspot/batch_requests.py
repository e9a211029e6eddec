"""Batch requests that write HubSpot tasks: the outcome of each task is read from the response.

https://developers.hubspot.com/docs/api-reference/crm-tasks-v3/batch/update-tasks, and for 207
https://developers.hubspot.com/docs/developer-tooling/platform/error-handling ("Multi-status errors"). Results come in
any order. One error may be about several inputs. The outcome of an input that is in neither list is unknown.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Final, TypeVar

from taskhand.backends.hubspot.errors import ids_in_error, to_error
from taskhand.backends.hubspot.fields.due import AllDayFlag
from taskhand.backends.hubspot.mapping import Record
from taskhand.backends.remote.bulk_item import BatchAnswer, NewTask
from taskhand.backends.remote.parsing import JsonObject, objects, value_at
from taskhand.domain.errors import CallerError, OutcomeUnknown, TaskhandError, UpstreamFailed

__all__ = ["BatchRequests", "TaskInput", "resend_part", "split_answer"]

_PENDING: Final = frozenset({"PENDING", "PROCESSING"})
"""The statuses of a batch that HubSpot has accepted but not executed yet: documented, never recorded."""


@dataclass(frozen=True, slots=True)
class TaskInput:
    """One task of a batch: its `index` in the bulk, its properties, and the `associations` of a new task.

    `task_id` is empty for a new task. `trace` is the `objectWriteTraceId`: with it, HubSpot refuses single inputs
    instead of the whole batch.
    """

    index: int
    task_id: str
    properties: dict[str, str]
    associations: Sequence[JsonObject] = ()
    trace: str = ""

    @property
    def json(self) -> JsonObject:
        """The input as HubSpot documents it."""
        of_task = {"id": self.task_id} if self.task_id else {}
        links = {"associations": list(self.associations)} if self.associations else {}
        return {"properties": self.properties, "objectWriteTraceId": self.trace} | of_task | links


_One = TypeVar("_One", TaskInput, NewTask[Record])
_Row = TypeVar("_Row")


class BatchRequests:
    """Sends the batches of an account, whose tasks have the `id_property` as id (None: HubSpot's own id)."""

    def __init__(self, id_property: str | None, all_day: AllDayFlag) -> None:
        self._id_property = id_property
        self._all_day = all_day
        self._numbers = count(1)

    async def send(
        self, inputs: Sequence[TaskInput], post: Callable[[list[JsonObject]], Awaitable[JsonObject]]
    ) -> BatchAnswer[JsonObject]:
        """`post` inputs; those refused only for the all-day flag are sent once more without it.

        The rows of a batch that is not complete are left out: HubSpot may still fail to write them.
        """
        if not inputs:
            return BatchAnswer()
        # A response that a proxy sends twice must not name the inputs of a later batch.
        number, strip = next(self._numbers), self._all_day.strip
        sent = [replace(item, trace=f"{number}-{item.index}", properties=strip(item.properties)) for item in inputs]
        try:
            json = await post([item.json for item in sent])
        except CallerError as error:
            if not any(self._all_day.note_refusal(error, item.properties) for item in sent):
                raise
            return await self.send(inputs, post)
        answer = split_answer(sent, json, self._id_property)
        pending = {item.index for item in sent} - answer.refused.keys() if json.get("status") in _PENDING else ()
        rows = answer.rows if json.get("status") == "COMPLETE" else {}
        answer = replace(answer, rows=rows, pending=frozenset(pending))
        refused = [(item, why) for item in sent if (why := answer.refused.get(item.index)) is not None]
        flagged = [item for item, why in refused if self._all_day.note_refusal(why, item.properties)]
        return await resend_part(answer, flagged, lambda part: self.send(part, post))


def split_answer(inputs: Sequence[TaskInput], answer: JsonObject, id_property: str | None) -> BatchAnswer[JsonObject]:
    """Split a response by input, matched by trace id, else by id. An input both in results and in errors is lost.

    An error that names no input is the reason of the lost inputs if it is the only such error, or if only one input is
    lost.
    """
    indexes = {item.task_id: item.index for item in inputs if item.task_id} | {
        item.trace: item.index for item in inputs
    }
    results = ((_name_of(row, id_property), row) for row in objects(answer.get("results")))
    done = {indexes[name]: row for name, row in results if name in indexes}
    refused: dict[int, TaskhandError] = {}
    nameless: list[TaskhandError] = []
    for error in objects(answer.get("errors")):
        names = ids_in_error(error)
        nameless += [] if names else [to_error(error)]
        for index in (indexes[name] for name in names if name in indexes):
            refused.setdefault(index, to_error(error))
    both = done.keys() & refused.keys()
    unmatched = [item.index for item in inputs if item.index not in done and item.index not in refused]
    reason = nameless[0] if len(nameless) == 1 or (nameless and len(unmatched) == 1) else None
    return BatchAnswer(
        {index: row for index, row in done.items() if index not in both},
        {index: error for index, error in refused.items() if index not in both},
        dict.fromkeys(both) | dict.fromkeys(unmatched, reason),
    )


def _name_of(row: JsonObject, id_property: str | None) -> str:
    """The trace id of a result; the task's id if the result has no trace id."""
    if isinstance(trace := row.get("objectWriteTraceId"), str):
        return trace
    return str(value_at(row, "properties", id_property) if id_property else row.get("id"))


async def resend_part(
    answer: BatchAnswer[_Row], part: Sequence[_One], send: Callable[[Sequence[_One]], Awaitable[BatchAnswer[_Row]]]
) -> BatchAnswer[_Row]:
    """The answer after the items in `part`, which it refuses, were sent once more; an error concerns only these."""
    if not part:
        return answer
    indexes = [item.index for item in part]
    try:
        again = await send(part)
    except (OutcomeUnknown, UpstreamFailed) as fault:
        again = BatchAnswer(lost=dict.fromkeys(indexes, fault))
    except TaskhandError as error:
        again = BatchAnswer(refused=dict.fromkeys(indexes, error))
    left = {index: error for index, error in answer.refused.items() if index not in indexes}
    return BatchAnswer(
        {**answer.rows, **again.rows},
        {**left, **again.refused},
        {**answer.lost, **again.lost},
        answer.pending | again.pending,
    )
