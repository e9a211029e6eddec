"""Keys of several persons on one server over HTTP: each is their own `me`, and plans, keys and changes are apart."""

from pathlib import Path

import pytest

from server.transports.keyed_server import ERAS, keyed_server
from server.transports.task_calls import DRAFT


@pytest.mark.parametrize("era", ERAS)
async def test_plans_and_changes_belong_to_the_person_whichever_key_is_used(tmp_path: Path, era: str) -> None:
    async with keyed_server(tmp_path) as server:
        ana, bob, at_home = [
            await server.caller(await server.make_key(person), era)
            for person in ("ana@x.test", "bob@x.test", "ana@x.test")
        ]
        made = await ana.call("create_task", **DRAFT, idempotencyKey="one key")
        assert made["task"]["responsibles"] == ["ana"]
        other = await bob.call("create_task", **DRAFT, idempotencyKey="one key")
        assert other["task"]["responsibles"] == ["bob"]
        again = await at_home.call("create_task", **DRAFT, idempotencyKey="one key")
        assert (again["task"]["id"], again["replayed"]) == (made["task"]["id"], True)
        plan = await ana.call("update_task", id=made["task"]["id"], title="Planned", dryRun=True)
        assert (await bob.call("apply_plan", planId=plan["planId"]))["code"] == "plan_not_found"
        assert (await at_home.call("apply_plan", planId=plan["planId"]))["task"]["title"] == "Planned"
        assert (await bob.call("undo_change", changeId=made["changeId"]))["code"] == "change_not_found"
        listed = (await bob.call("list_changes", outcome="applied"))["changes"]
        assert [row["changeId"] for row in listed] == [other["changeId"]]
        change = await server.app.journal.find(made["changeId"])
        assert change is not None
        assert change.opening.caller.subject == "ana@x.test"
