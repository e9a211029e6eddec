"""The names by which people are shown: each can be sent back, and means one person; pure."""

from collections import Counter
from collections.abc import Mapping, Sequence

from taskhand.domain.names import fold
from taskhand.domain.people_lookup import NOT_IN_TEAM
from taskhand.domain.query import NOBODY
from taskhand.domain.task import Member
from taskhand.domain.text import truncate

__all__ = ["people_names"]

_NAME = 60
"""Characters of a name or an e-mail that are shown."""
_NOBODY = frozenset({"", "me", *NOBODY})
"""Names that cannot be sent back for the member who has them."""


def people_names(ids: Sequence[str], members: Mapping[str, Member], former: Mapping[str, Member]) -> dict[str, str]:
    """The label for each of these ids: the name, with the e-mail if several people have that name.

    The id follows the name if the e-mail does not distinguish them. People who are not in the team are marked.
    """
    shown, left = _tell_apart(members), _tell_apart(former)
    return {one: shown[one] if one in shown else f"{left.get(one, one)}{NOT_IN_TEAM}" for one in ids}


def _tell_apart(members: Mapping[str, Member]) -> dict[str, str]:
    """A text by id that means this member only."""
    bearers = Counter(fold(text or "") for one in members.values() for text in (one.name, one.email))
    return {member_id: _label(one, bearers) for member_id, one in members.items()}


def _label(member: Member, bearers: Mapping[str, int]) -> str:
    name, email = truncate(member.name, _NAME), member.email or ""
    if fold(name) not in _NOBODY and bearers[fold(member.name)] == 1:
        return name
    if fold(email) and len(email) <= _NAME and bearers[fold(email)] == 1:
        return f"{name} <{email}>" if fold(name) else email
    return f"{name} ({member.id})" if fold(name) else member.id
