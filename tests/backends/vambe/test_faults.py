"""Whatever goes wrong at Vambe: how often it is asked, what the agent is told, and what is left behind."""

import json
import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from traceback import TracebackException
from typing import Any

import anyio
import httpx2
import pytest
from mcp import Client
from mcp.types import TextContent
from pydantic import BaseModel

from backends.vambe.faults_table import BEFORE_A_WRITE, CALLS, LIST, PASSING, ROWS, TEAM, Call, First, Row
from backends.vambe.wired import ANA, KEY, TASK, TRUST, Time, Witness, backend_at, task_id, vambe, wired
from behaviour.agent import Agent
from seen import Seen, seen_of
from taskhand.domain import errors
from taskhand.domain.edit import Edit
from taskhand.domain.errors import Candidate, OutcomeUnknown, TaskhandError
from taskhand.http.upstream import Limits
from taskhand.sandbox.faults import Fault
from taskhand.sandbox.server import serve
from taskhand.sandbox.vambe import VambeSandbox
from taskhand.server import app as server_app
from taskhand.server.app import create_server
from taskhand.server.tool import Tool
from taskhand.server.tools import TOOLS
from taskhand.service.app_context import AppContext
from taskhand.service.call import Call as ToolCall

UPSTREAM_WORDS = re.compile(
    r"Internal server error|Throttler|Too Many Requests|Bad [Gg]ateway|Gateway Time|Service Unavailable|Unauthorized"
    r"|Forbidden|upstream said|statusCode|<h1>|doctype"
)
"""What the sandbox's error bodies and pages say, none of which an agent should read."""

NOTHING = Row("nothing", ())
UPDATE = next(call for call in CALLS if call.tool == "update_task")
CREATE = next(call for call in CALLS if call.tool == "create_task")
REPRESENTATIVES = ("list_tasks", "update_task", "create_task")
"""A tool that reads, one that changes and one that creates."""

UNLIKE = {"note": None, "changeId": None}
"""What two answers to the same call need not have in common."""

CASES = [(row, call) for row in ROWS for call in CALLS if row.outcome(call) is not None]


@dataclass(frozen=True)
class Stage:
    """A Vambe, another host that it may point to, Taskhand in front of it, an agent, and the time they are in."""

    vambe: VambeSandbox
    elsewhere: VambeSandbox
    app: AppContext
    agent: Agent
    time: Time
    url: str


@asynccontextmanager
async def staged(faults: Iterable[Fault], call: Call, row: Row = NOTHING) -> AsyncIterator[Stage]:
    """What the tool needs besides is read; then Vambe goes wrong."""
    there, elsewhere, time = vambe(), vambe(), Time()
    async with AsyncExitStack() as stack, AsyncExitStack() as serving:
        away = await stack.enter_async_context(serve(elsewhere))
        url = await serving.enter_async_context(serve(there))
        app = await stack.enter_async_context(wired(url, time, limits=Limits(read_s=row.read_s)))
        agent = Agent(await stack.enter_async_context(Client(create_server(app))))
        for tool, arguments in call.before:
            await directly(app, tool, arguments)
        there.clear_requests()
        there.faults = tuple(placed(fault, call, away) for fault in faults)
        if row.served != "always":
            await serving.aclose()
        if row.served == "after the first wait":
            port = int(url.rpartition(":")[2])
            time.on_sleep = lambda: stack.enter_async_context(serve(there, port=port))
        yield Stage(there, elsewhere, app, agent, time, url)


async def directly(app: AppContext, name: str, arguments: dict[str, Any]) -> None:
    """Run a tool without a protocol around it."""
    tool = next(tool for tool in TOOLS if tool.name == name)
    await tool.run(ToolCall(app, name, arguments=arguments), tool.arguments.model_validate(arguments))


def placed(fault: Fault, call: Call, elsewhere: str) -> Fault:
    """The fault on the tool's own request unless it is about another; a redirect leads elsewhere."""
    return replace(fault, route=call.route if fault.route == "*" else fault.route, to=elsewhere)


