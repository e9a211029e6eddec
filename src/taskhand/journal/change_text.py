"""Rendering of a change for a terminal; pure.

Customers' text may contain control characters and characters that reverse the reading direction: all are removed.
"""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import tzinfo
from typing import Final

from taskhand.domain.display_text import one_line
from taskhand.domain.due import moment_text
from taskhand.domain.receipt import FieldChange, changes, preview
from taskhand.journal.journal import Change, Intent, Opening, Result

__all__ = ["render_change"]

_MAX_LENGTH: Final = 80
"""Characters of a text that are rendered."""
_MAX_TASKS: Final = 10
"""Tasks of a change that are rendered, unless one is asked for."""


def render_change(change: Change, zone: tzinfo | None = None, task_id: str | None = None) -> str:
    """A change in a few lines: times in `zone` (None: the system's), all tasks or only `task_id`."""
    return "\n".join([_render_headline(change, zone), *(f"  {line}" for line in _render_details(change, task_id))])


def _render_headline(change: Change, zone: tzinfo | None) -> str:
    words = (
        moment_text(change.opening.at.astimezone(zone), None),
        change.opening.tool,
        _render_outcome(change),
        _render_caller(change.opening),
        change.id,
    )
    return "  ".join(map(one_line, words))


def _render_outcome(change: Change) -> str:
    """The outcome with its code, and for several tasks how many had each outcome."""
    code = f" ({change.ending.code})" if change.ending and change.ending.code else ""
    counts = Counter(result.outcome for result in change.results.values())
    if len(change.results) <= 1:
        return f"{change.outcome}{code}"
    return f"{change.outcome}{code}: {', '.join(f'{count} {outcome}' for outcome, count in counts.items())}"


def _render_caller(opening: Opening) -> str:
    """The person and the client; the person comes first, because a client may give itself any name."""
    caller, connection = opening.caller, opening.connection
    client = " ".join(filter(None, (caller.name, caller.version))) or "an unknown client"
    who = f"{caller.person} with {client}" if caller.person else client
    who += f" ({caller.subject})" if caller.email else ""
    who += f" on {connection}" if connection else ""
    return f"by {who}, own credential" if opening.own_credential else f"by {who}"


def _render_details(change: Change, task_id: str | None) -> Iterator[str]:
    indexes = [index for index in change.indexes if task_id in (None, change.task_id(index))]
    for index in indexes[:_MAX_TASKS]:
        yield from _render_task(change, index)
    if len(indexes) > _MAX_TASKS:
        yield f"… and {len(indexes) - _MAX_TASKS} tasks more"
    opening = change.opening
    if not indexes and opening.arguments:
        yield f"sent: {_render_value(json.dumps(opening.arguments, ensure_ascii=False))[1:-1]}"
    facts = {"reason": opening.reason, "carries out": opening.plan_id, "takes back": opening.undoes}
    yield from (f"{name}: {one_line(value)}" for name, value in facts.items() if value)


def _render_task(change: Change, index: int) -> Iterator[str]:
    """One task: the intent, the result, and the fields that changed."""
    intent, result = change.parts(index)
    task_id, title = change.task_id(index), change.title(index)
    words = [
        f"{intent.verb}:" if intent else "",
        _render_value(title) if title else "",
        f"({task_id})" if task_id else "",
    ]
    yield one_line(" ".join(filter(None, words)) + _render_own_outcome(change, result))
    if intent is not None and intent.verb != "delete":
        yield from (
            f"  {field.field}: {_render_value(field.before)} -> {_render_value(field.after)}"
            for field in _fields(intent, result)
        )


def _render_own_outcome(change: Change, result: Result | None) -> str:
    """The outcome, code and note of one task if they differ from those of the whole change."""
    if result is None:
        return ""
    outcome = result.outcome if result.outcome != change.outcome else None
    code = result.code if change.ending is None or result.code != change.ending.code else None
    return "".join(f", {word}" for word in (outcome, code, result.note) if word)


def _fields(intent: Intent, result: Result | None) -> tuple[FieldChange, ...]:
    """The fields that changed; if the task was not read afterwards, the fields that were to change."""
    if result is not None and result.after is not None:
        return changes(intent.task_before, result.after)
    return changes(intent.task_before, preview(intent.task_before, intent.edit)) if intent.edit is not None else ()


def _render_value(value: object) -> str:
    match value:
        case None:
            return "none"
        case bool():
            return "yes" if value else "no"
        case list() | tuple():
            return ", ".join(one_line(str(item)) for item in value) or "nobody"
        case str():
            text = one_line(value)
            return f'"{text}"' if len(text) <= _MAX_LENGTH else f'"{text[:_MAX_LENGTH]}…"'
        case _:
            return str(value)
