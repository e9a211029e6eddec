"""Persons with credentials of their own on one connection: each request bears that of whoever calls, and nobody else's.

The request log of the sandbox says whose credential each request bore.
"""

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from mcp import Client

from file_stores import journal_in
from fixed_clock import NOW
from postgres_server import TestDatabase
from sandbox.close.served_sandbox import BEN, CALL, LEAD, TASK
from server.linked_account import CAT, OWNER, LinkedAccount, open_linked_account
from server.store_connections import answer_of, client_of, open_store_connections
from taskhand.call.parallel_work import concurrent_tasks
from taskhand.cli.authentication import AuthOptions
from taskhand.cli.locked_links import open_served_links
from taskhand.cli.opened_server import open_server
from taskhand.config.connection_settings import ConnectionSettings
from taskhand.config.effective_settings import load_configuration
from taskhand.config.settings import Settings
from taskhand.domain.edit import Edit
from taskhand.domain.errors import LinkRequired
from taskhand.domain.policy import Policy
from taskhand.domain.principal import Person, Principal
from taskhand.domain.snapshot import Snapshot
from taskhand.journal.journal import Caller, Intent
from taskhand.sandbox.faults import Fault
from taskhand.sandbox.hubspot import HubSpotSandbox
from taskhand.sandbox.server import serve_sandbox
from taskhand.service.app_context import OwnCredentials
from taskhand.service.connections import Connections
from taskhand.service.crash_recovery import recover_abandoned
from taskhand.service.lazy import Lazy
from taskhand.service.write_call import Call
from taskhand.vault.credential_link import Link, OwnCredential
from taskhand.vault.personal_connections import ConnectionPool
from taskhand.vault.vault_key import make_vault_key
from taskhand.wiring import open_connections
from vault.vaults import link_of, links_at, rows


def open_files(folder: Path) -> set[str]:
    """The files in a folder that this process has open, on a system that says so."""
    descriptors = Path("/proc/self/fd").glob("*")
    return {path for path in map(os.path.realpath, descriptors) if path.startswith(str(folder))}


PERSONS = {"ben@example.com": BEN, "cat@example.com": CAT}
"""Who has linked, and who each is in the CRM. The shared key is of `OWNER`."""
NOBODY = "dan@example.com"
WORK: Mapping[str, Mapping[str, Any]] = {
    "get_task": {"id": TASK},
    "list_team_members": {},
    "find_contacts": {"query": "bruce"},
    "update_task": {"id": TASK, "title": "Renew it", "addNote": "Called."},
    "bulk_update_tasks": {"taskIds": [TASK, CALL], "changes": {"priority": "2"}},
    "list_changes": {},
}
ONLY_OWN = Policy({"own_credential": True})


@pytest.fixture
async def account(tmp_path: Path) -> AsyncIterator[LinkedAccount]:
    async with open_linked_account(tmp_path) as opened:
        for person, member in PERSONS.items():
            await opened.link(person, member)
        yield opened


async def _work(client: Client, person: str, number: int) -> None:
    """A write with the person's name in it, and reads."""
    await answer_of(client, "create_task", title=f"{person} {number}", aiCustomerId=LEAD, responsibleIds=[OWNER])
    await answer_of(client, "list_tasks", responsibleIds=["me"])
    await answer_of(client, "list_team_members")


async def test_each_request_bears_the_credential_of_its_caller(account: LinkedAccount) -> None:
    rounds, bearers = 4, {"ben": BEN, "cat": CAT, "dan": OWNER}
    async with (
        account.client("ben@example.com") as ben,
        account.client("cat@example.com") as cat,
        account.client(NOBODY) as dan,
        concurrent_tasks() as group,
    ):
        for number in range(rounds):
            for person, client in {"ben": ben, "cat": cat, "dan": dan}.items():
                group.start_soon(_work, client, person, number)
    sent = [one for one in account.sandbox.requests if one.committed]
    assert [one.user for one in sent] == [bearers[one.body["text"].partition(" ")[0]] for one in sent]
    assert len(sent) == len(bearers) * rounds
    # What one was answered stays with that one: each has read the team with the own credential.
    assert {one.user for one in account.sandbox.requests if "/user/" in one.path} == {BEN, CAT, OWNER}


