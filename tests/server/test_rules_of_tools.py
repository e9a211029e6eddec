"""Every tool under every rule of the policy: others' tasks stay hidden, and a refusal costs no request."""

from pathlib import Path
from typing import Any

import pytest
from mcp.types import TextContent

from backends.crm_modules import CRM_MODULES
from behaviour.backend_cases import BACKEND_CASES
from server.example_calls import CHANGE, DUE_DATE, PLAN, TASK, VALID, fill_in, names_a_task
from server.team_server import ANA, BEN, TeamServer, open_team_server
from taskhand.domain.principal import Scope
from taskhand.server.tools import TOOLS

OTHER, SECRET = "Ana Soto", "Unspoken words"
NAMES = [tool.name for tool in TOOLS if not tool.only_with_several]
RULES: dict[str, dict[str, Any]] = {
    "own tasks": {"own_tasks_only": True},
    "own tasks, few": {"own_tasks_only": True, "most_tasks": 1},
    "own tasks, second person": {"own_tasks_only": True, "second_person": True},
    "own tasks, reads": {"own_tasks_only": True, "tools": "read"},
}


@pytest.mark.parametrize("rules", RULES.values(), ids=RULES)
async def test_no_tool_shows_or_changes_tasks_that_the_rules_forbid(tmp_path: Path, rules: dict[str, Any]) -> None:
    async with open_team_server(tmp_path) as team:
        ids = await _prepare(team)
        team.rule(BEN, **rules)
        agent = await team.agent(BEN)
        listed = {tool.name for tool in (await agent.client.list_tools()).tools}
        for name in NAMES:
            before = await team.app.backend.get_task(ids[TASK], fresh=True)
            answer = await agent.client.call_tool(name, fill_in(VALID[name], ids))
            text = "".join(part.text for part in answer.content if isinstance(part, TextContent))
            assert SECRET not in text, name
            assert bool(answer.is_error) is (names_a_task(name) or name not in listed), (name, text)
            assert '"not_allowed"' in text or not answer.is_error or name in {"apply_plan", "undo_change"}, text
            assert await team.app.backend.get_task(ids[TASK], fresh=True) == before, name
            if answer.is_error and '"not_allowed"' in text:
                newest = (await team.changes())[0]
                assert (newest.opening.tool, newest.outcome) == (name, "refused")
                assert newest.ending is not None
                assert newest.ending.code == "not_allowed"


async def test_the_list_of_tools_follows_the_policy_within_a_session(tmp_path: Path) -> None:
    async with open_team_server(tmp_path) as team:
        ben = await team.agent(BEN)

        async def listed() -> list[str]:
            return [tool.name for tool in (await ben.client.list_tools(cache_mode="bypass")).tools]

        assert await listed() == NAMES
        team.rule(BEN, tools="read,-list_changes,create_task")
        allowed = [
            tool.name for tool in TOOLS if tool.name in NAMES and (not tool.writes or tool.name == "create_task")
        ]
        assert await listed() == [name for name in allowed if name != "list_changes"]
        team.rule()
        assert await listed() == NAMES


async def _prepare(team: TeamServer) -> dict[str, str]:
    """A task of one person, with a plan and a change of it, all made by that person."""
    ana = await team.agent(ANA)
    task = await ana.create("Call Acme about it", responsibleIds=[OTHER], dueDate=DUE_DATE)
    change = await ana("update_task", id=task["id"], title=SECRET)
    team.rule(ANA, second_person=True)
    plan = await ana("delete_task", id=task["id"])
    return {TASK: task["id"], PLAN: plan["planId"], CHANGE: change["changeId"]}


WRITE: frozenset[Scope] = frozenset({"read", "write"})
READ: frozenset[Scope] = frozenset({"read"})


@pytest.mark.parametrize(
    "backend", [backend for backend in BACKEND_CASES if backend.name in CRM_MODULES], ids=lambda backend: backend.name
)
async def test_a_call_that_a_rule_forbids_is_refused_without_a_request(backend: Any, tmp_path: Path) -> None:
    async with open_team_server(tmp_path, backend) as team:
        ana = await team.agent(ANA)
        made = await ana("create_tasks", tasks=[{"title": f"T{n}", "responsibleIds": ["me"]} for n in range(2)])
        ids = [row["id"] for row in (await ana("list_tasks"))["tasks"]]
        deletion = await ana("delete_task", ids=ids)
        edit = {"changes": {"priority": "2"}}
        cells: tuple[tuple[dict[str, Any], frozenset[Scope] | None, str, dict[str, Any]], ...] = (
            ({"tools": "read"}, None, "update_task", {"id": ids[0], "title": "x"}),
            ({"tools": "write"}, None, "get_task", {"id": ids[0]}),
            ({}, READ, "create_task", {"title": "x", "responsibleIds": ["me"]}),
            ({}, WRITE, "apply_plan", {"planId": deletion["planId"]}),
            ({}, WRITE, "undo_change", {"changeId": made["changeId"]}),
            ({"second_person": True}, None, "apply_plan", {"planId": deletion["planId"]}),
            ({"most_tasks": 1}, None, "apply_plan", {"planId": deletion["planId"]}),
            ({"most_tasks": 1}, None, "undo_change", {"changeId": made["changeId"]}),
            ({"most_tasks": 1}, None, "bulk_update_tasks", {"taskIds": ids} | edit),
            ({"most_tasks": 1}, None, "delete_task", {"ids": ids}),
            ({"most_tasks": 1}, None, "create_tasks", {"tasks": [{"title": "x"}, {"title": "y"}]}),
            ({"connections": frozenset()}, None, "list_statuses", {}),
        )
        for rules, scopes, tool, arguments in cells:
            team.rule(ANA, **rules)
            agent = await team.agent(ANA, scopes) if scopes else await team.agent(ANA)
            assert await agent.refusal(tool, **arguments) == "not_allowed", (rules, tool)
            newest = (await team.changes())[0]
            assert newest.ending is not None
            assert (newest.opening.tool, newest.opening.caller.subject, newest.outcome) == (tool, ANA, "refused")
            assert (newest.ending.code, newest.ending.requests) == ("not_allowed", ()), (rules, tool)
