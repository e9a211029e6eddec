"""Complete the beginning of a name that somebody types: a status or a member."""

from collections import Counter
from collections.abc import Collection, Sequence

from taskhand.domain.names import fold
from taskhand.domain.task import Member
from taskhand.domain.text import plain
from taskhand.service.app_context import AppContext

__all__ = ["complete_name"]

_STATUS = frozenset({"status", "newStatusName"})
_MEMBER = frozenset({"member", "from", "to", "responsible", "responsibleIds"})

_LONGEST = 100
"""Characters of a name that can be told from others by it."""


async def complete_name(app: AppContext, argument: str, typed: str, taken: Collection[str] = ()) -> Sequence[str]:
    """What an argument of this name can go on to, names that begin so first; none for an argument that takes no name.

    Whoever shares a name is called by e-mail or id, so that what is chosen means one person. `taken` are the values of
    other arguments: they are not offered again.
    """
    called: list[tuple[str, Sequence[str]]] = []
    if argument in _STATUS:
        called = [(plain(status.name), ()) for status in (await app.backend.statuses()).statuses]
    elif argument in _MEMBER:
        called = _called(await app.backend.members())
    begun = fold(typed)
    gone = {fold(value) for value in taken}
    ranked = [(_rank(begun, [value, *others]), value) for value, others in called if fold(value) not in gone]
    return tuple(dict.fromkeys(value for place in (0, 1) for rank, value in ranked if rank == place))


def _called(members: Sequence[Member]) -> list[tuple[str, Sequence[str]]]:
    """How each member can be named without doubt, and what else they are known by."""
    namesakes = Counter(fold(member.name) for member in members)
    return [
        (
            member.name if _is_clear(member.name) and namesakes[fold(member.name)] == 1 else member.email or member.id,
            [member.name, member.email or ""],
        )
        for member in members
    ]


def _is_clear(name: str) -> bool:
    """Whether the name reads as it is written, and means the same when it comes back."""
    return bool(name.strip()) and plain(name) == name and len(name) <= _LONGEST


def _rank(begun: str, names: Sequence[str]) -> int | None:
    """0 where a name begins so, 1 where a later word does, None where none does."""
    folded = [fold(name) for name in names]
    if any(name.startswith(begun) for name in folded):
        return 0
    return 1 if any(f" {begun}" in name for name in folded) else None
