"""Every error about the data or the answers of an account names its connection if there are several."""

from pathlib import Path
from typing import Any

import pytest

from behaviour.agent import Refused
from safety.crms import CLOSE, HUBSPOT
from safety.mixed_connections import MixedConnections, open_mixed_connections
from taskhand.sandbox.close import CloseSandbox

GONE = {"north": "99999999", "south": "task_99999999", "home": "a9999999"}
NEW = {"title": "Call", "dueDate": "2026-03-05"}

NOT_FOUND: list[tuple[str, dict[str, Any], str]] = [
    ("get_task", {}, "task_not_found"),
    ("update_task", {"title": "x"}, "task_not_found"),
    ("complete_task", {}, "task_not_found"),
    ("delete_task", {}, "task_not_found"),
    ("list_tasks", {"status": ["Nowhere"]}, "unknown_status"),
    ("list_tasks", {"responsibleIds": ["Nobody Known"]}, "unknown_member"),
    ("create_task", NEW | {"responsibleIds": ["Nobody Known"]}, "unknown_member"),
]


async def refusal(mixed: MixedConnections, tool: str, **arguments: Any) -> dict[str, Any]:
    with pytest.raises(Refused) as refused:
        await mixed.agent(tool, **arguments)
    return refused.value.error


async def test_a_not_found_error_names_its_connection(tmp_path: Path) -> None:
    async with open_mixed_connections(tmp_path) as mixed:
        for name, task_id in GONE.items():
            for tool, arguments, code in NOT_FOUND:
                named = {"id": task_id} if code == "task_not_found" else {"connection": name}
                if tool == "create_task" and name == "south":
                    named |= {"aiCustomerId": "lead_1"}
                error = await refusal(mixed, tool, **named, **arguments)
                assert error["code"] == code, (name, tool, error)
                assert error["message"].startswith(f"{name}: "), (name, tool, error)
                assert ("An id is of one connection only." in error["next"]) is (code == "task_not_found")
        for link in ({"dealId": "No such deal"}, {"dealId": "99999"}, {"aiContactId": "99999"}):
            error = await refusal(mixed, "create_task", connection="north", **NEW, responsibleIds=[], **link)
            assert error["message"].startswith("north: "), (link, error)
        for task_id in ("1 2", "../x"):
            assert (await refusal(mixed, "get_task", connection="south", id=task_id))["message"].startswith("south: ")


@pytest.mark.parametrize("closed", ["north", "south"])
async def test_a_crm_that_fails_is_named_by_its_connection(tmp_path: Path, closed: str) -> None:
    async with open_mixed_connections(tmp_path, closed=closed) as mixed:
        for tool in ("list_tasks", "list_statuses", "list_team_members"):
            if (closed, tool) != ("south", "list_statuses"):  # Close has the same everywhere
                error = await refusal(mixed, tool, connection=closed)
                assert (error["code"], error["message"].split(" ")[0]) == ("upstream_error", f"{closed}:")
                assert "one connection only" not in error.get("next", "")


async def test_a_credential_that_is_refused_is_named_by_its_connection(tmp_path: Path) -> None:
    async with open_mixed_connections(tmp_path) as mixed:
        south = mixed.sandboxes["south"]
        assert isinstance(south, CloseSandbox)
        south.key = "another"
        assert (await refusal(mixed, "list_tasks", connection="south"))["message"].startswith("south: ")


async def test_the_errors_of_a_batch_name_their_tasks(tmp_path: Path) -> None:
    async with open_mixed_connections(tmp_path) as mixed:
        for name, task_id in (("north", HUBSPOT.task_id(1)), ("south", CLOSE.task_id(1))):
            gone = [f"{GONE[name]}{number}" for number in range(3)]
            change = {"connection": name, "changes": {"title": "Other"}}
            for missing, others in (([gone[0]], None), (gone[:2], "one"), (gone, "2")):
                done = await mixed.agent("bulk_update_tasks", taskIds=[task_id, *missing], **change)
                [row] = [one for one in done["outcomes"] if one["outcome"] == "refused"]
                assert (row["ids"], row["count"]) == (missing, len(missing))
                assert row["message"].startswith(f"There is no task {gone[0]}")
                assert "…" not in row["message"]
                _, _, told = row["message"].partition("The same for the other ")
                assert told == (f"{others}." if others else "")
            error = await refusal(mixed, "bulk_update_tasks", taskIds=gone, **change)
            assert error["message"].startswith(f"{name}: There is no task {gone[0]}")
            assert error["message"].endswith("The same for the other 2.")
