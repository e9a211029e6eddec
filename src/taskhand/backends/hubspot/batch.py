"""Batch requests: the body, and what came of each input; pure.

https://developers.hubspot.com/docs/api-reference/crm-tasks-v3/batch/update-tasks, and for 207
https://developers.hubspot.com/docs/developer-tooling/platform/error-handling ("Multi-status errors"). Results come in
any order, an error may be about several inputs, and an input may be in neither list: then nothing is known of it.
"""

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from taskhand.backends.hubspot.due import moment_of
from taskhand.backends.hubspot.errors import ALL_DAY, to_error
from taskhand.backends.remote.parsing import JsonObject, objects
from taskhand.domain.errors import TaskhandError

__all__ = ["MOST_INPUTS", "Input", "MultiStatusResult", "body_of", "shows_values", "split_answer", "unmentioned"]

MOST_INPUTS: Final = 100
"""Inputs of one batch request."""
_NAMING: Final = ("objectWriteTraceId", "ids", "id")


@dataclass(frozen=True, slots=True)
class Input:
    """One task of a batch: its `index` in the bulk update, its `objectWriteTraceId` and the properties to write."""

    index: int
    trace: str
    task_id: str
    properties: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class MultiStatusResult:
    """What came of a batch, by index; an index in neither `rows` nor `refused` is unknown.

    `reasons` are of unknown indexes: errors that name no input, where there is nothing else that they could be about.
    """

    rows: Mapping[int, JsonObject]
    refused: Mapping[int, TaskhandError]
    reasons: Mapping[int, TaskhandError]


def body_of(inputs: Sequence[Input], id_property: str | None) -> JsonObject:
    """The documented body: a trace id on every input, which is what turns a whole refusal into a partial one."""
    by = {"idProperty": id_property} if id_property else {}
    return {
        "inputs": [
            {"id": one.task_id, "properties": dict(one.properties), "objectWriteTraceId": one.trace} | by
            for one in inputs
        ]
    }


def split_answer(inputs: Sequence[Input], answer: JsonObject, id_property: str | None) -> MultiStatusResult:
    """Split an answer by input, matching by trace id, else by id. An input both done and refused is unknown."""
    by_trace = {one.trace: one.index for one in inputs}
    by_id = {one.task_id: one.index for one in inputs}
    done = {
        index: row for row in objects(answer.get("results")) for index in _of_result(row, by_trace, by_id, id_property)
    }
    refused: dict[int, TaskhandError] = {}
    nameless: list[TaskhandError] = []
    for error in objects(answer.get("errors")):
        for index in _of_error(error, by_trace, by_id):
            refused.setdefault(index, to_error(error))
        context = error.get("context")
        if not isinstance(context, dict) or not any(key in context for key in _NAMING):
            nameless.append(to_error(error))
    both = done.keys() & refused.keys()
    unmatched = [one.index for one in inputs if one.index not in done and one.index not in refused]
    is_plain = len(nameless) == 1 or (nameless and len(unmatched) == 1)
    return MultiStatusResult(
        {index: row for index, row in done.items() if index not in both},
        {index: error for index, error in refused.items() if index not in both},
        dict.fromkeys(unmatched, nameless[0]) if is_plain else {},
    )


def unmentioned(ids: Sequence[str], answer: JsonObject, found: Container[str]) -> list[str]:
    """The ids asked for that an answer to `batch/read` neither shows nor calls missing."""
    by_id = {one: index for index, one in enumerate(ids)}
    missing = {index for error in objects(answer.get("errors")) for index in _of_error(error, {}, by_id)}
    return [one for index, one in enumerate(ids) if one not in found and index not in missing]


def shows_values(properties: JsonObject, sent: Mapping[str, str]) -> bool:
    """Whether properties have every value that was sent; a cleared one is empty, and must be named too.

    An answer to an update holds the properties that changed, normalised. One that shows every value that was sent is
    HubSpot's own word that the write took; whatever it leaves out or shows otherwise has to be read.
    """
    return all(name in properties and _is_same(name, properties[name], value) for name, value in sent.items())


def _is_same(name: str, shown: object, sent: str) -> bool:
    text = "" if shown is None else str(shown)
    if name == ALL_DAY:
        return text.casefold() == sent.casefold()
    if name == "hs_timestamp" and text and sent:
        try:
            return moment_of(text) == moment_of(sent)
        except (ValueError, OverflowError):
            return False
    return text == sent


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


def _of_error(error: JsonObject, by_trace: Mapping[str, int], by_id: Mapping[str, int]) -> Iterator[int]:
    """The indexes that an error names; `ids` count as well as trace ids, as some errors have only one of them."""
    context = error.get("context")
    named = context if isinstance(context, dict) else {}
    for key, indexes in zip(_NAMING, (by_trace, by_id, by_id), strict=True):
        values = named.get(key)
        for value in values if isinstance(values, list) else ():
            if str(value) in indexes:
                yield indexes[str(value)]
