"""The names and dates that a call was understood to mean, as answers show them; pure."""

from collections.abc import Iterable

from pydantic import MISSING

from taskhand.domain.names import Match
from taskhand.domain.text import truncate
from taskhand.server.render.answer import Answer

__all__ = ["MatchRow", "match_rows"]

_NAME = 60


class MatchRow(Answer):
    """A name or a date in words that was resolved; `connection` is the only one, of several, where it means that."""

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
