"""A note lands exactly once, whatever is lost on the way, and nothing of the description that is there is lost."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from behaviour.agent import Refused
from safety.account import ServedCrm, open_crm
from safety.crms import CRMS, HUBSPOT, SandboxedCrm
from safety.faults_table import ROWS, Kind, Row
from safety.stored import stored
from safety.test_concurrent_edits import Others, before_the_transaction, they_set
from safety.test_faults import go_wrong, mend

WITH_DESCRIPTION = [crm for crm in CRMS if crm.description_field]
NOTE = "called, R&D will <call> back"
HTML = '<div dir="auto" data-top-level="true"><p style="margin:0;">Call <b>Bruno</b></p><ul><li>a</li></ul></div>'
HTML_LINE = "2026-03-02 Elena: called, R&amp;D will &lt;call&gt; back"


def they_describe(served: ServedCrm, task_id: str, text: str) -> None:
    """Set a description as another client does."""
    they_set(served, task_id, served.crm.description_field or "", text)


def stored_description(served: ServedCrm, task_id: str) -> str:
    """The description as the CRM has it."""
    value: Any = next(row for row in served.sandbox.tasks if str(row["id"]) == task_id)
    for name in (served.crm.description_field or "").split("."):
        value = value[name]
    return str(value)


async def read_task(served: ServedCrm, task_id: str) -> dict[str, Any]:
    task: dict[str, Any] = (await served.agent("get_task", id=task_id))["task"]
    return task


KINDS: tuple[Kind, ...] = ("one", "many")
OF_MANY = ("reset after commit", "in neither list, done", "in neither list, undone")
TABLE = [
    (crm, kind, row)
    for crm in WITH_DESCRIPTION
    for kind in KINDS
    for row in ROWS
    if row.is_about(crm.name, kind) and (kind == "one" or row.name in OF_MANY)
]


@pytest.mark.parametrize(("crm", "kind", "row"), TABLE, ids=str)
async def test_after_any_fault_a_repeated_call_leaves_one_note(crm: SandboxedCrm, kind: Kind, row: Row) -> None:
    async with open_crm(crm, read_s=row.read_s, spec_variant=row.spec_variant) as served:
        ids = list(served.ids[:5]) if kind == "many" else [served.ids[0]]
        await read_task(served, ids[0])
        for one in ids:
            they_describe(served, one, HTML)
        one_call: tuple[str, dict[str, Any]] = ("update_task", {"id": ids[0], "addNote": NOTE})
        many_call: tuple[str, dict[str, Any]] = ("bulk_update_tasks", {"taskIds": ids, "changes": {"addNote": NOTE}})
        tool, arguments = one_call if kind == "one" else many_call
        go_wrong(served, row, kind)
        with suppress(Refused):
            await served.agent(tool, **arguments)
        mend(served, row)
        for _ in range(2):
            await served.agent(tool, **arguments)
        for one in ids:
            assert stored_description(served, one) in {
                f"{HTML}<div>{HTML_LINE}</div>",
                f"{HTML}\n<div>{HTML_LINE}</div>",
            }


@pytest.mark.parametrize("crm", WITH_DESCRIPTION, ids=str)
async def test_a_note_keeps_the_html_of_a_description_and_its_undo_restores_it(crm: SandboxedCrm) -> None:
    async with open_crm(crm) as served:
        task_id = served.ids[0]
        before = await read_task(served, task_id)
        they_describe(served, task_id, HTML)
        served.sandbox.clear_requests()
        change = await served.agent("complete_task", id=task_id, addNote=NOTE)
        assert sum(one.committed for one in served.sandbox.requests) == 1
        assert stored_description(served, task_id).startswith(HTML)
        assert HTML_LINE in stored_description(served, task_id)
        assert served.tasks[task_id].is_done
        await served.agent("undo_change", changeId=change["changeId"])
        assert stored_description(served, task_id) == HTML
        assert (await read_task(served, task_id))["status_config"] == before["status_config"]


async def test_a_note_that_html_would_swallow_is_refused_and_nothing_is_written() -> None:
    async with open_crm(HUBSPOT) as served:
        task_id = served.ids[0]
        await read_task(served, task_id)
        for text in ('<p>Call</p><div style="display:none">', '<p>Call</p> <b title="', "<p>Call</p><!-- "):
            they_describe(served, task_id, text)
            with pytest.raises(Refused) as refused:
                await served.agent("update_task", id=task_id, addNote=NOTE, title="Renamed")
            assert refused.value.code == "unreadable_field"
            assert stored_description(served, task_id) == text
            assert served.tasks[task_id].title != "Renamed"


@pytest.mark.parametrize("crm", WITH_DESCRIPTION, ids=str)
async def test_a_note_keeps_the_text_that_another_client_has_just_written(crm: SandboxedCrm) -> None:
    async with open_crm(crm) as served:
        task_id = served.ids[0]
        await served.agent("list_tasks")
        they_describe(served, task_id, "Theirs")
        await served.agent("update_task", id=task_id, addNote="called")
        assert (await read_task(served, task_id))["description"] == "Theirs\n2026-03-02 Elena: called"


async def test_the_store_keeps_the_text_that_another_process_writes_just_before_the_transaction(tmp_path: Path) -> None:
    async with stored(tmp_path) as served:
        task_id = served.ids[0]
        sql = "UPDATE task SET description = 'Theirs' WHERE id = ?"
        await before_the_transaction(served, lambda: Others(tmp_path).run(sql, task_id))
        await served.agent("update_task", id=task_id, addNote="called")
        task = (await served.agent("get_task", id=task_id))["task"]
        first, last = task["description"].splitlines()
        assert (first, last[:10], last.rpartition(": ")[2]) == ("Theirs", "2026-03-02", "called")


@pytest.mark.parametrize("tool", ["update_task", "bulk_update_tasks"])
async def test_a_planned_note_is_refused_where_only_the_html_of_the_description_has_changed(tool: str) -> None:
    async with open_crm(HUBSPOT) as served:
        first, second = served.ids[:2]
        await read_task(served, first)
        for one in (first, second):
            they_describe(served, one, "<p>Why</p>")
        of_one = {"id": first, "addNote": NOTE}
        of_many = {"taskIds": [first, second], "changes": {"addNote": NOTE}}
        plan = await served.agent(tool, **(of_one if tool == "update_task" else of_many), dryRun=True)
        they_describe(served, first, "<p><b>Why</b></p>")
        with pytest.raises(Refused) as refused:
            await served.agent("apply_plan", planId=plan["planId"])
        assert refused.value.code == "plan_stale"
        assert "<b>Why</b>" in json.dumps(refused.value.error)
        assert stored_description(served, first) == "<p><b>Why</b></p>"
        again = await served.agent(tool, **(of_one if tool == "update_task" else of_many), dryRun=True)
        await served.agent("apply_plan", planId=again["planId"])
        assert stored_description(served, first) == f"<p><b>Why</b></p><div>{HTML_LINE}</div>"
