"""Keys of every set of scopes on every tool, over HTTP: what is listed can be called, and nothing else is done."""

from dataclasses import replace
from itertools import chain, combinations
from pathlib import Path
from typing import get_args

import pytest

from server.example_calls import CHANGE, DRAFT, DUE_DATE, PLAN, TASK, VALID, fill_in
from server.transports.keyed_server import ERAS, OLDER, keyed_server
from server.transports.server_process import HELLO
from server.transports.task_calls import contents
from taskhand.domain.principal import Scope
from taskhand.journal.journal import ChangeQuery
from taskhand.server.tools import TOOLS

SCOPES: tuple[Scope, ...] = get_args(Scope)
SETS = [*chain.from_iterable(combinations(SCOPES, size) for size in range(1, len(SCOPES) + 1))]
NEEDED: dict[str, Scope] = {tool.name: tool.scope for tool in TOOLS}


@pytest.mark.parametrize("era", ERAS)
async def test_a_key_allows_only_the_tools_of_its_scopes(tmp_path: Path, era: str) -> None:
    async with keyed_server(tmp_path) as server:
        whole = await server.caller(await server.make_key("cid@x.test"), era)
        made = await whole.call("create_task", **DRAFT, dueDate=DUE_DATE)
        plan = await whole.call("update_task", id=made["task"]["id"], title="Planned", dryRun=True)
        ids = {TASK: made["task"]["id"], PLAN: plan["planId"], CHANGE: made["changeId"]}
        sent = {name: fill_in(VALID[name], ids) for name in NEEDED}
        callers = {
            scopes: await server.caller(await server.make_key(f"{'-'.join(scopes)}@x.test", ",".join(scopes)), era)
            for scopes in SETS
        }
        before = contents(tmp_path / "tasks.sqlite")
        refused = 0
        for scopes, caller in callers.items():
            assert set(await caller.tools()) == {name for name, needed in NEEDED.items() if needed in scopes}
            for name, needed in NEEDED.items():
                if needed not in scopes:
                    error = await caller.call(name, **sent[name])
                    assert (error["code"], error["rule"]) == ("not_allowed", "scope"), (scopes, name)
                    refused += 1
        opening, params = ("initialize", HELLO) if era == OLDER else ("server/discover", {})
        for scopes in (("read",), SCOPES):
            said = (await replace(callers[scopes], session=None).ask(opening, **params))["result"]["instructions"]
            assert ("You can only read" in said, "dryRun" in said) == (scopes == ("read",), scopes == SCOPES)
        assert contents(tmp_path / "tasks.sqlite") == before
        changes = (await server.app.journal.page(ChangeQuery(outcome="refused", limit=1_000))).changes
        assert len(changes) == refused
        assert {change.opening.tool for change in changes} == set(NEEDED)
        assert {change.opening.caller.subject for change in changes} == {f"{'-'.join(one)}@x.test" for one in SETS[:-1]}
        for name, needed in NEEDED.items():
            more = {} if needed == "read" else {"dryRun": True}
            answer = await callers[(needed,)].call(name, **sent[name], **more)
            assert answer.get("code") != "not_allowed", name


@pytest.mark.parametrize("era", ERAS)
async def test_a_call_that_loses_data_needs_the_destructive_scope_in_every_tool(tmp_path: Path, era: str) -> None:
    async with keyed_server(tmp_path) as server:
        writer = await server.caller(await server.make_key(scopes="read,write"), era)
        whole = await server.caller(await server.make_key(scopes="read,write,destructive"), era)
        made = await writer.call("create_task", **DRAFT)
        many = await writer.call("create_tasks", tasks=[DRAFT | {"title": f"Task {number}"} for number in range(11)])
        guarded = await whole.call(
            "bulk_update_tasks", filter={"status": "Pendiente"}, changes={"priority": "2"}, dryRun=True
        )
        before = contents(tmp_path / "tasks.sqlite")
        refused: list[tuple[str, dict[str, object]]] = [
            ("undo_change", {"changeId": made["changeId"]}),
            ("apply_plan", {"planId": many["planId"]}),
            ("apply_plan", {"planId": guarded["planId"]}),
        ]
        for tool, arguments in refused:
            error = await writer.call(tool, **arguments)
            assert (error.get("code"), error.get("rule")) == ("not_allowed", "scope"), (tool, error)
        assert contents(tmp_path / "tasks.sqlite") == before
        assert "changeId" in await whole.call("apply_plan", planId=many["planId"])
