"""Ask the person at the client to link a credential on a page, in both protocol eras, and continue the call.

In the older era the server sends the URL and waits. In the newer era the URL is the result of the call, and the client
repeats the call once the person has agreed; the SDK seals the offer's id in the request state. The agreement means only
that the page was opened: the server looks up whether the person has linked.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeVar

import anyio
from mcp.server import ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp.types import (
    CallToolRequestParams,
    ElicitRequest,
    ElicitRequestURLParams,
    ElicitResult,
    InputRequiredResult,
    ReadResourceRequestParams,
)
from pydantic import ValidationError

from taskhand.call.deadline import time_left
from taskhand.domain.errors import LinkBroken, LinkRequired
from taskhand.domain.link_offer import LinkOffer
from taskhand.server.elicitation import LINK_STATE, MODERN, can_elicit_url
from taskhand.service.app_context import AppContext
from taskhand.service.ask_person import SHARE_OF_CALL
from taskhand.service.link_offers import OpenOffer, OpenOffers, describe_step, describe_terms, end_of_asking, with_link

__all__ = ["run_and_link"]

_FIELD: Final = "link"

_Action = Literal["accept", "decline", "cancel"]
_Outcome = Literal["linked", "declined", "not_linked"]
_Params = CallToolRequestParams | ReadResourceRequestParams
_T = TypeVar("_T")


async def run_and_link(
    run: Callable[[], Awaitable[_T]],
    app: AppContext,
    offers: OpenOffers,
    ctx: ServerRequestContext[Any, Any],
    params: _Params,
    *,
    may_repeat: Callable[[], bool],
) -> _T | InputRequiredResult:
    """The result of `run`, run again once the person has linked what it needs; else the question to the person.

    `may_repeat` is whether a second run repeats no effect. LinkRequired or LinkBroken, with the page's URL, if the
    person has not linked in time.
    """
    tried_again = False

    async def run_latest() -> _T:
        """Run it again if the person has linked meanwhile, for another call."""
        nonlocal tried_again
        try:
            return await run()
        except (LinkRequired, LinkBroken):
            if not (may_repeat() and await offers.has_link(app)):
                raise
        tried_again = True
        return await run()

    conversation = _Conversation(app, offers, ctx)
    answer = _answer_in(params)
    if answer is not None:
        await conversation.note_answer(*answer)
    try:
        return await run_latest()
    except (LinkRequired, LinkBroken) as error:
        may_ask = answer is None and may_repeat()
        action = answer[1] if answer is not None else None
        question = await conversation.ask_about(
            error, action, may_ask=may_ask, may_try=may_repeat() and not tried_again
        )
        if question is not None:
            return question
    try:
        return await run()
    except (LinkRequired, LinkBroken) as error:
        raise await with_link(app, error) from None


@dataclass(frozen=True, slots=True)
class _Conversation:
    """The questions to one client for one call about one connection."""

    app: AppContext
    offers: OpenOffers
    ctx: ServerRequestContext[Any, Any]

    async def ask_about(
        self,
        error: LinkRequired | LinkBroken,
        answered: _Action | None,
        *,
        may_ask: bool,
        may_try: bool,
    ) -> InputRequiredResult | None:
        """The question to the person, if the answer comes later; None once the person has linked.

        The person may have linked since the call failed: then the call is run once more, if it `may_try` that. If the
        person does not link, raises the error, with the URL unless the person declined.
        """
        open_offer = await self.offers.find(self.app) if answered != "decline" else None
        if open_offer is None:
            raise (_declined_error(error) if answered == "decline" else error) from None
        if may_try and await self.offers.has_link(self.app):
            return None
        outcome = await self._ask(open_offer, error) if may_ask else "not_linked"
        if isinstance(outcome, InputRequiredResult):
            return outcome
        if outcome == "declined":
            raise _declined_error(error) from None
        if outcome == "not_linked":
            raise error.but(private_step=describe_step(self.app, open_offer)) from None
        return None

    async def note_answer(self, offer_id: str, action: _Action) -> None:
        """Wait for a person who has opened the page; record a person who declined."""
        now = self.app.call_time.monotonic()
        open_offer = self.offers.find_known(self.app, offer_id)
        if open_offer is not None:
            open_offer.asked_at, open_offer.is_closed = now, action != "accept"
        if action == "accept":
            await self._wait(offer_id, now)

    async def _ask(self, open_offer: OpenOffer, error: LinkRequired | LinkBroken) -> InputRequiredResult | _Outcome:
        """Whether the person has linked, or the question if the answer comes later.

        Of concurrent calls that need the same link, one asks, and the others wait for its result.
        """
        if not (self.app.policy.asks and can_elicit_url(self.ctx)):
            return "not_linked"
        if open_offer.asked_at is not None:
            is_linked = not open_offer.is_closed and await self._wait(open_offer.offer.id, open_offer.asked_at)
            return "linked" if is_linked else "not_linked"
        open_offer.asked_at, open_offer.asked_in = self.app.call_time.monotonic(), open_offer.state
        message = f"{error.message} Open the page to link it. {describe_terms(self.app, open_offer.offer)}"
        if self.ctx.protocol_version < MODERN:
            return await self._ask_now(open_offer, message)
        page = ElicitRequest(params=ElicitRequestURLParams(message=message, url=open_offer.offer.url))
        return InputRequiredResult(input_requests={_FIELD: page}, request_state=f"{LINK_STATE}{open_offer.offer.id}")

    async def _ask_now(self, open_offer: OpenOffer, message: str) -> _Outcome:
        """Show the page to the person at a client of the older era, and wait until the person has linked."""
        until = self.app.call_time.monotonic() + SHARE_OF_CALL * time_left()
        action = await self._elicit(open_offer.offer, message)
        open_offer.asked_at, open_offer.is_closed = self.app.call_time.monotonic(), action != "accept"
        if not await self.offers.wait_until_linked(
            self.app, open_offer.offer.id, 0.0 if open_offer.is_closed else until
        ):
            return "declined" if action == "decline" else "not_linked"
        await self.ctx.session.send_elicit_complete(open_offer.offer.id, self.ctx.request_id)
        return "linked"

    async def _elicit(self, offer: LinkOffer, message: str) -> _Action:
        """The person's answer; `cancel` also if the client declared the page and cannot show it."""
        with anyio.move_on_after(SHARE_OF_CALL * time_left()):
            try:
                result = await self.ctx.session.elicit_url(message, offer.url, offer.id, self.ctx.request_id)
            except (MCPError, ValidationError):
                return "cancel"
            return result.action
        return "cancel"

    async def _wait(self, offer_id: str, asked_at: float) -> bool:
        """Whether a person who was asked links while calls wait for it."""
        until = end_of_asking(self.app, asked_at, SHARE_OF_CALL)
        return await self.offers.wait_until_linked(self.app, offer_id, until)


def _answer_in(params: _Params) -> tuple[str, _Action] | None:
    """The id of the offer that the person was asked to open, and the answer; None in a call without an answer."""
    state = params.request_state
    if state is None or not state.startswith(LINK_STATE):
        return None
    result = (params.input_responses or {}).get(_FIELD)
    return state.removeprefix(LINK_STATE), result.action if isinstance(result, ElicitResult) else "cancel"


def _declined_error(error: LinkRequired | LinkBroken) -> LinkRequired | LinkBroken:
    """The refusal for a person who declined to link now."""
    return error.but(next_step="The person declined to link it. Ask them what they want instead.")
