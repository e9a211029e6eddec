"""Faults while many tasks are deleted: each outcome is true, the rest is gone on with, and one undo makes all again."""

from collections import Counter
from dataclasses import replace

import pytest

from safety.account import staged
from safety.crms import CRMS, SandboxedCrm
from taskhand.sandbox.faults import Fault

FOUR = 4
FAULTS: dict[str, Fault | None] = {
    "nothing": None,
    "reset before commit": Fault("reset_before"),
    "reset after commit": Fault("reset_after"),
    "500 after commit": Fault("status", status=500, commit=True),
    "429, Retry-After: 300": Fault("status", status=429, retry_after=300),
}


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.parametrize("crm", CRMS, ids=str)
async def test_deletions_of_many_tasks_report_true_outcomes_can_be_resumed_and_are_undone_together(
    crm: SandboxedCrm, name: str
) -> None:
    fault = FAULTS[name]
    async with staged(crm) as stage:
        before, ids = stage.tasks, list(stage.ids[:FOUR])
        plan = await stage.agent("delete_task", ids=ids)
        assert [row["title"] for row in plan["difference"]] == [before[one].title for one in ids]
        assert stage.tasks == before
        stage.gate.emulator.faults = (replace(fault, route=crm.routes["delete"]),) if fault else ()
        done = await stage.agent("apply_plan", planId=plan["planId"])
        change = await stage.app.journal.find(done["changeId"])
        assert change is not None
        outcomes = {str(one.task_id): one.outcome for one in change.results.values()}
        assert Counter(outcomes.values()) == Counter(done["totals"])
        assert {one for one, outcome in outcomes.items() if outcome == "applied"} == before.keys() - stage.tasks.keys()
        assert "unknown" not in outcomes.values()
        stage.gate.emulator.faults = ()
        stage.time.now += 300
        if "planId" in done:
            done = await stage.agent("apply_plan", planId=plan["planId"])
        assert done["totals"] == {"applied": FOUR}
        assert done["note"] == "The tasks are deleted; undo_change makes them again under new ids."
        assert before.keys() - stage.tasks.keys() == set(ids)
        back = await stage.agent("undo_change", changeId=done["changeId"])
        assert back["totals"] == {"applied": FOUR}
        assert Counter(stage.tasks.values()) == Counter(before.values())
