"""The work behind the pages: makes and uses tickets, and identifies the person in front of the page."""

import hashlib
import logging
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from datetime import datetime
from secrets import token_urlsafe
from typing import TYPE_CHECKING, Final, Literal
from urllib.parse import urlsplit

from taskhand.domain.errors import OperatorError, TaskhandError
from taskhand.domain.link_offer import LinkOffer, OfferState
from taskhand.domain.own_credential import OwnCredential
from taskhand.domain.principal import Person, is_token_person
from taskhand.server.access import Memberships
from taskhand.server.linking.link_method import BrowserSignIn, LinkMethod
from taskhand.server.linking.link_saver import (
    LinkSaver,
    NewCredential,
    RefusedCredential,
    is_shared_credential,
    revoke_credential,
)
from taskhand.server.linking.pasted_key import read_pasted_key
from taskhand.vault.credential_link import LinkedMember
from taskhand.vault.links_of_persons import Links
from taskhand.vault.ticket import Errand, Ticket
from taskhand.vault.tickets import Tickets

if TYPE_CHECKING:
    from taskhand.keys.key_check import KeyCheck

__all__ = ["Linking", "Step"]

_log = logging.getLogger(__name__)

Step = Literal["sign_in", "prove", "consent", "paste"]
"""The next step on the page.

The person proves who they are on the issuer's pages (`sign_in`) or by their Taskhand key (`prove`). Then they consent
on the CRM's pages, or paste a key of the CRM.
"""

_VERIFIER_BYTES: Final = 48


