"""What the pages do: tickets are made and used, who is in front of the page is found out, and the link is kept."""

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
from taskhand.domain.own_credential import OAuthClient, OwnCredential
from taskhand.domain.principal import Person, is_token_person
from taskhand.server.access import Memberships
from taskhand.server.linking.identity import find_holder, find_known, find_person, find_team, judge
from taskhand.server.linking.way import BrowserSignIn, Way
from taskhand.vault.link import Link, LinkedMember, LinkKind
from taskhand.vault.links import Links
from taskhand.vault.ticket import Errand, Ticket
from taskhand.vault.tickets import Tickets

if TYPE_CHECKING:
    from taskhand.keys.key_check import KeyCheck

__all__ = ["Linking", "Refused", "Step"]

_log = logging.getLogger(__name__)

Step = Literal["sign_in", "prove", "consent", "paste"]
"""What is next on the page.

To prove who is there: the issuer's pages, or the person's Taskhand key. Then the CRM's pages, or a key of the CRM.
"""

_NOT_KEPT: Final = "the credential of %s was given on the page of %s for %s (%s); nothing was kept"
_VERIFIER_BYTES: Final = 48


class Refused(Exception):
    """What a person has sent or allowed is not linked; `reason` names the page that says so, `member` whose it is."""

    def __init__(self, reason: str, member: LinkedMember = LinkedMember()) -> None:  # noqa: B008  it is frozen
        super().__init__(reason)
        self.reason = reason
        self.member = member


def _no_memberships() -> Memberships:
    return {}


