"""Offers of a page to link a credential, for people whose calls need one; calls of a person share one offer."""

import logging
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final, TypeVar

import anyio

from taskhand.call.deadline import time_left
from taskhand.domain.bulk_receipt import BulkReceipt
from taskhand.domain.errors import LinkBroken, LinkRequired, OperatorError, TaskhandError
from taskhand.domain.link_offer import REFUSALS, LinkOffer, LinkOffers, OfferState
from taskhand.domain.plan import Plan
from taskhand.domain.principal import Person
from taskhand.domain.receipt import Receipt, join_notes
from taskhand.service.app_context import AppContext

__all__ = ["OpenOffer", "OpenOffers", "describe_step", "describe_terms", "end_of_asking", "with_link", "with_link_note"]

_log = logging.getLogger(__name__)

_MIN_VALIDITY: Final = timedelta(minutes=7)
"""An offer is named while at least this much time is left to open it; then a new one is made.

It is replaced early, because a page that was opened in one browser does not continue in another.
"""
_QUIET_S: Final = 600.0
"""Seconds during which a person who closed the question gets the address and is not asked again."""
_FORGOTTEN: Final = timedelta(minutes=10)
_ASKING_S: Final = 60.0
"""Seconds for which calls wait for a person who has just been asked."""
_EVERY_S: Final = 1.0
_UNTOUCHED: Final = OfferState()
_CODES: Final = {LinkRequired.default_code, LinkBroken.default_code}

_Written = TypeVar("_Written", bound=Receipt | BulkReceipt | Plan)


@dataclass(eq=False, slots=True)
class OpenOffer:
    """An offer that the calls of its person share.

    `asked_at` is the monotonic time when the client was last asked to open it, or answered that the person does; None
    if only the address was given. `is_closed` is whether calls need not wait: the person closed the question or never
    saw it. `state` is the last known state of the page, `asked_in` its state when the client was asked.
    """

    offer: LinkOffer
    person: Person
    asked_at: float | None = None
    is_closed: bool = False
    state: OfferState = _UNTOUCHED
    asked_in: OfferState = _UNTOUCHED

    def is_quiet(self, now: float) -> bool:
        """Whether the person closed the question a short time ago."""
        return self.is_closed and self.asked_at is not None and now - self.asked_at < _QUIET_S


class OpenOffers:
    """The offers of a server that have not expired, one for each person and connection."""

    def __init__(self, offers: LinkOffers) -> None:
        self._offers = offers
        self._open: dict[tuple[str, str], OpenOffer] = {}
        self._making = anyio.Lock()

    async def find(self, app: AppContext) -> OpenOffer | None:
        """The offer for the caller on this connection, a new one if there is none; None if that is not possible."""
        person = app.principal.person
        if person is None:
            return None
        name = (person.id, app.connection.link_name)
        try:
            async with self._making:
                open_offer = self._open.get(name)
                if open_offer is None or await self._is_over(app, open_offer):
                    open_offer = await self._make(app, person)
        except OperatorError as error:
            _log.warning("a link for %s cannot be offered: %s", app.connection.link_name, error.message)
            return None
        return open_offer

    async def has_link(self, app: AppContext) -> bool:
        """Whether the caller has linked a credential, on any server, that has not ended; False also if unknown."""
        person = app.principal.person
        if person is None or app.own_credentials.backends is None:
            return False
        try:
            return await app.own_credentials.backends.is_linked(person.names)
        except (LinkRequired, LinkBroken):
            return False
        except OperatorError as error:
            _log.warning("could not determine whether %s was linked: %s", app.connection.link_name, error.message)
            return False

    async def wait_until_linked(self, app: AppContext, offer_id: str, until: float) -> bool:
        """Whether the caller links a credential before `until` (monotonic seconds), with this offer or elsewhere.

        Returns False early if the person closed the question, or the page refused a credential since the question.
        """
        while not await self.has_link(app):
            open_offer, state = self.find_known(app, offer_id), await self._find_state(app, offer_id)
            if open_offer is not None:
                open_offer.state = state
            is_refused = state.refusal is not None and (open_offer is None or state != open_offer.asked_in)
            if app.call_time.monotonic() >= until or is_refused or (open_offer is not None and open_offer.is_closed):
                return False
            await app.call_time.sleep(min(_EVERY_S, max(0.0, until - app.call_time.monotonic())))
        return True

    def find_known(self, app: AppContext, offer_id: str) -> OpenOffer | None:
        """The caller's offer of this id, if this process has made it."""
        open_offer = self._open.get((app.principal.subject or "", app.connection.link_name))
        return open_offer if open_offer is not None and open_offer.offer.id == offer_id else None

    async def _is_over(self, app: AppContext, open_offer: OpenOffer) -> bool:
        open_offer.state = state = await self._offers.find_state(open_offer.offer.id, open_offer.person)
        return state.is_linked or state.is_over or open_offer.offer.expires_at - app.clock() < _MIN_VALIDITY

    async def _find_state(self, app: AppContext, offer_id: str) -> OfferState:
        person = app.principal.person
        try:
            return await self._offers.find_state(offer_id, person) if person else _UNTOUCHED
        except OperatorError as error:
            _log.warning("the outcome of a link for %s is unknown: %s", app.connection.link_name, error.message)
            return _UNTOUCHED

    async def _make(self, app: AppContext, person: Person) -> OpenOffer | None:
        now = app.clock()
        self._open = {
            name: open_offer
            for name, open_offer in self._open.items()
            if open_offer.offer.expires_at > now - _FORGOTTEN
        }
        offer = await self._offers.offer(person, app.connection.link_name)
        if offer is None:
            return None
        name, made = (person.id, app.connection.link_name), OpenOffer(offer, person)
        before = self._open.get(name)
        if before is not None and before.is_quiet(app.call_time.monotonic()):
            made.asked_at, made.is_closed = before.asked_at, True
        self._open[name] = made
        return made


