"""Identifies the holder of a credential: the person for whom the page was made, another person, or unknown."""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from taskhand.domain.known_persons import KnownPersons
from taskhand.domain.principal import Person
from taskhand.domain.task import Member
from taskhand.server.access import Memberships
from taskhand.server.linking.link_method import LinkMethod
from taskhand.service.credential_account import is_same_account
from taskhand.service.personal_backend import PersonalBackend
from taskhand.vault.credential_link import LinkedMember
from taskhand.vault.links_of_persons import Links

__all__ = ["HoldingMember", "Verdict", "find_known", "find_person", "find_team", "identify_holder", "judge"]

Verdict = Literal["same", "other", "unknown"]


class HoldingMember(NamedTuple):
    """The member who holds a credential, and whether it is for the shared credential's account; None if unknown."""

    member: LinkedMember
    is_same_account: bool | None


async def find_person(method: LinkMethod, person: Person, members: Mapping[str, str]) -> str | None:
    """The id of the member that a person is, in the team that the shared credential sees; None if unknown.

    `members` is the person's entry in people.toml: a member for each connection.
    """
    key = _key(method)
    return await PersonalBackend(method.app.shared.backend, person, key, members.get(key)).account.me()


async def find_team(method: LinkMethod) -> Sequence[Member]:
    """The members that the shared credential sees: any other member is of another account of the CRM."""
    return await method.app.shared.backend.account.members()


async def find_known(method: LinkMethod, memberships: Memberships, links: Links, connection: str) -> KnownPersons:
    """The persons known in a connection; `memberships` are those in people.toml."""
    key = _key(method)
    lines = {name: lines[key] for name, lines in memberships.items() if key in lines}
    return KnownPersons(lines, memberships, await links.list_members(connection))


async def identify_holder(method: LinkMethod, credential: str, granted_id: str | None = None) -> HoldingMember:
    """The member and account of a credential by the CRM's responses; no member if the CRM does not name it.

    `granted_id` is the member that the CRM named when it granted the credential. TaskhandError if the CRM rejects the
    credential or cannot be reached.
    """
    async with method.open_as(credential) as backend:
        await backend.account.check_access()
        me = granted_id or await backend.account.me()
        is_same = await is_same_account(backend, method.app.shared.backend)
        team = await backend.account.members() if me else ()
    return HoldingMember(LinkedMember(me, next((member.name for member in team if member.id == me), None)), is_same)


def judge(holder: str | None, expected: str | None, *, is_proved: bool) -> Verdict:
    """Whether a credential belongs to the expected member; if either is unknown, only the person's proof counts."""
    if holder is not None and expected is not None:
        return "same" if holder == expected else "other"
    return "same" if is_proved else "unknown"


def _key(method: LinkMethod) -> str:
    """The name of the connection in people.toml."""
    return method.app.connection.member_key