async def seen(stage: Stage, call: Call) -> Seen:
    """Make the call, and look at everything."""
    there, away = stage.vambe, stage.elsewhere
    return await seen_of(call, stage.agent, stage.time, crm=there, elsewhere=away, posts="POST ")


@pytest.fixture(scope="module")
def calm() -> dict[str, dict[str, Any]]:
    """Each call's answer when nothing goes wrong."""

    async def all_of_them() -> dict[str, dict[str, Any]]:
        answers = {}
        for call in CALLS:
            async with staged((), call) as stage:
                answers[str(call)] = await stage.agent(call.tool, **call.arguments)
        return answers

    return anyio.run(all_of_them)


@pytest.fixture(autouse=True)
def _log_everything(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)


def is_secret_in(caplog: pytest.LogCaptureFixture) -> bool:
    """Whether any library logged the key, in a message, an argument or a trace."""
    assert caplog.records
    return KEY in caplog.text or any(KEY in str(record.__dict__) for record in caplog.records)


@pytest.mark.parametrize(("row", "call"), CASES, ids=str)
async def test_each_fault_has_the_result_of_the_table(
    row: Row, call: Call, calm: dict[str, dict[str, Any]], caplog: pytest.LogCaptureFixture
) -> None:
    async with staged(row.faults, call, row) as stage:
        it = await seen(stage, call)
    expected = row.outcome(call)
    assert expected is not None
    assert it.sent == expected.sent
    assert it.told == (expected.code, expected.note, expected.retryable, expected.after)
    assert expected.waits in {None, it.slept_s}
    if it.answer is not None:
        assert it.shows(call)
        assert it.answer | UNLIKE == calm[str(call)] | UNLIKE
    else:
        assert it.error["next"]
        assert it.shows(call) if expected.kept else it.after == it.before
    assert_nothing_is_lost_or_told(it, caplog)


def assert_nothing_is_lost_or_told(it: Seen, caplog: pytest.LogCaptureFixture) -> None:
    """What holds whatever goes wrong."""
    assert it.posts_kept == len(it.after) - len(it.before) <= 1
    doubts = it.error.get("code") in {None, "outcome_unknown", "upstream_invalid"}
    assert doubts or it.after == it.before
    assert it.elsewhere == 0
    assert it.slept_s < 60
    assert KEY not in it.text
    assert not UPSTREAM_WORDS.search(it.text)
    assert not is_secret_in(caplog)


WRITES = [call for call in CALLS if call.kind != "read"]
NEEDS = list(zip(WRITES, (TEAM, LIST, LIST, TEAM), strict=True))
"""Each tool that writes, with a list that it needs first."""


@pytest.mark.parametrize("first", BEFORE_A_WRITE, ids=str)
@pytest.mark.parametrize(("call", "route"), NEEDS, ids=str)
async def test_a_task_that_cannot_be_read_is_not_written(
    first: First, route: str, call: Call, caplog: pytest.LogCaptureFixture
) -> None:
    unread = replace(call, before=())
    async with staged([replace(first.fault, route=route)], unread) as stage:
        it = await seen(stage, unread)
    assert (it.error["code"], it.error["retryable"]) == (first.code, first.retryable)
    assert set(it.sent.split()) == {"GET"}
    assert it.after == it.before
    assert_nothing_is_lost_or_told(it, caplog)


@pytest.mark.parametrize(("name", "fault"), PASSING, ids=[name for name, _ in PASSING])
@pytest.mark.parametrize(("call", "route"), NEEDS, ids=str)
async def test_a_task_read_at_the_second_try_is_written_once(
    name: str, fault: Fault, call: Call, route: str, caplog: pytest.LogCaptureFixture
) -> None:
    unread = replace(call, before=())
    async with staged([replace(fault, route=route)], unread) as stage:
        it = await seen(stage, unread)
    assert it.shows(call), name
    assert it.told == (None, None, False, None)
    assert [method for method in it.sent.split() if method != "GET"] == [call.route.partition(" ")[0]]
    assert_nothing_is_lost_or_told(it, caplog)


