"""The names and dates that were resolved for a call, as answers show them; pure."""

from collections.abc import Iterable

from pydantic import MISSING

from taskhand.domain.name_matching import Match
from taskhand.domain.truncation import truncate
from taskhand.server.render.answer import Answer

__all__ = ["MatchRow", "match_rows"]

_NAME = 60


class MatchRow(Answer):
    """A resolved name or relative date; `connection` is set if it was resolved in only one of several."""

    argument: str
    given: str
    id: str
    name: str
    connection: str | MISSING = MISSING


def match_rows(matched: Iterable[Match]) -> tuple[MatchRow, ...]:
    """The rows for these matches."""
    return tuple(
        MatchRow(argument=m.argument, given=truncate(m.given, _NAME), id=m.id, name=truncate(m.name, _NAME))
        for m in matched
    )