class Linking:
    """Offers pages, and does what they ask for."""

    def __init__(
        self,
        tickets: Tickets,
        links: Links,
        ways: Mapping[str, Way],
        clock: Callable[[], datetime],
        *,
        resource: str | None = None,
        memberships: Callable[[], Memberships] = _no_memberships,
        keys: "KeyCheck | None" = None,
        sign_in: BrowserSignIn | None = None,
    ) -> None:
        """`ways` are by the connection's name. `resource` is the address of the server for its callers.

        None: the one that is served. `memberships` is what people.toml says now. `keys` check the keys of callers, and
        `sign_in` signs persons in at the issuer of tokens, each None where there is none.
        """
        self.tickets = tickets
        self.ways = ways
        self.resource = resource or ""
        self._sign_in = sign_in
        self._links = links
        self._clock = clock
        self._memberships = memberships
        self._keys = keys

    @property
    def base(self) -> str:
        """The address of the pages without a path; empty where nobody knows it."""
        parts = urlsplit(self.resource)
        return f"{parts.scheme}://{parts.netloc}" if self.resource else ""

    @property
    def signed_in(self) -> str:
        """Where the issuer sends the browser back to; it has to be registered there."""
        return f"{self.base}/link/signed-in"

    @property
    def callback(self) -> str:
        """Where a CRM sends the browser back to; it has to be registered there."""
        return f"{self.base}/link/callback"

    async def find_linked(self, ticket: Ticket) -> tuple[LinkedMember, bool]:
        """Who the CRM said that the person of a ticket is, as far as that is known.

        The second is whether the CRM did not say it, and the credential is that of everybody.
        """
        link = await self._find_link(ticket)
        if link is None:
            return LinkedMember(), False
        return link.member, self._is_of_everybody(ticket, link.credential, link.member)

    async def offer(self, person: Person, connection: str) -> LinkOffer | None:
        """An offer for this person; None where nobody can link on a page."""
        way = self.ways.get(connection)
        if way is None or not self.base or (self._must_prove(way, person) and not self._find_proof(person)):
            return None
        text, ticket = await self.tickets.make(person, connection)
        return LinkOffer(ticket.id, connection, f"{self.base}/link/{text}", ticket.expires_at)

    async def find_state(self, offer_id: str, person: Person) -> OfferState:
        """What has become of an offer for this person."""
        return await self.tickets.find_state(offer_id, person)

    async def next_step(self, ticket: Ticket) -> Step | None:
        """What is next on the page of an open ticket; None where nobody can link there."""
        way = self.ways.get(ticket.connection)
        if way is None:
            return None
        if ticket.proved_at is None and (
            self._must_prove(way, ticket.person) or await self._find_expected(way, ticket.person) is None
        ):
            return self._find_proof(ticket.person)
        return "consent" if way.consent else "paste"

    async def prove(self, ticket: Ticket, browser: str, text: str) -> bool:
        """Take the person's Taskhand key as the proof of who is in front of the page."""
        key = await self._keys.find_holder(text.strip()) if self._keys else None
        return key is not None and key.person == ticket.person.id and await self.tickets.prove(ticket, browser)

    async def send(self, ticket: Ticket, step: Step, text: str, browser: str, language: str) -> str | None:
        """Where the browser is sent to sign in or to consent; None where it may not go on."""
        verifier, nonce = token_urlsafe(_VERIFIER_BYTES), token_urlsafe(_VERIFIER_BYTES)
        state = await self.tickets.send(ticket, browser, Errand(step, text, verifier, nonce, language))
        if state is None:
            return None
        if step == "sign_in" and self._sign_in is not None:
            challenge = _challenge(verifier)
            return await self._sign_in.authorize_url(self.signed_in, self.resource, state, challenge, nonce)
        consent = self._way(ticket).consent
        return consent.authorize_url(self.callback, state, _challenge(verifier)) if consent else None

    async def take_sign_in(self, ticket: Ticket, errand: Errand, browser: str, answer: Mapping[str, str]) -> None:
        """Take an issuer's answer as the proof of who is in front of the page. Refused, or TaskhandError."""
        signed_in = None
        if self._sign_in is not None:
            sent = (errand.verifier, errand.nonce)
            signed_in = await self._sign_in.find_person(answer, self.signed_in, self.resource, *sent)
        if signed_in is None or signed_in.id != ticket.person.id:
            said = "%s has signed in on the page of %s for %s; nothing was linked%s"
            hint = ". If they are one person, the issuer has another subject for the client of the page: docs/team.md"
            _log.warning(
                said,
                signed_in.id if signed_in else "nobody",
                ticket.person.id,
                ticket.connection,
                hint if signed_in else "",
            )
            raise Refused("other_person" if signed_in else "not_signed_in")
        await self.tickets.prove(ticket, browser, signed_in.email)

    async def take_code(self, ticket: Ticket, errand: Errand, browser: str, code: str) -> LinkedMember:
        """Link what the CRM gives for a code; who the CRM says that the person is. Refused, or TaskhandError."""
        way = self._way(ticket)
        if way.consent is None:
            raise Refused("not_possible")
        granted = await way.consent.exchange(code, self.callback, errand.verifier)
        try:
            return await self._link(ticket, browser, "oauth", granted.credential, granted.member_id)
        except (Refused, TaskhandError):
            await _revoke(way.consent, granted.credential)
            raise

    async def take_key(self, ticket: Ticket, browser: str, text: str) -> LinkedMember:
        """Link a pasted key; who the CRM says that the person is. Refused, or TaskhandError."""
        key = self._way(ticket).read_key(text)
        if key is None:
            raise Refused("no_key")
        try:
            return await self._link(ticket, browser, "key", OwnCredential(key), None)
        except OperatorError as error:
            if error.code != "unauthorized":
                raise
        raise Refused("key_refused")

    async def _link(
        self, ticket: Ticket, browser: str, kind: LinkKind, credential: OwnCredential, told: str | None
    ) -> LinkedMember:
        """Find out whose the credential is, and keep it where it is the person's."""
        way, person = self._way(ticket), ticket.person
        expected = await self._find_expected(way, person)
        member, is_same_account = await find_holder(way, credential.access_token, told)
        verdict = judge(member.id, expected, is_proved=ticket.proved_at is not None)
        refused = None if verdict == "same" else f"{verdict}_member"
        if is_same_account is False:
            refused = "other_account"
        if refused is not None:
            _log.warning(_NOT_KEPT, member.id or "an unknown member", person.id, ticket.connection, refused)
            raise Refused(refused, member)
        if member.id is not None:
            await self._check_member(ticket, way, member, member.id, is_expected=expected is not None)
        if not await self.tickets.use(ticket, browser):
            raise Refused("used")
        former = await self._find_link(ticket)
        email = person.email if person.email != person.id else None
        await self._links.save(Link(person.id, ticket.connection, kind, credential, self._clock(), member, email=email))
        who = member.shown_name or f"somebody whom {way.crm} does not name"
        _log.info("%s has linked %s as %s", person.id, ticket.connection, who)
        if self._is_of_everybody(ticket, credential, member):
            _log.warning("%s has linked the shared credential of %s as their own", person.id, ticket.connection)
        await self._finish(ticket, way, former, credential)
        return member

    def _is_of_everybody(self, ticket: Ticket, credential: OwnCredential, member: LinkedMember) -> bool:
        """Whether the CRM cannot tell the person from any other by the credential."""
        return member.id is None and self._way(ticket).is_shared(credential.access_token)

    async def _check_member(
        self, ticket: Ticket, way: Way, member: LinkedMember, member_id: str, *, is_expected: bool
    ) -> None:
        """Refused for a member of another account, and for one who is somebody else.

        What people.toml or the e-mail address of the person says stands against all that is known of others.
        """
        team, person = await find_team(way), ticket.person
        if not is_expected and member_id not in {one.id for one in team}:
            _log.warning(_NOT_KEPT, member_id, person.id, ticket.connection, "other_account")
            raise Refused("other_account", member)
        known = await find_known(way, self._memberships(), self._links, ticket.connection)
        other = known.find_other(member_id, person, team)
        if other is None:
            return
        if is_expected:
            said = "%s and %s are one member of %s (%s): the rule second_person takes them for two persons"
            _log.warning(said, person.id, other, ticket.connection, member.shown_name)
            return
        said = "the credential of %s was given on the page of %s for %s, and that member is %s; nothing was kept"
        _log.warning(said, member.shown_name, person.id, ticket.connection, other)
        raise Refused("taken_member", member)

    async def _finish(self, ticket: Ticket, way: Way, former: Link | None, credential: OwnCredential) -> None:
        """What follows once a link is kept, and never undoes it."""
        try:
            await self.tickets.note_linked(ticket)
        except OperatorError as error:
            _log.warning("that %s was linked is not noted: %s", ticket.connection, error.message)
        is_given_out = former is not None and former.kind == "oauth"
        if former and is_given_out and former.credential.refresh_token != credential.refresh_token and way.consent:
            await _revoke(way.consent, former.credential)

    async def _find_link(self, ticket: Ticket) -> Link | None:
        """What the person had linked before, as far as it can be read."""
        try:
            return await self._links.find(ticket.person.id, ticket.connection)
        except OperatorError:  # the CRM has ended it, or it cannot be decrypted
            return None

    def _way(self, ticket: Ticket) -> Way:
        if (way := self.ways.get(ticket.connection)) is None:
            raise Refused("not_possible")
        return way

    async def _find_expected(self, way: Way, person: Person) -> str | None:
        """The member who the person is, as far as anyone but the credential can tell."""
        return await find_person(way, person, self._members(person))

    def _must_prove(self, way: Way, person: Person) -> bool:
        """Whether it is sure that a person has to prove who they are: always where they can sign in.

        Else where the CRM cannot tell that a credential is theirs.
        """
        return self._find_proof(person) == "sign_in" or not way.tells_who or not (person.email or self._members(person))

    def _find_proof(self, person: Person) -> Step | None:
        """How this person can prove on the page who they are; None where they cannot."""
        if self._sign_in is not None and self._sign_in.can_prove(person.id):
            return "sign_in"
        return "prove" if self._keys is not None and not is_token_person(person.id) else None

    def _members(self, person: Person) -> Mapping[str, str]:
        """What people.toml says of a person."""
        known = self._memberships()
        return next((known[name] for name in person.names if name in known), {})

    async def aclose(self) -> None:
        """Close the tickets after what is under way."""
        await self.tickets.aclose()


async def _revoke(consent: OAuthClient, credential: OwnCredential) -> None:
    """Withdraw at the CRM what is not kept, or not any more; where that fails it ends by itself, and nobody has it."""
    if not await consent.revoke(credential):
        _log.warning("a credential that is not kept could not be withdrawn at the CRM")


def _challenge(verifier: str) -> str:
    """The hash of a verifier (RFC 7636 §4.2, S256)."""
    return urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
