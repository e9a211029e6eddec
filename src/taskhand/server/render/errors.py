"""An error as JSON that a model can act on, or as one sentence for a person; pure."""

import json
import math
from typing import Any

from taskhand.domain.errors import Candidate, TaskhandError
from taskhand.domain.plan import Difference
from taskhand.domain.text import plain, plain_json, truncate
from taskhand.server.render.untrusted import mark_untrusted
from taskhand.server.render.writes import to_difference_row

__all__ = ["error_sentence", "render_error"]

_MESSAGE, _CANDIDATE = 2_000, 200
_FREE_TEXT = ("candidates.name", "difference.title", "difference.changed", "wouldWrite")
_VALUE = "candidates.value"


def render_error(error: TaskhandError) -> str:
    """JSON with `code`, `message` and `retryable`; where there are any, also `candidates`, `next` and the details."""
    fields: dict[str, Any] = {"code": error.code, "message": truncate(error.message, _MESSAGE)}
    if error.candidates:
        fields["candidates"] = [_candidate(candidate) for candidate in error.candidates]
    if error.next_step:
        fields["next"] = error.next_step
    fields["retryable"] = error.retryable
    if error.retry_after_s is not None:
        fields["retry_after_s"] = math.ceil(error.retry_after_s)
    fields |= {name: _detail(value) for name, value in error.details.items()}
    fields = plain_json(fields)
    paths = (_VALUE, *_FREE_TEXT) if any(one.is_free_text for one in error.candidates) else _FREE_TEXT
    return json.dumps({"error": fields | mark_untrusted(fields, paths)}, ensure_ascii=False, separators=(",", ":"))


def error_sentence(error: TaskhandError) -> str:
    """The error as a sentence, where the protocol has room for nothing else."""
    return plain(" ".join(filter(None, [truncate(error.message, _MESSAGE), error.next_step])))


def _candidate(candidate: Candidate) -> dict[str, str]:
    named = {"name": truncate(candidate.name, _CANDIDATE)} if candidate.name else {}
    return {"value": truncate(candidate.value, _CANDIDATE)} | named


def _detail(value: object) -> Any:
    if isinstance(value, list | tuple):
        return [_detail(item) for item in value]
    return to_difference_row(value).model_dump(mode="json") if isinstance(value, Difference) else value
