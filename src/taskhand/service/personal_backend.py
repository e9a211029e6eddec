"""A backend as one person uses it: `me` is that person's member, never the user of the shared credential."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any, cast

from taskhand.backends.base import Account, Backend, BulkProgress, ItemResult, Written
from taskhand.domain.author import Author, writing_as
from taskhand.domain.edit import Edit
from taskhand.domain.people_lookup import find_members
from taskhand.domain.principal import Person, fold_person
from taskhand.domain.task import Member, Task

__all__ = ["backend_of_person"]


def backend_of_person(backend: Backend, person: Person, key: str, line: str | None) -> Backend:
    """The backend with this person as `me`.

    `line` is what people.toml says who the person is there, by id, e-mail or name, under `key`; without one it is
    whoever has the person's e-mail address.
    """
    return cast("Backend", _PersonalBackend(backend, person, key, line))


class _PersonalBackend:
    """Everything but `me`, and what is written for the person, is the backend's own."""

    def __init__(self, backend: Backend, person: Person, key: str, line: str | None) -> None:
        self._backend = backend
        self._person = person
        self._key = key
        self._line = line
        self.account = cast("Account", _PersonalAccount(backend.account, person, line))
        self.capabilities = replace(backend.capabilities, knows_me=True)
        self._as_person = partial(writing_as, Author(person.id, self.account.me))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._backend, name)

    @property
    def remedies(self) -> Mapping[str, str]:
        """Those of the backend; whoever runs the server says in people.toml who the person is."""
        return {**self._backend.remedies, "me": self._remedy}

    async def find_notes(
        self, tasks: Sequence[Task], text: str, since: datetime, but: Collection[str] = ()
    ) -> dict[str, str]:
        """As the backend finds them; a note that was sent for another person a moment ago is none of this one's."""
        with self._as_person():
            return await self._backend.find_notes(tasks, text, since, but)

    async def create_task(self, edit: Edit) -> Written:
        """Create a task by the person."""
        with self._as_person():
            return await self._backend.create_task(edit)

    async def create_tasks(self, edits: Sequence[Edit], progress: BulkProgress | None = None) -> tuple[ItemResult, ...]:
        """Create many tasks by the person."""
        with self._as_person():
            return await self._backend.create_tasks(edits, progress)

    async def update_task(self, before: Task, edit: Edit) -> Written:
        """Set the fields of an edit for the person."""
        with self._as_person():
            return await self._backend.update_task(before, edit)

    async def update_tasks(
        self, edits: Sequence[tuple[Task, Edit]], progress: BulkProgress | None = None
    ) -> tuple[ItemResult, ...]:
        """Update many tasks for the person."""
        with self._as_person():
            return await self._backend.update_tasks(edits, progress)

    @property
    def _remedy(self) -> str:
        """How to say who the person is, in a sentence."""
        table = f"[{json.dumps(self._person.shown_name, ensure_ascii=False)}]"
        if self._line is None:
            return f'In people.toml, give {table} {self._key} = "the id or e-mail of a member".'
        said = f"{self._key} = {json.dumps(self._line, ensure_ascii=False)}"
        return f"In people.toml, correct {said} in {table}: not exactly one member has that id, e-mail or name."


class _PersonalAccount:
    """Everything but `me` is the account's own."""

    def __init__(self, account: Account, person: Person, line: str | None) -> None:
        self._account = account
        self._person = person
        self._line = line
        self._team: tuple[Member, ...] | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._account, name)

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
            found = find_members(self._line, team)
        else:
            email = fold_person(self._person.email or "")
            found = [one for one in team if email and fold_person((one.email or "").strip()) == email]
        return found[0].id if len(found) == 1 else None
