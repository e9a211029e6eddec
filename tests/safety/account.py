"""One call of a tool, seen from three sides: what the agent read, what the journal wrote, what the CRM has and heard.

Three things hold whatever goes wrong: nothing is made twice, every task that was asked for has one outcome and that is
the truth, and the journal has heard what the CRM has heard.
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
from passing import Time
from safety.crms import Crm, Place, Sight
from safety.gate import Gate
from taskhand.http.upstream import Limits
from taskhand.journal.journal import Change, ChangeQuery
from taskhand.sandbox.log import Logged
from taskhand.sandbox.server import serve
from taskhand.server.app import create_server
from taskhand.service.app_context import AppContext

__all__ = [
    "Agent",
    "Seen",
    "Stage",
    "Wish",
    "assert_all_is_true",
    "heard",
    "newest",
    "outcomes",
    "sent",
    "staged",
    "told",
]

NO_CONTENT: Final = 204
UNTOUCHED: Final = frozenset({"refused", "not_attempted"})


@dataclass(frozen=True)
class Agent:
    """Calls tools over one connection, answers unchecked: what is always checked of them takes longer than a call.

    `needs` is what a new task cannot be without.
    """

    client: Client
    needs: dict[str, Any] = field(default_factory=dict)

    async def __call__(self, tool: str, /, **arguments: Any) -> dict[str, Any]:
        """The structured answer of a tool; Refused when the tool says no."""
        arguments = self.needs | arguments if tool == "create_task" else arguments
        return await self.watched(tool, arguments)

    async def watched(
        self, tool: str, arguments: dict[str, Any], progress: ProgressFnT | None = None
    ) -> dict[str, Any]:
        """The same, told how far it is."""
        request = CallToolRequest(params=CallToolRequestParams(name=tool, arguments=arguments))
        result = await self.client.session.send_request(request, CallToolResult, progress_callback=progress)
        if result.is_error:
            text = "".join(part.text for part in result.content if isinstance(part, TextContent))
            raise Refused(json.loads(text)["error"])
        return dict(result.structured_content or {})


@dataclass(frozen=True)
class Stage:
    """A place where tasks are, Taskhand in front of it, and an agent; `ana` is Ana Soto's id there."""

    there: Place
    app: AppContext
    agent: Agent
    sight: Callable[[dict[str, Any]], Sight]
    ids: tuple[str, ...]
    ana: str

    @property
    def tasks(self) -> dict[str, Sight]:
        """The tasks as they really are."""
        return {str(row["id"]): self.sight(row) for row in self.there.tasks}


@dataclass(frozen=True)
class AtCrm(Stage):
    """The same with a CRM, behind a gate, and the time they are in."""

    crm: Crm
    gate: Gate
    time: Time


@asynccontextmanager
async def staged(
    crm: Crm, *, tasks: int = 6, read_s: float = 30.0, spec_variant: tuple[str, ...] = ()
) -> AsyncIterator[AtCrm]:
    """A CRM in which nothing goes wrong yet; `read_s` is how long an answer is waited for."""
    time = Time()
    there = crm.sandbox(tasks, time, spec_variant)
    gate = Gate(there)
    async with (
        serve(gate) as url,
        crm.wired(url, time, Limits(read_s=read_s)) as app,
        Client(create_server(app)) as client,
    ):
        agent, ids = Agent(client, crm.needs), tuple(crm.ids(tasks))
        yield AtCrm(there, app, agent, crm.sight, ids, crm.ana, crm, gate, time)


@dataclass(frozen=True)
class Wish:
    """What a call is to do: the tasks of these ids become `becomes` (None: they go), and `makes` is a new one."""

    ids: tuple[str, ...] = ()
    becomes: dict[str, Sight | None] | None = None
    makes: Sight | None = None


@dataclass(frozen=True)
class Seen:
    """The answer or the error, the tasks before and after, what the CRM heard, and the journal's newest page if new."""

    answer: dict[str, Any] | None
    error: dict[str, Any]
    before: dict[str, Sight]
    after: dict[str, Sight]
    log: tuple[Logged, ...]
    change: Change | None

    @property
    def new(self) -> dict[str, Sight]:
        """The tasks that are there since."""
        return {task_id: sight for task_id, sight in self.after.items() if task_id not in self.before}

    @property
    def code(self) -> str | None:
        """The code of the error."""
        return self.error.get("code")


async def told(stage: Stage, tool: str, arguments: dict[str, Any]) -> Seen:
    """Make the call, and look at everything."""
    stage.there.clear_requests()
    before, known = stage.tasks, await newest(stage.app)
    answer, error = None, dict[str, Any]()
    try:
        answer = await stage.agent(tool, **arguments)
    except Refused as refused:
        error = refused.error
    change = await newest(stage.app)
    is_new = change is not None and (known is None or known.id != change.id)
    return Seen(answer, error, before, stage.tasks, stage.there.requests, change if is_new else None)


