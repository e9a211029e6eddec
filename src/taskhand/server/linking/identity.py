"""Whose credential it is: the person for whom the page was made, another, or nobody can tell."""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from taskhand.domain.member_claims import KnownPersons
from taskhand.domain.principal import MEMBER, Person
from taskhand.domain.task import Member
from taskhand.server.access import Memberships
from taskhand.server.linking.way import Way
from taskhand.service.personal_backend import backend_of_person
from taskhand.service.same_account import is_same_account
from taskhand.vault.link import LinkedMember
from taskhand.vault.links import Links

__all__ = ["Holder", "Verdict", "find_holder", "find_known", "find_person", "find_team", "judge"]

Verdict = Literal["same", "other", "unknown"]


class Holder(NamedTuple):
    """Whose a credential is, and whether it is for the account of the shared one; None: nobody knows."""

    member: LinkedMember
    is_same_account: bool | None


async def find_person(way: Way, person: Person, members: Mapping[str, str]) -> str | None:
    """The id of the member who a person is, by the team that the shared credential sees; None where nobody knows.

    `members` are what people.toml says of the person.
    """
    key = _key(way)
    return await backend_of_person(way.app.shared.backend, person, key, members.get(key)).me()


async def find_team(way: Way) -> Sequence[Member]:
    """The members whom the shared credential sees: a credential of nobody else is of this account of the CRM."""
    return await way.app.shared.backend.members()


async def find_known(way: Way, memberships: Memberships, links: Links, connection: str) -> KnownPersons:
    """What is known of persons there; `memberships` are people.toml."""
    key = _key(way)
    lines = {name: lines[key] for name, lines in memberships.items() if key in lines}
    return KnownPersons(lines, memberships, await links.list_members(connection))


async def find_holder(way: Way, credential: str, told: str | None = None) -> Holder:
    """Whose a credential is and of which account, as the CRM says; nobody's where it does not tell.

    `told` is the member whom the CRM named when it gave it out. TaskhandError where the CRM does not accept it, and
    where it could not be tried.
    """
    async with way.open_as(credential) as backend:
        await backend.check_access()
        me = told or await backend.me()
        is_same = await is_same_account(backend, way.app.shared.backend)
        team = await backend.members() if me else ()
    return Holder(LinkedMember(me, next((one.name for one in team if one.id == me), None)), is_same)


def judge(holder: str | None, expected: str | None, *, is_proved: bool) -> Verdict:
    """Whether a credential is the person's; what is not known of the CRM's members the person has to have proved."""
    if holder is not None and expected is not None:
        return "same" if holder == expected else "other"
    return "same" if is_proved else "unknown"


def _key(way: Way) -> str:
    """What people.toml calls the connection."""
    return way.app.connection or way.app.name_in_files or MEMBER
