"""Saves the link of a person to a credential, if the credential is that person's own."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from taskhand.domain.errors import OperatorError
from taskhand.domain.own_credential import OAuthClient, OwnCredential
from taskhand.domain.principal import Person
from taskhand.server.access import Memberships
from taskhand.server.linking.holder_lookup import (
    find_known,
    find_person,
    find_team,
    identify_holder,
    judge,
)
from taskhand.server.linking.link_method import LinkMethod
from taskhand.vault.credential_link import Link, LinkedMember, LinkKind
from taskhand.vault.links_of_persons import Links
from taskhand.vault.ticket import Ticket
from taskhand.vault.tickets import Tickets

__all__ = ["LinkSaver", "NewCredential", "RefusedCredential", "is_shared_credential", "revoke_credential"]

_log = logging.getLogger(__name__)

_NOT_KEPT: Final = "the credential of %s was given on the page of %s for %s%s; nothing was kept"


class RefusedCredential(Exception):
    """A credential or proof is refused; `reason` is the key of the page that explains it, `member` the holder."""

    def __init__(self, reason: str, member: LinkedMember = LinkedMember()) -> None:  # noqa: B008  it is frozen
        super().__init__(reason)
        self.reason = reason
        self.member = member


@dataclass(frozen=True, slots=True)
class NewCredential:
    """A credential that a person gave, and the id of its holder if the CRM named it with the credential."""

    kind: LinkKind
    credential: OwnCredential = field(repr=False)
    member_id: str | None = None


class LinkSaver:
    """Checks the holder of a credential, and saves the link."""

    def __init__(
        self,
        tickets: Tickets,
        links: Links,
        memberships: Callable[[], Memberships],
        clock: Callable[[], datetime],
    ) -> None:
        """`memberships` returns the current ones of people.toml."""
        self._tickets = tickets
        self._links = links
        self._memberships = memberships
        self._clock = clock

    async def save(self, ticket: Ticket, browser: str, method: LinkMethod, new: NewCredential) -> LinkedMember:
        """Find the holder of a credential and save the link; RefusedCredential for another person, or TaskhandError."""
        person, credential = ticket.person, new.credential
        expected = await self.find_expected(method, person)
        member, is_same_account = await identify_holder(method, credential.access_token, new.member_id)
        verdict = judge(member.id, expected, is_proved=ticket.proved_at is not None)
        refused = None if verdict == "same" else f"{verdict}_member"
        if is_same_account is False:
            refused = "other_account"
        if refused is not None:
            _log.warning(_NOT_KEPT, member.id or "an unknown member", person.id, ticket.connection, f" ({refused})")
            raise RefusedCredential(refused, member)
        if member.id is not None:
            await self._check_member(ticket, method, member, member.id, is_expected=expected is not None)
        if not await self._tickets.use(ticket, browser):
            raise RefusedCredential("used")
        earlier = await self.find(ticket)
        email = person.email if person.email != person.id else None
        await self._links.save(
            Link(person.id, ticket.connection, new.kind, credential, self._clock(), member, email=email)
        )
        who = member.shown_name or f"somebody whom {method.crm} does not name"
        _log.info("%s has linked %s as %s", person.id, ticket.connection, who)
        if is_shared_credential(method, credential, member):
            _log.warning("%s has linked the shared credential of %s as their own", person.id, ticket.connection)
        await self._finish(ticket, method, earlier, credential)
        return member

    async def find(self, ticket: Ticket) -> Link | None:
        """The person's earlier link; None if there is none or it cannot be read."""
        try:
            return await self._links.find(ticket.person.id, ticket.connection)
        except OperatorError:  # the CRM has revoked it, or it cannot be decrypted
            return None

    async def find_expected(self, method: LinkMethod, person: Person) -> str | None:
        """The member that the person is, by sources other than the credential."""
        return await find_person(method, person, person.find_in(self._memberships()) or {})

    async def _check_member(
        self, ticket: Ticket, method: LinkMethod, member: LinkedMember, member_id: str, *, is_expected: bool
    ) -> None:
        """RefusedCredential for a member of another account, and for a member that is another person.

        people.toml and the person's e-mail address have priority over the known members of other persons.
        """
        team, person = await find_team(method), ticket.person
        if member_id not in {teammate.id for teammate in team}:
            _log.warning(_NOT_KEPT, member_id, person.id, ticket.connection, " (other_account)")
            raise RefusedCredential("other_account", member)
        known = await find_known(method, self._memberships(), self._links, ticket.connection)
        other = known.find_other(member_id, person, team)
        if other is None:
            return
        if is_expected:
            message = "%s and %s are one member of %s (%s): the rule second_person takes them for two persons"
            _log.warning(message, person.id, other, ticket.connection, member.shown_name)
            return
        _log.warning(_NOT_KEPT, member.shown_name, person.id, ticket.connection, f", and that member is {other}")
        raise RefusedCredential("taken_member", member)

    async def _finish(
        self, ticket: Ticket, method: LinkMethod, earlier: Link | None, credential: OwnCredential
    ) -> None:
        """Note that a link was saved, and revoke the credential that it replaces; a failure does not undo the link."""
        try:
            await self._tickets.note_linked(ticket)
        except OperatorError as error:
            _log.warning("that %s was linked is not noted: %s", ticket.connection, error.message)
        is_given_out = earlier is not None and earlier.kind == "oauth"
        if earlier and is_given_out and earlier.credential.refresh_token != credential.refresh_token and method.consent:
            await revoke_credential(method.consent, earlier.credential)


def is_shared_credential(method: LinkMethod, credential: OwnCredential, member: LinkedMember) -> bool:
    """Whether the credential is the shared one and the CRM names no member for it."""
    return member.id is None and method.is_shared(credential.access_token)


async def revoke_credential(consent: OAuthClient, credential: OwnCredential) -> None:
    """Revoke a credential at the CRM; if that fails, the credential expires by itself and is stored nowhere."""
    if not await consent.revoke(credential):
        _log.warning("a refused credential could not be revoked at the CRM")
