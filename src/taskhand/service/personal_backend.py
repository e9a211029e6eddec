"""A backend for one person: `me` is that person's member, not the user of the shared credential."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from taskhand.backends.base import Account, Backend
from taskhand.call.author import Author, writing_as
from taskhand.domain.people_lookup import find_members
from taskhand.domain.principal import Person, fold_person
from taskhand.domain.task import Member
from taskhand.service.forwarding_backend import ForwardingAccount, ForwardingBackend

__all__ = ["PersonalBackend"]


class PersonalBackend(ForwardingBackend):
    """The backend with this person as `me` and as the author of writes; all else is the backend's own.

    `line` is the person's member in people.toml, as an id, e-mail or name under `key`. If it is None, the person is the
    member with the same e-mail address.
    """

    def __init__(self, backend: Backend, person: Person, key: str, line: str | None) -> None:
        account = _PersonalAccount(backend.account, person, line)

        @asynccontextmanager
        async def open_backend() -> AsyncIterator[Backend]:
            with writing_as(Author(person.id, account.me)):
                yield backend

        super().__init__(backend, open_backend)
        self.account = account
        self.capabilities = replace(backend.capabilities, knows_me=True)
        self.remedies = {**backend.remedies, "me": _remedy(person, key, line)}


class _PersonalAccount(ForwardingAccount):
    """The account, except for `me`."""

    def __init__(self, account: Account, person: Person, line: str | None) -> None:
        super().__init__(account)
        self._account = account
        self._person = person
        self._line = line
        self._team: tuple[Member, ...] | None = None

    async def members(self) -> tuple[Member, ...]:
        """The people who can be responsible for a task."""
        self._team = await self._account.members()
        return self._team

    async def me(self) -> str | None:
        """The id of the person's member; None if no member, or more than one, can be the person.

        The team is not read again if it was just read.
        """
        team, self._team = self._team, None
        if team is None:
            team = await self._account.members()
        if self._line is not None:
            members = find_members(self._line, team)
        else:
            email = fold_person(self._person.email or "")
            members = [member for member in team if email and fold_person((member.email or "").strip()) == email]
        return members[0].id if len(members) == 1 else None


def _remedy(person: Person, key: str, line: str | None) -> str:
    """What the operator of the server has to enter in people.toml."""
    table = f"[{json.dumps(person.shown_name, ensure_ascii=False)}]"
    if line is None:
        return f'In people.toml, give {table} {key} = "the id or e-mail of a member".'
    entry = f"{key} = {json.dumps(line, ensure_ascii=False)}"
    return f"In people.toml, correct {entry} in {table}: not exactly one member has that id, e-mail or name."
