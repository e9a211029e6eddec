"""Odd tasks as data of a test: the CRM sends a field in another form than documented, until it is written."""

import json
from pathlib import Path
from typing import Any

import pytest

from taskhand.config.settings import BackendName
from taskhand.sandbox.close import CloseSandbox
from taskhand.sandbox.faults import parse_faults
from taskhand.sandbox.hubspot import HubSpotSandbox
from taskhand.sandbox.messages import Response
from taskhand.sandbox.odd_data import OddFields, OddRows
from taskhand.sandbox.seed_checks import load_seed
from taskhand.sandbox.vambe import VambeSandbox
from taskhand.testing import PlannedTask, Setup, open_bench

ODD: dict[BackendName, dict[str, Any]] = {
    "vambe": {"odd": {"priority": None, "task_responsibles": [{"user": {"id": "7"}}]}, "missing": ["description"]},
    "close": {"odd": {"priority": "urgent", "assigned_to": {"id": "user_7"}}},
    "hubspot": {"odd": {"properties.hs_task_priority": 7, "properties.hubspot_owner_id": ["7"]}},
}


@pytest.mark.parametrize("backend", ODD)
async def test_an_odd_task_is_counted_by_a_list_until_its_fields_are_written(
    tmp_path: Path, backend: BackendName
) -> None:
    planted = PlannedTask(title="Odd one", day=1, people=("Ana Soto",), own={backend: ODD[backend]})
    async with open_bench(tmp_path, Setup(backend, "small_team", planted=(planted,))) as bench:
        answer = await bench.call("list_tasks")
        assert (len(answer["tasks"]), answer["unreadable"]["count"]) == (5, 1)
        [task_id] = answer["unreadable"]["ids"]
        task = (await bench.call("get_task", id=task_id))["task"]
        assert {"priority", "task_responsibles"} <= set(task["unreadable"])
        more = {"description": "Agreed."} if backend == "vambe" else {}
        await bench.call("update_task", id=task_id, priority="2", responsibleIds=["Luis Pereira"], **more)
        assert "unreadable" not in (await bench.call("get_task", id=task_id))["task"]
        assert len((await bench.call("list_tasks"))["tasks"]) == 6
        bench.faults({"kind": "status", "route": "update", "status": 500, "commit": True})  # done, and told as failed
        done = await bench.call("update_task", id=task_id, title="Even one")
        assert "applied" in done["note"]


def test_a_seed_is_read_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "seed.json"
    file.write_text(json.dumps({"tasks": [{"title": "Odd", "odd": {"priority": None}}]}))
    sandbox = VambeSandbox(seed=load_seed(str(file)))
    assert [task["priority"] for task in sandbox.tasks] == [0]
    assert list(sandbox.odd_fields) == [sandbox.tasks[0]["id"]]
    file.write_text("no JSON")
    with pytest.raises(ValueError, match="JSON file"):
        load_seed(str(file))


@pytest.mark.parametrize("make", [VambeSandbox, CloseSandbox, HubSpotSandbox])
def test_a_field_to_leave_out_is_part_of_a_fault(make: type[VambeSandbox | CloseSandbox | HubSpotSandbox]) -> None:
    [fault] = parse_faults([{"kind": "without_field", "field": "results"}])
    assert (fault.field, fault.commits) == ("results", True)
    assert make(faults=[fault]).faults == (fault,)


def test_an_odd_field_of_a_task_with_a_number_as_id_is_sent() -> None:
    rows = [{"id": 7, "name": "Call"}, {"id": 8, "name": "Write"}]
    shown = OddRows({"7": OddFields({"name": None})}, rows).show(Response.of_json(200, rows), rows)
    assert json.loads(shown.body) == [{"id": 7, "name": None}, {"id": 8, "name": "Write"}]
