"""Batch requests: the body, and what came of each input; pure.

https://developers.hubspot.com/docs/api-reference/crm-tasks-v3/batch/update-tasks, and for 207
https://developers.hubspot.com/docs/developer-tooling/platform/error-handling ("Multi-status errors"). Results come in
any order, an error may be about several inputs, and an input may be in neither list: then nothing is known of it.
"""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from taskhand.backends.hubspot.due import moment_of
from taskhand.backends.hubspot.errors import ALL_DAY, context_values, to_error
from taskhand.backends.hubspot.mapping import value_at
from taskhand.backends.remote.bulk_item import BatchAnswer
from taskhand.backends.remote.parsing import JsonObject, objects

if TYPE_CHECKING:
    from taskhand.domain.errors import TaskhandError

__all__ = ["MOST_INPUTS", "Input", "body_of", "new_body_of", "parts", "shows_values", "split_answer", "unmentioned"]

MOST_INPUTS: Final = 100
"""Inputs of one batch request."""
_NAMING: Final = ("objectWriteTraceId", "ids", "id")

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Input:
    """One task of a batch: its `index` among all, its `objectWriteTraceId` and the properties to write.

    `task_id` is empty for a new task; `associations` are its links.
    """

    index: int
    trace: str
    task_id: str
    properties: Mapping[str, str]
    associations: Sequence[JsonObject] = ()


def parts(items: Sequence[_T], most: int) -> list[Sequence[_T]]:
    """The items in parts of at most `most`."""
    return [items[at : at + most] for at in range(0, len(items), most)]


def body_of(inputs: Sequence[Input], id_property: str | None) -> JsonObject:
    """The documented body: a trace id on every input, which is what turns a whole refusal into a partial one."""
    by = {"idProperty": id_property} if id_property else {}
    inputs_json = [
        {"id": one.task_id, "properties": dict(one.properties), "objectWriteTraceId": one.trace} | by for one in inputs
    ]
    return {"inputs": inputs_json}


def new_body_of(inputs: Sequence[Input]) -> JsonObject:
    """The documented body of new tasks, with a trace id on every input."""
    return {
        "inputs": [
            {"properties": dict(one.properties), "objectWriteTraceId": one.trace}
            | ({"associations": list(one.associations)} if one.associations else {})
            for one in inputs
        ]
    }


def split_answer(inputs: Sequence[Input], answer: JsonObject, id_property: str | None) -> BatchAnswer[JsonObject]:
    """Split an answer by input, matching by trace id, else by id. An input both done and refused is lost.

    An error that names no input is the reason of those lost, where there is nothing else that it could be about.
    """
    indexes = {one.task_id: one.index for one in inputs if one.task_id} | {one.trace: one.index for one in inputs}
    results = ((_name_of(row, id_property), row) for row in objects(answer.get("results")))
    done = {indexes[name]: row for name, row in results if name in indexes}
    refused: dict[int, TaskhandError] = {}
    nameless: list[TaskhandError] = []
    for error in objects(answer.get("errors")):
        names = context_values(error, *_NAMING)
        nameless += [] if names else [to_error(error)]
        for index in (indexes[name] for name in names if name in indexes):
            refused.setdefault(index, to_error(error))
    both = done.keys() & refused.keys()
    unmatched = [one.index for one in inputs if one.index not in done and one.index not in refused]
    reason = nameless[0] if len(nameless) == 1 or (nameless and len(unmatched) == 1) else None
    return BatchAnswer(
        {index: row for index, row in done.items() if index not in both},
        {index: error for index, error in refused.items() if index not in both},
        dict.fromkeys(both) | dict.fromkeys(unmatched, reason),
    )


def unmentioned(ids: Sequence[str], answer: JsonObject, found: Container[str]) -> list[str]:
    """The ids asked for that an answer to `batch/read` neither shows nor calls missing."""
    missing = {name for error in objects(answer.get("errors")) for name in context_values(error, *_NAMING)}
    return [one for one in ids if one not in found and one not in missing]


def shows_values(properties: JsonObject, sent: Mapping[str, str]) -> bool:
    """Whether properties have every value that was sent; a cleared one is empty, and must be named too."""
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


def _name_of(row: JsonObject, id_property: str | None) -> str:
    """The trace id of a result; the task's id where it has none."""
    if isinstance(trace := row.get("objectWriteTraceId"), str):
        return trace
    return str(value_at(row, "properties", id_property) if id_property else row.get("id"))
