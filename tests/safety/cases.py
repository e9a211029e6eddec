"""The calls of the fault tables, and the calls with which an agent repeats them."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

from safety.account import Effect, Observation, ServedTasks, observe_call
from safety.crms import TaskSummary
from safety.faults_table import Kind

__all__ = ["ALL_CASES", "CASES", "Asking", "Case", "assert_a_second_try_ends_it"]

FIVE = 5

Asking = tuple[str, dict[str, Any], Effect]


@dataclass(frozen=True)
class Case:
    """A call of a tool: `ask` prepares the tasks, and returns the call with its expected effect."""

    name: str
    kind: Kind
    ask: Callable[[ServedTasks], Awaitable[Asking]]

    def __str__(self) -> str:
        return self.name


async def _many(served: ServedTasks) -> Asking:
    ids = list(served.ids[:FIVE])
    becomes: dict[str, TaskSummary | None] = {
        task_id: replace(served.tasks[task_id], responsible_ids=(served.ana,)) for task_id in ids
    }
    arguments = {"taskIds": ids, "changes": {"responsibleIds": ["Ana Soto"]}}
    return "bulk_update_tasks", arguments, Effect(tuple(ids), becomes)


async def _delete(served: ServedTasks) -> Asking:
    task_id = served.ids[0]
    plan = await served.agent("delete_task", id=task_id)
    return "apply_plan", {"planId": plan["planId"]}, Effect((task_id,), {task_id: None})


async def _planned(served: ServedTasks) -> Asking:
    task_id = served.ids[0]
    plan = await served.agent("update_task", id=task_id, title="Call Acme again", dryRun=True)
    becomes = replace(served.tasks[task_id], title="Call Acme again")
    return "apply_plan", {"planId": plan["planId"]}, Effect((task_id,), {task_id: becomes})


async def _undone(served: ServedTasks) -> Asking:
    task_id = served.ids[0]
    was = served.tasks[task_id]
    change = await served.agent("update_task", id=task_id, title="Call Acme again", responsibleIds=["Ana Soto"])
    return "undo_change", {"changeId": change["changeId"]}, Effect((task_id,), {task_id: was})


async def _recreated(served: ServedTasks) -> Asking:
    task_id = served.ids[0]
    was = served.tasks[task_id]
    plan = await served.agent("delete_task", id=task_id)
    gone = await served.agent("apply_plan", planId=plan["planId"])
    return "undo_change", {"changeId": gone["changeId"]}, Effect(makes=was)


async def _created(served: ServedTasks) -> Asking:
    arguments = {"title": "Send it", "responsibleIds": ["Ana Soto"], "priority": "1", "idempotencyKey": "one"}
    return "create_task", arguments, Effect(makes=TaskSummary("Send it", (served.ana,)))


async def _updated(served: ServedTasks) -> Asking:
    task_id = served.ids[0]
    becomes = replace(served.tasks[task_id], title="Call Acme again")
    return "update_task", {"id": task_id, "title": "Call Acme again"}, Effect((task_id,), {task_id: becomes})


async def _reassigned(served: ServedTasks) -> Asking:
    task_id = served.ids[0]
    becomes = replace(served.tasks[task_id], responsible_ids=(served.ana,))
    return "reassign_task", {"id": task_id, "responsibleIds": ["Ana Soto"]}, Effect((task_id,), {task_id: becomes})


async def _completed(served: ServedTasks) -> Asking:
    task_id = served.ids[0]
    becomes = replace(served.tasks[task_id], is_done=True)
    return "complete_task", {"id": task_id}, Effect((task_id,), {task_id: becomes})


async def _undone_many(served: ServedTasks) -> Asking:
    tool, arguments, effect = await _many(served)
    becomes: dict[str, TaskSummary | None] = {task_id: served.tasks[task_id] for task_id in effect.ids}
    change = await served.agent(tool, **arguments)
    return "undo_change", {"changeId": change["changeId"]}, Effect(effect.ids, becomes)


CASES = (
    Case("bulk_update_tasks", "many", _many),
    Case("apply_plan of a deletion", "delete", _delete),
    Case("apply_plan of an update", "one", _planned),
    Case("undo_change of an update", "one", _undone),
    Case("undo_change of a deletion", "create", _recreated),
    Case("create_task with a key", "create", _created),
)
ALL_CASES = (
    *CASES,
    Case("update_task", "one", _updated),
    Case("reassign_task", "one", _reassigned),
    Case("complete_task", "one", _completed),
    Case("undo_change of many", "many", _undone_many),
)
"""Every tool that writes."""


async def assert_a_second_try_ends_it(
    served: ServedTasks, case: Case, asking: Asking, seen: Observation, said: set[str]
) -> None:
    """Repeat the call, then follow the instructions of the answer: everything is as asked, nothing is done twice."""
    tool, arguments, effect = asking
    left = to_retry(seen, effect) if tool == "bulk_update_tasks" else {}
    again = await observe_call(served, tool, arguments | left)
    if said == {"applied"} or (effect.makes and said == {"unknown"}):
        assert not any(request.committed for request in again.log), (
            "what was applied, or may have been, is not sent again"
        )
    if said == {"applied"} and effect.makes:
        assert again.answer is not None
        assert again.answer["replayed"] is True
        assert again.answer["task"]["id"] in seen.new
    if not is_as_asked(served, seen, effect):
        assert said <= {"unknown", "refused"}
        assert again.error["next"]
        await by_hand(served, case, effect)
    assert is_as_asked(served, seen, effect)


def to_retry(seen: Observation, effect: Effect) -> dict[str, Any]:
    """Of many tasks those that the answer says to send again, and those of which it says that nobody knows."""
    if seen.answer is None or "totals" not in seen.answer:
        return {}
    rows = (row for row in seen.answer["outcomes"] if row["outcome"] == "unknown")
    unknown = [task_id for row in rows for task_id in row["ids"]]
    return {"taskIds": [*seen.answer["retryIds"], *unknown] or list(effect.ids)}


async def by_hand(served: ServedTasks, case: Case, effect: Effect) -> None:
    """Look, and ask for it anew."""
    if effect.makes:
        assert (await served.agent("list_tasks", text=effect.makes.title))["tasks"] == []
        body = {"title": effect.makes.title, "responsibleIds": list(effect.makes.responsible_ids), "priority": "1"}
        await served.agent("create_task", **body, idempotencyKey="another")
    else:
        tool, arguments, _ = await case.ask(served)
        await served.agent(tool, **arguments)


def is_as_asked(served: ServedTasks, seen: Observation, effect: Effect) -> bool:
    """Whether the tasks are as they were before, but for what was wished."""
    asked = seen.before | (effect.becomes or {})
    now = served.tasks
    new = [summary for task_id, summary in now.items() if task_id not in seen.before]
    old = {task_id: summary for task_id, summary in now.items() if task_id in seen.before}
    expected = {task_id: summary for task_id, summary in asked.items() if summary is not None}
    return old == expected and new == ([effect.makes] if effect.makes else [])
