"""Resources, prompts, completion and subscriptions show a caller only data that the caller's tools show."""

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp.types import INVALID_PARAMS, PromptReference, TextContent, TextResourceContents

from server.store_connections import answer_of, open_store_connections
from server.transports.raw_connection import INITIALIZED, connect_raw, older
from server.transports.server_process import HELLO
from taskhand.domain.policy import Policy
from taskhand.domain.principal import SCOPES, Person, Scope
from taskhand.journal.journal import ChangeQuery
from taskhand.server.access import Access
from taskhand.server.app import create_server
from taskhand.service.connections import Connections
from taskhand.service.events.feed_poll import look

ANA = "ana@x.test"
RESOURCES = ("statuses", "members", "capabilities", "events")
TASK = {"title": "Llamar", "responsibleIds": ["me"]}


class TwoStores:
    """Two built-in stores, north and south, and the rules of whoever calls, which a test may change."""

    def __init__(self, connections: Connections) -> None:
        self.connections = connections
        self.rules: Mapping[str, Any] = {}

    def server(self, *, scopes: frozenset[Scope] = SCOPES) -> Any:
        """A server that Ana calls."""
        access = Access(lambda: Policy(everyone=self.rules), Person.parse(ANA), scopes)
        return create_server(self.connections, access=access)

    def client(self, *, scopes: frozenset[Scope] = SCOPES, mode: str = "auto") -> Client:
        """Ana's client."""
        return Client(self.server(scopes=scopes), mode=mode)

    async def refusals(self) -> list[tuple[str, str | None, str | None]]:
        """The refused calls in the journals: tool, person and code."""
        changes = [one for app in self.connections for one in (await app.journal.page(ChangeQuery())).changes]
        return [
            (one.opening.tool, one.opening.caller.subject, one.ending.code)
            for one in changes
            if one.ending and one.outcome == "refused"
        ]


@pytest.fixture
async def stores(tmp_path: Path) -> AsyncIterator[TwoStores]:
    async with open_store_connections(tmp_path) as connections:
        await connections.first.backend.edit(_furnish)  # type: ignore[attr-defined]  # a built-in store
        yield TwoStores(connections)


def _furnish(directory: Any) -> None:
    directory.add_member("Ana Soto", ANA)
    directory.add_status("Llamado", "in_progress")


async def read_json(client: Client, uri: str) -> Any:
    """The JSON of a resource."""
    [part] = (await client.read_resource(uri)).contents
    assert isinstance(part, TextResourceContents)
    return json.loads(part.text)


async def refusal(client: Client, uri: str) -> str:
    """Why a resource cannot be read."""
    with pytest.raises(MCPError) as refused:
        await client.read_resource(uri)
    assert refused.value.code == INVALID_PARAMS
    return str(refused.value)


async def addresses(client: Client) -> list[str]:
    """The addresses that a client is shown."""
    listed = [str(one.uri) for one in (await client.list_resources()).resources]
    return listed + [one.uri_template for one in (await client.list_resource_templates()).resource_templates]


async def completions(client: Client, argument: str, typed: str = "", **others: str) -> list[str]:
    """What an argument of a prompt can go on to."""
    answer = await client.complete(
        PromptReference(name="hand_over"), {"name": argument, "value": typed}, context_arguments=others
    )
    return list(answer.completion.values)


async def prompt(client: Client, name: str, **arguments: str) -> str:
    """The text of a prompt."""
    [message] = (await client.get_prompt(name, arguments)).messages
    assert isinstance(message.content, TextContent)
    return message.content.text


async def test_completion_of_connections_needs_the_scope_read(stores: TwoStores) -> None:
    async with stores.client() as client:
        assert await completions(client, "connection") == ["north", "south"]
    async with stores.client(scopes=frozenset({"write"})) as client:
        assert await completions(client, "connection") == []


@pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
async def test_an_address_names_its_connection(stores: TwoStores, mode: str) -> None:
    async with stores.client(mode=mode) as client:
        assert await addresses(client) == [
            *(f"taskhand://{name}/{one}" for name in ("north", "south") for one in RESOURCES),
            "task://{connection}/{id}",
        ]
        resources = (await client.list_resources()).resources
        for shown in ([one.name for one in resources], [one.title for one in resources]):
            assert len(set(shown)) == len(shown)
        made = await answer_of(client, "create_task", connection="north", title="Llamar", responsibleIds=[])
        task_id = made["task"]["id"]
        assert (await read_json(client, f"task://north/{task_id}"))["task"]["title"] == "Llamar"
        assert (await read_json(client, f"task://NORTH/{task_id}"))["task"]["title"] == "Llamar"
        assert "Llamado" in str(await read_json(client, "taskhand://north/statuses"))
        assert "Llamado" not in str(await read_json(client, "taskhand://south/statuses"))
        assert "There is no task" in await refusal(client, f"task://south/{task_id}")
        assert "no connection 'east'" in await refusal(client, f"task://east/{task_id}")
        for uri in (f"task://{task_id}", "taskhand://statuses", "taskhand://north/nothing"):
            assert "There is no resource" in await refusal(client, uri)


async def test_a_forbidden_connection_is_hidden_from_lists_resources_and_completions(stores: TwoStores) -> None:
    stores.rules = {"connections": frozenset({"south"})}
    async with stores.client() as client:
        assert await addresses(client) == [
            *(f"taskhand://south/{one}" for one in RESOURCES),
            "task://{connection}/{id}",
        ]
        for uri in ("taskhand://north/statuses", "taskhand://north/capabilities", "task://north/0a0b0c0d"):
            assert "not yours to use" in await refusal(client, uri)
        assert await stores.refusals() == [
            (tool, ANA, "not_allowed") for tool in ("get_task", "resource capabilities", "list_statuses")
        ]
        assert await completions(client, "status", "llamado") == []
        assert all(
            argument.name != "connection"
            for one in (await client.list_prompts()).prompts
            for argument in one.arguments or ()
        )
        assert "connection" not in await prompt(client, "daily_briefing")


async def test_a_caller_without_the_scope_of_reading_is_shown_nothing(stores: TwoStores) -> None:
    async with stores.client(scopes=frozenset({"write"})) as client:
        assert await addresses(client) == []
        assert (await client.list_prompts()).prompts == []
        for uri in ("taskhand://north/members", "taskhand://north/capabilities", "task://north/0a0b0c0d"):
            assert "by the rule scope" in await refusal(client, uri)
        assert len(await stores.refusals()) == 3
        for argument in ("from", "status"):
            assert await completions(client, argument) == []


async def test_a_resource_is_refused_by_the_rule_that_leaves_no_connection(stores: TwoStores) -> None:
    stores.rules = {"connections": frozenset()}
    async with stores.client() as client:
        assert "by the rule connections" in await refusal(client, "taskhand://north/capabilities")


async def test_an_unknown_resource_is_refused_with_its_connection(stores: TwoStores) -> None:
    async with stores.client() as client:
        for name in ("north", "south"):
            said = await refusal(client, f"task://{name}/0a0b0c0d")
            assert said.startswith(f"{name}: ")
            assert said.endswith("An id is of one connection only.")


async def test_a_tool_that_a_rule_forbids_shows_nothing_in_another_way(stores: TwoStores) -> None:
    stores.rules = {"tools": "-list_team_members,-get_task"}
    async with stores.client() as client:
        assert await addresses(client) == [
            f"taskhand://{name}/{one}" for name in ("north", "south") for one in ("statuses", "capabilities", "events")
        ]
        assert "list_team_members is not allowed to you" in await refusal(client, "taskhand://north/members")
        assert "get_task is not allowed to you" in await refusal(client, "task://north/0a0b0c0d")
        assert await completions(client, "from", "ana") == []
        assert await completions(client, "status", "llamado") == ["Llamado"]


@pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
async def test_a_session_that_lists_tools_again_gets_those_that_the_new_rules_allow(
    stores: TwoStores, mode: str
) -> None:
    stores.rules = {"most_tasks": 100}
    async with stores.client(mode=mode) as client:
        assert len((await client.list_tools()).tools) > 10
        stores.rules = {"tools": "list_tasks"}
        assert [tool.name for tool in (await client.list_tools()).tools] == ["list_tasks"]
        assert [one.name for one in (await client.list_prompts()).prompts] == ["daily_briefing"]
        assert await addresses(client) == [f"taskhand://{name}/capabilities" for name in ("north", "south")]
        stores.rules = {"connections": frozenset({"north"})}
        listed = {tool.name: tool.input_schema["properties"] for tool in (await client.list_tools()).tools}
        assert "list_connections" not in listed
        assert not any("connection" in properties for properties in listed.values())


@pytest.mark.parametrize(("rules", "fresh_ms"), [({}, 600_000), ({"most_tasks": 100}, 0)])
async def test_no_list_may_be_kept_for_another_caller_or_while_rules_may_change(
    stores: TwoStores, rules: dict[str, Any], fresh_ms: int
) -> None:
    stores.rules = rules
    async with stores.client(mode="2026-07-28") as client:
        lists = (
            await client.list_tools(),
            await client.list_prompts(),
            await client.list_resources(),
            await client.list_resource_templates(),
        )
    assert [(one.cache_scope, one.ttl_ms) for one in lists] == [("private", fresh_ms)] * 4


async def test_a_prompt_says_which_connections_its_calls_are_about(stores: TwoStores) -> None:
    async with stores.client() as client:
        arguments = {
            one.name: {it.name: it.required for it in one.arguments or ()}
            for one in (await client.list_prompts()).prompts
        }
        assert {name: asked["connection"] for name, asked in arguments.items()} == {
            "daily_briefing": False,
            "overdue_sweep": False,
            "hand_over": True,
        }
        assert 'Send connection "south" with every call.' in await prompt(client, "overdue_sweep", connection=" South ")
        for filler in ({}, {"connection": ""}):
            assert "each row names its connection" in await prompt(client, "daily_briefing", **filler)
        for given in ({}, {"connection": "east"}):
            with pytest.raises(MCPError, match="connection"):
                await prompt(client, "hand_over", **{"from": "Ana", "to": "Luis", **given})


async def test_a_prompt_is_written_for_no_connection_that_a_rule_forbids(stores: TwoStores) -> None:
    north, south = stores.connections.by_name.items()
    stores.connections = Connections(
        dict([north, south, ("west", replace(south[1], connection=replace(south[1].connection, name="west")))])
    )
    stores.rules = {"connections": frozenset({"north", "south"})}
    async with stores.client() as client:
        assert "south" in await prompt(client, "daily_briefing", connection="South")
        with pytest.raises(MCPError, match="The connection West is not yours to use"):
            await prompt(client, "daily_briefing", connection="West")


async def test_names_are_completed_of_the_connection_that_is_chosen(stores: TwoStores) -> None:
    async with stores.client() as client:
        assert await completions(client, "connection", "N") == ["north"]
        assert await completions(client, "status", "llam", connection="north") == ["Llamado"]
        assert await completions(client, "status", "llam", connection="south") == []
        assert await completions(client, "status", "llam", connection="east") == []
        assert await completions(client, "status", "llam") == ["Llamado"]
        assert await completions(client, "from", "ana s") == ["Ana Soto"]