@pytest.mark.parametrize("person", [*PERSONS, NOBODY, None])
async def test_every_kind_of_request_carries_the_own_credential(account: LinkedAccount, person: str | None) -> None:
    async with account.client(person) as client:
        for uri in ("taskhand://statuses", "taskhand://members", f"task://{TASK}"):
            await client.read_resource(uri)
        for tool, sent in WORK.items():
            assert "code" not in await answer_of(client, tool, **sent)
        [change, *_] = (await answer_of(client, "list_changes"))["changes"]
        assert "code" not in await answer_of(client, "undo_change", changeId=change["changeId"])
    assert account.users() == {PERSONS.get(person or "", OWNER)}


def _code_and_message(error: Mapping[str, Any]) -> tuple[str, str]:
    return error["code"], error["message"]


async def test_me_is_the_member_of_the_own_credential_before_that_of_people_toml(account: LinkedAccount) -> None:
    assert await account.me("cat@example.com", line="ana@example.com") == CAT
    assert await account.me(NOBODY, line="cat@example.com") == CAT
    assert account.users() == {CAT, OWNER}


@pytest.mark.parametrize(
    ("tool", "sent"),
    [
        ("get_task", {"id": TASK}),
        ("list_tasks", {}),
        ("create_task", {"title": "Call", "aiCustomerId": LEAD, "responsibleIds": [OWNER]}),
        ("bulk_update_tasks", {"taskIds": [TASK, CALL], "changes": {"priority": "2"}}),
    ],
)
async def test_only_the_person_whose_credential_was_revoked_has_to_link_again(
    account: LinkedAccount, tool: str, sent: dict[str, Any]
) -> None:
    async with account.client("ben@example.com") as ben, account.client("cat@example.com") as cat:
        await answer_of(ben, "get_task", id=TASK)
        await answer_of(cat, "get_task", id=TASK)
        account.sandbox.authorization.grants.end(BEN)
        account.users()
        refused = await answer_of(ben, tool, **sent)
        assert _code_and_message(refused) == (
            "link_required",
            "Your own credential for default is not accepted any more.",
        )
        assert refused["next"] == "Tell the person to link default again."
        assert account.users() == {BEN}
        again = await answer_of(ben, tool, **sent)
        assert _code_and_message(again) == _code_and_message(refused)
        assert account.users() == set()  # nor is the shared credential used instead
        assert "code" not in await answer_of(cat, tool, **sent)
        assert account.users() == {CAT}
        listed = {one.person: one.state for one in await account.links.list()}
        assert listed == {"ben@example.com": "ended", "cat@example.com": "linked"}
        await account.link("ben@example.com", BEN)
        assert "code" not in await answer_of(ben, tool, **sent)
        assert account.users() == {BEN}


async def test_a_link_that_cannot_be_decrypted_is_its_persons_alone(account: LinkedAccount) -> None:
    with rows(account.file) as other:
        other.execute("UPDATE link SET member_id = 'user_ana' WHERE person = 'ben@example.com'")
    async with account.client("ben@example.com") as ben, account.client("cat@example.com") as cat:
        refused = await answer_of(ben, "get_task", id=TASK)
        assert refused["code"] == "link_broken"
        assert account.users() == set()
        assert "code" not in await answer_of(cat, "get_task", id=TASK)
    assert account.users() == {CAT}


