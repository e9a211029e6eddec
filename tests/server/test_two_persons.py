"""Two persons on two connections, with every tool, at random and at the same time: nothing of one reaches the other.

Tasks are CRM data, which both may read. What is a person's own: the ids of plans and changes, the reasons of calls,
what an idempotency key stands for, the task that an equal create is answered with, and who `me` is.
"""

import json
import random
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp.types import ElicitRequestParams, ElicitResult, TextContent, TextResourceContents

from server.example_calls import TASK, VALID, fill_in
from server.store_connections import NAMES, client_of, open_store_connections
from taskhand.backends.local.backend import LocalBackend
from taskhand.backends.local.people_and_statuses import Directory
from taskhand.call.parallel_work import concurrent_tasks
from taskhand.journal.journal import Caller, ChangeQuery
from taskhand.server.tools import TOOLS
from taskhand.service import apply_plan, list_changes, personal_backend
from taskhand.service.connections import Connections

NOBODYS = "00000000-0000-4000-8000-00000000dead"
PERSONS = ("ana@x.test", "bob@x.test")
SEEDS = range(2)
_SEEDS_UNTIL_SEEN = range(5)
_ROUNDS, _AT_ONCE = 24, 5
_TITLES = tuple(f"{verb} {number}" for verb in ("Llamar", "Escribir") for number in range(4))
_OFTEN = {"create_task": 3, "create_tasks": 2, "apply_plan": 3, "undo_change": 3, "list_changes": 2}
"""How many times as often as another tool."""
_KEYS = ("one key", "another")
_EVERYWHERE = {tool.name for tool in TOOLS if tool.run_everywhere is not None}
_WRITES = {tool.name for tool in TOOLS if tool.writes}


@dataclass
class RecordedAnswer:
    """An answer: the text, the structured value, and what was sent for it."""

    tool: str
    sent: Mapping[str, Any]
    text: str
    value: Mapping[str, Any]
    code: str | None


@dataclass
class Worker:
    """A person at work: `me` is the member's id in each connection."""

    person: str
    client: Client
    me: Mapping[str, str]
    answers: list[RecordedAnswer] = field(default_factory=list)
    questions: list[str] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    made: dict[str, str] = field(default_factory=dict)
    """The connections of the tasks that this person's creates were answered with, by id."""

    @property
    def own_ids(self) -> dict[str, str | None]:
        """The ids of the plans and changes that this person's writes were answered with, and where they are."""
        answers, ids = [one for one in self.answers if one.tool in _WRITES], ("changeId", "planId")
        return {one.value[name]: one.sent.get("connection") for one in answers for name in ids if name in one.value}

    @property
    def secrets(self) -> set[str]:
        """What no other person may be shown."""
        return {*self.own_ids, *self.reasons}

    async def call(self, tool: str, sent: dict[str, Any]) -> None:
        """Call a tool, and keep the answer."""
        if tool in _WRITES and "reason" not in sent:
            sent |= {"reason": f"because {self.person} said so, time {len(self.reasons)}"}
            self.reasons.append(sent["reason"])
        result = await self.client.call_tool(tool, sent)
        text = "".join(part.text for part in result.content if isinstance(part, TextContent))
        code = text.partition('"code":"')[2].partition('"')[0] if result.is_error else None
        self.answers.append(RecordedAnswer(tool, sent, text, result.structured_content or {}, code))

    async def read(self, uri: str) -> None:
        """Read a resource, and keep its text."""
        (content,) = (await self.client.read_resource(uri)).contents
        assert isinstance(content, TextResourceContents)
        sent = {"connection": next(name for name in NAMES if f"//{name}/" in uri)}
        tool = "list_team_members" if uri.endswith("/members") else "resource"
        self.answers.append(RecordedAnswer(tool, sent, content.text, json.loads(content.text), None))