async def test_a_session_is_notified_only_of_tasks_of_its_connection(stores: TwoStores) -> None:
    async with stores.client() as client, connect_raw(stores.server()) as host:
        task_id = (await answer_of(client, "create_task", connection="north", **TASK))["task"]["id"]
        await host.ask(older("initialize", 0, **HELLO))
        await host.send(INITIALIZED)
        for uri in (f"task://north/{task_id}", f"task://south/{task_id}"):
            assert (await host.ask(older("resources/subscribe", "s", uri=uri)))["result"] == {}
        refused = await host.ask(older("resources/subscribe", "s", uri=f"task://{task_id}"))
        assert "task://CONNECTION/ID" in refused["error"]["message"]
        await answer_of(client, "update_task", connection="north", id=task_id, title="Otra")
        assert (await host.receive())["params"]["uri"] == f"task://north/{task_id}"
        await host.ask(older("ping", "p"))
        assert host.notifications == []


FORBIDDING: tuple[dict[str, Any], ...] = ({"connections": frozenset({"south"})}, {"tools": "-get_task"})


@pytest.mark.parametrize("forbidding", FORBIDDING)
async def test_a_session_that_lost_access_to_a_task_gets_no_notifications_of_it(
    stores: TwoStores, forbidding: dict[str, Any]
) -> None:
    async with Client(create_server(stores.connections)) as anyone, connect_raw(stores.server()) as host:
        uri = await _make_task(anyone)
        await host.ask(older("initialize", 0, **HELLO))
        await host.send(INITIALIZED)
        await host.ask(older("resources/subscribe", "s", uri=uri))
        await _change(anyone, uri)
        await host.ask(older("ping", "p"))
        stores.rules = forbidding
        await _change(anyone, uri)
        await host.ask(older("ping", "q"))
        assert [one["params"]["uri"] for one in host.notifications] == [uri]


@pytest.mark.parametrize("forbidding", FORBIDDING)
async def test_a_stream_that_lost_access_to_a_task_gets_no_notifications_of_it(
    stores: TwoStores, forbidding: dict[str, Any]
) -> None:
    async with Client(create_server(stores.connections)) as anyone, stores.client() as client:
        first, second = await _make_task(anyone), await _make_task(anyone, connection="south")
        async with client.listen(resource_subscriptions=[first, second]) as stream:
            await _change(anyone, first)
            assert getattr(await anext(stream), "uri", None) == first
            stores.rules = forbidding
            await _change(anyone, first)
            stores.rules = {}
            await _change(anyone, second)
            assert getattr(await anext(stream), "uri", None) == second


async def test_a_person_limited_to_own_tasks_is_notified_of_a_task_only_while_responsible(stores: TwoStores) -> None:
    stores.rules = {"own_tasks_only": True}
    anyone = Client(create_server(stores.connections))
    async with anyone, connect_raw(stores.server()) as host:
        own, other = [
            (await answer_of(anyone, "create_task", connection="north", title="x", responsibleIds=people))["task"]["id"]
            for people in ([ANA], [])
        ]
        await host.ask(older("initialize", 0, **HELLO))
        await host.send(INITIALIZED)
        assert "error" in await host.ask(older("resources/subscribe", "s", uri=f"task://north/{other}"))
        assert (await host.ask(older("resources/subscribe", "s", uri=f"task://north/{own}")))["result"] == {}
        read_other = await host.ask(older("resources/read", "r", uri=f"task://north/{other}"))
        assert "own_tasks_only" in read_other["error"]["message"]
        await answer_of(anyone, "update_task", connection="north", id=own, title="y")
        assert (await host.receive())["params"]["uri"] == f"task://north/{own}"
        await answer_of(anyone, "update_task", connection="north", id=own, clear=["responsibleIds"])
        await answer_of(anyone, "update_task", connection="north", id=own, title="z")
        await host.ask(older("ping", "p"))
        await anyio.wait_all_tasks_blocked()
        await host.ask(older("ping", "q"))
        assert host.notifications == []


