"""Every person, with every set of scopes, calls every tool on every connection: allowed or refused by the rules."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from mcp import Client

from server.example_calls import CHANGE, DUE_DATE, PLAN, TASK, VALID, fill_in
from server.store_connections import NAMES, answer_of, client_of, open_store_connections
from taskhand.domain.policy import Policy
from taskhand.domain.principal import Scope
from taskhand.domain.task_query import TaskQuery
from taskhand.journal.journal import ChangeQuery
from taskhand.server.offered_tools import select_names
from taskhand.server.tool import Tool
from taskhand.server.tools import TOOLS
from taskhand.service.app_context import AppContext
from taskhand.service.connections import Connections

ANA, BEN, CORA = "ana@x.test", "ben@x.test", "cora@x.test"
POLICY = Policy(
    people={
        BEN: {"connections": frozenset({"north"})},
        CORA: {"tools": "all,-find_contacts,-create_tasks,-delete_task"},
    }
)
SCOPES: tuple[frozenset[Scope], ...] = (
    frozenset(),
    frozenset({"read"}),
    frozenset({"write"}),
    frozenset({"read", "write"}),
    frozenset({"read", "write", "destructive"}),
)


@pytest.mark.parametrize("scopes", SCOPES, ids=lambda scopes: "+".join(sorted(scopes)) or "none")
@pytest.mark.parametrize("person", [ANA, BEN, CORA])
async def test_each_cell_is_allowed_or_refused_by_its_rule_and_journaled(
    tmp_path: Path, person: str, scopes: frozenset[Scope]
) -> None:
    async with (
        open_store_connections(tmp_path) as connections,
        client_of(connections, person) as free,
        client_of(connections, person, policy=POLICY, scopes=scopes) as client,
    ):
        for name in NAMES:
            ids: Mapping[str, str] = {}
            for number, tool in enumerate(TOOLS):
                ids = ids or await _prepare(free, name, number)
                before = await _state(connections.find(name))
                arguments = _filled(VALID[tool.name], ids, number)
                answer = await answer_of(client, tool.name, connection=name, **arguments)
                forbidding = _rules_against(tool, name, person, scopes)
                if forbidding:
                    assert answer["code"] == "not_allowed", (tool.name, name, answer)
                    assert answer["rule"] in forbidding, (tool.name, name, answer)
                    assert await _state(connections.find(name)) == before, (tool.name, name)
                    assert await _last_refusal(connections) == (name, tool.name, person, arguments), (tool.name, name)
                else:
                    assert "code" not in answer, (tool.name, name, answer)
                    ids = {} if tool.writes else ids
        listed = {tool.name for tool in (await client.list_tools()).tools}
        offered = {tool.name for tool in TOOLS if any(not _rules_against(tool, n, person, scopes) for n in NAMES)}
        assert listed & {tool.name for tool in TOOLS} == offered


def _rules_against(tool: Tool[Any], connection: str, person: str, scopes: frozenset[Scope]) -> set[str]:
    """The rules that forbid a cell; empty where it is allowed."""
    rules = POLICY.rules_for(person)
    forbidding = {"scope"} if tool.scope not in scopes else set[str]()
    if rules.tools is not None and tool.name not in select_names(TOOLS, rules.tools, "tools"):
        forbidding.add("tools")
    if rules.connections is not None and connection not in rules.connections:
        forbidding.add("connections")
    return forbidding


async def _prepare(client: Client, connection: str, number: int) -> Mapping[str, str]:
    """A new task, a plan for it and a change of it, made by the same person without any rule."""
    draft = {"title": f"Task {number}", "responsibleIds": [], "dueDate": DUE_DATE}
    made = await answer_of(client, "create_task", connection=connection, **draft)
    task_id = made["task"]["id"]
    change = await answer_of(client, "update_task", connection=connection, id=task_id, title="Other")
    plan = await answer_of(client, "complete_task", connection=connection, id=task_id, dryRun=True)
    return {TASK: task_id, PLAN: plan["planId"], CHANGE: change["changeId"]}


def _filled(value: Any, ids: Mapping[str, str], number: int) -> Any:
    """An argument with the ids in their places; tasks are nobody's, and new ones are told apart by their titles."""
    return _as_own(fill_in(value, ids), {"responsibleIds": [], "title": f"New {number}"})


def _as_own(value: Any, own: Mapping[str, Any]) -> Any:
    if isinstance(value, dict):
        return {name: own.get(name, _as_own(one, own)) for name, one in value.items()}
    return [_as_own(one, own) for one in value] if isinstance(value, list) else value


async def _state(app: AppContext) -> tuple[Any, ...]:
    """The tasks of a connection, and the changes that were made to them."""
    page = await app.backend.list_tasks(TaskQuery(limit=100))
    changes = await app.journal.page(ChangeQuery(limit=1, outcome="applied"))
    return (*page.tasks, *changes.changes)


async def _last_refusal(connections: Connections) -> tuple[str | None, str, str | None, Mapping[str, Any]]:
    """The connection in whose journal the newest refused call is, its tool, its person and its arguments."""
    pages = [(app, await app.journal.page(ChangeQuery(limit=1, outcome="refused"))) for app in connections]
    app, newest = max(((app, one) for app, page in pages for one in page.changes), key=lambda one: one[1].opening.at)
    opening = newest.opening
    assert opening.connection == app.connection.name
    return app.connection.name, opening.tool, opening.caller.subject, opening.arguments
