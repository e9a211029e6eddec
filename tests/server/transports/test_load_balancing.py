"""Two servers on one database behind a proxy that sends each request to either: clients see one server."""

import re
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import httpx2
from anyio import to_thread
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.types import ElicitRequestURLParams, ElicitResult

from behaviour.conftest import ERAS
from behaviour.person import Person
from postgres_server import TestDatabase
from sandbox.close.served_sandbox import BEN, SEED
from sandbox.close.served_sandbox import TASK as CLOSE_TASK
from server.linking.link_site import Browser
from server.store_connections import answer_of
from server.transports.server_process import Web, output, run, serving
from server.transports.spreading_proxy import SpreadingProxy, spreading
from server.transports.task_calls import DRAFT
from taskhand.sandbox.close import CloseSandbox
from taskhand.sandbox.server import serve_sandbox
from time_limits import BOUND_S
from vault.vaults import KEY

STATE_KEY = "one key of at least 32 characters for both"
OPTIONS = ("--auth", "keys", "--stateless")


@dataclass
class Team:
    """Two servers behind a proxy, and the key of a caller."""

    proxy: SpreadingProxy
    servers: tuple[Web, Web]
    key: str
    settings: dict[str, str]

    @asynccontextmanager
    async def client(self, era: str, **more: Any) -> AsyncIterator[Client]:
        """A client of the proxy."""
        headers = {"Authorization": f"Bearer {self.key}"}
        async with (
            httpx2.AsyncClient(headers=headers, timeout=BOUND_S) as http,
            Client(streamable_http_client(f"{self.proxy.origin}/mcp", http_client=http), mode=era, **more) as client,
        ):
            yield client


@asynccontextmanager
async def open_team(folder: Path, postgres: TestDatabase, **more: str) -> AsyncIterator[Team]:
    """Two servers that share their state and their tasks."""
    settings = {"TASKHAND_STATE": postgres.url, "TASKHAND_STATE_KEY": STATE_KEY, "TASKHAND_DB": postgres.url} | more
    store = folder / "unused.sqlite"
    scopes = ("--scopes", "read,write,destructive")
    async with spreading(()) as proxy:
        if "CLOSE_API_KEY" in settings:
            del settings["TASKHAND_DB"]
            settings["TASKHAND_RESOURCE"] = f"{proxy.origin}/mcp"
        key = output(store, "keys", "create", "--person", "ben@example.com", *scopes, **settings).strip()
        with ExitStack() as stack:
            first, second = (stack.enter_context(serving(store, *OPTIONS, **settings)) for _ in range(2))
            proxy.ports += [first.port, second.port]
            with anyio.fail_after(BOUND_S):
                yield Team(proxy, (first, second), key, settings)


async def test_every_tool_works_behind_a_proxy_while_one_server_ends(tmp_path: Path, postgres: TestDatabase) -> None:
    people = tmp_path / "people.toml"
    people.write_text('["ben@example.com"]\nmember = "Elisa Mora"\n', encoding="utf-8")
    async with open_team(tmp_path, postgres, TASKHAND_PEOPLE=str(people)) as team:
        for era in ERAS:
            person = Person("yes")
            async with team.client(era, elicitation_callback=person.asked) as client:
                await use_every_tool(client, era)
                assert len(person.questions) == (0 if era == ERAS[0] else 4)
        assert min(team.proxy.answered.values()) > 20
        async with team.client(ERAS[1]) as client:
            await end_one(team, client)


async def use_every_tool(client: Client, era: str) -> None:
    """Call every tool, each with what others have answered before."""

    async def call(tool: str, **arguments: Any) -> Mapping[str, Any]:
        answer = await answer_of(client, tool, **arguments)
        assert "code" not in answer, answer
        return answer

    assert len((await call("list_statuses"))["statuses"]) == 3
    assert [one["name"] for one in (await call("list_team_members"))["members"]] == ["Elisa Mora"]
    made = [(await call("create_task", **DRAFT | {"title": f"{era} {number}"}))["task"]["id"] for number in range(4)]
    more = await call("create_tasks", tasks=[DRAFT | {"title": f"{era} more {number}"} for number in range(2)])
    assert more["totals"]["applied"] == 2, more
    seen, cursor = list[str](), None
    while True:
        page = await call("list_tasks", text=era, limit=1, cursor=cursor)
        seen += [one["id"] for one in page["tasks"]]
        if (cursor := page.get("nextCursor")) is None:
            break
    assert (len(seen), {*made} <= {*seen}) == (6, True)
    assert (await call("list_tasks", text=era, countBy="status"))["total"] == 6
    assert (await call("find_contacts", query="acme"))["contacts"] == []
    assert (await call("list_tasks", responsibleIds=["me"], text=era))["tasks"]
    planned = await call("update_task", id=made[0], title=f"{era} planned", dryRun=True)
    done = await call("apply_plan", planId=planned["planId"])
    assert (await call("get_task", id=made[0]))["task"]["title"] == f"{era} planned"
    assert (await answer_of(client, "apply_plan", planId=planned["planId"]))["code"] == "plan_used"
    await call("undo_change", changeId=done["changeId"])
    assert (await call("get_task", id=made[0]))["task"]["title"] == f"{era} 0"
    assert (await call("complete_task", id=made[1]))["task"]
    assert (await call("reassign_task", id=made[1], responsibleIds=["me"], mode="replace"))["task"]
    told = list[tuple[float, float | None]]()

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        del message
        told.append((progress, total))

    change = {"taskIds": made, "changes": {"priority": "2"}}
    changed = (await client.call_tool("bulk_update_tasks", change, progress_callback=hear)).structured_content or {}
    assert (changed["totals"], told[0], told[-1]) == ({"applied": 4}, (0, 4), (4, 4))
    for task_id in made:
        gone = await call("delete_task", id=task_id)
        if era == ERAS[0]:  # nobody can be asked without a session
            gone = await call("apply_plan", planId=gone["planId"])
        assert "deleted" in gone["note"]
    changes = list[str]()
    cursor = None
    while True:
        page = await call("list_changes", limit=3, cursor=cursor)
        changes += [one["changeId"] for one in page["changes"]]
        if (cursor := page.get("nextCursor")) is None:
            break
    assert len(changes) == len({*changes}) > 10