@pytest.mark.parametrize("call", WRITES, ids=str)
async def test_an_internal_error_of_an_applied_write_is_not_reported_as_a_failure(call: Call) -> None:
    async with staged([Fault("status", status=500, commit=True)], call) as stage:
        it = await seen(stage, call)
    assert it.shows(call)
    doubts = it.error.get("code") in {None, "outcome_unknown", "upstream_invalid"}
    assert doubts or it.after == it.before, it.error


async def test_one_call_waits_less_than_a_minute_however_many_requests_it_needs() -> None:
    call = replace(UPDATE, arguments=UPDATE.arguments | {"responsibleIds": ["Ana Soto"]}, before=())
    patient = [Fault("status", status=429, retry_after=25, route=route) for route in (TEAM, LIST, UPDATE.route)]
    async with staged(patient, call) as stage:
        it = await seen(stage, call)
    assert it.slept_s < 60


async def test_two_equal_concurrent_creates_do_not_both_claim_one_task() -> None:
    lost = [Fault("reset_after"), Fault("reset_before", nth=2)]
    claimed: list[str] = []
    # At the backend: a second call of the tool is answered with what came of the first.
    async with staged(lost, CREATE) as stage, anyio.create_task_group() as group:
        before = len(stage.vambe.tasks)

        async def create() -> None:
            with suppress(OutcomeUnknown):
                edit = Edit(title="Send the contract", responsible_ids=(ANA,), priority=2)
                claimed.append((await stage.app.backend.create_task(edit)).task.id)

        group.start_soon(create)
        group.start_soon(create)
    assert len(stage.vambe.tasks) == before + 1
    assert len(claimed) <= 1, "two successes, one task"


async def test_after_a_wait_of_an_hour_was_asked_for_nothing_but_one_look_is_sent() -> None:
    async with staged([Fault("status", status=429, retry_after=3600)], UPDATE) as stage:
        first, second = await seen(stage, UPDATE), await seen(stage, UPDATE)
        stage.time.now += 900
        third = await seen(stage, UPDATE)
    assert [first.sent, second.sent, third.sent] == ["PUT GET", "PUT GET", "PUT GET GET PUT"]
    assert second.error["code"] == "rate_limited"
    assert 0 < second.error["retry_after_s"] <= 3600
    assert third.shows(UPDATE)


async def test_a_stale_list_does_not_make_a_write_seem_applied() -> None:
    async with staged([Fault("stale_list")], replace(UPDATE, route=LIST)) as stage:
        await somebody_else_sends(stage, "PUT", f"/{TASK}", title="Call Acme 7")
        call = replace(UPDATE, arguments={"id": TASK, "title": "Call Acme 1"}, asked={"title": "Call Acme 1"})
        stage.time.now += 60
        it = await seen(stage, call)
    assert it.shows(call)
    assert it.answer is not None
    assert it.answer["changed"]["title"] == {"from": "Call Acme 7", "to": "Call Acme 1"}


@pytest.mark.parametrize("spec_variant", ["list_tasks", "get_task"])
async def test_a_stale_list_does_not_hide_a_recent_write(spec_variant: str) -> None:
    async with staged([Fault("stale_list", nth="every")], replace(UPDATE, route=LIST)) as stage:
        stage.time.now += 3
        await stage.agent("update_task", **UPDATE.arguments)
        stage.time.now += 3  # what was read before the write is forgotten, the write is not
        stage.vambe.clear_requests()
        answer = await stage.agent(spec_variant, **({"id": TASK} if spec_variant == "get_task" else {}))
        sent = [request.path for request in stage.vambe.requests]
    tasks = answer.get("tasks") or [answer["task"]]
    assert "/api/public/tasks" in sent
    assert [task["title"] for task in tasks if task["id"] == TASK] == ["Call Acme again"]


