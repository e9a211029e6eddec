"""Callers that use every tool on tasks of their own, each in a thread, and record the expected final state."""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from threading import Event, Lock
from typing import Any
from uuid import uuid4

from safety.chaos.replicas import Answer, Replicas
from safety.crms import TaskSummary
from taskhand.server.tools import TOOLS

__all__ = ["Ledger", "call_until_stopped"]

_TRIES = 60
_PAUSE_S = 0.2
_NEEDS: dict[str, dict[str, Any]] = {"find_contacts": {"query": "Carolina"}}
_READS = [
    (tool.name, _NEEDS.get(tool.name, {}))
    for tool in TOOLS
    if not tool.writes
    and (tool.name in _NEEDS or not any(one.is_required() for one in tool.arguments.model_fields.values()))
]
"""All that can be read without a task."""


@dataclass
class Ledger:
    """What was asked and answered: the titles of new tasks, and what each task may look like (None: it is deleted)."""

    asked: set[str] = field(default_factory=set)
    made: dict[str, str] = field(default_factory=dict)
    may_be: dict[str, set[TaskSummary | None]] = field(default_factory=dict)
    plans: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)
    stop: Event = field(default_factory=Event)
    lock: Lock = field(default_factory=Lock)

    def note(self, task_id: str, *summaries: TaskSummary | None) -> None:
        """From now on a task looks like one of these."""
        with self.lock:
            self.may_be[task_id] = set(summaries)

    def complain(self, *what: object) -> None:
        """Note what must not be."""
        with self.lock:
            self.wrong.append(" ".join(map(str, what)))


