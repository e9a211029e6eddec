"""A change as a person reads it in a terminal; pure.

What customers wrote may hold characters that a terminal obeys, or that turn around what is read: none gets through.
"""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import tzinfo
from typing import Final

from taskhand.domain.change import FieldChange, changes, preview
from taskhand.domain.text import plain
from taskhand.journal.journal import Caller, Change, Intent, Result

__all__ = ["render_change"]

_LONGEST: Final = 80
"""Characters of a text that are shown."""
_MOST: Final = 10
"""Tasks of a change that are shown, unless one is asked for."""


def render_change(change: Change, zone: tzinfo | None = None, task_id: str | None = None) -> str:
    """A change in a few lines, times on the clock of `zone` (the system's where None); of one task if `task_id`."""
    return "\n".join([_headline(change, zone), *(f"  {line}" for line in _lines(change, task_id))])


def _headline(change: Change, zone: tzinfo | None) -> str:
    at = change.opening.at.astimezone(zone)
    words = (
        f"{at:%Y-%m-%d %H:%M:%S}",
        change.opening.tool,
        _outcome(change),
        _who(change.opening.caller),
        change.id,
    )
    return "  ".join(map(_line, words))


def _outcome(change: Change) -> str:
    """The outcome with its code, and of many tasks how many had which."""
    code = f" ({change.ending.code})" if change.ending and change.ending.code else ""
    counts = Counter(result.outcome for result in change.results.values())
    if len(change.results) <= 1:
        return f"{change.outcome}{code}"
    return f"{change.outcome}{code}: {', '.join(f'{count} {outcome}' for outcome, count in counts.items())}"


def _who(caller: Caller) -> str:
    known = " ".join(filter(None, (caller.name, caller.version)))
    return f"by {known or 'an unknown client'}{f' for {caller.subject}' if caller.subject else ''}"


def _lines(change: Change, task_id: str | None) -> Iterator[str]:
    places = [place for place in _places(change) if task_id in (None, _id(change, place))]
    for place in places[:_MOST]:
        yield from _task(change, place)
    if len(places) > _MOST:
        yield f"… and {len(places) - _MOST} tasks more"
    opening = change.opening
    if not places and opening.arguments:
        yield f"sent: {_shown(json.dumps(opening.arguments, ensure_ascii=False))[1:-1]}"
    facts = {"reason": opening.reason, "carries out": opening.plan_id, "takes back": opening.undoes}
    yield from (f"{name}: {_line(value)}" for name, value in facts.items() if value)


def _places(change: Change) -> list[int]:
    """All that something was to be done to, or that has a result of its own."""
    return sorted({*range(len(change.intents)), *change.results})


def _parts(change: Change, place: int) -> tuple[Intent | None, Result | None]:
    return change.intents[place] if place < len(change.intents) else None, change.results.get(place)


def _id(change: Change, place: int) -> str | None:
    intent, result = _parts(change, place)
    return (intent.task_id if intent else None) or (result.task_id if result else None)


def _task(change: Change, place: int) -> Iterator[str]:
    """One task: what was to become of it, what came of that, and its fields."""
    intent, result = _parts(change, place)
    known, name = _id(change, place), _title(intent, result)
    words = [f"{intent.verb}:" if intent else "", _shown(name) if name else "", f"({known})" if known else ""]
    yield _line(" ".join(filter(None, words)) + _apart(change, result))
    if intent is not None and intent.verb != "delete":
        yield from (
            f"  {line.field}: {_shown(line.before)} -> {_shown(line.after)}" for line in _fields(intent, result)
        )


def _apart(change: Change, result: Result | None) -> str:
    """What is to be said of this task besides what is said of the whole."""
    if result is None:
        return ""
    outcome = result.outcome if result.outcome != change.outcome else None
    code = result.code if change.ending is None or result.code != change.ending.code else None
    return "".join(f", {word}" for word in (outcome, code, result.note) if word)


def _title(intent: Intent | None, result: Result | None) -> str | None:
    if intent and intent.before:
        return intent.before.task.title
    if result and result.after:
        return result.after.title
    return intent.edit.title if intent and intent.edit and isinstance(intent.edit.title, str) else None


def _fields(intent: Intent, result: Result | None) -> tuple[FieldChange, ...]:
    """What was different afterwards; where that is not known, what was to be."""
    before = intent.before.task if intent.before else None
    if result is not None and result.after is not None:
        return changes(before, result.after)
    return changes(before, preview(before, intent.edit)) if intent.edit is not None else ()


def _shown(value: object) -> str:
    match value:
        case None:
            return "none"
        case bool():
            return "yes" if value else "no"
        case list() | tuple():
            return ", ".join(_line(str(item)) for item in value) or "nobody"
        case str():
            text = _line(value)
            return f'"{text}"' if len(text) <= _LONGEST else f'"{text[:_LONGEST]}…"'
        case _:
            return str(value)


def _line(text: str) -> str:
    """The text in one line, without what is not seen."""
    return " ".join(plain(text).split())