async def newest(app: AppContext) -> Change | None:
    """The last page of the journal."""
    page = await app.journal.page(ChangeQuery(limit=1))
    return page.changes[0] if page.changes else None


def outcomes(seen: Seen, wish: Wish) -> dict[str, str]:
    """What the agent was told of each task, by id; of a new task by the empty id."""
    names = [*wish.ids, *([""] if wish.makes else [])]
    if seen.answer is None:
        return dict.fromkeys(names, "unknown" if seen.code == "outcome_unknown" else "refused")
    if "totals" not in seen.answer:
        return dict.fromkeys(names, "applied")
    return _of_many(seen.answer, seen.change)


def _of_many(answer: dict[str, Any], change: Change | None) -> dict[str, str]:
    """The journal's outcomes, having seen that the answer says the same: ids to retry are told once, as such."""
    assert change is not None
    found = {result.task_id or "": result.outcome for result in change.results.values()}
    rows = answer["outcomes"]
    assert answer["totals"] == Counter(found.values())
    assert sum(row["count"] for row in rows) == answer["count"] == len(found)
    said = {task_id: row["outcome"] for row in rows for task_id in row.get("ids", ())}
    retry = answer["retryIds"]
    assert sorted([*said, *retry]) == sorted(found), "every task is told of once"
    assert all(found[task_id] == outcome for task_id, outcome in said.items())
    assert {found[task_id] for task_id in retry} <= UNTOUCHED
    return dict(found)


def assert_all_is_true(seen: Seen, wish: Wish, *, may_be_unknown: bool) -> dict[str, str]:
    """The three things; the outcomes that were told."""
    said = outcomes(seen, wish)
    assert set(said) == {*wish.ids, *([""] if wish.makes else [])}
    assert may_be_unknown or "unknown" not in said.values()
    _assert_nothing_is_made_twice(seen, wish, said)
    _assert_each_is_told_truly(seen, wish, said)
    _assert_the_journal_agrees(seen, wish, said)
    return said


def _assert_nothing_is_made_twice(seen: Seen, wish: Wish, said: dict[str, str]) -> None:
    posts = [one for one in seen.log if one.committed and one.method == "POST"]
    assert len(seen.new) <= (1 if wish.makes else 0)
    assert not wish.makes or len(posts) == len(seen.new)
    match said.get(""):
        case "applied":
            assert list(seen.new.values()) == [wish.makes]
            assert seen.answer is not None
            assert seen.answer["task"]["id"] in seen.new
        case "unknown":
            assert list(seen.new.values()) in ([], [wish.makes])
        case _:
            assert not seen.new


def _assert_each_is_told_truly(seen: Seen, wish: Wish, said: dict[str, str]) -> None:
    becomes = wish.becomes or {}
    for task_id, was in seen.before.items():
        now = seen.after.get(task_id)
        match said.get(task_id):
            case "applied" | "unchanged":
                assert now == becomes[task_id]
            case "unknown":
                assert now in (was, becomes[task_id])
            case _:
                assert now == was


def _assert_the_journal_agrees(seen: Seen, wish: Wish, said: dict[str, str]) -> None:
    change = seen.change
    assert change is not None
    assert change.ending is not None
    assert sorted(map(sent, change.ending.requests)) == sorted(map(heard, seen.log))
    assert seen.answer is None or seen.answer["changeId"] == change.id
    assert seen.code == change.ending.code or change.ending.code is None
    written = {result.task_id or "": result for result in change.results.values()}
    if wish.makes and "" not in written and change.results:
        written = {"": change.results[0]}
        assert written[""].task_id in seen.new
    if change.intents:
        assert {name: result.outcome for name, result in written.items()} == said
    else:
        assert change.outcome == "refused"
        assert set(said.values()) == {"refused"}


_LATE: Final = frozenset({"ReadTimeout", "TimeoutError"})
_LOST: Final = frozenset({"ReadError", "WriteError", "RemoteProtocolError"})


def sent(line: str) -> str:
    """A request out of the journal, whatever the library below calls an answer that did not come."""
    method, path, outcome = line.split(" ", 2)
    outcome = "late" if outcome in _LATE else "lost" if outcome in _LOST else outcome
    return f"{method} {path} {outcome}"


def heard(entry: Logged) -> str:
    """A request as the CRM knows it, in the same words."""
    outcome = "lost" if entry.status is None else str(entry.status)
    if entry.fault == "truncated" and entry.status != NO_CONTENT:
        outcome = f"{outcome}, cut"
    outcome = "late" if entry.fault == "slow" else outcome
    return f"{entry.method} {entry.path} {outcome}"
