"""One call of a tool, observed from all sides: the agent's answer, the journal, the CRM's tasks and requests, and what
subscribers are told.

Four things hold after any fault: no task is created twice, every task of the call has one outcome and that outcome is
true, the journal has the same requests as the CRM's log, and subscribers are told of every task that may have changed.
"""

import json
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from mcp import Client
from mcp.shared.dispatcher import ProgressFnT
from mcp.types import CallToolRequest, CallToolRequestParams, CallToolResult, TextContent

from behaviour.agent import Refused
from safety.crms import SandboxedCrm, SandboxOrStore, TaskSummary
from safety.cuttable_transport import CuttableTransport
from safety.gate import Gate
from taskhand.http.upstream import Limits
from taskhand.journal.journal import Change, ChangeQuery
from taskhand.sandbox.request_log import Logged
from taskhand.sandbox.server import serve_sandbox
from taskhand.server.app import create_server
from taskhand.service.app_context import AppContext
from virtual_time import Time

__all__ = [
    "Agent",
    "Effect",
    "Observation",
    "ServedTasks",
    "assert_all_is_true",
    "newest_change",
    "observe_call",
    "open_crm",
    "reported_outcomes",
    "to_journal_line",
    "to_logged_line",
]

NO_CONTENT: Final = 204
UNKNOWN: Final = frozenset({"outcome_unknown", "internal_error"})
UNTOUCHED: Final = frozenset({"refused", "not_attempted"})


@dataclass(frozen=True)
class Agent:
    """Calls tools over one connection, without validating the answers, since that takes longer than the calls.

    `needs` are arguments that the CRM requires for a new task.
    """

    client: Client
    needs: dict[str, Any] = field(default_factory=dict)

    async def __call__(self, tool: str, /, **arguments: Any) -> dict[str, Any]:
        """The structured answer of a tool; Refused where it answers with an error."""
        arguments = self.needs | arguments if tool == "create_task" else arguments
        return await self.watched(tool, arguments)

    async def watched(
        self, tool: str, arguments: dict[str, Any], progress: ProgressFnT | None = None
    ) -> dict[str, Any]:
        """The same, with progress reports."""
        request = CallToolRequest(params=CallToolRequestParams(name=tool, arguments=arguments))
        result = await self.client.session.send_request(request, CallToolResult, progress_callback=progress)
        if result.is_error:
            text = "".join(part.text for part in result.content if isinstance(part, TextContent))
            raise Refused(json.loads(text)["error"])
        return dict(result.structured_content or {})


@dataclass(frozen=True)
class ServedTasks:
    """A CRM or store, Taskhand in front of it, and an agent; `ana` is Ana Soto's id there."""

    sandbox: SandboxOrStore
    app: AppContext
    agent: Agent
    summarize: Callable[[dict[str, Any]], TaskSummary]
    ids: tuple[str, ...]
    ana: str

    @property
    def tasks(self) -> dict[str, TaskSummary]:
        """The tasks as the CRM or store has them."""
        return {str(row["id"]): self.summarize(row) for row in self.sandbox.tasks}


@dataclass(frozen=True)
class ServedCrm(ServedTasks):
    """The same with a CRM behind a gate, in a time of its own."""

    crm: SandboxedCrm
    gate: Gate
    time: Time
    transport: CuttableTransport


@asynccontextmanager
async def open_crm(
    crm: SandboxedCrm, *, tasks: int = 6, read_s: float = 30.0, spec_variant: tuple[str, ...] = ()
) -> AsyncIterator[ServedCrm]:
    """A CRM without faults; `read_s` is the read timeout in real seconds."""
    time = Time()
    sandbox = crm.sandbox(tasks, time, spec_variant)
    gate, transport = Gate(sandbox), CuttableTransport()
    async with (
        serve_sandbox(gate) as url,
        crm.sandboxed_app(url, time, limits=Limits(read_s=read_s), transport=transport) as app,
        Client(create_server(app)) as client,
    ):
        agent, ids = Agent(client, crm.needs), tuple(crm.ids(tasks))
        yield ServedCrm(sandbox, app, agent, crm.summarize, ids, crm.ana, crm, gate, time, transport)


@dataclass(frozen=True)
class Effect:
    """The effect that a call should have: tasks by id after it (None: deleted), and a new task."""

    ids: tuple[str, ...] = ()
    becomes: dict[str, TaskSummary | None] | None = None
    makes: TaskSummary | None = None


@dataclass(frozen=True)
class Observation:
    """The answer or the error, the tasks before and after, the CRM's log, and the new change in the journal.

    `heard` are the ids of the tasks that subscribers were told of.
    """

    answer: dict[str, Any] | None
    error: dict[str, Any]
    before: dict[str, TaskSummary]
    after: dict[str, TaskSummary]
    log: tuple[Logged, ...]
    change: Change | None
    heard: frozenset[str] = frozenset()

    @property
    def new(self) -> dict[str, TaskSummary]:
        """The tasks that did not exist before."""
        return {task_id: summary for task_id, summary in self.after.items() if task_id not in self.before}

    @property
    def code(self) -> str | None:
        """The code of the error."""
        return self.error.get("code")


async def observe_call(served: ServedTasks, tool: str, arguments: dict[str, Any]) -> Observation:
    """Make the call, and observe it from all sides."""
    served.sandbox.clear_requests()
    before, known = served.tasks, await newest_change(served.app)
    answer, error = None, dict[str, Any]()
    heard = set[str]()
    unsubscribe = served.app.updates.subscribe(heard.add)
    try:
        answer = await served.agent(tool, **arguments)
    except Refused as refused:
        error = refused.error
    unsubscribe()
    change = await newest_change(served.app)
    is_new = change is not None and (known is None or known.id != change.id)
    log, change = served.sandbox.requests, change if is_new else None
    return Observation(answer, error, before, served.tasks, log, change, frozenset(heard))


