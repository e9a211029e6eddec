"""The names by which people are shown: each can be sent back, and means one person; pure."""

from collections import Counter
from collections.abc import Mapping, Sequence

from taskhand.domain.name_matching import fold
from taskhand.domain.people_lookup import NOT_IN_TEAM
from taskhand.domain.task import Member
from taskhand.domain.task_query import NOBODY
from taskhand.domain.truncation import truncate

__all__ = ["people_names"]

_NAME = 60
"""Characters of a name or an e-mail that are shown."""
_NOBODY = frozenset({"", "me", *NOBODY})
"""Names that cannot be sent back for the member who has them."""


def people_names(ids: Sequence[str], members: Mapping[str, Member], former: Mapping[str, Member]) -> dict[str, str]:
    """The label for each of these ids: the name, with the e-mail if several people have that name.

    The id follows the name if the e-mail does not distinguish them. People who are not in the team are marked.
    """
    bearers, former_bearers = _count_bearers(members), _count_bearers(former)

    def label(person_id: str) -> str:
        if person_id in members:
            return _label(members[person_id], bearers)
        return f"{_label(former[person_id], former_bearers) if person_id in former else person_id}{NOT_IN_TEAM}"

    return {person_id: label(person_id) for person_id in ids}


def _count_bearers(members: Mapping[str, Member]) -> Counter[str]:
    """How many of these members have a name or an e-mail, folded."""
    return Counter(fold(text or "") for member in members.values() for text in (member.name, member.email))


def _label(member: Member, bearers: Mapping[str, int]) -> str:
    name, email = truncate(member.name, _NAME), member.email or ""
    if fold(name) not in _NOBODY and bearers[fold(member.name)] == 1:
        return name
    if fold(email) and len(email) <= _NAME and bearers[fold(email)] == 1:
        return f"{name} <{email}>" if fold(name) else email
    return f"{name} ({member.id})" if fold(name) else member.id
