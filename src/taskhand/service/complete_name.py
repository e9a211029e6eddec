"""Complete the beginning of a name that somebody types: a status or a member."""

from collections.abc import Sequence

from taskhand.names import fold
from taskhand.service.desk import Desk

__all__ = ["complete_name"]

_MOST = 20

_STATUS = frozenset({"status", "newStatusName"})
_MEMBER = frozenset({"member", "from", "to", "responsible", "responsibleIds"})


async def complete_name(desk: Desk, argument: str, typed: str) -> Sequence[str]:
    """The names that an argument of this name can go on to; none for an argument that takes no name."""
    names: list[str] = []
    if argument in _STATUS:
        names = [status.name for status in (await desk.backend.statuses()).statuses]
    if argument in _MEMBER:
        names = [member.name for member in await desk.backend.members()]
    return [name for name in dict.fromkeys(names) if fold(name).startswith(fold(typed))][:_MOST]
