"""Tries a person's own credential and stores it; finds and revokes links, for the operator's commands."""

import logging
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from taskhand.backends.registry import find_factory
from taskhand.domain.errors import CallerError, LinkBroken, LinkRequired, OperatorError, TaskhandError
from taskhand.domain.known_persons import KnownPersons
from taskhand.domain.people_lookup import find_members
from taskhand.domain.principal import MEMBER, Person

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from taskhand.backends.base import Backend
    from taskhand.config.connection_settings import ConnectionSettings
    from taskhand.domain.task import Member
    from taskhand.vault.credential_link import Link, LinkedMember
    from taskhand.vault.links_of_persons import Links

__all__ = ["SavedLink", "find_usable_link", "revoke_linked_credential", "save_link"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SavedLink:
    """A link that was stored.

    `member` is the CRM's. `mismatch` says why that may be another person, by people.toml, a link or an e-mail address;
    None if nothing says so. `is_same_account` is None if the shared credential cannot be compared. `has_revoked` is
    whether the CRM has revoked the previous credential, None if there was no other.
    """

    member: "LinkedMember"
    mismatch: str | None
    is_same_account: bool | None
    has_revoked: bool | None


async def save_link(
    connection: "ConnectionSettings", person: str, text: str, memberships: "Mapping[str, Mapping[str, str]]"
) -> SavedLink:
    """Try the credential and store it; CallerError or OperatorError if it cannot be the person's."""
    from taskhand.state import clock_of, open_links
    from taskhand.vault.credential_link import Link, OwnCredential
    from taskhand.wiring import open_as_person

    settings, key = connection.settings, connection.name_in_files or MEMBER
    now = clock_of(settings)()
    async with open_as_person(connection, text) as backend:
        title = find_factory(settings.backend).title
        member, team = await _find_member(backend, title)
        is_same_account = await _compare_accounts(connection, backend)
    if is_same_account is False:
        raise CallerError(
            f"This credential is for another account of {title} than {connection.name}; nothing was stored.",
            code="other_account",
            next_step=f"Make one in the account of {connection.name}, and run the same command.",
        )
    links = open_links(settings)
    try:
        lines = {name: lines[key] for name, lines in memberships.items() if key in lines}
        known = KnownPersons(lines, memberships, await links.list_members(connection.name))
        mismatch = _find_mismatch(Person.parse(person), member, team, known)
        former = await find_usable_link(links, person, connection.name)
        await links.save(Link(person, connection.name, "operator", OwnCredential(text), now, member))
    finally:
        await links.aclose()
    is_other = former is not None and former.credential.access_token != text
    has_revoked = await revoke_linked_credential(connection, former) if is_other else None
    return SavedLink(member, mismatch, is_same_account, has_revoked)


async def _compare_accounts(connection: "ConnectionSettings", own_backend: "Backend") -> bool | None:
    """Whether the shared credential is for the same account as this one; None if it cannot be used."""
    from taskhand.service.credential_account import is_same_account
    from taskhand.wiring import open_connection

    try:
        async with open_connection(connection) as app:
            return await is_same_account(own_backend, app.backend)
    except TaskhandError as error:
        _log.info("the shared credential of %s cannot be compared: %s", connection.name, error.message)
        return None


def _find_mismatch(
    person: Person, member: "LinkedMember", team: "Sequence[Member]", known_persons: KnownPersons
) -> str | None:
    """A sentence on why the credential's member may not be the person."""
    if member.id is None:
        return None
    line = person.find_in(known_persons.lines)
    if line is not None:
        is_meant = member.id in {match.id for match in find_members(line, team)}
        if is_meant:
            return None
        return f"people.toml says that {person.shown_name} is {line!r}, and the CRM reports another member."
    other = known_persons.find_other(member.id, person, team)
    return f"{member.shown_name} is assigned to {other}, another person." if other else None


async def _find_member(backend: "Backend", title: str) -> "tuple[LinkedMember, Sequence[Member]]":
    """The member whose credential a backend uses, and the team; no member if the CRM does not tell."""
    from taskhand.vault.credential_link import LinkedMember

    try:
        await backend.account.check_access()
        me = await backend.account.me()
        team = await backend.account.members() if me else ()
    except OperatorError as error:
        if error.code != "unauthorized":
            raise
        raise OperatorError(
            f"{title} does not accept this credential; nothing was stored.",
            code="unauthorized",
            next_step="Copy it from the CRM again, whole, and run the same command.",
        ) from None
    return LinkedMember(me, next((member.name for member in team if member.id == me), None)), team


async def find_usable_link(links: "Links", person: str, connection: str) -> "Link | None":
    """A link with its credential; None if it cannot be decrypted or the CRM has revoked it."""
    try:
        return await links.find(person, connection)
    except (LinkBroken, LinkRequired):
        return None


async def revoke_linked_credential(connection: "ConnectionSettings | None", link: "Link | None") -> bool:
    """Revoke a removed or replaced credential at the CRM; returns whether the CRM has confirmed it."""
    from taskhand.vault.oauth_grant import revoke_link
    from taskhand.wiring import open_oauth_client

    if connection is None or link is None:
        return False
    return await revoke_link(link, partial(open_oauth_client, connection))