async def newest_change(app: AppContext) -> Change | None:
    """The newest change in the journal."""
    page = await app.journal.page(ChangeQuery(limit=1))
    return page.changes[0] if page.changes else None


def reported_outcomes(seen: Observation, effect: Effect) -> dict[str, str]:
    """The outcome that the answer reports, by task id; a new task has the empty id."""
    names = [*effect.ids, *([""] if effect.makes else [])]
    if seen.answer is None:
        return dict.fromkeys(names, "unknown" if seen.code in UNKNOWN else "refused")
    if "totals" not in seen.answer:
        return dict.fromkeys(names, "applied")
    return _of_many(seen.answer, seen.change)


def _of_many(answer: dict[str, Any], change: Change | None) -> dict[str, str]:
    """The outcomes in the journal, after checking that the answer tells each task once with the same outcome."""
    assert change is not None
    found = {result.task_id or "": result.outcome for result in change.results.values()}
    rows = answer["outcomes"]
    assert answer["totals"] == Counter(found.values())
    assert sum(row["count"] for row in rows) == answer["count"] == len(found)
    reported = {task_id: row["outcome"] for row in rows for task_id in row.get("ids", ())}
    retry = answer["retryIds"]
    assert sorted([*reported, *retry]) == sorted(found), "every task is in the answer once"
    assert all(found[task_id] == outcome for task_id, outcome in reported.items())
    assert {found[task_id] for task_id in retry} <= UNTOUCHED
    return dict(found)


def assert_all_is_true(
    seen: Observation, effect: Effect, *, may_be_unknown: bool, was_cut: bool = False
) -> dict[str, str]:
    """Check the four things; returns the outcomes that the answer reports.

    `was_cut`: some requests never arrived, and the answers to others were lost on the way.
    """
    reported = reported_outcomes(seen, effect)
    assert set(reported) == {*effect.ids, *([""] if effect.makes else [])}
    assert may_be_unknown or "unknown" not in reported.values()
    _assert_nothing_is_made_twice(seen, effect, reported)
    _assert_each_outcome_is_true(seen, effect, reported)
    _assert_the_journal_agrees(seen, effect, reported, was_cut=was_cut)
    _assert_subscribers_are_told(seen, reported)
    return reported


def _assert_nothing_is_made_twice(seen: Observation, effect: Effect, reported: dict[str, str]) -> None:
    posts = [request for request in seen.log if request.committed and request.method == "POST"]
    assert len(seen.new) <= (1 if effect.makes else 0)
    assert not effect.makes or len(posts) == len(seen.new)
    match reported.get(""):
        case "applied":
            assert list(seen.new.values()) == [effect.makes]
            assert seen.answer is not None
            assert seen.answer["task"]["id"] in seen.new
        case "unknown":
            assert list(seen.new.values()) in ([], [effect.makes])
        case _:
            assert not seen.new


def _assert_each_outcome_is_true(seen: Observation, effect: Effect, reported: dict[str, str]) -> None:
    becomes = effect.becomes or {}
    for task_id, was in seen.before.items():
        now = seen.after.get(task_id)
        match reported.get(task_id):
            case "applied" | "unchanged":
                assert now == becomes[task_id]
            case "unknown":
                assert now in (was, becomes[task_id])
            case _:
                assert now == was


def _assert_the_journal_agrees(seen: Observation, effect: Effect, reported: dict[str, str], *, was_cut: bool) -> None:
    change = seen.change
    assert change is not None
    assert change.ending is not None
    if was_cut:
        arrived = Counter(f"{request.method} {request.path}" for request in seen.log)
        assert arrived <= Counter(" ".join(line.split(" ")[:2]) for line in change.ending.requests)
    else:
        assert sorted(map(to_journal_line, change.ending.requests)) == sorted(map(to_logged_line, seen.log))
    assert seen.answer is None or seen.answer["changeId"] == change.id
    assert seen.code == change.ending.code or change.ending.code is None
    written = {result.task_id or "": result for result in change.results.values()}
    if effect.makes and "" not in written and change.results:
        written = {"": change.results[0]}
        assert written[""].task_id in seen.new
    if change.intents:
        assert {name: result.outcome for name, result in written.items()} == reported
    else:
        assert change.outcome == "refused"
        assert set(reported.values()) == {"refused"}


def _assert_subscribers_are_told(seen: Observation, reported: dict[str, str]) -> None:
    changed = {task_id for task_id, was in seen.before.items() if seen.after.get(task_id) != was}
    doubtful = {task_id for task_id, outcome in reported.items() if outcome == "unknown" and task_id}
    made = set(seen.new) if reported.get("") == "applied" else set()
    assert changed | doubtful | made <= seen.heard
    assert not seen.heard or set(reported.values()) & {"applied", "unknown"}


_LATE: Final = frozenset({"ReadTimeout", "TimeoutError"})
_LOST: Final = frozenset({"ReadError", "WriteError", "RemoteProtocolError"})


def to_journal_line(line: str) -> str:
    """A request of the journal, with the library's names for lost and late answers made uniform."""
    method, path, outcome = line.split(" ", 2)
    outcome = "late" if outcome in _LATE else "lost" if outcome in _LOST else outcome
    return f"{method} {path} {outcome}"


def to_logged_line(entry: Logged) -> str:
    """A request of the CRM's log, in the same words."""
    outcome = "lost" if entry.status is None else str(entry.status)
    if entry.fault == "truncated" and entry.status != NO_CONTENT:
        outcome = f"{outcome}, cut"
    outcome = "late" if entry.fault == "slow" else outcome
    return f"{entry.method} {entry.path} {outcome}"