async def test_the_rule_forbids_the_shared_credential_to_everyone(account: LinkedAccount) -> None:
    async with account.client(NOBODY, ONLY_OWN) as dan:
        for tool in ("get_task", "update_task", "bulk_update_tasks"):
            refused = await answer_of(dan, tool, **WORK[tool])
            assert refused["code"] == "link_required"
            assert "`taskhand people link dan@example.com default`" in refused["next"]
    async with account.client(None, ONLY_OWN) as nobody:
        refused = await answer_of(nobody, "list_tasks")
        assert (refused["code"], refused["rule"]) == ("not_allowed", "own_credential")
    assert account.users() == set()
    async with account.client("ben@example.com", ONLY_OWN) as ben:
        assert "code" not in await answer_of(ben, "get_task", id=TASK)
    assert account.users() == {BEN}


async def test_without_a_vault_the_rule_refuses_everybody(account: LinkedAccount) -> None:
    app = replace(account.connections.first, own_credentials=OwnCredentials())
    async with client_of(Connections.of(app), "ben@example.com", policy=ONLY_OWN) as ben:
        refused = await answer_of(ben, "get_task", id=TASK)
        assert refused["code"] == "link_required"
        assert "sets TASKHAND_VAULT_KEY, restarts it, and then links it with `taskhand people" in refused["next"]
    two = Connections(
        {name: replace(app, connection=replace(app.connection, name=name)) for name in ("north", "south")}
    )
    async with client_of(two, "ben@example.com", policy=ONLY_OWN) as ben:
        [row, _] = (await answer_of(ben, "list_connections"))["connections"]
        assert "nobody can link one here" in row["note"]
    assert account.users() == set()


async def test_the_rule_asks_no_credential_for_a_store_that_has_none(tmp_path: Path) -> None:
    async with open_store_connections(tmp_path) as stores, client_of(stores, "ben@example.com", policy=ONLY_OWN) as ben:
        assert "code" not in await answer_of(ben, "list_tasks", connection="north")


async def test_an_unlinked_person_is_back_on_the_shared_credential_at_the_next_call(account: LinkedAccount) -> None:
    async with account.client("ben@example.com") as ben:
        await answer_of(ben, "get_task", id=TASK)
        assert account.users() == {BEN}
        await account.links.remove("ben@example.com", "default")
        await answer_of(ben, "get_task", id=TASK)
        assert account.users() == {OWNER}


