"""Resolve people given by id, e-mail, full name or `me`: one match is used, several become candidates; pure."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from taskhand.domain.address import split_address
from taskhand.domain.errors import Ambiguous, Candidate, NotFound
from taskhand.domain.names import Match, fold, group_by, is_cut, nearest_first, shown_form
from taskhand.domain.task import Member
from taskhand.domain.text import strip_hidden

__all__ = ["People", "resolve_people"]

_MOST_CANDIDATES = 10
_SHORTEST_CUT = 60
"""Characters: no answer truncates a shorter name or e-mail."""


@dataclass(frozen=True, slots=True)
class People:
    """Resolved people: ids in the order given, without duplicates, and the names that they were resolved from."""

    ids: tuple[str, ...]
    matched: tuple[Match, ...]


def resolve_people(
    given: Sequence[str],
    members: Sequence[Member],
    me: str | None,
    *,
    also: Collection[str] = (),
    argument: str = "responsibleIds",
) -> People:
    """The members given; Ambiguous or NotFound (code `unknown_member`) names candidates and chooses none.

    `also` are further ids that are accepted: a former member of the team may still be responsible for a task.
    `argument` is the one that they were sent in.
    """
    known = {member.id for member in members}
    former = [Member(id=one, name=one, email=None) for one in also if one not in known]
    index = _Index((*members, *former), me, argument)
    found = [(text, index.resolve(text.strip())) for text in given]
    matched = (Match(argument, text, member.id, member.name) for text, member in found if text != member.id)
    return People(tuple(dict.fromkeys(member.id for _, member in found)), tuple(dict.fromkeys(matched)))


class _Index:
    """The members by id, e-mail and name: many texts are looked up at the cost of reading the team once."""

    def __init__(self, members: Sequence[Member], me: str | None, argument: str) -> None:
        self._members = members
        self._me = me
        self._argument = argument

    def resolve(self, text: str) -> Member:
        """The one member that the text means."""
        if fold(text) == "me":
            return _resolve_me(self._members, self._me)
        if not shown_form(text):
            raise _unknown_member_error(f"{self._argument} has an empty entry.", self._members)
        found = self._find(text) or self._find_addressed(text)
        if not found:
            near = nearest_first(text, self._members, lambda member: member.name)
            raise _unknown_member_error(f"No member of the team matches {text[:60]!r}.", near)
        if len(found) > 1:
            raise _ambiguous_error(f"{len(found)} people match {text[:60]!r}.", found)
        return found[0]

    def _find(self, text: str) -> Sequence[Member]:
        """The members with that id, e-mail or name; those of whom an answer shows so much only."""
        found = self._find_unique(text) or self._by_name.get(fold(text)) or self._by_label.get(fold(text))
        return found or list({member.id: member for member, shown in self._long if is_cut(text, shown)}.values())

    def _find_unique(self, text: str) -> Sequence[Member] | None:
        """The members with that id or e-mail."""
        return self._by_id.get(_to_key(text)) or self._by_email.get(_to_key(text))

    def _find_addressed(self, text: str) -> Sequence[Member]:
        """The members of an address as mail programs and candidates write it: `Ana Soto <ana@example.com>`.

        Ambiguous where the name in it is another member's.
        """
        if (address := split_address(text)) is None:
            return ()
        found = self._find_unique(address.of) or ()
        names = [name for name in address.names if fold(name)]
        named = [member for name in names for member in self._find(name)] if names else found
        both = [member for member in found if member in named]
        if not both and found:
            message = f"{text[:60]!r} has the address of one person and the name of another."
            raise _ambiguous_error(message, [*found, *named])
        return both

    @cached_property
    def _long(self) -> Sequence[tuple[Member, str]]:
        """The members with texts that answers show truncated; of most teams none."""
        shown = [(member, text) for member in self._members for text in (member.name, member.email, _label(member))]
        return [(member, text) for member, text in shown if text and len(text) > _SHORTEST_CUT]

    @cached_property
    def _by_id(self) -> Mapping[str, Sequence[Member]]:
        return group_by(self._members, lambda member: _to_key(member.id))

    @cached_property
    def _by_email(self) -> Mapping[str, Sequence[Member]]:
        return group_by((one for one in self._members if one.email), lambda member: _to_key(member.email or ""))

    @cached_property
    def _by_name(self) -> Mapping[str, Sequence[Member]]:
        return group_by((one for one in self._members if fold(one.name)), lambda member: fold(member.name))

    @cached_property
    def _by_label(self) -> Mapping[str, Sequence[Member]]:
        return group_by(self._members, lambda member: fold(_label(member)))


def _to_key(text: str) -> str:
    """An id or e-mail as it is compared."""
    return " ".join(strip_hidden(text).casefold().split())


def _label(member: Member) -> str:
    """A member as candidates show them."""
    return f"{member.name} <{member.email}>" if member.email else member.name


def _ambiguous_error(message: str, found: Sequence[Member]) -> Ambiguous:
    return Ambiguous(
        message,
        code="ambiguous_member",
        candidates=_candidates(found),
        next_step="Ask the person who is meant, and send the id of that candidate.",
    )


def _unknown_member_error(message: str, near: Sequence[Member]) -> NotFound:
    return NotFound(
        message,
        code="unknown_member",
        candidates=_candidates(near),
        next_step="Ask the person if it is not certain who is meant, and send an id, e-mail or full name; "
        "list_team_members has them all.",
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
    return [Candidate(member.id, _label(member)) for member in members[:_MOST_CANDIDATES]]