class RandomCalls:
    """The connections, the two persons, and what they may name at random."""

    def __init__(self, connections: Connections, seed: int) -> None:
        self.connections = connections
        self.random = random.Random(seed)  # noqa: S311  a schedule
        self.workers: list[Worker] = []

    def arguments(self, tool: str) -> dict[str, Any]:
        """Arguments of a call, which may name what is another person's."""
        draw, pick, chance = self.random.choice, self.random.sample, self.random.random
        name = draw(NAMES)
        sent: dict[str, Any] = {"connection": name}
        made = [(one, at) for worker in self.workers for one, at in worker.made.items()]
        tasks = [one for one, at in made if at == name or chance() < 0.1] or [NOBODYS]
        known = {one: at for worker in self.workers for one, at in worker.own_ids.items()}
        ids = list(known)
        body = {"title": draw(_TITLES), "responsibleIds": draw([["me"], []])}
        dry = {"dryRun": True} if chance() < 0.3 else {}
        key = {"idempotencyKey": draw(_KEYS)} if chance() < 0.5 else {}
        changes = {"title": draw(_TITLES), "addNote": draw(["called", "wrote"])}
        makers: dict[str, Callable[[], dict[str, Any]]] = {
            "list_tasks": lambda: draw([{}, {"responsibleIds": ["me"]}, {"countBy": "responsible"}]),
            "get_task": lambda: {"id": draw(tasks)},
            "find_contacts": lambda: {"query": "acme"},
            "create_task": lambda: body | dry | key,
            "create_tasks": lambda: {"tasks": [body | {"title": one} for one in pick(_TITLES, 2)]} | dry | key,
            "update_task": lambda: {"id": draw(tasks)} | changes | dry,
            "complete_task": lambda: {"id": draw(tasks)} | dry,
            "reassign_task": lambda: {"id": draw(tasks), "responsibleIds": ["me"], "mode": "add"} | dry,
            "bulk_update_tasks": lambda: {"taskIds": pick(tasks, min(2, len(tasks))), "changes": changes} | dry | key,
            "delete_task": lambda: {"id": draw(tasks)},
            "apply_plan": lambda: {"planId": draw([one for one in ids if one.startswith("plan")] or ["plan_0"])},
            "undo_change": lambda: {"changeId": draw([one for one in ids if one.startswith("chg")] or ["chg_0"])} | dry,
            "list_changes": lambda: {"changeId": draw(ids)} if ids and chance() < 0.4 else {},
        }
        sent |= makers[tool]() if tool in makers else fill_in(VALID[tool], {TASK: tasks[-1]})
        named = sent.get("planId") or sent.get("changeId")
        sent["connection"] = known.get(str(named)) or name
        if (tool in _EVERYWHERE or named) and chance() < 0.3:
            del sent["connection"]
        return sent

    async def work(self) -> None:
        """Let both call every tool, and read every resource, several at a time."""
        addresses = [str(one.uri) for one in (await self.workers[0].client.list_resources()).resources]
        names = [tool.name for tool in TOOLS for _ in range(_OFTEN.get(tool.name, 1))]
        for _ in range(_ROUNDS):
            async with concurrent_tasks() as group:
                group.start_soon(self.random.choice(self.workers).read, self.random.choice(addresses))
                for _ in range(_AT_ONCE):
                    worker, tool = self.random.choice(self.workers), self.random.choice(names)
                    group.start_soon(worker.call, tool, self.arguments(tool))
            for worker in self.workers:
                worker.made |= {
                    one: answer.sent["connection"] for answer in worker.answers for one in _created_ids(answer)
                }

    async def check(self) -> None:
        """Nothing that a person was answered is another's."""
        for worker, other in (self.workers, self.workers[::-1]):
            assert worker.made.keys().isdisjoint(other.made), "both were answered with one new task"
            for text in worker.questions:
                assert not [one for one in other.secrets if one in text], text
            for one in list(worker.answers):
                await self._check(worker, other, one)
        for name, app in self.connections.by_name.items():
            for change in (await app.journal.page(ChangeQuery(limit=10_000))).changes:
                subject, reason = change.opening.caller.subject, change.opening.reason
                assert (change.opening.connection, subject in PERSONS) == (name, True)
                assert reason is None or str(subject) in reason, "a plan was applied for another person"

    async def _check(self, worker: Worker, other: Worker, one: RecordedAnswer) -> None:
        sent = str(one.sent)
        shown = [secret for secret in other.secrets if secret in one.text and secret not in sent]
        assert not shown, (one.tool, sent, one.text)
        for name in ("planId", "changeId"):
            if (theirs := one.sent.get(name)) in other.own_ids:
                result = await worker.client.call_tool(one.tool, {**one.sent, name: NOBODYS})
                missing = "".join(part.text for part in result.content if isinstance(part, TextContent))
                assert _refusal_in(one.text.replace(str(theirs), NOBODYS[:60])) == _refusal_in(missing)
        if one.tool == "list_team_members":
            assert one.value["me"] == worker.me[one.sent["connection"]]
        if one.tool == "list_tasks" and one.sent.get("responsibleIds") == ["me"]:
            name = worker.person.partition("@")[0]
            assert all(name in row["responsibles"] for row in one.value["tasks"]), one.text


