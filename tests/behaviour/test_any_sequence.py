"""Whatever an agent does in whatever order, the tools answer as a plain model of the tasks says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import anyio
import pytest
from hypothesis import given, settings
from mcp import Client

from behaviour.agent import Agent, Refused
from behaviour.backend_cases import BACKEND_CASES
from behaviour.drawn_steps import SEARCHES, STEPS, TASKS, Wording
from behaviour.task_model import ModelTask, count_by, differing, matches, sort_key, undone
from behaviour.world import BackendCase
from taskhand.server.app import create_server

_Steps = list[tuple[Any, ...]]
_Parts = dict[str, tuple[ModelTask | None, ModelTask | None]]
"""The tasks of a change before and after it; None where there is no task."""


@dataclass
class Desk:
    """A server beside the model: each step is done in both, and compared."""

    agent: Agent
    words: Wording
    tasks: dict[str, ModelTask] = field(default_factory=dict)
    changes: list[tuple[str, _Parts]] = field(default_factory=list)
    made: int = 0

    async def check(self) -> None:
        """Every task is as the model has it."""
        names = [name for name in ModelTask(0).shown if name not in self.agent.can.absent]
        rows = (await self.agent("list_tasks", limit=50, fields=names))["tasks"]
        seen = {row["id"]: {name: _shown(row[name]) for name in names} for row in rows}
        expected = {task_id: {name: task.shown[name] for name in names} for task_id, task in self.tasks.items()}
        assert seen == expected

    async def check_journal(self) -> None:
        """The journal has every change, the newest first, with what it changed."""
        rows = (await self.agent("list_changes", limit=50))["changes"]
        assert [row["changeId"] for row in rows if row["outcome"] == "applied"] == [
            change_id for change_id, _ in reversed(self.changes)
        ]
        of_one = {row["changeId"]: row for row in rows if "taskId" in row}
        for change_id, parts in self.changes:
            if len(parts) == 1:
                ((task_id, (before, after)),) = parts.items()
                row = of_one[change_id]
                assert row["taskId"] == task_id
                assert row.get("does") == ("create" if before is None else "delete" if after is None else None)
                assert row["title"] in {task.title for task in (before, after) if task}
                if before and after:
                    assert _fields(row["changed"]) == differing(before, after)

    async def create(self, body: Mapping[str, Any]) -> None:
        self.made += 1
        values = self.words.values(body) | {"title": f"{body['title']} {self.made}"}
        answer = await self.agent("create_task", **self.words.new_task(values))
        task = replace(ModelTask(self.made, status=self.words.statuses[0]), **values)
        self.take(answer, {answer["task"]["id"]: (None, task)})

    async def update(self, number: int, body: Mapping[str, Any]) -> None:
        if values := self.words.values(body):
            await self._write("update_task", number, values, self.words.changes(values))

    async def move(self, number: int, day: str) -> None:
        if self.tasks:
            due = [*self.tasks.values()][number % len(self.tasks)].due or (day, None, None)
            await self._write("update_task", number, {"due": (day, *due[1:])}, {"dueDate": day})

    async def complete(self, number: int) -> None:
        await self._write("complete_task", number, {"status": self.words.statuses[-1]}, {})

    async def reassign(self, number: int, people: set[str]) -> None:
        if names := self.words.people(people):
            await self._write("reassign_task", number, {"people": frozenset(names)}, {"responsibleIds": names})

    async def _write(self, tool: str, number: int, values: Mapping[str, Any], sent: Mapping[str, Any]) -> None:
        if self.tasks:
            task_id = [*self.tasks][number % len(self.tasks)]
            before = self.tasks[task_id]
            after = replace(before, **values)
            dry = await self.agent(tool, id=task_id, **sent, dryRun=True)
            if before != after:
                assert _rows(dry["difference"]) == {task_id: differing(before, after)}
            self.take(await self.agent(tool, id=task_id, **sent), {task_id: (before, after)})

    async def bulk(self, drawn: Mapping[str, Any], body: Mapping[str, Any], days: int | None) -> None:
        sent = self.words.filter(drawn)
        values = self.words.values({name: value for name, value in body.items() if days is None or name != "due"})
        if not sent or not (values or days):
            return
        found = {task_id: task for task_id, task in self.tasks.items() if matches(task, sent)}
        change = ({"changes": self.words.changes(values)} if values else {}) | ({"shiftDueDays": days} if days else {})
        answer = await self._answer_to_bulk(sent, change, [*found])
        written = {task_id: task for task_id, task in found.items() if not days or task.due}
        parts: _Parts = {
            task_id: (task, replace(task, **values).shifted(days or 0)) for task_id, task in written.items()
        }
        real = {task_id: part for task_id, part in parts.items() if part[0] != part[1]}
        if answer is None:
            assert found
            assert not written
            return
        if "planId" in answer:
            assert _rows(answer["difference"]) == _differences(real)
            answer = await self.agent("apply_plan", planId=answer["planId"])
        self.take(answer, real)

    async def _answer_to_bulk(
        self, sent: Mapping[str, Any], change: Mapping[str, Any], found: Sequence[str]
    ) -> dict[str, Any] | None:
        """The answer, to the ids if the filter finds every task; None if no task can be changed so."""
        of_tasks: dict[str, Any] = {"filter": sent}
        if len(found) == len(self.tasks) > 1:
            assert await self.agent.refusal("bulk_update_tasks", filter=sent, **change) == "matches_everything"
            of_tasks = {"taskIds": found}
        try:
            return await self.agent("bulk_update_tasks", **of_tasks, **change)
        except Refused as refused:
            code = refused.code
        assert code == "no_due_date"
        return None

    async def delete(self, number: int) -> None:
        if self.tasks:
            task_id = [*self.tasks][number % len(self.tasks)]
            plan = await self.agent("delete_task", id=task_id)
            answer = await self.agent("apply_plan", planId=plan["planId"])
            self.take(answer, {task_id: (self.tasks[task_id], None)})

    async def undo(self, number: int) -> None:
        if not self.changes:
            return
        change_id, parts = self.changes[-1 - number % len(self.changes)]
        expected = {task_id: part for task_id, part in self._undone(parts).items() if part[0] != part[1]}
        if not expected and (code := await self.agent.refusal("undo_change", changeId=change_id)):
            assert code in {"changed_since", "nothing_to_undo", "task_gone"}
            return
        answer = await self.agent("undo_change", changeId=change_id)
        if "planId" in answer:
            answer = await self.agent("apply_plan", planId=answer["planId"])
        if any(now is None for now, _ in expected.values()):
            (made_again,) = expected.values()
            expected = {answer["task"]["id"]: made_again}
        self.take(answer, expected)

    def _undone(self, parts: _Parts) -> _Parts:
        """What an undo of the change does to each of its tasks; a task is made again if it is not there."""
        there = {task.number for task in self.tasks.values()}
        undo: _Parts = {}
        for task_id, (before, after) in parts.items():
            now = self.tasks.get(task_id)
            if before is not None and after is None and before.number not in there:
                undo[task_id] = None, before
            elif before is None and now == after:
                undo[task_id] = now, None
            elif before is not None and after is not None and now is not None:
                undo[task_id] = now, undone(before, after, now)
        return undo

    async def search(self, drawn: Mapping[str, Any], order: str) -> None:
        sent = self.words.filter(drawn)
        found = [task for task in self.tasks.values() if matches(task, sent)]
        listed = await self._listed(order, sent)
        assert sorted(task.number for task in listed) == sorted(task.number for task in found), sent
        if order == "created":  # all at the same moment, in an order that the CRM chooses
            assert listed == (await self._listed("oldest", sent))[::-1]
        else:
            keys = [sort_key(order, task) for task in listed]
            assert keys == sorted(keys)
        for by in ("status", "priority", "responsible"):
            counted = await self.agent("list_tasks", **sent, countBy=by)
            assert (counted["counts"], counted["total"]) == (count_by(by, found), len(found))

    async def _listed(self, order: str, sent: Mapping[str, Any]) -> list[ModelTask]:
        """The tasks of all pages."""
        listed: list[ModelTask] = []
        cursor: dict[str, str] = {}
        while True:
            answer = await self.agent("list_tasks", **sent, order=order, limit=2, **cursor)
            listed += [self.tasks[row["id"]] for row in answer["tasks"]]
            if "nextCursor" not in answer:
                return listed
            cursor = {"cursor": answer["nextCursor"]}

    def take(self, answer: Mapping[str, Any], parts: _Parts) -> None:
        """Take what was written into the model, and compare it with the answer."""
        for task_id, (_, after) in parts.items():
            if after is None:
                del self.tasks[task_id]
            else:
                self.tasks[task_id] = after
        real = {task_id: part for task_id, part in parts.items() if part[0] != part[1]}
        changed = _differences(real)
        if "tasks" in answer:
            assert _rows(row for row in answer["tasks"] if row.get("changed")) == changed, answer
        elif "changed" in answer:
            assert {answer["task"]["id"]: _fields(answer["changed"])} == changed
        else:
            assert not changed, answer
        if real:
            self.changes.append((answer["changeId"], real))


def _differences(parts: _Parts) -> dict[str, Any]:
    """The changed fields of the tasks that are there before and after."""
    return {task_id: differing(before, after) for task_id, (before, after) in parts.items() if before and after}


def _rows(rows: Any) -> dict[str, Any]:
    return {row["id"]: _fields(row["changed"]) for row in rows}


def _fields(changed: Mapping[str, Any]) -> dict[str, Any]:
    return {name: {end: _shown(value) for end, value in ends.items()} for name, ends in changed.items()}


def _shown(value: Any) -> Any:
    """A value of a row; people in any order."""
    return sorted(value) if isinstance(value, list) else value


async def _check(case: BackendCase, folder: Path, tasks: list[dict[str, Any]], steps: _Steps, searches: _Steps) -> None:
    async with case.open(folder) as app, Client(create_server(app)) as client:
        agent = Agent(client, case.needs, app.backend.capabilities)
        statuses = [status["name"] for status in (await agent("list_statuses"))["statuses"]]
        desk = Desk(agent, Wording(agent.can, statuses))
        for body in tasks:
            await desk.create(body)
        for name, *arguments in steps:
            await getattr(desk, name)(*arguments)
            await desk.check()
        for search in searches:
            await desk.search(*search)
        await desk.check_journal()


@pytest.mark.parametrize("case", BACKEND_CASES, ids=lambda case: case.name)
@settings(max_examples=20)
@given(tasks=TASKS, steps=STEPS, searches=SEARCHES)
def test_tasks_lists_and_undos_agree_with_a_plain_model(
    case: BackendCase, tasks: list[dict[str, Any]], steps: _Steps, searches: _Steps
) -> None:
    with TemporaryDirectory() as folder:
        anyio.run(_check, case, Path(folder), tasks, steps, searches)