class Linking:
    """Offers pages to persons, and carries out their steps."""

    def __init__(
        self,
        tickets: Tickets,
        links: Links,
        methods: Mapping[str, LinkMethod],
        clock: Callable[[], datetime],
        *,
        resource: str | None = None,
        memberships: Callable[[], Memberships] = dict,
        keys: "KeyCheck | None" = None,
        sign_in: BrowserSignIn | None = None,
    ) -> None:
        """`methods` are by the connection's name. `resource` is the server's URL for its callers.

        None: the URL that is served. `memberships` returns the current ones of people.toml. `keys` check the keys of
        callers, and `sign_in` signs persons in at the issuer of tokens; each is None if not configured.
        """
        self.tickets = tickets
        self.methods = methods
        self.resource = resource or ""
        self._sign_in = sign_in
        self._memberships = memberships
        self._saver = LinkSaver(tickets, links, memberships, clock)
        self._keys = keys

    @property
    def base(self) -> str:
        """The URL of the pages without a path; empty if it is unknown."""
        parts = urlsplit(self.resource)
        return f"{parts.scheme}://{parts.netloc}" if self.resource else ""

    @property
    def signed_in(self) -> str:
        """The redirect URI that the operator registers at the issuer of tokens."""
        return f"{self.base}/link/signed-in"

    @property
    def callback(self) -> str:
        """The redirect URI that the operator registers at a CRM."""
        return f"{self.base}/link/callback"

    async def find_linked(self, ticket: Ticket) -> tuple[LinkedMember, bool]:
        """The member to which the person of a ticket is linked, as far as known.

        The second value is whether the linked credential is the shared one and the CRM names no member for it.
        """
        link, method = await self._saver.find(ticket), self.methods.get(ticket.connection)
        if link is None:
            return LinkedMember(), False
        return link.member, method is not None and is_shared_credential(method, link.credential, link.member)

    async def offer(self, person: Person, connection: str) -> LinkOffer | None:
        """An offer for this person; None if they cannot link on a page."""
        method = self.methods.get(connection)
        if method is None or not self.base or (self._must_prove(method, person) and not self._find_proof(person)):
            return None
        text, ticket = await self.tickets.make(person, connection)
        return LinkOffer(ticket.id, connection, f"{self.base}/link/{text}", ticket.expires_at)

    async def find_state(self, offer_id: str, person: Person) -> OfferState:
        """The state of an offer for this person."""
        return await self.tickets.find_state(offer_id, person)

    async def next_step(self, ticket: Ticket) -> Step | None:
        """The next step on the page of an open ticket; None if the person cannot link there."""
        method = self.methods.get(ticket.connection)
        if method is None:
            return None
        if ticket.proved_at is None and (
            self._must_prove(method, ticket.person) or await self._saver.find_expected(method, ticket.person) is None
        ):
            return self._find_proof(ticket.person)
        return "consent" if method.consent else "paste"

    async def prove(self, ticket: Ticket, browser: str, text: str) -> bool:
        """Check the person's Taskhand key, which proves their identity; return whether it is valid."""
        key = await self._keys.find_holder(text.strip()) if self._keys else None
        return key is not None and key.person == ticket.person.id and await self.tickets.prove(ticket, browser)

    async def send(self, ticket: Ticket, step: Step, text: str, browser: str, language: str) -> str | None:
        """The URL at which the person signs in or consents; None if this browser may not continue."""
        verifier, nonce = token_urlsafe(_VERIFIER_BYTES), token_urlsafe(_VERIFIER_BYTES)
        state = await self.tickets.send(ticket, browser, Errand(step, text, verifier, nonce, language))
        if state is None:
            return None
        if step == "sign_in" and self._sign_in is not None:
            challenge = _challenge(verifier)
            return await self._sign_in.authorize_url(self.signed_in, self.resource, state, challenge, nonce)
        consent = self._find_method(ticket).consent
        return consent.authorize_url(self.callback, state, _challenge(verifier)) if consent else None

    async def take_sign_in(self, ticket: Ticket, errand: Errand, browser: str, answer: Mapping[str, str]) -> None:
        """Check the issuer's answer, which proves the person's identity. RefusedCredential, or TaskhandError."""
        signed_in = None
        if self._sign_in is not None:
            sent = (errand.verifier, errand.nonce)
            signed_in = await self._sign_in.find_person(answer, self.signed_in, self.resource, *sent)
        if signed_in is None or signed_in.id != ticket.person.id:
            message = "%s has signed in on the page of %s for %s; nothing was linked%s"
            hint = ". If they are one person, the issuer has another subject for the client of the page: docs/team.md"
            _log.warning(
                message,
                signed_in.id if signed_in else "nobody",
                ticket.person.id,
                ticket.connection,
                hint if signed_in else "",
            )
            raise RefusedCredential("other_person" if signed_in else "not_signed_in")
        await self.tickets.prove(ticket, browser, signed_in.email)

    async def take_code(self, ticket: Ticket, errand: Errand, browser: str, code: str) -> LinkedMember:
        """Exchange a code for a credential and link it; returns the holder. RefusedCredential, or TaskhandError."""
        method = self._find_method(ticket)
        if method.consent is None:
            raise RefusedCredential("not_possible")
        granted = await method.consent.exchange(code, self.callback, errand.verifier)
        try:
            return await self._saver.save(
                ticket, browser, method, NewCredential("oauth", granted.credential, granted.member_id)
            )
        except (RefusedCredential, TaskhandError):
            await revoke_credential(method.consent, granted.credential)
            raise

    async def take_key(self, ticket: Ticket, browser: str, text: str) -> LinkedMember:
        """Link a pasted key; returns the holder. RefusedCredential, or TaskhandError."""
        method = self._find_method(ticket)
        key = read_pasted_key(method, text)
        if key is None:
            raise RefusedCredential("no_key")
        try:
            return await self._saver.save(ticket, browser, method, NewCredential("key", OwnCredential(key)))
        except OperatorError as error:
            if error.code != "unauthorized":
                raise
        raise RefusedCredential("key_refused")

    def _find_method(self, ticket: Ticket) -> LinkMethod:
        if (method := self.methods.get(ticket.connection)) is None:
            raise RefusedCredential("not_possible")
        return method

    def _must_prove(self, method: LinkMethod, person: Person) -> bool:
        """Whether a person has to prove their identity: always if they can sign in.

        Without sign-in, they have to if the CRM does not name the holder of a credential, or the member of the person
        is unknown.
        """
        return (
            self._find_proof(person) == "sign_in"
            or not method.names_holder
            or not (person.email or person.find_in(self._memberships()))
        )

    def _find_proof(self, person: Person) -> Step | None:
        """The step by which this person can prove their identity; None if they cannot."""
        if self._sign_in is not None and self._sign_in.can_prove(person.id):
            return "sign_in"
        return "prove" if self._keys is not None and not is_token_person(person.id) else None


def _challenge(verifier: str) -> str:
    """The hash of a verifier (RFC 7636 §4.2, S256)."""
    return urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