async def test_a_server_without_the_vault_key_refuses_persons_with_a_linked_credential(
    account: LinkedAccount, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = account.settings.model_copy(update={"links": account.file})
    links = await open_served_links(settings)
    assert links is not None
    assert f"{account.file} has 2 credentials of people, and TASKHAND_VAULT_KEY is not set" in caplog.messages[-1]
    async with open_connections([ConnectionSettings("default", settings)], links=links) as connections:
        for person, code in (("ben@example.com", "link_broken"), (NOBODY, None)):
            async with client_of(connections, person) as client:
                for tool in ("get_task", "update_task"):
                    assert (await answer_of(client, tool, **WORK[tool])).get("code") == code
    assert account.users() == {OWNER}
    await links.aclose()
    for person in PERSONS:
        await account.links.remove(person, "default")
    assert await open_served_links(settings) is None
    assert await open_served_links(settings.model_copy(update={"links": tmp_path / "none"})) is None
    assert not (tmp_path / "none").exists()
    (tmp_path / "damaged").write_bytes(b"no database")
    links = await open_served_links(settings.model_copy(update={"links": tmp_path / "damaged"}))
    assert links is not None, "as long as it is not known that there are none"
    assert "linked credentials could not be read" in caplog.messages[-1]


@pytest.mark.parametrize("has_key", [False, True])
async def test_a_server_offers_pages_to_link_only_if_it_can_encrypt_and_keeps_no_file_open_after_its_end(
    account: LinkedAccount, tmp_path: Path, *, has_key: bool
) -> None:
    before = open_files(tmp_path)
    given = {"TASKHAND_DB": str(tmp_path / "tasks.sqlite"), "CLOSE_API_KEY": "k"}
    links = tmp_path / "others.sqlite" if has_key else account.file  # the links of the account are locked
    vault = {"TASKHAND_LINKS": str(links)} | ({"TASKHAND_VAULT_KEY": make_vault_key()} if has_key else {})
    found = load_configuration(given | vault | {"TASKHAND_CONFIG": os.devnull}, {})
    auth = AuthOptions(("keys",), resource="https://tasks.example.com/mcp")
    async with AsyncExitStack() as stack:
        opened = await open_server(found, stack, auth=auth)
        assert (opened.pages is not None) is has_key
        if opened.pages is not None:
            assert await opened.pages.linking.offer(Person("dan@example.com"), "default")
        await opened.close()
    assert open_files(tmp_path) == before


async def test_where_the_file_of_links_is_gone_nobody_calls_with_the_shared_credential(account: LinkedAccount) -> None:
    away = account.file.with_name("away")
    async with account.client("ben@example.com") as ben, account.client(NOBODY) as dan:
        for client in (ben, dan):
            await answer_of(client, "get_task", id=TASK)
        account.users()
        for _ in range(2):
            await account.links.aclose()  # on Windows an open file has its name for good
            account.file.rename(away)
            for client in (ben, dan):
                for tool in ("list_team_members", "get_task", "update_task", "bulk_update_tasks"):
                    assert (await answer_of(client, tool, **WORK[tool]))["code"] == "store_unavailable"
            assert account.users() == set()
            assert not account.file.exists()
            away.rename(account.file)
            assert "code" not in await answer_of(ben, "get_task", id=TASK)
            assert account.users() == {BEN}


async def test_within_a_call_nothing_takes_the_place_of_a_link_that_is_removed(account: LinkedAccount) -> None:
    backend = account.connections.first.of_principal(Principal(Person.parse("ben@example.com"))).backend
    await backend.get_task(TASK)
    await account.links.remove("ben@example.com", "default")
    with pytest.raises(LinkRequired, match="was unlinked during this call"):
        await backend.get_task(TASK)
    assert account.users() == {BEN}


async def test_a_bounded_number_of_clients_stays_open_and_a_client_in_use_is_never_closed(tmp_path: Path) -> None:
    links, events = links_at(tmp_path / "links.sqlite"), list[str]()

    @asynccontextmanager
    async def open_with(link: Link, _: object) -> AsyncIterator[str]:
        events.append(f"open {link.person}")
        yield link.person
        events.append(f"close {link.person}")

    opened = ConnectionPool(links, "north", open_with, most=2)
    for person in ("ana", "ben", "cat"):
        await links.save(link_of(person))
    async with opened.lease(["ana"]) as ana:
        for person in ("ben", "cat", "ben"):
            async with opened.lease([person]):
                pass
        assert ana is not None
        assert "close ana" not in events
        await links.save(replace(link_of("ana"), linked_at=NOW + timedelta(minutes=1)))
        async with opened.lease(["ana", "nobody"]) as newer:
            assert newer is not ana
        assert "close ana" not in events
    assert events.count("open ana") == 2
    assert events.count("close ana") == 1
    await opened.aclose()
    assert sorted(one.partition(" ")[2] for one in events if one.startswith("open")) == sorted(
        one.partition(" ")[2] for one in events if one.startswith("close")
    )
    await links.aclose()


async def test_properties_are_read_with_the_own_credential(tmp_path: Path) -> None:
    sandbox, links = HubSpotSandbox(), links_at(tmp_path / "links.sqlite")
    user = sandbox.state()["owners"][1]["userId"]
    token = str(sandbox.authorization.sign_in(str(user), sandbox.now())["access_token"])
    await links.save(Link("ben@example.com", "default", "key", OwnCredential(token), NOW))
    async with serve_sandbox(sandbox) as url:
        settings = Settings(
            hubspot_access_token=sandbox.token, hubspot_base_url=url, journal=tmp_path / "journal.sqlite"
        )
        async with open_connections([ConnectionSettings("default", settings)], links=links) as connections:
            backend = connections.first.of_principal(Principal(Person.parse("ben@example.com"))).backend
            assert backend.properties is not None
            assert await backend.properties.find_names(["hs_task_subject"])
            async with client_of(connections, "ben@example.com") as ben:
                [task, *_] = (await answer_of(ben, "list_tasks"))["tasks"]
                assert "code" not in await answer_of(ben, "update_task", id=task["id"], title="Renew it")
    assert {one.user for one in sandbox.requests} == {str(user)}
    await links.aclose()


async def test_a_credential_that_a_person_linked_does_not_serve_another_with_the_same_address(
    account: LinkedAccount,
) -> None:
    """What the operator has linked for an address is for whoever has that one, verified."""
    ben, other = "ben@example.com", Person("https://second.x.test#mallory", "ben@example.com")
    for state in ("linked", "ended", "altered"):
        await account.link(ben, BEN, kind="oauth" if state == "ended" else "key")
        if state == "ended":
            [kept] = [await account.links.find(ben, "default")]
            assert kept is not None
            await account.links.end(kept)
        elif state == "altered":
            with rows(account.file) as file:
                file.execute("UPDATE link SET member_name = 'x' WHERE person = ?", (ben,))
        async with client_of(account.connections, other) as client:
            assert "code" not in await answer_of(client, "update_task", **WORK["update_task"])
        assert account.users() == {OWNER}
    await account.link(ben, BEN, kind="operator")
    async with client_of(account.connections, other) as client:
        assert "code" not in await answer_of(client, "update_task", **WORK["update_task"])
        assert account.users() == {BEN}
        with rows(account.file) as file:
            file.execute("UPDATE link SET member_name = 'x' WHERE person = ?", (ben,))
        assert (await answer_of(client, "get_task", id=TASK))["code"] == "link_broken"
    assert account.users() == set()


@pytest.mark.parametrize(
    "maker",
    [Person.parse("ben@example.com"), Person("https://login.x.test#00u1", "ben@example.com")],
    ids=["of a key", "of a token, linked by e-mail"],
)
async def test_recovery_settles_a_change_with_the_credential_of_its_author(
    account: LinkedAccount, tmp_path: Path, maker: Person
) -> None:
    ben = Principal(maker)
    await account.link("ben@example.com", BEN, kind="operator")
    caller = Caller(subject=maker.id, email=maker.email if maker.email != maker.id else None)
    dead = replace(account.connections.first, lazy_journal=Lazy(lambda: journal_in(tmp_path)))
    call, edit = (
        Call(dead.of_principal(ben), "update_task", caller, arguments={}),
        Edit(title="A"),
    )
    task = await call.app.backend.get_task(TASK)
    await call.begin(call.new_opening(), [Intent("update", Snapshot(task), edit, edit)])
    await call.app.backend.update_task(task, edit)
    await dead.journal.aclose()
    account.users()
    app = replace(account.connections.first, lazy_journal=Lazy(lambda: journal_in(tmp_path)))
    await recover_abandoned(app)
    assert call.change is not None
    found = await app.journal.find(call.change.id)
    assert found is not None
    assert found.outcome == "applied"
    assert account.users() == {BEN}
    await app.journal.aclose()


async def test_the_rule_for_an_own_credential_may_name_the_connections_that_it_is_for(tmp_path: Path) -> None:
    policy = Policy({"own_credential": frozenset({"north"})})
    async with open_linked_account(tmp_path, "north", "south") as both, both.client(NOBODY, policy) as dan:
        rows = (await answer_of(dan, "list_connections"))["connections"]
        assert [row["note"].partition(" noti_")[0] for row in rows] == [
            "Link your own credential first.",
            "Used with the shared credential.",
        ]
        assert (await answer_of(dan, "get_task", id=TASK, connection="north"))["code"] == "link_required"
        assert "code" not in await answer_of(dan, "get_task", id=TASK, connection="south")
        [missing] = (await answer_of(dan, "list_tasks"))["unreachable"]
        assert (missing["connection"], missing["code"]) == ("north", "link_required")
        assert "taskhand people link" in missing["message"]
        assert both.users() == {OWNER}


async def test_the_rule_own_credential_applies_by_name_to_a_single_connection_without_a_vault(
    account: LinkedAccount,
) -> None:
    named = [ConnectionSettings("north", account.settings)]
    async with open_connections(named) as connections:
        for names, code in (({"north"}, "link_required"), ({"south"}, None)):
            rule = Policy({"own_credential": frozenset(names)})
            async with client_of(connections, NOBODY, policy=rule) as dan:
                assert (await answer_of(dan, "get_task", id=TASK)).get("code") == code


async def test_a_forbidden_request_with_an_own_credential_refers_to_an_administrator_of_the_crm(
    account: LinkedAccount,
) -> None:
    await account.link("ben@example.com", BEN)
    account.sandbox.faults = [Fault("status", "PUT /api/v1/task/{id}", nth=nth, status=403) for nth in (1, 2)]
    for person, said in (
        ("ben@example.com", "Tell the person: their account in Close lacks the right; an administrator of Close can"),
        (NOBODY, "The operator of Taskhand should check what CLOSE_API_KEY may do in Close."),
    ):
        async with account.client(person) as client:
            refused = await answer_of(client, "update_task", id=TASK, title="Renew it")
        assert refused["code"] == "forbidden"
        assert refused["next"].startswith(said)


async def test_list_connections_notes_whose_credential_each_connection_uses(tmp_path: Path) -> None:
    async def notes(client: Client) -> list[str]:
        rows = (await answer_of(client, "list_connections"))["connections"]
        return [row["note"].partition(" noti_")[0] for row in rows]

    own, shared = "Used with your own credential.", "Used with the shared credential."
    async with open_linked_account(tmp_path, "north", "south") as both:
        await both.link("ben@example.com", BEN, "north")
        async with both.client("ben@example.com") as ben:
            assert await notes(ben) == [own, shared]
            north = await both.links.find("ben@example.com", "north")
            assert north is not None
            await both.links.end(north)
            assert await notes(ben) == [
                "Link your own credential again: the earlier one is no longer accepted.",
                shared,
            ]
            await both.link("ben@example.com", BEN, "north")
            with rows(both.file) as file:
                file.execute("UPDATE link SET member_id = 'user_cat'")
            assert await notes(ben) == ["Link your own credential again: the earlier one cannot be read.", shared]
        async with both.client(NOBODY, ONLY_OWN) as dan:
            assert await notes(dan) == ["Link your own credential first."] * 2
        async with both.client(None) as nobody:
            assert not [note for note in await notes(nobody) if "credential" in note]
        async with both.client(NOBODY, memberships={NOBODY: {"north": CAT}}) as dan:  # only the CRM knows who it is
            assert not [row for row in (await answer_of(dan, "list_connections"))["connections"] if "me" in row]
        assert both.users() == set()


async def test_the_requests_of_a_persons_credential_have_a_budget_of_their_own_among_replicas(
    tmp_path: Path, postgres: TestDatabase
) -> None:
    async with open_linked_account(tmp_path, state=postgres.url) as account:
        await account.link("ben@example.com", BEN)
        budgets = []
        for person in (NOBODY, "ben@example.com"):
            async with account.client(person) as client:
                assert "code" not in await answer_of(client, "get_task", id=TASK)
            budgets.append({name for (name,) in postgres.rows("SELECT name FROM taskhand_budgets.budget")})
        assert account.users() == {OWNER, BEN}
    assert budgets[0] < budgets[1]
