"""`me` is each person's own member of the connection, and never the user of the shared credential."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from behaviour.backend_cases import BACKEND_CASES
from behaviour.world import BackendCase
from server.store_connections import answer_of, client_of, open_store_connections
from server.team_server import open_team_server
from taskhand.backends.local.backend import LocalBackend
from taskhand.backends.local.people_and_statuses import Directory
from taskhand.domain.principal import Person
from taskhand.domain.task_query import TaskQuery
from taskhand.service.connections import Connections
from taskhand.service.personal_backend import PersonalBackend

ANA, BOB, GIL = "ana@x.test", "bob@x.test", "gil"
NORTH = {"connection": "north"}
TASK = {"title": "Llamar", "responsibleIds": ["me"], "connection": "north"}


def _furnish(directory: Directory) -> None:
    directory.add_member("Ana Pérez", "Ana@X.test")
    directory.add_member("Bob Roa", "bob@x.test")
    directory.add_member("Gil Sanz")
    directory.add_member("Sue Paz", " Sue@x.test ")
    directory.add_member("kim@x.test")
    directory.add_member("Kim Look", "\N{KELVIN SIGN}im@x.test")
    directory.add_member("Twin One", "twin@x.test")
    directory.add_member("Twin Two", "TWIN@x.test")


@pytest.fixture
async def connections(tmp_path: Path) -> AsyncIterator[Connections]:
    async with open_store_connections(tmp_path) as connections:
        for app in connections:
            assert isinstance(app.backend, LocalBackend)
            await app.backend.edit(_furnish)
        yield connections


async def _me(connections: Connections, person: str | None, **more: Any) -> str | None:
    """The name of the member whom list_team_members calls me."""
    async with client_of(connections, person, **more) as client:
        team = await answer_of(client, "list_team_members", **NORTH)
        me: str | None = next((one["name"] for one in team["members"] if one["id"] == team["me"]), team["me"])
        return me


@pytest.mark.parametrize(
    ("person", "line", "name"),
    [
        (ANA, None, "Ana Pérez"),
        ("ANA@x.test", None, "Ana Pérez"),
        ("sue@x.test", None, "Sue Paz"),
        (GIL, None, None),
        (GIL, "gil sanz", "Gil Sanz"),
        (GIL, "bob@x.test", "Bob Roa"),
        (GIL, " BOB@X.test ", "Bob Roa"),
        (GIL, "kim@x.test", None),  # the name of one member, and the address of another with a sign for K
        (GIL, "bo\N{ZERO WIDTH SPACE}b@x.test", None),
        (GIL, "\N{KELVIN SIGN}im@x.test", "Kim Look"),
        ("kim@x.test", None, None),
        (ANA, "Bob Roa", "Bob Roa"),
        (ANA, "Nobody", None),
        (ANA, "Twin", None),
        ("twin@x.test", None, None),
        ("stranger@x.test", None, None),
    ],
)
async def test_me_is_the_member_named_for_the_person_or_found_by_email_or_nobody(
    connections: Connections, person: str, line: str | None, name: str | None
) -> None:
    lines = {} if line is None else {person.casefold(): {"north": line, "south": "Twin One"}}
    assert await _me(connections, person, memberships=lines) == name


async def test_with_no_person_me_is_the_user_of_the_store(connections: Connections) -> None:
    app = connections.find("north")
    assert await _me(connections, None) not in {None, "Ana Pérez", "Bob Roa"}
    assert app.of_principal(app.principal) is app


async def test_me_means_each_person_in_writes_and_filters_whoever_called_before(connections: Connections) -> None:
    async with client_of(connections, ANA) as ana, client_of(connections, BOB) as bob:
        for person, title in ((ana, "De Ana"), (bob, "De Bob")):
            await answer_of(person, "create_task", **TASK | {"title": title})
        for _ in range(2):
            for person, title in ((ana, "De Ana"), (bob, "De Bob")):
                found = await answer_of(person, "list_tasks", responsibleIds=["me"], **NORTH)
                assert [row["title"] for row in found["tasks"]] == [title]


async def test_the_caller_is_recorded_as_creator_finisher_and_author_of_a_note(connections: Connections) -> None:
    members = {one.id: one.name for one in await connections.find("north").backend.account.members()}
    async with (
        client_of(connections, ANA) as ana,
        client_of(connections, BOB) as bob,
        client_of(connections, GIL) as gil,
    ):
        made = await answer_of(ana, "create_task", **TASK)
        many = await answer_of(bob, "create_tasks", tasks=[{"title": "Otra", "responsibleIds": []}], **NORTH)
        nobodys = await answer_of(gil, "create_task", **TASK | {"responsibleIds": []})
        task_id = made["task"]["id"]
        await answer_of(bob, "complete_task", id=task_id, **NORTH)
        await answer_of(bob, "update_task", id=task_id, addNote="hecho", **NORTH)
        await answer_of(gil, "update_task", id=task_id, addNote="visto", **NORTH)
        whole = (await answer_of(ana, "get_task", id=task_id, **NORTH))["task"]
        assert members[whole["creator_id"]] == "Ana Pérez"
        assert "Bob Roa: hecho" in whole["description"]
        assert "gil: visto" in whole["description"]
        page = await connections.find("north").backend.list_tasks(TaskQuery())
        assert members[str(page.times[task_id].completed_by)] == "Bob Roa"
        creators = [
            (await answer_of(ana, "get_task", id=one, **NORTH))["task"]["creator_id"]
            for one in (many["tasks"][0]["id"], nobodys["task"]["id"])
        ]
        assert [members.get(one) for one in creators] == ["Bob Roa", None]
        assert creators[1] is None


async def test_an_unknown_me_is_an_error_that_names_the_file(connections: Connections) -> None:
    for person, name in ((GIL, GIL), (Person("https://login.x.test#7", "gil@x.test"), "gil@x.test")):
        async with client_of(connections, person) as gil:
            error = await answer_of(gil, "create_task", **TASK)
            assert error["code"] == "unknown_member"
            assert f'In people.toml, give ["{name}"] north = "the id or e-mail of a member".' in error["next"]
    async with client_of(connections, GIL, memberships={GIL: {"north": "Gil Sans"}}) as gil:
        error = await answer_of(gil, "list_tasks", responsibleIds=["me"], **NORTH)
        assert 'correct north = "Gil Sans" in ["gil"]' in error["next"]


@pytest.mark.parametrize("backend", BACKEND_CASES, ids=lambda backend: backend.name)
async def test_every_backend_of_a_person_differs_in_me_alone(backend: BackendCase, tmp_path: Path) -> None:
    async with backend.open(tmp_path) as app:
        hers = PersonalBackend(app.backend, Person.parse("ana@example.com"), "member", None)
        members = {one.name: one.id for one in await app.backend.account.members()}
        assert await hers.account.me() == members["Ana Soto"] != await app.backend.account.me()
        by_token = Person("https://idp.example#7", "Ana@Example.com")
        assert await PersonalBackend(app.backend, by_token, "member", None).account.me() == members["Ana Soto"]
        nobodys = PersonalBackend(app.backend, Person.parse("stranger@example.com"), "member", None)
        assert await nobodys.account.me() is None
        assert (hers.capabilities.knows_me, nobodys.capabilities.knows_me) == (True, True)
        capabilities = app.backend.capabilities
        assert replace(hers.capabilities, knows_me=capabilities.knows_me) == capabilities
        assert {**hers.remedies, "me": ""} == {**app.backend.remedies, "me": ""}
        assert await hers.statuses() == await app.backend.statuses()
        assert await hers.account.find_contacts("a", 5) == await app.backend.account.find_contacts("a", 5)


@pytest.mark.parametrize("backend", BACKEND_CASES, ids=lambda backend: backend.name)
async def test_two_persons_on_one_account_are_each_their_own_me_whoever_called_before(
    backend: BackendCase, tmp_path: Path
) -> None:
    async with open_team_server(tmp_path, backend) as server:
        ids = {"Ana Soto": "ana@example.com", "Luis Pereira": "luis@example.com"}
        agents = {name: await server.agent(person) for name, person in ids.items()}
        for name, agent in agents.items():
            await agent.create(f"Of {name}", responsibleIds=["me"])
        for name, agent in [*agents.items()] * 2:
            team = await agent("list_team_members")
            assert {one["id"]: one["name"] for one in team["members"]}[team["me"]] == name
            [row] = (await agent("list_tasks", responsibleIds=["me"]))["tasks"]
            assert (row["title"], row["responsibles"]) == (f"Of {name}", [name])