def end_of_asking(app: AppContext, asked_at: float, share: float) -> float:
    """The end of a call's wait for a person who was asked at that time, within a share of its remaining time."""
    return min(asked_at + _ASKING_S, app.call_time.monotonic() + share * time_left())


def describe_terms(app: AppContext, offer: LinkOffer) -> str:
    """The person of an offer and its expiry, as text."""
    minutes = max(1, int((offer.expires_at - app.clock()).total_seconds() / 60))
    person = app.principal.person
    whom = f"for {person.shown_name} alone" if person else "personal"
    return f"The link is {whom}, works once, and expires in {minutes} {'minute' if minutes == 1 else 'minutes'}."


async def with_link(app: AppContext, error: TaskhandError) -> TaskhandError:
    """The error, with the address of the page to link a credential if it asks for that and there is a page."""
    if app.own_credentials.offers is not None and isinstance(error, LinkRequired | LinkBroken):
        open_offer = await app.own_credentials.offers.find(app)
        return error.but(private_step=describe_step(app, open_offer)) if open_offer else error
    return error


async def with_link_note(app: AppContext, written: _Written) -> _Written:
    """The answer to a write, with the address of the page to link a credential if some of its tasks need that."""
    if (
        app.own_credentials.offers is None
        or not isinstance(written, BulkReceipt)
        or not _CODES & {result.code for result in written.results}
    ):
        return written
    open_offer = await app.own_credentials.offers.find(app)
    if open_offer is None:
        return written
    step = describe_step(app, open_offer, then=_describe_way_on(written))
    return replace(written, note=join_notes(written.note, step))


def _describe_way_on(written: BulkReceipt) -> str:
    """The request that resumes a bulk change after the person has linked."""
    if written.plan_id is not None:
        return f"call apply_plan with planId {written.plan_id}"
    return "send the call again with retryIds as taskIds" if written.retry_ids else "send again what was refused"


def describe_step(app: AppContext, open_offer: OpenOffer, then: str = "send the same call again") -> str:
    """The next step for an offer, after a refusal by the page."""
    offer = open_offer.offer
    refused = REFUSALS.get(open_offer.state.refusal or "", "").format(connection=offer.connection)
    step = f"Tell the person to open {offer.url} to link {offer.connection}, then {then}."
    return " ".join(filter(None, (refused, step, describe_terms(app, offer))))
