"""Find the deal that a call names."""

import re
from typing import Final

from taskhand.domain import deal_lookup
from taskhand.domain.display_text import strip_hidden
from taskhand.domain.errors import NotFound
from taskhand.domain.name_matching import Match
from taskhand.service.app_context import AppContext

__all__ = ["MAX_DEALS", "check_deal", "resolve_deal"]

MAX_DEALS: Final = 200
"""Deals of one search; HubSpot has no more in a page."""


async def resolve_deal(app: AppContext, name_or_id: str) -> tuple[str, tuple[Match, ...]]:
    """The id of the deal given by id or name, and the name that was resolved; Ambiguous, NotFound."""
    text = strip_hidden(name_or_id).strip()
    if re.fullmatch(app.backend.capabilities.deal_id_pattern, text):
        return text, ()
    deal_list = await app.backend.account.find_deals(text, MAX_DEALS)
    # A CRM finds letters as they are written, and all words or none: the newest deals are looked through here.
    deal = deal_lookup.match_deal(
        text, deal_list if deal_list.deals else await app.backend.account.find_deals(None, MAX_DEALS)
    )
    return deal.id, (Match("dealId", name_or_id, deal.id, deal.name),)


async def check_deal(app: AppContext, deal_id: str) -> None:
    """Refuse the id of no deal; NotFound."""
    text = strip_hidden(deal_id).strip()
    is_id = re.fullmatch(app.backend.capabilities.deal_id_pattern, text)
    if is_id and not await app.backend.account.find_linked("deal_id", [text]):
        raise NotFound(
            f"There is no deal {text[:60]}.",
            code="unknown_deal",
            next_step="Send a deal's id or its name; find_contacts finds deals.",
        )
