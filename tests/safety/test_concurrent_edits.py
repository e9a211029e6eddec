"""Another client changes a task between our read and our write: its changes are kept, or the answer shows the loss."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from backends.vambe.sandboxed_app import ELENA, LUIS
from safety.account import (
    ServedCrm,
    ServedTasks,
    newest_change,
    observe_call,
    open_crm,
    to_journal_line,
    to_logged_line,
)
from safety.crms import CRMS, VAMBE, SandboxedCrm, TaskSummary
from safety.stored import stored
from taskhand.backends.local.backend import LocalBackend
from taskhand.backends.local.people_and_statuses import Directory
from taskhand.sandbox.faults import Fault
from taskhand.sandbox.messages import ReceivedRequest


def they_send(served: ServedCrm, method: str, task_id: str, body: str = "") -> None:
    """Send a request as another client of the CRM, with the same credential."""
    own = tuple(pair for pair in served.gate.requests[-1].headers if pair[0] != "content-type")
    headers = (*own, ("content-type", "application/json")) if body else own
    call = ReceivedRequest(method, served.crm.path_of(task_id), "", headers, body.encode())
    assert served.gate.emulator.answer(call, stale=False).status in {200, 204}


def they_set(served: ServedCrm, task_id: str, path: str, value: str) -> None:
    """Set one field as another client of the CRM."""
    row = next(row for row in served.sandbox.tasks if str(row["id"]) == task_id)
    they_send(served, served.crm.routes["one"].partition(" ")[0], task_id, served.crm.body_of(path, value, row))


def they_rename(served: ServedCrm, task_id: str) -> None:
    they_set(served, task_id, served.crm.title_field, "Theirs")


def they_add_luis(served: ServedCrm) -> None:
    they_send(served, "PUT", served.ids[0], json.dumps({"responsibleIds": [ELENA, LUIS]}))


def before_the_write(served: ServedCrm, happens: Callable[[], None]) -> None:
    """Let something happen after the next write has arrived, and before the CRM handles it."""
    served.gate.writes = 0
    served.gate.before_write = lambda number: happens() if number == 1 else None


async def before_the_transaction(served: ServedTasks, happens: Callable[[], None]) -> None:
    """Let something happen in the built-in store just before the next transaction that writes."""

    def armed(directory: Directory) -> None:
        connection = directory.connection
        assert isinstance(connection, sqlite3.Connection)

        def traced(statement: str) -> None:
            if statement == "BEGIN IMMEDIATE":
                connection.set_trace_callback(None)
                happens()

        connection.set_trace_callback(traced)

    assert isinstance(served.app.backend, LocalBackend)
    await served.app.backend.edit(armed)


# Between the plan and its carrying out.


@pytest.mark.parametrize("crm", CRMS, ids=str)
@pytest.mark.parametrize("ours", [{"title": "Ours"}, {"responsibleIds": ["Ana Soto"]}], ids=["same field", "another"])
async def test_a_plan_is_refused_with_the_difference_and_nothing_is_sent(
    crm: SandboxedCrm, ours: dict[str, Any]
) -> None:
    async with open_crm(crm) as served:
        task_id = served.ids[0]
        plan = await served.agent("update_task", id=task_id, dryRun=True, **ours)
        many = await served.agent("bulk_update_tasks", taskIds=list(served.ids), dryRun=True, changes=ours)
        gone = await served.agent("delete_task", id=task_id)
        they_rename(served, task_id)
        for planned in (plan, many, gone):
            seen = await observe_call(served, "apply_plan", {"planId": planned["planId"]})
            assert seen.code == "plan_stale"
            (moved,) = seen.error["difference"]
            assert moved["id"] == task_id
            assert moved["changed"] == {"title": {"from": "Call Acme 1", "to": "Theirs"}}
            assert seen.after == seen.before
        assert served.gate.writes == 0


@pytest.mark.parametrize("crm", CRMS, ids=str)
async def test_an_undo_is_refused_with_the_difference_and_nothing_is_sent(crm: SandboxedCrm) -> None:
    async with open_crm(crm) as served:
        change = await served.agent("update_task", id=served.ids[0], title="Ours")
        they_rename(served, served.ids[0])
        seen = await observe_call(served, "undo_change", {"changeId": change["changeId"]})
        assert seen.code == "changed_since"
        assert seen.error["difference"][0]["changed"] == {"title": {"from": "Ours", "to": "Theirs"}}
        assert seen.after == seen.before


@pytest.mark.parametrize("crm", CRMS, ids=str)
async def test_an_undo_leaves_a_field_that_the_change_did_not_set_to_another_client(crm: SandboxedCrm) -> None:
    async with open_crm(crm) as served:
        was = served.tasks[served.ids[0]]
        change = await served.agent("reassign_task", id=served.ids[0], responsibleIds=["Ana Soto"])
        they_rename(served, served.ids[0])
        seen = await observe_call(served, "undo_change", {"changeId": change["changeId"]})
        assert seen.after[served.ids[0]] == replace(was, title="Theirs")


# Between the reading of a write and its request.


@pytest.mark.parametrize("crm", CRMS, ids=str)
async def test_a_write_and_its_undo_keep_another_field_that_another_client_set_meanwhile(crm: SandboxedCrm) -> None:
    async with open_crm(crm) as served:
        task_id = served.ids[0]
        was = served.tasks[task_id]
        before_the_write(served, lambda: they_rename(served, task_id))
        seen = await observe_call(served, "reassign_task", {"id": task_id, "responsibleIds": ["Ana Soto"]})
        assert seen.after[task_id] == replace(was, title="Theirs", responsible_ids=(served.ana,))
        assert seen.answer is not None
        assert seen.answer["task"]["title"] == "Theirs"
        undone = await observe_call(served, "undo_change", {"changeId": seen.answer["changeId"]})
        assert undone.after[task_id] == replace(was, title="Theirs")
        assert undone.answer is not None
        assert set(undone.answer["changed"]) == {"task_responsibles"}


@pytest.mark.parametrize("crm", CRMS, ids=str)
async def test_a_write_overwrites_the_same_field_that_another_client_set_meanwhile(crm: SandboxedCrm) -> None:
    async with open_crm(crm) as served:
        task_id = served.ids[0]
        before_the_write(served, lambda: they_rename(served, task_id))
        seen = await observe_call(served, "update_task", {"id": task_id, "title": "Ours"})
        assert seen.answer is not None
        assert seen.answer["task"]["title"] == seen.after[task_id].title == "Ours"


@pytest.mark.parametrize("crm", CRMS, ids=str)
async def test_a_bulk_write_and_its_undo_keep_another_field_that_another_client_set_meanwhile(
    crm: SandboxedCrm,
) -> None:
    async with open_crm(crm) as served:
        was, task_id = served.tasks, served.ids[2]
        before_the_write(served, lambda: they_rename(served, task_id))
        changes = {"responsibleIds": ["Ana Soto"]}
        seen = await observe_call(served, "bulk_update_tasks", {"taskIds": list(served.ids), "changes": changes})
        assert seen.answer is not None
        assert seen.answer["totals"] == {"applied": 6}
        theirs = {one: replace(summary, title="Theirs") if one == task_id else summary for one, summary in was.items()}
        assert seen.after == {one: replace(summary, responsible_ids=(served.ana,)) for one, summary in theirs.items()}
        undone = await observe_call(served, "undo_change", {"changeId": seen.answer["changeId"]})
        assert undone.answer is not None
        assert undone.answer["totals"] == {"applied": 6}
        assert undone.after == theirs


@pytest.mark.parametrize("crm", CRMS, ids=str)
async def test_a_bulk_write_reports_a_task_that_another_client_deleted_and_changes_the_others(
    crm: SandboxedCrm,
) -> None:
    async with open_crm(crm) as served:
        task_id, rest = served.ids[2], [*served.ids[:2], *served.ids[3:]]
        before_the_write(served, lambda: they_send(served, "DELETE", task_id))
        changes = {"responsibleIds": ["Ana Soto"]}
        seen = await observe_call(served, "bulk_update_tasks", {"taskIds": list(served.ids), "changes": changes})
        assert seen.answer is not None
        assert seen.answer["totals"] == {"applied": 5, "refused": 1}
        rows = {row["outcome"]: (row.get("code"), row["ids"]) for row in seen.answer["outcomes"]}
        assert rows == {"applied": (None, rest), "refused": ("task_not_found", [task_id])}
        assert {summary.responsible_ids for summary in seen.after.values()} == {(served.ana,)}
        assert list(seen.after) == rest
        change = await newest_change(served.app)
        assert change is not None
        assert change.ending is not None
        assert sorted(map(to_journal_line, change.ending.requests)) == sorted(map(to_logged_line, seen.log))


@pytest.mark.parametrize("crm", [one for one in CRMS if one.name != "hubspot"], ids=str)
async def test_an_update_of_which_only_the_first_request_was_applied_is_journaled_as_unknown(crm: SandboxedCrm) -> None:
    async with open_crm(crm) as served:
        task_id = served.ids[0]
        await served.agent("get_task", id=task_id)

        def arrives(number: int) -> None:
            if number == 1:
                they_rename(served, task_id)
            else:
                served.gate.emulator.faults = (Fault("status", status=403),)

        served.gate.before_write = arrives
        arguments = {"id": task_id, "title": "Call Acme 1", "responsibleIds": ["Ana Soto"]}
        seen = await observe_call(served, "update_task", arguments)
        assert served.gate.writes == 2
        assert seen.after[task_id] == TaskSummary("Theirs", (served.ana,))
        assert seen.change is not None
        assert seen.change.outcome == "unknown"
        assert [result.outcome for result in seen.change.results.values()] == ["unknown"]


# People who are added.


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("reassign_task", {"responsibleIds": ["Ana Soto"], "mode": "add"}),
        ("update_task", {"addResponsibleIds": ["Ana Soto"]}),
    ],
)
async def test_adding_people_keeps_those_that_another_client_added_before(tool: str, arguments: dict[str, Any]) -> None:
    async with open_crm(VAMBE) as served:
        task_id = served.ids[0]
        await served.agent("get_task", id=task_id)
        they_add_luis(served)
        seen = await observe_call(served, tool, {"id": task_id} | arguments)
        assert seen.after[task_id].responsible_ids == (ELENA, LUIS, served.ana)


async def test_adding_people_on_vambe_loses_those_added_at_the_same_moment_and_the_answer_shows_it() -> None:
    async with open_crm(VAMBE) as served:
        task_id = served.ids[0]
        before_the_write(served, lambda: they_add_luis(served))
        seen = await observe_call(
            served, "reassign_task", {"id": task_id, "responsibleIds": ["Ana Soto"], "mode": "add"}
        )
        assert seen.answer is not None
        shown = [who["responsible_id"] for who in seen.answer["task"]["task_responsibles"]]
        assert tuple(shown) == seen.after[task_id].responsible_ids == (ELENA, served.ana)


# In the built-in store, between the reading and the transaction.


@dataclass(frozen=True)
class Others:
    """Another process on the same store."""

    folder: Path

    def run(self, sql: str, *values: str) -> None:
        """Run one statement at once."""
        with closing(sqlite3.connect(self.folder / "tasks.sqlite", isolation_level=None)) as other:
            other.execute(sql, values)

    def rename(self, task_id: str) -> None:
        self.run("UPDATE task SET title = 'Theirs' WHERE id = ?", task_id)


async def test_the_store_shows_the_value_that_another_process_set_before_it_is_overwritten(tmp_path: Path) -> None:
    async with stored(tmp_path) as served:
        task_id = served.ids[0]
        await before_the_transaction(served, lambda: Others(tmp_path).rename(task_id))
        seen = await observe_call(served, "update_task", {"id": task_id, "title": "Ours"})
        assert seen.answer is not None
        assert seen.answer["changed"] == {"title": {"from": "Theirs", "to": "Ours"}}
        undone = await observe_call(served, "undo_change", {"changeId": seen.answer["changeId"]})
        assert undone.after[task_id].title == "Theirs"


async def test_the_store_and_an_undo_keep_a_field_that_another_process_set(tmp_path: Path) -> None:
    async with stored(tmp_path) as served:
        task_id = served.ids[0]
        await before_the_transaction(served, lambda: Others(tmp_path).rename(task_id))
        change = await served.agent("update_task", id=task_id, responsibleIds=["Ana Soto"])
        assert served.tasks[task_id] == TaskSummary("Theirs", (served.ana,))
        await served.agent("undo_change", changeId=change["changeId"])
        assert served.tasks[task_id].title == "Theirs"
        assert served.tasks[task_id].responsible_ids != (served.ana,)


@pytest.mark.parametrize(("what", "code"), [("update", "plan_stale"), ("delete", "conflict")])
async def test_the_store_refuses_a_plan_if_another_process_changes_the_task_just_before_the_transaction(
    what: str, code: str, tmp_path: Path
) -> None:
    async with stored(tmp_path) as served:
        task_id = served.ids[0]
        ask: dict[str, Any] = {"update": {"title": "Ours", "dryRun": True}, "delete": {}}[what]
        plan = await served.agent(f"{what}_task", id=task_id, **ask)
        both = "UPDATE task SET title = 'Theirs', description = 'Theirs' WHERE id = ?"
        await before_the_transaction(served, lambda: Others(tmp_path).run(both, task_id))
        seen = await observe_call(served, "apply_plan", {"planId": plan["planId"]})
        again = await observe_call(served, "apply_plan", {"planId": plan["planId"]})
        assert (seen.code, again.code) == (code, "plan_stale")
        for stale in (seen, again) if what == "update" else (again,):
            [difference] = stale.error["difference"]
            assert difference["changed"].keys() == {"title", "description"}
            assert difference["changed"]["title"] == {"from": "Call Acme 1", "to": "Theirs"}
        assert again.after == seen.before | {task_id: replace(seen.before[task_id], title="Theirs")}


async def test_the_store_refuses_an_undo_if_another_process_changes_the_task_just_before_the_transaction(
    tmp_path: Path,
) -> None:
    async with stored(tmp_path) as served:
        task_id = served.ids[0]
        change = await served.agent("update_task", id=task_id, title="Ours")
        await before_the_transaction(served, lambda: Others(tmp_path).rename(task_id))
        seen = await observe_call(served, "undo_change", {"changeId": change["changeId"]})
        assert seen.code == "changed_since"
        assert seen.error["difference"][0]["changed"] == {"title": {"from": "Ours", "to": "Theirs"}}
        assert seen.after[task_id].title == "Theirs"


async def test_the_store_refuses_the_plan_of_an_undo_with_the_fields_of_the_undo_alone(tmp_path: Path) -> None:
    async with stored(tmp_path) as served:
        task_id = served.ids[0]
        change = await served.agent("update_task", id=task_id, title="Ours")
        plan = await served.agent("undo_change", changeId=change["changeId"], dryRun=True)
        both = "UPDATE task SET title = 'Theirs', description = 'Theirs' WHERE id = ?"
        await before_the_transaction(served, lambda: Others(tmp_path).run(both, task_id))
        seen = await observe_call(served, "apply_plan", {"planId": plan["planId"]})
        assert seen.code == "plan_stale"
        assert seen.error["difference"][0]["changed"] == {"title": {"from": "Ours", "to": "Theirs"}}
        assert seen.after[task_id].title == "Theirs"


async def test_the_store_refuses_one_task_of_a_bulk_that_another_process_changes(
    tmp_path: Path,
) -> None:
    async with stored(tmp_path) as served:
        task_id = served.ids[2]
        await before_the_transaction(served, lambda: Others(tmp_path).rename(task_id))
        arguments = {"taskIds": list(served.ids), "changes": {"title": "Ours"}}
        seen = await observe_call(served, "bulk_update_tasks", arguments)
        assert seen.answer is not None
        assert seen.answer["totals"] == {"applied": 5, "refused": 1}
        assert seen.answer["retryIds"] == [task_id]
        assert [one for one, summary in seen.after.items() if summary.title == "Theirs"] == [task_id]
        again = await served.agent("bulk_update_tasks", **arguments | {"taskIds": seen.answer["retryIds"]})
        assert again["totals"] == {"applied": 1}


async def test_the_store_keeps_people_whom_another_process_adds_just_before_the_transaction(tmp_path: Path) -> None:
    async with stored(tmp_path) as served:
        task_id = served.ids[0]
        (me,) = served.tasks[task_id].responsible_ids
        columns = "id, ?, 1, due_key, status_id, created_at, priority"
        sql = f"INSERT INTO task_responsible SELECT {columns} FROM task WHERE id = ?"  # noqa: S608  constants
        luis = await served.app.backend.edit(lambda directory: directory.add_member("Luis Pereira"))  # type: ignore[attr-defined]  # of the store
        await before_the_transaction(served, lambda: Others(tmp_path).run(sql, luis, task_id))
        await served.agent("reassign_task", id=task_id, responsibleIds=["Ana Soto"], mode="add")
        assert set(served.tasks[task_id].responsible_ids) == {me, luis, served.ana}