def _refusal_in(text: str) -> dict[str, Any]:
    """The error in an answer, without the caller's own latest changes: they are other ones a moment later."""
    error: dict[str, Any] = json.loads(text)["error"]
    return {name: value for name, value in error.items() if name not in {"candidates", "next", "untrusted"}}


def _created_ids(answer: RecordedAnswer) -> set[str]:
    """The ids of the tasks that an answer says were made."""
    if answer.tool == "create_task" and "task" in answer.value:
        return {answer.value["task"]["id"]}
    rows = answer.value.get("tasks", ()) if answer.tool == "create_tasks" else ()
    return {row["id"] for row in rows if row.get("id")}


@asynccontextmanager
async def open_random_calls(folder: Path, seed: int) -> AsyncIterator[RandomCalls]:
    """Both persons at their clients, each of whom says yes or no to a question at random."""
    async with open_store_connections(folder) as connections:
        calls = RandomCalls(connections, seed)
        members: dict[str, dict[str, str]] = {person: {} for person in PERSONS}
        for name, app in connections.by_name.items():
            assert isinstance(app.backend, LocalBackend)
            for person in PERSONS:
                added = partial(Directory.add_member, name=person.partition("@")[0], email=person)
                members[person][name] = await app.backend.edit(added)

        async def asked(worker: Worker, params: ElicitRequestParams) -> ElicitResult:
            worker.questions.append(params.message)
            return ElicitResult(action=calls.random.choice(["accept", "decline", "cancel"]))

        def client(person: str) -> Client:
            async def answer(_: Any, params: ElicitRequestParams) -> ElicitResult:
                return await asked(next(one for one in calls.workers if one.person == person), params)

            return client_of(connections, person, elicitation_callback=answer)

        async with client(PERSONS[0]) as first, client(PERSONS[1]) as second:
            for person, connected in zip(PERSONS, (first, second), strict=True):
                calls.workers.append(Worker(person, connected, members[person]))
            yield calls


@pytest.mark.parametrize("seed", SEEDS)
async def test_nothing_of_one_person_is_used_for_or_shown_to_the_other(tmp_path: Path, seed: int) -> None:
    async with open_random_calls(tmp_path, seed) as calls:
        await calls.work()
        await calls.check()


def _by_client(caller: Caller) -> str:
    return f"/{caller.name}"


async def _credentials_user(account: Any) -> str | None:
    me: str | None = await account._account.me()  # noqa: SLF001  the fault is in there
    return me


FAULTS: dict[str, tuple[object, str, object]] = {
    "a key, and an equal create, are the client's": (Caller, "key", property(_by_client)),
    "all changes are listed": (list_changes, "shown_subject", lambda _: None),
    "every change is found": (list_changes, "is_visible", lambda *_: True),
    "every plan is found": (apply_plan, "is_visible", lambda *_: True),
    "me is the user of the credential": (personal_backend._PersonalAccount, "me", _credentials_user),  # noqa: SLF001
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
async def test_the_test_detects_a_server_that_mixes_two_persons_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: tuple[object, str, object]
) -> None:
    monkeypatch.setattr(*fault)
    for seed in _SEEDS_UNTIL_SEEN:
        async with open_random_calls(tmp_path / str(seed), seed) as calls:
            await calls.work()
            try:
                await calls.check()
            except AssertionError:
                return
    pytest.fail("nothing was seen of the fault")
