"""The calls that the fault tables are about, and what an agent does that calls once more."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

from safety.account import Seen, Stage, Wish, told
from safety.crms import Sight
from safety.faults_table import Kind

__all__ = ["CASES", "Asking", "Case", "assert_a_second_try_ends_it"]

FIVE = 5

Asking = tuple[str, dict[str, Any], Wish]


@dataclass(frozen=True)
class Case:
    """A tool on its way: `ask` does what has to be before, and gives the call with what it is to do."""

    name: str
    kind: Kind
    ask: Callable[[Stage], Awaitable[Asking]]

    def __str__(self) -> str:
        return self.name


async def _many(stage: Stage) -> Asking:
    ids = list(stage.ids[:FIVE])
    becomes: dict[str, Sight | None] = {one: replace(stage.tasks[one], who=(stage.ana,)) for one in ids}
    arguments = {"taskIds": ids, "changes": {"responsibleIds": ["Ana Soto"]}}
    return "bulk_update_tasks", arguments, Wish(tuple(ids), becomes)


async def _delete(stage: Stage) -> Asking:
    task_id = stage.ids[0]
    plan = await stage.agent("delete_task", id=task_id)
    return "apply_plan", {"planId": plan["planId"]}, Wish((task_id,), {task_id: None})


async def _planned(stage: Stage) -> Asking:
    task_id = stage.ids[0]
    plan = await stage.agent("update_task", id=task_id, title="Call Acme again", dryRun=True)
    becomes = replace(stage.tasks[task_id], title="Call Acme again")
    return "apply_plan", {"planId": plan["planId"]}, Wish((task_id,), {task_id: becomes})


async def _undone(stage: Stage) -> Asking:
    task_id = stage.ids[0]
    was = stage.tasks[task_id]
    change = await stage.agent("update_task", id=task_id, title="Call Acme again", responsibleIds=["Ana Soto"])
    return "undo_change", {"changeId": change["changeId"]}, Wish((task_id,), {task_id: was})


async def _made_again(stage: Stage) -> Asking:
    task_id = stage.ids[0]
    was = stage.tasks[task_id]
    plan = await stage.agent("delete_task", id=task_id)
    gone = await stage.agent("apply_plan", planId=plan["planId"])
    return "undo_change", {"changeId": gone["changeId"]}, Wish(makes=was)


async def _created(stage: Stage) -> Asking:
    arguments = {"title": "Send it", "responsibleIds": ["Ana Soto"], "priority": "1", "idempotencyKey": "one"}
    return "create_task", arguments, Wish(makes=Sight("Send it", (stage.ana,)))


CASES = (
    Case("bulk_update_tasks", "many", _many),
    Case("apply_plan of a deletion", "delete", _delete),
    Case("apply_plan of an update", "one", _planned),
    Case("undo_change of an update", "one", _undone),
    Case("undo_change of a deletion", "create", _made_again),
    Case("create_task with a key", "create", _created),
)


async def assert_a_second_try_ends_it(stage: Stage, case: Case, asking: Asking, seen: Seen, said: set[str]) -> None:
    """An agent that does the same once more, and then what it was told to do: all is as asked, and nothing twice."""
    tool, arguments, wish = asking
    again = await told(stage, tool, arguments | to_retry(seen, wish))
    if said == {"applied"} or (wish.makes and said == {"unknown"}):
        assert not any(one.committed for one in again.log), "it was done, or may have been: it is not sent again"
    if said == {"applied"} and wish.makes:
        assert again.answer is not None
        assert again.answer["replayed"] is True
        assert again.answer["task"]["id"] in seen.new
    if not is_as_asked(stage, seen, wish):
        assert said <= {"unknown", "refused"}
        assert again.error["next"]
        await by_hand(stage, case, wish)
    assert is_as_asked(stage, seen, wish)


def to_retry(seen: Seen, wish: Wish) -> dict[str, Any]:
    """Of many tasks those that the answer says to send again, and those of which it says that nobody knows."""
    if seen.answer is None or "totals" not in seen.answer:
        return {}
    rows = (row for row in seen.answer["outcomes"] if row["outcome"] == "unknown")
    unknown = [task_id for row in rows for task_id in row["ids"]]
    return {"taskIds": [*seen.answer["retryIds"], *unknown] or list(wish.ids)}


async def by_hand(stage: Stage, case: Case, wish: Wish) -> None:
    """Look, and ask for it anew."""
    if wish.makes:
        assert (await stage.agent("list_tasks", text=wish.makes.title))["tasks"] == []
        body = {"title": wish.makes.title, "responsibleIds": list(wish.makes.who), "priority": "1"}
        await stage.agent("create_task", **body, idempotencyKey="another")
    else:
        tool, arguments, _ = await case.ask(stage)
        await stage.agent(tool, **arguments)


def is_as_asked(stage: Stage, seen: Seen, wish: Wish) -> bool:
    """Whether the tasks are as they were before, but for what was wished."""
    asked = seen.before | (wish.becomes or {})
    now = stage.tasks
    new = [sight for task_id, sight in now.items() if task_id not in seen.before]
    old = {task_id: sight for task_id, sight in now.items() if task_id in seen.before}
    there = {task_id: sight for task_id, sight in asked.items() if sight is not None}
    return old == there and new == ([wish.makes] if wish.makes else [])