async def test_a_person_limited_to_own_tasks_is_notified_of_the_deletion_of_one(stores: TwoStores) -> None:
    stores.rules = {"own_tasks_only": True}
    async with Client(create_server(stores.connections)) as anyone, connect_raw(stores.server()) as host:
        own = {"connection": "north", "title": "x", "responsibleIds": [ANA]}
        task_id = (await answer_of(anyone, "create_task", **own))["task"]["id"]
        await host.ask(older("initialize", 0, **HELLO))
        await host.send(INITIALIZED)
        await host.ask(older("resources/subscribe", "s", uri=f"task://north/{task_id}"))
        plan = await answer_of(anyone, "delete_task", connection="north", id=task_id)
        await answer_of(anyone, "apply_plan", planId=plan["planId"])
        await anyio.wait_all_tasks_blocked()
        await host.ask(older("ping", "p"))
        assert [one["params"]["uri"] for one in host.notifications] == [f"task://north/{task_id}"]


async def test_a_person_limited_to_own_tasks_is_notified_of_the_feed_if_these_change(stores: TwoStores) -> None:
    stores.rules = {"own_tasks_only": True}
    north, uri = stores.connections.find("north"), "taskhand://north/events"
    async with Client(create_server(stores.connections)) as anyone, connect_raw(stores.server()) as host:
        own, other = [
            (await answer_of(anyone, "create_task", connection="north", title="x", responsibleIds=people))["task"]["id"]
            for people in ([ANA], [])
        ]
        await look(north)
        await host.ask(older("initialize", 0, **HELLO))
        await host.send(INITIALIZED)
        for address in (uri, "taskhand://south/events"):
            refused = "error" in await host.ask(older("resources/subscribe", "s", uri=address))
            assert refused is (address != uri), "Ana is no member in the south"
        for task_id in (other, own):
            await answer_of(anyone, "update_task", connection="north", id=task_id, title="y")
            await look(north)
            await anyio.wait_all_tasks_blocked()
            await host.ask(older("ping", "p"))
            assert [one["params"]["uri"] for one in host.notifications] == ([uri] if task_id == own else [])
        read_own = await host.ask(older("resources/read", "r", uri=uri))
        assert own in str(read_own)
        assert other not in str(read_own)
        stores.rules = {"own_tasks_only": True, "tools": "-list_events"}
        await answer_of(anyone, "update_task", connection="north", id=own, title="z")
        await look(north)
        await anyio.wait_all_tasks_blocked()
        await host.ask(older("ping", "q"))
        assert len(host.notifications) == 1


async def _make_task(client: Client, connection: str = "north") -> str:
    """The address of a new task."""
    made = await answer_of(client, "create_task", connection=connection, title="x", responsibleIds=[])
    return f"task://{connection}/{made['task']['id']}"


async def _change(client: Client, uri: str) -> None:
    """Change the task at an address, and wait until whoever is told of it has been told."""
    connection, _, task_id = uri.removeprefix("task://").partition("/")
    task = (await answer_of(client, "get_task", connection=connection, id=task_id))["task"]
    await answer_of(client, "update_task", connection=connection, id=task_id, title=f"{task['title']}x")
    await anyio.wait_all_tasks_blocked()


ADVICE = ("delete_task", "one write", "dryRun", "believe")


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_instructions_describe_only_tools_that_the_caller_may_use(stores: TwoStores, mode: str) -> None:
    async def said(scopes: frozenset[Scope] = SCOPES) -> str:
        async with stores.client(scopes=scopes, mode=mode) as client:
            return client.instructions or ""

    assert "2 CRM accounts: north (the built-in store), south (the built-in store). Usual way" in await said()
    reads = await said(frozenset({"read"}))
    assert "You can only read" in reads
    assert not [one for one in ADVICE if one in reads]
    stores.rules = {"connections": frozenset({"south"})}
    limited = await said()
    assert "the tasks of one CRM. Usual way" in limited
    assert not [one for one in ("connection", "north", "accounts") if one in limited]
    stores.rules = {"connections": frozenset()}
    assert await said() == "You may use no CRM account: the operator of Taskhand decides it."