@dataclass
class _Caller:
    """One caller, with one task at a time that it knows all of."""

    name: str
    replicas: Replicas
    ledger: Ledger
    people: tuple[str, str]
    needs: dict[str, str]
    chance: random.Random
    timeout_s: float
    pool: ThreadPoolExecutor
    number: int = 0
    task_id: str = ""
    summary: TaskSummary = field(default_factory=lambda: TaskSummary("", ()))
    is_known: bool = False

    def call(self, tool: str, **arguments: Any) -> Answer:
        """One call, once."""
        answer = self.replicas.call(tool, arguments, self.timeout_s)
        with self.ledger.lock:
            self.ledger.answers[f"{tool} {answer.kind} {answer.code}".rstrip()] += 1
        if answer.code in {"internal_error", "rpc"}:
            self.ledger.complain(tool, answer.body)
        return answer

    def persist(self, tool: str, **arguments: Any) -> Answer:
        """The same call again and again, while that is what the answer advises, or there is none."""
        for _ in range(_TRIES):
            answer = self.call(tool, **arguments)
            if answer.kind == "done" or not (answer.kind == "lost" or answer.body.get("retryable")):
                return answer
            if self.ledger.stop.wait(_PAUSE_S):
                break
        return answer

    def at_once(self, count: int, tool: str, **arguments: Any) -> list[Answer]:
        """The same call several times at the same moment."""
        return [one.result() for one in [self.pool.submit(self.call, tool, **arguments) for _ in range(count)]]

    def next_title(self) -> str:
        """A title that no other task has."""
        self.number += 1
        return f"{self.name}-{self.number}"

    def key(self, title: str) -> dict[str, str]:
        """What tells a repetition: a key, or that the bodies are the same."""
        return self.chance.choice(({"idempotencyKey": f"key {title}"}, {}))

    def make(self) -> None:
        """Make the task that this caller works on."""
        title = self.next_title()
        self.ledger.asked.add(title)
        body = {"title": title, "responsibleIds": [self.people[0]], "priority": "1"} | self.needs
        answer = self.persist("create_task", **body, **self.key(title))
        if answer.kind == "done":
            self.use(answer.body["task"]["id"], TaskSummary(title, (self.people[0],)))

    def make_several(self) -> list[tuple[str, TaskSummary]]:
        """Three new tasks in one call; none where it is not known what became of one."""
        titles = [self.next_title() for _ in range(3)]
        self.ledger.asked.update(titles)
        bodies = [
            {"title": title, "responsibleIds": [self.people[0]], "priority": "1"} | self.needs for title in titles
        ]
        answer = self.persist("create_tasks", tasks=bodies, **self.key(titles[0]))
        if answer.kind != "done" or answer.body["totals"].get("applied") != len(titles):
            return []
        made = [(row["id"], TaskSummary(row["title"], (self.people[0],))) for row in answer.body["tasks"]]
        for task_id, summary in made:
            self.remember(task_id, summary)
        return made

    def remember(self, task_id: str, summary: TaskSummary) -> None:
        """A task was made, and looks like this."""
        with self.ledger.lock:
            if self.ledger.made.setdefault(summary.title, task_id) != task_id:
                self.ledger.wrong.append(f"{summary.title} is {task_id} and {self.ledger.made[summary.title]}")
        self.ledger.note(task_id, summary)

    def use(self, task_id: str, summary: TaskSummary) -> None:
        """Work on this task from now on."""
        self.remember(task_id, summary)
        self.task_id, self.summary, self.is_known = task_id, summary, True

    def conclude(self, answers: Sequence[Answer], becomes: TaskSummary | None) -> bool:
        """What the task may look like after these answers to calls that make it look so; whether that was done."""
        if any(answer.kind == "done" for answer in answers):
            self.ledger.note(self.task_id, becomes)
            self.is_known = becomes is not None
            self.summary = becomes or self.summary
            if any(answer.kind == "lost" for answer in answers):
                self.is_known = False  # a call without an answer may still come
            return True
        if any(answer.may_have_happened for answer in answers):
            self.ledger.note(self.task_id, self.summary, becomes)
            self.is_known = False
        return False

    def update(self) -> str | None:
        """A new title; the change, where it was done."""
        becomes = replace(self.summary, title=f"{self.name}-{self.task_id[-4:]} v{self.next_title()}")
        answer = self.call("update_task", id=self.task_id, title=becomes.title)
        if self.conclude([answer], becomes):
            told = answer.body["task"]["title"]
            if told != becomes.title:
                self.ledger.complain("asked for", becomes.title, "and told", told)
            return str(answer.body["changeId"])
        return None

    def update_and_undo(self) -> None:
        """Undo a change twice at the same moment."""
        before = self.summary
        if (change := self.update()) is not None and self.is_known:
            self.conclude(self.at_once(2, "undo_change", changeId=change), before)

    def complete(self) -> None:
        """Finish the task."""
        self.conclude([self.call("complete_task", id=self.task_id)], replace(self.summary, is_done=True))

    def reassign(self) -> None:
        """Give the task to the other of two people."""
        [other] = {*self.people} - {*self.summary.responsible_ids}
        answer = self.call("reassign_task", id=self.task_id, responsibleIds=[other])
        self.conclude([answer], replace(self.summary, responsible_ids=(other,)))

    def read(self) -> None:
        """The task is there."""
        answer = self.call("get_task", id=self.task_id)
        if answer.code == "task_not_found":
            self.ledger.complain(self.task_id, self.summary, "is said not to be there")

    def look(self) -> None:
        """Read anything."""
        tool, arguments = self.chance.choice(_READS)
        self.call(tool, **arguments)

    def delete(self) -> None:
        """Delete the task by a plan that is applied twice at the same moment."""
        plan = self.call("delete_task", id=self.task_id, dryRun=True)
        if plan.kind == "done":
            self.apply(plan, 2, None)

    def apply(self, plan: Answer, count: int, becomes: TaskSummary | None) -> None:
        """Apply a plan for the task several times at once: one of them does it."""
        plan_id = str(plan.body["planId"])
        self.ledger.plans.append(plan_id)
        answers = self.at_once(count, "apply_plan", planId=plan_id)
        done = [answer for answer in answers if answer.kind == "done" and not answer.body.get("replayed")]
        if len(done) > 1:
            self.ledger.complain("the plan", plan_id, "was carried out", len(done), "times")
        self.conclude(answers, becomes)

    def change_many(self) -> None:
        """Three tasks at once, by a plan that is applied three times at the same moment, or at once."""
        made = self.make_several()
        if not made:
            return
        change = {"taskIds": [one for one, _ in made], "changes": {"responsibleIds": [self.people[1]]}}
        planned = self.chance.random() < 0.5
        if planned:
            plan = self.call("bulk_update_tasks", **change, dryRun=True)
            if plan.kind != "done":
                return
            self.ledger.plans.append(str(plan.body["planId"]))
            answers = self.at_once(3, "apply_plan", planId=plan.body["planId"])
        else:
            answers = [self.call("bulk_update_tasks", **change)]
        done = [answer for answer in answers if answer.kind == "done" and "totals" in answer.body]
        is_applied = any(answer.body["totals"] == {"applied": len(made)} for answer in done)
        is_open = any(answer.may_have_happened for answer in answers) or bool(done)
        for task_id, summary in made:
            becomes = replace(summary, responsible_ids=(self.people[1],))
            if is_applied:
                self.ledger.note(task_id, becomes)
            elif is_open:
                self.ledger.note(task_id, summary, becomes)

    def run(self) -> None:
        """Call until it is stopped."""
        works: list[Callable[[], object]] = [
            self.update,
            self.update,
            self.update_and_undo,
            self.complete,
            self.reassign,
            self.read,
            self.look,
            self.change_many,
            self.delete,
        ]
        while not self.ledger.stop.is_set():
            if not self.is_known:
                self.make()
                continue
            work = self.chance.choice(works)
            if work == self.complete and self.summary.is_done:
                continue
            work()


def call_until_stopped(
    replicas: Replicas,
    ledger: Ledger,
    people: tuple[str, str],
    needs: dict[str, str],
    *,
    seed: int,
    number: int,
    timeout_s: float,
) -> None:
    """One caller's whole life."""
    with ThreadPoolExecutor(3) as pool:
        name = f"chaos {number} {uuid4().hex[:4]}"
        _Caller(name, replicas, ledger, people, needs, random.Random(f"{seed} {number}"), timeout_s, pool).run()  # noqa: S311
