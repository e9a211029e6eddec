"""Resolve people given by id, e-mail, full name or `me`: one match is used, several become candidates; pure."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from taskhand.domain.errors import Ambiguous, Candidate, NotFound
from taskhand.domain.names import Match, fold, group_by, nearest_first
from taskhand.domain.task import Member

__all__ = ["People", "resolve_people"]

_MOST_CANDIDATES = 10


@dataclass(frozen=True, slots=True)
class People:
    """Resolved people: ids in the order given, without duplicates, and the names that they were resolved from."""

    ids: tuple[str, ...]
    matched: tuple[Match, ...]


def resolve_people(
    given: Sequence[str], members: Sequence[Member], me: str | None, *, also: Collection[str] = ()
) -> People:
    """The members given; Ambiguous or NotFound (code `unknown_member`) names candidates and chooses none.

    `also` are further ids that are accepted: a former member of the team may still be responsible for a task.
    """
    known = {member.id for member in members}
    former = [Member(id=one, name=one, email=None) for one in also if one not in known]
    index = _Index((*members, *former), me)
    found = [(text, index.resolve(text.strip())) for text in given]
    matched = (Match("responsibleIds", text, member.id, member.name) for text, member in found if text != member.id)
    return People(tuple(dict.fromkeys(member.id for _, member in found)), tuple(dict.fromkeys(matched)))


class _Index:
    """The members by id, e-mail and name: many texts are looked up at the cost of reading the team once."""

    def __init__(self, members: Sequence[Member], me: str | None) -> None:
        self._members = members
        self._me = me

    def resolve(self, text: str) -> Member:
        """The one member that the text means."""
        if text.casefold() == "me":
            return _resolve_me(self._members, self._me)
        if not text:
            raise _unknown_member_error("responsibleIds has an empty entry.", self._members)
        found = self._by_id.get(text.casefold()) or self._by_email.get(text.casefold()) or self._by_name.get(fold(text))
        if not found:
            near = nearest_first(text, self._members, lambda member: member.name)
            raise _unknown_member_error(f"No member of the team matches {text[:60]!r}.", near)
        if len(found) > 1:
            raise Ambiguous(
                f"{len(found)} people match {text[:60]!r}.",
                code="ambiguous_member",
                candidates=_candidates(found),
                next_step="Send the id of one of the candidates.",
            )
        return found[0]

    @cached_property
    def _by_id(self) -> Mapping[str, Sequence[Member]]:
        return group_by(self._members, lambda member: member.id.casefold())

    @cached_property
    def _by_email(self) -> Mapping[str, Sequence[Member]]:
        return group_by((one for one in self._members if one.email), lambda member: (member.email or "").casefold())

    @cached_property
    def _by_name(self) -> Mapping[str, Sequence[Member]]:
        return group_by(self._members, lambda member: fold(member.name))


def _unknown_member_error(message: str, near: Sequence[Member]) -> NotFound:
    return NotFound(
        message,
        code="unknown_member",
        candidates=_candidates(near),
        next_step="Send an id, e-mail or full name of a team member; list_team_members has them all.",
    )


def _resolve_me(members: Sequence[Member], me: str | None) -> Member:
    for member in members:
        if member.id == me:
            return member
    raise NotFound(
        "It is not known who 'me' is.",
        code="unknown_member",
        candidates=_candidates(members),
        next_step="Send an id from list_team_members; whoever runs Taskhand can set who 'me' is.",
    )


def _candidates(members: Sequence[Member]) -> list[Candidate]:
    return [
        Candidate(member.id, f"{member.name} <{member.email}>" if member.email else member.name)
        for member in members[:_MOST_CANDIDATES]
    ]