async def test_two_people_added_one_after_the_other_are_both_there_although_the_list_is_behind() -> None:
    add = next(call for call in CALLS if call.tool == "reassign_task")
    async with staged([Fault("stale_list", nth="every")], replace(add, route=LIST)) as stage:
        stage.time.now += 3
        await stage.agent("reassign_task", id=TASK, responsibleIds=["Ana Soto"], mode="add")
        stage.time.now += 3
        await stage.agent("reassign_task", id=TASK, responsibleIds=["Luis Pereira"], mode="add")
        people = next(task for task in stage.vambe.tasks if task["id"] == TASK)["task_responsibles"]
    assert len(people) == 3


async def somebody_else_sends(stage: Stage, method: str, path: str, **body: Any) -> None:
    """A write to the tasks that does not come through Taskhand."""
    url = f"{stage.url}/api/public/tasks{path}"
    async with httpx2.AsyncClient(verify=TRUST) as client:
        answer = await client.request(method, url, json=body, headers={"x-api-key": KEY})
    assert answer.is_success


FAILING = [
    (row, call)
    for row, call in CASES
    if (outcome := row.outcome(call)) and outcome.code and call.tool in REPRESENTATIVES and len(row.faults) == 1
]


@pytest.mark.parametrize(("row", "call"), FAILING, ids=str)
async def test_no_exception_contains_the_key_or_a_text_of_vambe(row: Row, call: Call) -> None:
    async with staged(row.faults, call, row) as stage:
        with pytest.raises(TaskhandError) as caught:
            await directly(stage.app, call.tool, call.arguments)
    links = [error for error in chain(caught.value) if isinstance(error, TaskhandError)]
    said = " ".join(f"{error} {error!r} {error.args} {vars(error)}" for error in links)
    traces = "".join(TracebackException.from_exception(caught.value).format())
    assert KEY not in said + traces
    assert not UPSTREAM_WORDS.search(said)


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """An exception with all that it came from."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def family(kind: type[TaskhandError]) -> list[type[TaskhandError]]:
    return [kind, *(one for child in kind.__subclasses__() for one in family(child))]


ERROR_CLASSES = family(TaskhandError)
CODES = {
    "TaskhandError": "error",
    "CallerError": "invalid_arguments",
    "NotFound": "not_found",
    "Ambiguous": "ambiguous",
    "NotAttempted": "not_attempted",
    "OperatorError": "configuration",
    "UpstreamError": "upstream_error",
    "InvalidAnswer": "upstream_invalid",
    "UpstreamFailed": "upstream_error",
    "RateLimited": "rate_limited",
    "OutcomeUnknown": "outcome_unknown",
    "NoAnswer": "outcome_unknown",
}


def test_every_class_of_error_has_a_code() -> None:
    assert {kind.__name__ for kind in ERROR_CLASSES} == set(errors.__all__) - {"Candidate"} == set(CODES)


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: str(tool.name))
async def test_no_class_of_error_escapes_a_tool(tool: Tool[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    async with failing(tool, monkeypatch) as error_of:
        for kind in ERROR_CLASSES:
            assert await error_of(kind("It went wrong.")) == {
                "code": CODES[kind.__name__],
                "message": "It went wrong.",
                "retryable": kind in (errors.NotAttempted, errors.RateLimited, errors.UpstreamFailed),
            }
            full = kind(
                "It went wrong.",
                code="own_code",
                next_step="Ask Ana.",
                candidates=[Candidate("1", "Ana"), Candidate("2")],
                retryable=True,
                retry_after_s=2.5,
            )
            told = await error_of(full)
            assert told.pop("untrusted")["fields"] == ["candidates.name"]
            assert told == {
                "code": "own_code",
                "message": "It went wrong.",
                "candidates": [{"value": "1", "name": "Ana"}, {"value": "2"}],
                "next": "Ask Ana.",
                "retryable": True,
                "retry_after_s": 3,
            }


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: str(tool.name))
async def test_a_bug_of_ours_is_reported_by_a_reference_alone(
    tool: Tool[Any], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with failing(tool, monkeypatch) as error_of:
        error = await error_of(RuntimeError("Internal server error, after all"))
    reference = re.search(r"reference ([0-9a-f]{12})", error["message"])
    assert (error["code"], error["retryable"]) == ("internal_error", False)
    assert not UPSTREAM_WORDS.search(json.dumps(error))
    assert reference is not None
    assert reference[1] in caplog.text


SENT: dict[str, dict[str, Any]] = {call.tool: call.arguments for call in CALLS} | {
    "bulk_update_tasks": {"taskIds": [TASK], "changes": {"title": "Call Acme again"}},
    "delete_task": {"id": TASK},
    "apply_plan": {"planId": "plan"},
    "list_changes": {},
    "undo_change": {"changeId": "change"},
}
"""Arguments that each tool takes."""


@asynccontextmanager
async def failing(
    tool: Tool[Any], monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Callable[[Exception], Awaitable[dict[str, Any]]]]:
    """What the agent reads when the tool ends with an error."""
    ends: list[Exception] = []

    async def run(_call: ToolCall, _arguments: Any) -> BaseModel:
        raise ends.pop()

    async def error_of(error: Exception) -> dict[str, Any]:
        ends.append(error)
        result = await client.call_tool(tool.name, SENT[tool.name])
        assert (result.is_error, result.structured_content) == (True, None)
        assert [type(part) for part in result.content] == [TextContent]
        read = json.loads("".join(part.text for part in result.content if isinstance(part, TextContent)))
        assert set(read) == {"error"}
        return dict(read["error"])

    monkeypatch.setattr(server_app, "TOOLS", [replace(tool, run=run)])
    async with wired("http://127.0.0.1:9", Time()) as app, Client(server_app.create_server(app)) as client:
        yield error_of


@pytest.mark.parametrize(("rate", "in_flight"), [(10, 4), (3, 8), (40, 1)])
async def test_a_hundred_changes_at_once_keep_to_the_rate_and_are_each_made_once(rate: int, in_flight: int) -> None:
    time = Time()
    watched = Witness(time)
    slow = Fault("slow", "PUT /api/public/tasks/{id}", nth="every", seconds=0.005)  # so that they overlap
    there = vambe(100, [slow])
    settings: dict[str, Any] = {"vambe_rate": rate, "vambe_in_flight": in_flight}
    async with serve(there) as url, backend_at(url, time, transport=watched, **settings) as backend:
        tasks = await backend.snapshots([task_id(number) for number in range(1, 101)])
        async with anyio.create_task_group() as group:
            for number, before in enumerate(tasks.values(), start=1):
                group.start_soon(backend.update_task, before.task, Edit(title=f"Changed {number}"))
    left = watched.left_at
    assert all(later - first >= 1 - 1e-6 for first, later in zip(left, left[rate:], strict=False))
    assert watched.most_under_way == in_flight
    changes = [request.path for request in there.requests if request.method == "PUT"]
    assert sorted(changes) == sorted(f"/api/public/tasks/{task_id(number)}" for number in range(1, 101))
    assert {task["title"] for task in there.tasks} == {f"Changed {number}" for number in range(1, 101)}


async def test_a_change_that_somebody_reverted_meanwhile_is_written_again() -> None:
    there = vambe(1)
    async with (
        serve(there) as url,
        wired(url, Time(), vambe_cache_s=30) as ours,
        wired(url, Time()) as theirs,
        Client(create_server(ours)) as client,
    ):
        agent, before = Agent(client), there.tasks[0]["title"]
        await agent("update_task", id=TASK, title="Ours")
        seen = (await theirs.backend.snapshots([TASK]))[TASK]
        await theirs.backend.update_task(seen.task, Edit(title=before))
        again = await agent("update_task", id=TASK, title="Ours")
        assert again["task"]["title"] == there.tasks[0]["title"] == "Ours"
