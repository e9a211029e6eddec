"""Faults while many tasks are deleted: each outcome is true, the rest is gone on with, and one undo makes all again."""

from collections import Counter
from dataclasses import replace

import pytest

from safety.account import open_crm
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
    async with open_crm(crm) as served:
        before, ids = served.tasks, list(served.ids[:FOUR])
        plan = await served.agent("delete_task", ids=ids)
        assert [row["title"] for row in plan["difference"]] == [before[one].title for one in ids]
        assert served.tasks == before
        served.gate.emulator.faults = (replace(fault, route=crm.routes["delete"]),) if fault else ()
        done = await served.agent("apply_plan", planId=plan["planId"])
        change = await served.app.journal.find(done["changeId"])
        assert change is not None
        outcomes = {str(one.task_id): one.outcome for one in change.results.values()}
        assert Counter(outcomes.values()) == Counter(done["totals"])
        assert {one for one, outcome in outcomes.items() if outcome == "applied"} == before.keys() - served.tasks.keys()
        assert "unknown" not in outcomes.values()
        served.gate.emulator.faults = ()
        served.time.now += 300
        if "planId" in done:
            done = await served.agent("apply_plan", planId=plan["planId"])
        assert done["totals"] == {"applied": FOUR}
        assert done["note"] == "The tasks are deleted; undo_change makes them again under new ids."
        assert before.keys() - served.tasks.keys() == set(ids)
        back = await served.agent("undo_change", changeId=done["changeId"])
        assert back["totals"] == {"applied": FOUR}
        assert Counter(served.tasks.values()) == Counter(before.values())