async def end_one(team: Team, client: Client) -> None:
    """End one of the servers while clients call: none of them notices."""
    ending = team.servers[0]
    before = team.proxy.answered[ending.port]
    titles = [f"Meanwhile {number}" for number in range(40)]

    async def create(some: list[str]) -> None:
        for title in some:
            assert (await answer_of(client, "create_task", **DRAFT | {"title": title}))["task"]["title"] == title

    async with anyio.create_task_group() as tasks:
        for first in range(4):
            tasks.start_soon(create, titles[first::4])
        while team.proxy.answered[ending.port] < before + 4:
            await anyio.lowlevel.checkpoint()
        ending.process.send_signal(signal.SIGTERM)
    assert await to_thread.run_sync(ending.process.ends_within, BOUND_S) == 0
    page = await answer_of(client, "list_tasks", text="Meanwhile", limit=100)
    assert sorted(one["title"] for one in page["tasks"]) == sorted(titles)
    output(Path("unused"), "journal", "verify", **team.settings)


async def test_a_link_offered_by_one_server_can_be_used_at_another(tmp_path: Path, postgres: TestDatabase) -> None:
    sandbox = CloseSandbox(seed=SEED)
    policy = tmp_path / "policy.toml"
    policy.write_text("[everyone]\nown_credential = true\n", encoding="utf-8")
    own = str(sandbox.authorization.sign_in(BEN, sandbox.now())["access_token"])
    async with serve_sandbox(sandbox) as url:
        crm = {"CLOSE_API_KEY": sandbox.key, "CLOSE_BASE_URL": f"{url}/api/v1"}
        more = crm | {"TASKHAND_POLICY": str(policy), "TASKHAND_VAULT_KEY": KEY}
        async with open_team(tmp_path, postgres, **more) as team, httpx2.AsyncClient(timeout=BOUND_S) as http:

            async def link(url: str) -> None:
                browser = Browser(http)
                assert (await browser.open(url)).status_code == 200
                assert (await browser.send(url, own)).status_code == 200

            async def answer(_: Any, params: Any) -> ElicitResult:
                assert isinstance(params, ElicitRequestURLParams)
                await link(params.url)
                return ElicitResult(action="accept")

            async with team.client(ERAS[1], elicitation_callback=answer) as client:
                done = await answer_of(client, "update_task", id=CLOSE_TASK, title="Linked")
            assert done["task"]["title"] == "Linked"
            output(tmp_path / "unused.sqlite", "people", "unlink", "ben@example.com", "default", **team.settings)
            async with team.client(ERAS[0]) as client:
                refused = await answer_of(client, "update_task", id=CLOSE_TASK, title="Again")
                assert refused["code"] == "link_required"
                own = str(sandbox.authorization.sign_in(BEN, sandbox.now())["access_token"])
                [address] = re.findall(r"open (\S+) to link", refused["next"])
                assert address.startswith(team.proxy.origin)
                await link(address)
                assert (await answer_of(client, "update_task", id=CLOSE_TASK, title="Again"))["task"]
        assert min(team.proxy.answered.values()) > 2


def test_servers_that_share_their_state_need_a_key_that_they_share(store_file: Path, postgres: TestDatabase) -> None:
    done = run(store_file, "serve", "--http", "--port", "0", TASKHAND_STATE=postgres.url)
    assert done.returncode == 1
    assert "Set TASKHAND_STATE_KEY" in done.stderr
    shared = {"TASKHAND_STATE": postgres.url, "TASKHAND_STATE_KEY": STATE_KEY}
    with serving(store_file, **shared) as web:
        assert any("--stateless" in line for line in web.process.err.seen)
        assert any("each of them has its own tasks" in line for line in web.process.err.seen)
