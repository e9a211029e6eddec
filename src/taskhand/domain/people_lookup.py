"""Resolve people given by id, e-mail, name or `me`: one match is used, several become candidates; pure.

Whole words of a name are enough if they are words of one active person's name; a full name is preferred to them.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from taskhand.domain.display_text import strip_hidden
from taskhand.domain.errors import Ambiguous, Candidate, NotFound
from taskhand.domain.field_limits import check_no_empty_entry
from taskhand.domain.mail_address import split_address
from taskhand.domain.name_matching import (
    Match,
    fold,
    group_by,
    is_truncation_of,
    nearest_first,
    resembles,
    shown_form,
    words_of,
)
from taskhand.domain.principal import fold_person
from taskhand.domain.task import Member

__all__ = ["NOT_IN_TEAM", "People", "find_members", "match_members", "without_mark"]

NOT_IN_TEAM: Final = " (not in the team)"
"""The suffix to the name or id of a responsible who has left the team."""

_MAX_CANDIDATES = 10
_FEW_CANDIDATES = 5
"""Maximum number of candidates if none of them is similar to the given text."""
_MIN_CUT = 60
"""Characters: no answer truncates a shorter name or e-mail."""
_CALLER: Final = frozenset({"myself", "mine", "yo", "mi", "mio"})
"""Words, folded, that mean 'me' if no member has such a name."""
_IN_BRACKETS: Final = re.compile(r"[(\[<][^()\[\]<>]*[)\]>]")


@dataclass(frozen=True, slots=True)
class People:
    """Resolved people: ids in the order given, without duplicates, and the names that they were resolved from."""

    ids: tuple[str, ...]
    matched: tuple[Match, ...]

    @property
    def shortened(self) -> tuple[Match, ...]:
        """The people who were not given by their full names."""
        return tuple(match for match in self.matched if fold(match.given) != fold(match.name))


def match_members(
    texts: Sequence[str],
    members: Sequence[Member],
    me: str | None,
    *,
    accepted: Collection[str] = (),
    former: Sequence[Member] = (),
    departed: Sequence[Member] = (),
    argument: str = "responsibleIds",
    me_remedy: str | None = None,
    is_filter: bool = False,
) -> People:
    """The members given; Ambiguous or NotFound (code `unknown_member`) names candidates and chooses none.

    `accepted` are further ids, and `former` former members, who may still be responsible for a task. With
    `is_filter`, words of their names are enough, because nothing is assigned to them. `departed` are former members who
    cannot be given: the error says that they left. `argument` is the argument in which they were sent, `me_remedy` the
    sentence that explains how 'me' becomes known.
    """
    check_no_empty_entry(texts, argument)
    known = {member.id for member in (*members, *former)}
    nameless = [Member(id=person_id, name=person_id, email=None) for person_id in accepted if person_id not in known]
    known_former = _Index((*former, *nameless))
    resolver = _Resolver(_Index(members), known_former, _Index(departed), me, argument, me_remedy, is_filter)
    resolved = [(text, resolver.resolve(text.strip())) for text in texts]
    in_team = {member.id for member in members}
    matched = (
        Match(argument, text, member.id, member.name if member.id in in_team else f"{member.name}{NOT_IN_TEAM}")
        for text, member in resolved
        if text != member.id
    )
    return People(tuple(dict.fromkeys(member.id for _, member in resolved)), tuple(dict.fromkeys(matched)))


def find_members(text: str, members: Sequence[Member]) -> Sequence[Member]:
    """The members with that id or e-mail, else those with that full name.

    An address is never compared with names, because people choose those themselves, nor with addresses that only look
    alike.
    """
    if "@" in text:
        address = fold_person(text.strip())
        return [
            member
            for member in members
            if member.id == text.strip() or fold_person((member.email or "").strip()) == address
        ]
    index = _Index(members)
    return index.find_by_id(text) or index.find_by_name(text)


def without_mark(text: str) -> str | None:
    """The text before the mark of people who have left the team; None if the text has no such mark."""
    stripped, mark = text.strip(), NOT_IN_TEAM.strip()
    return stripped[: -len(mark)].strip() if stripped.casefold().endswith(mark) else None


@dataclass(frozen=True, slots=True)
class _Resolver:
    """Resolves the texts of one argument."""

    active: "_Index"
    former: "_Index"
    departed: "_Index"
    me: str | None
    argument: str
    me_remedy: str | None
    takes_former_words: bool

    def resolve(self, text: str) -> Member:
        """The one member that the text means."""
        if fold(text) == "me":
            return self._resolve_me()
        if not shown_form(text):
            raise _unknown_member_error(
                f"{self.argument} has an empty entry.", self.active.members[:_FEW_CANDIDATES], len(self.active.members)
            )
        members = self._find(text)
        if not members and fold(text) in _CALLER:
            return self._resolve_me()
        if not members:
            name = without_mark(text) or text
            departed = self.departed.find(name) or self.departed.find_by_words(name)
            raise _no_match_error(text, self.active.members, departed)
        if len(members) > 1:
            raise _ambiguous_error(f"{len(members)} people match {text[:60]!r}.", members)
        return members[0]

    def _find(self, text: str) -> Sequence[Member]:
        if members := self.active.find(text):
            return members
        marked = without_mark(text)
        if marked:
            return self.former.find(marked) or self._find_former_by_words(marked)
        named = self.active.find_by_words(text) or self.former.find(text) or self._find_former_by_words(text)
        return named or self.active.find_by_mailbox(text)

    def _find_former_by_words(self, text: str) -> Sequence[Member]:
        return self.former.find_by_words(text) if self.takes_former_words else ()

    def _resolve_me(self) -> Member:
        for member in self.active.members:
            if member.id == self.me:
                return member
        setting = f" The operator of Taskhand can make 'me' known: {self.me_remedy}" if self.me_remedy else ""
        raise NotFound(
            "It is not known who 'me' is."
            if self.me is None
            else f"It is not known who 'me' is: {self.me[:60]} is not in the team.",
            code="unknown_member",
            candidates=_candidates(self.active.members),
            next_step="Ask the person who they are, and send the value of that candidate."
            f"{_rest_of(len(self.active.members))}{setting}",
        )


class _Index:
    """Members by id, e-mail, name and words: many texts are looked up at the cost of reading the team once."""

    def __init__(self, members: Sequence[Member]) -> None:
        self.members = members

    def find(self, text: str) -> Sequence[Member]:
        """The members with that id, e-mail or full name, or with the address that the text is."""
        return self._find_exactly(text) or self._find_addressed(text)

    def find_by_id(self, text: str) -> Sequence[Member]:
        """The members with that id or e-mail."""
        return self._find_unique(text) or ()

    def find_by_name(self, text: str) -> Sequence[Member]:
        """The members with that full name."""
        return self._by_name.get(fold(text), ())

    def find_by_words(self, text: str) -> Sequence[Member]:
        """The members whose name has every word of the text; none for initials alone."""
        words = words_of(text)
        if all(len(word) == 1 and word.isascii() for word in words):
            return ()
        member_sets = [self._by_word.get(word, frozenset()) for word in words]
        return [self.members[index] for index in sorted(member_sets[0].intersection(*member_sets[1:]))]

    def find_by_mailbox(self, text: str) -> Sequence[Member]:
        """The members whose e-mail has this text before its @; chats and e-mails name people by it."""
        mailbox = _to_key(text).removeprefix("@")
        if not mailbox:
            return ()
        return [member for member in self.members if _to_key(member.email or "").startswith(f"{mailbox}@")]

    def _find_exactly(self, text: str) -> Sequence[Member]:
        """The members with that id, e-mail or name, or with a text that answers truncate to it."""
        members = self._find_unique(text) or self._by_name.get(fold(text)) or self._by_label.get(fold(text))
        return members or list(
            {member.id: member for member, shown in self._truncated_texts if is_truncation_of(text, shown)}.values()
        )

    def _find_unique(self, text: str) -> Sequence[Member] | None:
        """The members with that id or e-mail."""
        return self._by_id.get(_to_key(text)) or self._by_email.get(_to_key(text))

    def _find_addressed(self, text: str) -> Sequence[Member]:
        """The members of an address as mail programs and candidates write it: `Ana Soto <ana@example.com>`.

        Ambiguous if the name in it is another member's.
        """
        if (address := split_address(text)) is None:
            return ()
        members = self._find_unique(address.of) or ()
        names = [name for name in address.names if fold(name)]
        named = [member for name in names for member in self._find_exactly(name) or self.find_by_words(name)]
        both = [member for member in members if member in named or not names]
        if not both and members:
            message = f"{text[:60]!r} has the address of one person and the name of another."
            raise _ambiguous_error(message, [*members, *named])
        return both

    @cached_property
    def _truncated_texts(self) -> Sequence[tuple[Member, str]]:
        """The members with texts that answers show truncated; most teams have none."""
        shown = [(member, text) for member in self.members for text in (member.name, member.email, _label(member))]
        return [(member, text) for member, text in shown if text and len(text) > _MIN_CUT]

    @cached_property
    def _by_id(self) -> Mapping[str, Sequence[Member]]:
        return group_by(self.members, lambda member: _to_key(member.id))

    @cached_property
    def _by_email(self) -> Mapping[str, Sequence[Member]]:
        return group_by(
            (teammate for teammate in self.members if teammate.email), lambda member: _to_key(member.email or "")
        )

    @cached_property
    def _by_name(self) -> Mapping[str, Sequence[Member]]:
        return group_by(
            (teammate for teammate in self.members if fold(teammate.name)), lambda member: fold(member.name)
        )

    @cached_property
    def _by_label(self) -> Mapping[str, Sequence[Member]]:
        return group_by(self.members, lambda member: fold(_label(member)))

    @cached_property
    def _by_word(self) -> Mapping[str, frozenset[int]]:
        """The indexes of the members by each word of their names; text in brackets is not part of a name."""
        indexes: dict[str, set[int]] = {}
        for index, member in enumerate(self.members):
            for word in words_of(_IN_BRACKETS.sub(" ", member.name)):
                indexes.setdefault(word, set()).add(index)
        return {word: frozenset(member_indexes) for word, member_indexes in indexes.items()}


def _to_key(text: str) -> str:
    """An id or e-mail as it is compared."""
    return " ".join(strip_hidden(text).casefold().split())


def _label(member: Member) -> str:
    """A member as candidates show them."""
    return f"{member.name} <{member.email}>" if member.email else member.name


def _ambiguous_error(message: str, members: Sequence[Member]) -> Ambiguous:
    return Ambiguous(
        message,
        code="ambiguous_member",
        candidates=_candidates(members),
        next_step=f"Ask the person who is meant, and send the value of that candidate.{_rest_of(len(members))}",
    )


def _no_match_error(text: str, members: Sequence[Member], departed: Sequence[Member]) -> NotFound:
    """The error for a text that matches no member, but perhaps some who left the team.

    Candidates are members with similar names, else the nearest few.
    """
    close = [member for member in members if resembles(text, member.name)]
    near = nearest_first(text, close or members, lambda member: member.name)
    only = f" Only {close[0].name[:60]} is close." if len(close) == 1 else ""
    names = " and ".join(member.name[:60] for member in departed[:_FEW_CANDIDATES])
    gone = f" {names} left the team, so no task can be assigned to them." if departed else ""
    message = f"No member of the team matches {text[:60]!r}.{gone}{only}"
    return _unknown_member_error(message, near if close else near[:_FEW_CANDIDATES], len(members))


def _unknown_member_error(message: str, near: Sequence[Member], team_size: int) -> NotFound:
    return NotFound(
        message,
        code="unknown_member",
        candidates=_candidates(near),
        next_step="Send an id, e-mail or name; if in doubt, ask the person first. "
        f"list_team_members lists all {team_size}.",
    )


def _rest_of(count: int) -> str:
    """The sentence for people who are not among the candidates."""
    return (
        f" These are {_MAX_CANDIDATES} of {count}; list_team_members has them all." if count > _MAX_CANDIDATES else ""
    )


def _candidates(members: Sequence[Member]) -> list[Candidate]:
    return [Candidate(member.id, _label(member)) for member in members[:_MAX_CANDIDATES]]
