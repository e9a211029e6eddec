"""Many inputs in one request: what is sent, and what came of each; pure.

https://developers.hubspot.com/docs/api-reference/crm-tasks-v3/batch/update-tasks, and for 207
https://developers.hubspot.com/docs/developer-tooling/platform/error-handling ("Multi-status errors"). Results come in
any order, an error may be about several inputs, and an input may be in neither list: then nothing is known of it.
"""

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from taskhand.backends.hubspot.errors import to_error
from taskhand.backends.remote.parsing import JsonObject, objects
from taskhand.domain.errors import TaskhandError

__all__ = ["MOST_INPUTS", "Input", "Parted", "body_of", "chunks", "parted", "unheard_of"]

MOST_INPUTS: Final = 100
"""Inputs of one batch request."""
_NAMING: Final = ("objectWriteTraceId", "ids", "id")


@dataclass(frozen=True, slots=True)
class Input:
    """One task of a batch: `place` among all that were asked for, `trace` its `objectWriteTraceId`."""

    place: int
    trace: str
    task_id: str
    properties: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Parted:
    """What came of a batch, by place: `rows` are the results; a place in neither of the first two is unknown.

    `reasons` are of unknown places: errors that name no input, where there is nothing else that they could be about.
    """

    rows: Mapping[int, JsonObject] = field(default_factory=dict)
    refused: Mapping[int, TaskhandError] = field(default_factory=dict)
    reasons: Mapping[int, TaskhandError] = field(default_factory=dict)

    @property
    def done(self) -> frozenset[int]:
        """The places that have a result."""
        return frozenset(self.rows)


def chunks(inputs: Sequence[Input]) -> list[list[Input]]:
    """Batches of at most a hundred, in each of which a task occurs once: HubSpot refuses a batch with it twice."""
    batches: list[list[Input]] = []
    held: list[set[str]] = []
    for one in inputs:
        for batch, ids in zip(batches, held, strict=True):
            if len(batch) < MOST_INPUTS and one.task_id not in ids:
                batch.append(one)
                ids.add(one.task_id)
                break
        else:
            batches.append([one])
            held.append({one.task_id})
    return batches


def body_of(inputs: Sequence[Input], id_property: str | None) -> JsonObject:
    """The documented body: a trace id on every input, which is what turns a whole refusal into a partial one."""
    by = {"idProperty": id_property} if id_property else {}
    return {
        "inputs": [
            {"id": one.task_id, "properties": dict(one.properties), "objectWriteTraceId": one.trace} | by
            for one in inputs
        ]
    }


def parted(inputs: Sequence[Input], answer: JsonObject, id_property: str | None) -> Parted:
    """Take an answer apart, matching by trace id, else by id; what is said both done and refused is unknown."""
    by_trace = {one.trace: one.place for one in inputs}
    by_id = {one.task_id: one.place for one in inputs}
    results = objects(answer.get("results"))
    done = {place: row for row in results for place in _of_result(row, by_trace, by_id, id_property)}
    refused: dict[int, TaskhandError] = {}
    nameless: list[TaskhandError] = []
    for error in objects(answer.get("errors")):
        for place in _of_error(error, by_trace, by_id):
            refused.setdefault(place, to_error(error))
        if not _names_inputs(error):
            nameless.append(to_error(error))
    both = done.keys() & refused.keys()
    unmatched = [one.place for one in inputs if one.place not in done and one.place not in refused]
    is_plain = len(nameless) == 1 or (nameless and len(unmatched) == 1)
    return Parted(
        {place: row for place, row in done.items() if place not in both},
        {place: error for place, error in refused.items() if place not in both},
        dict.fromkeys(unmatched, nameless[0]) if is_plain else {},
    )


def unheard_of(ids: Sequence[str], answer: JsonObject, found: Container[str]) -> list[str]:
    """The ids asked for that an answer to `batch/read` neither shows nor calls missing."""
    by_id = {one: place for place, one in enumerate(ids)}
    missing = {place for error in objects(answer.get("errors")) for place in _of_error(error, {}, by_id)}
    return [one for place, one in enumerate(ids) if one not in found and place not in missing]


def _of_result(
    row: JsonObject, by_trace: Mapping[str, int], by_id: Mapping[str, int], id_property: str | None
) -> Iterator[int]:
    trace = row.get("objectWriteTraceId")
    if isinstance(trace, str):
        if trace in by_trace:
            yield by_trace[trace]
        return
    properties = row.get("properties")
    known_by = properties.get(id_property) if id_property and isinstance(properties, dict) else row.get("id")
    if str(known_by) in by_id:
        yield by_id[str(known_by)]


def _names_inputs(error: JsonObject) -> bool:
    context = error.get("context")
    return isinstance(context, dict) and any(key in context for key in _NAMING)


def _of_error(error: JsonObject, by_trace: Mapping[str, int], by_id: Mapping[str, int]) -> Iterator[int]:
    """The places that an error names; `ids` count as well as trace ids, as some errors have only one of them."""
    context = error.get("context")
    named = context if isinstance(context, dict) else {}
    for key, places in zip(_NAMING, (by_trace, by_id, by_id), strict=True):
        values = named.get(key)
        for value in values if isinstance(values, list) else ():
            if str(value) in places:
                yield places[str(value)]
