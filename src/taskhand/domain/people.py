"""Who is meant: people given by id, e-mail, full name or `me`. One match is used, several are candidates; pure."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from taskhand.domain.errors import Ambiguous, Candidate, NotFound
from taskhand.domain.names import Match, matching, nearest_first
from taskhand.domain.task import Member

__all__ = ["People", "resolve_people"]

_MOST_CANDIDATES = 10


@dataclass(frozen=True, slots=True)
class People:
    """Resolved people: ids in the order given, each once; and what they were resolved from."""

    ids: tuple[str, ...]
    matched: tuple[Match, ...]


def resolve_people(
    given: Sequence[str], members: Sequence[Member], me: str | None, *, also: Collection[str] = ()
) -> People:
    """The members meant; Ambiguous or NotFound (code `unknown_member`) names the candidates and chooses none.

    `also` are ids that are taken as they are: somebody who left the team may still be on a task.
    """
    known = {member.id for member in members}
    gone = [Member(id=one, name=one, email=None) for one in also if one not in known]
    found = [(text, _one(text.strip(), (*members, *gone), me)) for text in given]
    matched = (Match("responsibleIds", text, member.id, member.name) for text, member in found if text != member.id)
    return People(tuple(dict.fromkeys(member.id for _, member in found)), tuple(dict.fromkeys(matched)))


def _one(text: str, members: Sequence[Member], me: str | None) -> Member:
    if text.casefold() == "me":
        return _me(members, me)
    if not text:
        raise _nobody("responsibleIds has an empty entry.", members)
    ids = [member for member in members if member.id.casefold() == text.casefold()]
    found = ids or [m for m in members if m.email and m.email.casefold() == text.casefold()]
    found = found or matching(text, members, lambda member: member.name)
    if len(found) == 1:
        return found[0]
    if found:
        raise Ambiguous(
            f"{len(found)} people answer to {text[:60]!r}; none was chosen.",
            code="ambiguous_member",
            candidates=_candidates(found),
            next_step="Send the id of the one you mean.",
        )
    near = nearest_first(text, members, lambda member: member.name)
    raise _nobody(f"Nobody answers to {text[:60]!r}.", near)


def _nobody(message: str, near: Sequence[Member]) -> NotFound:
    return NotFound(
        message,
        code="unknown_member",
        candidates=_candidates(near),
        next_step="Send an id, e-mail or full name of a team member; list_team_members has them all.",
    )


def _me(members: Sequence[Member], me: str | None) -> Member:
    for member in members:
        if member.id == me:
            return member
    raise NotFound(
        "Nobody can tell who 'me' is here.",
        code="unknown_member",
        candidates=_candidates(members),
        next_step="Send an id from list_team_members; whoever runs Taskhand can set who 'me' is.",
    )


def _candidates(members: Sequence[Member]) -> list[Candidate]:
    return [
        Candidate(member.id, f"{member.name} <{member.email}>" if member.email else member.name)
        for member in members[:_MOST_CANDIDATES]
    ]
