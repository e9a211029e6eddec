"""Cuts the description and the other texts of a whole task to fit an answer; pure."""

import json
from typing import Any, Final

from pydantic import MISSING

from taskhand.domain.task import Task
from taskhand.domain.truncation import truncate

__all__ = ["fit_description"]

_MAX_DESCRIPTION: Final = 12_000
_MAX_PROPERTY: Final = 400
_MAX_ESCAPED: Final = 16_000
"""Maximum length of a description as JSON, in which a control character takes six characters."""
_MAX_ESCAPE_CHARACTERS: Final = 6


def fit_description(task: Task) -> Task:
    """The task, its texts cut to fit an answer."""
    texts = {name: text for name, text in (("title", task.title), ("description", task.description)) if text}
    cut: dict[str, Any] = {name: shown for name, text in texts.items() if (shown := _truncate_to_fit(text)) != text}
    if task.properties is not MISSING:
        cut["properties"] = {name: text and truncate(text, _MAX_PROPERTY) for name, text in task.properties.items()}
    shown_priority = {} if task.priority is not None else {"priority": task.shown_priority}
    return task.model_copy(update=cut | shown_priority) if cut or shown_priority else task


def _truncate_to_fit(text: str) -> str:
    if len(text) * _MAX_ESCAPE_CHARACTERS < _MAX_ESCAPED:
        return text
    longest = _MAX_DESCRIPTION
    while len(json.dumps(truncate(text, longest), ensure_ascii=False)) > _MAX_ESCAPED:
        longest //= 2
    return truncate(text, longest) if len(text) > longest else text
