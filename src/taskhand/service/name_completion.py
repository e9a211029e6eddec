"""Complete the beginning of a status or member name that a person types."""

from collections import Counter
from collections.abc import Collection, Sequence

from taskhand.domain.display_text import one_line
from taskhand.domain.name_matching import fold
from taskhand.domain.task import Member
from taskhand.service.app_context import AppContext

__all__ = ["complete_name", "tool_like"]

_STATUS = frozenset({"status", "newStatusName"})
_MEMBER = frozenset({"member", "from", "to", "responsible", "responsibleIds"})

_MAX_LENGTH = 100
"""Characters; a longer name is replaced by the e-mail or id."""


def tool_like(argument: str) -> str | None:
    """The tool that shows the names for this argument; None for an argument that takes no name."""
    return "list_statuses" if argument in _STATUS else "list_team_members" if argument in _MEMBER else None


async def complete_name(app: AppContext, argument: str, typed: str, taken: Collection[str] = ()) -> Sequence[str]:
    """Values for this argument that start with `typed`, then values with a later word that does; empty for others.

    A member who shares a name is offered by e-mail or id, so that every value is unambiguous. `taken` are values of
    other arguments, which are excluded.
    """
    options: list[tuple[str, Sequence[str]]] = []
    if argument in _STATUS:
        names = [one_line(status.name) for status in (await app.backend.statuses()).statuses]
        options = [(name, ()) for name in names if _is_readable(name)]
    elif argument in _MEMBER:
        options = _member_options(await app.backend.account.members())
    beginning = fold(typed)
    left_out = {fold(value) for value in taken}
    ranked = [
        (_rank_of_match(beginning, [value, *aliases]), value)
        for value, aliases in options
        if fold(value) not in left_out
    ]
    return tuple(dict.fromkeys(value for wanted in (0, 1) for rank, value in ranked if rank == wanted))


def _member_options(members: Sequence[Member]) -> list[tuple[str, Sequence[str]]]:
    """A value that means only this member, for each member, and the other texts that match the member."""
    namesakes = Counter(fold(member.name) for member in members)
    return [
        (
            next(filter(_is_readable, _clear_first(member, is_unique=namesakes[fold(member.name)] == 1)), member.id),
            [member.name, member.email or ""],
        )
        for member in members
    ]


def _clear_first(member: Member, *, is_unique: bool) -> Sequence[str]:
    """The texts that match only this member, the most readable first."""
    is_me = fold(member.name) == "me"
    return [*([one_line(member.name)] if is_unique and not is_me else []), one_line(member.email or "")]


def _is_readable(name: str) -> bool:
    """Whether the name is neither blank nor too long."""
    return bool(name) and len(name) <= _MAX_LENGTH


def _rank_of_match(beginning: str, names: Sequence[str]) -> int | None:
    """0 if a name starts with `beginning`, 1 if a later word of a name does, else None."""
    folded = [fold(name) for name in names]
    if any(name.startswith(beginning) for name in folded):
        return 0
    return 1 if any(f" {beginning}" in name for name in folded) else None
