"""The note of a list: whose tasks a rule hides, days in words that were counted in UTC, and words that no task has."""

from collections.abc import Iterable, Mapping
from typing import Final

from taskhand.domain.name_matching import Match
from taskhand.domain.receipt import join_notes
from taskhand.service.app_context import AppContext
from taskhand.service.date_notes import merged_note_on_words, note_on_words

__all__ = ["list_note", "merged_list_note"]

_NO_WORDS: Final = (
    "Each word of text must be in the title or the description, if tasks here have one, at least as a part of a word: "
    "try one word alone, or only its beginning. For the tasks of a contact or company send its name as contact."
)


def list_note(app: AppContext, matched: Iterable[Match], *, has_unfound_text: bool = False) -> str | None:
    """The note of the list of one connection; None without a cause.

    `has_unfound_text` is whether the filter has a text and the list is empty.
    """
    return _join(app.principal.rules.note_on_lists, note_on_words(app, matched), has_unfound_text=has_unfound_text)


def merged_list_note(
    apps: Mapping[str, AppContext], matched: Mapping[str, Iterable[Match]], *, has_unfound_text: bool = False
) -> str | None:
    """The note of the list of several connections; it names those that counted days in words in UTC."""
    rule = next(iter(apps.values())).principal.rules.note_on_lists
    return _join(rule, merged_note_on_words(apps, matched), has_unfound_text=has_unfound_text)


def _join(*notes: str | None, has_unfound_text: bool) -> str | None:
    return join_notes(*notes, _NO_WORDS if has_unfound_text else None)
