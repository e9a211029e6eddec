"""Resolve a deal given by name: one match is used, several become candidates; pure.

Whole words of a name are enough if one deal has them; a full name is preferred to them.
"""

from collections.abc import Sequence
from typing import Final

from taskhand.domain.errors import Ambiguous, Candidate, NotFound
from taskhand.domain.name_matching import alphanumeric_words, matching, nearest_first
from taskhand.domain.task import Deal, DealList

__all__ = ["match_deal"]

_MAX_CANDIDATES: Final = 10


def match_deal(text: str, deal_list: DealList) -> Deal:
    """The deal in the list that the text names, by its name or by whole words of it.

    Ambiguous if several deals may match, NotFound (code `unknown_deal`) if no deal matches.
    """
    words = frozenset(alphanumeric_words(text))
    named = matching(text, deal_list.deals, _name)
    matches = named or [deal for deal in deal_list.deals if words and words.issubset(alphanumeric_words(deal.name))]
    if len(matches) == 1 and deal_list.complete:
        return matches[0]
    if matches:
        how_many = f"{len(matches)} deals match" if deal_list.complete else "More than one deal may match"
        raise Ambiguous(
            f"{how_many} {text[:60]!r}.",
            code="ambiguous_deal",
            candidates=_candidates(text, matches),
            next_step="Ask the person which one is meant, and send the id of that candidate.",
        )
    near = [deal for deal in deal_list.deals if not words.isdisjoint(alphanumeric_words(deal.name))]
    raise NotFound(
        f"No deal matches {text[:60]!r}.",
        code="unknown_deal",
        candidates=_candidates(text, near),
        next_step="Send a deal's id, or whole words of its name; find_contacts finds deals by a part of it.",
    )


def _name(deal: Deal) -> str:
    return deal.name


def _candidates(text: str, deals: Sequence[Deal]) -> list[Candidate]:
    return [Candidate(deal.id, deal.name) for deal in nearest_first(text, deals, _name)[:_MAX_CANDIDATES]]
