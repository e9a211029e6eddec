"""The note of a list: whose tasks a rule hides from the caller, and days in words that were counted in UTC."""

from collections.abc import Iterable, Mapping

from taskhand.domain.name_matching import Match
from taskhand.service.app_context import AppContext
from taskhand.service.date_notes import merged_note_on_words, note_on_words

__all__ = ["list_note", "merged_list_note"]


def list_note(app: AppContext, matched: Iterable[Match]) -> str | None:
    """The note of the list of one connection; None without a cause."""
    return " ".join(filter(None, (app.principal.rules.note_on_lists, note_on_words(app, matched)))) or None


def merged_list_note(apps: Mapping[str, AppContext], matched: Mapping[str, Iterable[Match]]) -> str | None:
    """The note of the list of several connections; it names those that counted days in words in UTC."""
    rule = next(iter(apps.values())).principal.rules.note_on_lists
    return " ".join(filter(None, (rule, merged_note_on_words(apps, matched)))) or None
