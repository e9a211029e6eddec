"""An error as JSON that a model can act on, or as one sentence for a person; pure."""

import json
import math
from collections.abc import Sequence
from typing import Any

from taskhand.domain.display_text import plain, plain_json
from taskhand.domain.errors import Candidate, TaskhandError
from taskhand.domain.plan import Difference
from taskhand.domain.receipt import join_notes, people_in_difference
from taskhand.domain.truncation import truncate
from taskhand.domain.wording import Wording
from taskhand.server.render.differences import difference_row
from taskhand.server.render.untrusted import mark_untrusted

__all__ = ["error_sentence", "name_connections", "people_in_error", "render_error"]

_MESSAGE, _CANDIDATE = 2_000, 200
_FREE_TEXT = ("candidates.name", "difference.title", "difference.changed", "wouldWrite")
_VALUE = "candidates.value"
_OF_ONE = "An id is of one connection only."


def render_error(error: TaskhandError, wording: Wording | None = None) -> str:
    """JSON with `code`, `message` and `retryable`; if present, also `candidates`, `next` and the details."""
    wording = wording or Wording()
    fields: dict[str, Any] = {"code": error.code, "message": _message(error)}
    if error.candidates:
        fields["candidates"] = [_candidate(candidate) for candidate in error.candidates]
    if next_step := _next_step(error):
        fields["next"] = next_step
    fields["retryable"] = error.retryable
    if error.retry_after_s is not None:
        fields["retry_after_s"] = math.ceil(error.retry_after_s)
    fields |= {name: _detail(value, wording) for name, value in error.details.items()}
    fields = plain_json(fields)
    paths = (_VALUE, *_FREE_TEXT) if any(candidate.is_free_text for candidate in error.candidates) else _FREE_TEXT
    return json.dumps({"error": fields | mark_untrusted(fields, paths)}, ensure_ascii=False, separators=(",", ":"))


def people_in_error(error: TaskhandError) -> frozenset[str]:
    """The ids of the people in the differences that an error holds."""
    parts = (part for value in error.details.values() if isinstance(value, list | tuple) for part in value)
    return people_in_difference(change for part in parts if isinstance(part, Difference) for change in part.changed)


def error_sentence(error: TaskhandError) -> str:
    """The error as one sentence, for protocol fields that hold only a text, and for traces."""
    step = _next_step(error) if error.private_step is None else None
    return plain(" ".join(filter(None, [_message(error), step])))


def _message(error: TaskhandError) -> str:
    """The message, which begins with the connection of the error."""
    return truncate(f"{error.connection}: {error.message}" if error.connection else error.message, _MESSAGE)


def _next_step(error: TaskhandError) -> str | None:
    """The next step; an id that was not found may be of another connection."""
    of_one = error.connection is not None and error.code in ("task_not_found", "invalid_id")
    return join_notes(error.private_step or error.next_step, _OF_ONE if of_one else None)


def _candidate(candidate: Candidate) -> dict[str, Any]:
    named = {"name": truncate(candidate.name, _CANDIDATE)} if candidate.name else {}
    value: dict[str, Any] = {"value": truncate(candidate.value, _CANDIDATE)}
    return value | named | name_connections(candidate.connections)


def name_connections(names: Sequence[str]) -> dict[str, Any]:
    """The field that names these connections; `connection`, as calls send it, for one, and nothing for none."""
    if len(names) == 1:
        return {"connection": names[0]}
    return {"connections": tuple(names)} if names else {}


def _detail(value: object, wording: Wording) -> Any:
    if isinstance(value, list | tuple):
        return [_detail(item, wording) for item in value]
    return difference_row(value, wording).model_dump(mode="json") if isinstance(value, Difference) else value
