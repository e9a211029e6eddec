"""The note of a list: whose tasks a rule hides, days in words counted in UTC, and why no task can match."""

from collections.abc import Iterable, Mapping
from typing import Final

from pydantic import MISSING

from taskhand.domain.name_matching import Match
from taskhand.domain.receipt import join_notes
from taskhand.domain.status_lookup import describe_absent_statuses
from taskhand.domain.task_query import TaskFilter
from taskhand.service.app_context import AppContext
from taskhand.service.date_notes import merged_note_on_words, note_on_words

__all__ = ["list_note", "merged_list_note", "note_on_statuses"]

_NO_WORDS: Final = (
    "Each word of text must be in the title or the description, if tasks here have one, at least as a part of a word: "
    "try one word alone, or only its beginning. For the tasks of a contact or company send its name as contact."
)


async def list_note(
    app: AppContext, matched: Iterable[Match], task_filter: TaskFilter | None = None, *, is_empty: bool = False
) -> str | None:
    """The note of the list of one connection; None without a cause. `task_filter` is that of a list of tasks."""
    types = await note_on_statuses(app, task_filter)
    return _join(app, task_filter, note_on_words(app, matched), types, is_empty=is_empty)


async def merged_list_note(
    apps: Mapping[str, AppContext],
    matched: Mapping[str, Iterable[Match]],
    task_filter: TaskFilter | None = None,
    *,
    is_empty: bool = False,
) -> str | None:
    """The note of the list of several connections; a note on some of them names these."""
    about: dict[str, list[str]] = {}
    for name in matched:
        if (note := await note_on_statuses(apps[name], task_filter)) is not None:
            about.setdefault(note, []).append(name)
    types = [f"{', '.join(names)}: {note}" for note, names in about.items()]
    words = merged_note_on_words(apps, matched)
    return _join(next(iter(apps.values())), task_filter, words, *types, is_empty=is_empty)


async def note_on_statuses(app: AppContext, task_filter: TaskFilter | None) -> str | None:
    """The note on a filter by statuses of which the connection has none, or has seen none yet."""
    if task_filter is None or task_filter.status is MISSING:
        return None
    return describe_absent_statuses(task_filter.status, await app.backend.statuses())


def _join(app: AppContext, task_filter: TaskFilter | None, *notes: str | None, is_empty: bool) -> str | None:
    has_unfound_text = is_empty and task_filter is not None and task_filter.text is not MISSING
    return join_notes(app.principal.rules.note_on_lists, *notes, _NO_WORDS if has_unfound_text else None)
