"""An error as JSON that a model can act on, or as a sentence for a person; pure."""

import json
import math
from typing import Any

from taskhand.domain.errors import Candidate, TaskhandError
from taskhand.domain.plan import Difference
from taskhand.domain.text import plain, plain_json, truncate
from taskhand.server.render.answer import mark_untrusted
from taskhand.server.render.writes import to_difference_row

__all__ = ["error_sentence", "render_error"]

_MESSAGE, _CANDIDATE = 2_000, 200
_FREE_TEXT = ("candidates.name", "difference.title", "difference.changed")


def render_error(error: TaskhandError) -> str:
    """`code`, `message`, `retryable`, and where there are any, `candidates`, `next`, `retry_after_s` and details."""
    said: dict[str, Any] = {"code": error.code, "message": truncate(error.message, _MESSAGE)}
    if error.candidates:
        said["candidates"] = [_candidate(candidate) for candidate in error.candidates]
    if error.next_step:
        said["next"] = error.next_step
    said["retryable"] = error.retryable
    if error.retry_after_s is not None:
        said["retry_after_s"] = math.ceil(error.retry_after_s)
    said |= {name: _detail(value) for name, value in error.details.items()}
    said = plain_json(said)
    return json.dumps({"error": said | mark_untrusted(said, _FREE_TEXT)}, ensure_ascii=False, separators=(",", ":"))


def error_sentence(error: TaskhandError) -> str:
    """What a person reads of an error where the protocol has room for nothing else."""
    return plain(" ".join(filter(None, [truncate(error.message, _MESSAGE), error.next_step])))


def _candidate(candidate: Candidate) -> dict[str, str]:
    named = {"name": truncate(candidate.name, _CANDIDATE)} if candidate.name else {}
    return {"value": truncate(candidate.value, _CANDIDATE)} | named


def _detail(value: object) -> Any:
    if isinstance(value, list | tuple):
        return [_detail(item) for item in value]
    return to_difference_row(value).model_dump(mode="json") if isinstance(value, Difference) else value
