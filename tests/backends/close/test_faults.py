"""Whatever goes wrong at Close: how often it is asked, what the agent is told, and what is left behind."""

import logging
import re
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from traceback import TracebackException
from typing import Any

import anyio
import pytest
from mcp import Client
from pydantic import SecretStr

from backends.close.faults_table import BEFORE_A_WRITE, CALLS, GET, LIST, PUT, ROWS, TEAM, Call, Row
from backends.close.wired import ANA, CAROLINA, KEY, LEAD, Time, close, wired
from behaviour.agent import Agent
from seen import Seen, seen_of
from taskhand.backends.close.auth import credential
from taskhand.domain.edit import Edit
from taskhand.domain.errors import OutcomeUnknown, TaskhandError
from taskhand.http.upstream import Limits
from taskhand.sandbox.close import CloseSandbox, SpecVariant
from taskhand.sandbox.faults import Fault
from taskhand.sandbox.server import serve
from taskhand.server.app import create_server
from taskhand.server.tools import TOOLS
from taskhand.service.app_context import AppContext
from taskhand.service.call import Call as ToolCall

SECRETS = (KEY, credential(SecretStr(KEY), None)[1]["authorization"].removeprefix("Basic "))
"""The key, as it is and as it is sent."""
CLOSES_WORDS = re.compile(
    r"Internal Server Error|Too Many Requests|Bad [Gg]ateway|Gateway Time|Service Unavailable|Unauthorized|Forbidden"
    r"|upstream said|field-errors|Object does not exist|Payment Required|<h1>|doctype"
)
"""What the sandbox's error bodies and pages say, none of which an agent should read."""
CASES = [(row, call) for row in ROWS for call in CALLS if row.outcome(call) is not None]
NOTHING = Row("nothing", ())
UNLIKE = {"note": None, "changeId": None}
"""What two answers to the same call need not have in common."""


@dataclass(frozen=True)
class Stage:
    """A Close, another host that it may point to, Taskhand in front of it, an agent, and the time they are in."""

    close: CloseSandbox
    elsewhere: CloseSandbox
    app: AppContext
    agent: Agent
    time: Time


@asynccontextmanager
async def staged(faults: Iterable[Fault], row: Row = NOTHING, call: Call | None = None) -> AsyncIterator[Stage]:
    """The people are known, unless `call` asks for them; then Close goes wrong."""
    there, elsewhere, time = close(spec_variant=SpecVariant(rates="hidden")), close(), Time()
    async with (
        serve(elsewhere) as away,
        serve(there) as url,
        wired(url, time, limits=Limits(read_s=row.read_s), timezone="America/Santiago") as app,
        Client(create_server(app)) as client,
    ):
        await app.backend.me()
        if call is None or call.route != TEAM:
            await app.backend.members()
        there.clear_requests()
        there.faults = tuple(replace(fault, to=away) for fault in faults)
        yield Stage(there, elsewhere, app, Agent(client), time)


def placed(row: Row, call: Call) -> list[Fault]:
    """A row's faults on the requests that they are about: of the task's GETs the first comes before a write."""
    faults = [replace(fault, route=call.route) for fault in row.faults]
    if row.back is not None and call.kind == "write":
        faults.append(replace(row.back, route=GET, nth=2, times=9))
    elif row.back is not None:
        faults.append(replace(row.back, route=LIST))
    return faults


async def seen(stage: Stage, call: Call) -> Seen:
    """Make the call, and look at everything."""
    there, away = stage.close, stage.elsewhere
    return await seen_of(call, stage.agent, stage.time, crm=there, elsewhere=away, posts="POST /api/v1/task")


@pytest.fixture(scope="module")
def calm() -> dict[str, dict[str, Any]]:
    """Each call's answer when nothing goes wrong."""

    async def all_of_them() -> dict[str, dict[str, Any]]:
        answers = {}
        for call in CALLS:
            async with staged((), call=call) as stage:
                answers[str(call)] = await stage.agent(call.tool, **call.arguments)
        return answers

    return anyio.run(all_of_them)


@pytest.fixture(autouse=True)
def _log_everything(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)


@pytest.mark.parametrize(("row", "call"), CASES, ids=str)
async def test_each_fault_has_the_result_of_the_table(
    row: Row, call: Call, calm: dict[str, dict[str, Any]], caplog: pytest.LogCaptureFixture
) -> None:
    async with staged(placed(row, call), row, call) as stage:
        it = await seen(stage, call)
    expected = row.outcome(call)
    assert expected is not None
    assert it.sent == expected.sent.replace("X", call.method)
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
    assert it.error.get("code") in {None, "outcome_unknown"} or it.after == it.before
    assert it.elsewhere == 0
    assert it.slept_s < 60
    assert not CLOSES_WORDS.search(it.text)
    logged = caplog.text + "".join(str(record.__dict__) for record in caplog.records)
    assert not any(secret in it.text + logged for secret in SECRETS)


@pytest.mark.parametrize(("name", "fault", "code"), BEFORE_A_WRITE, ids=[name for name, *_ in BEFORE_A_WRITE])
@pytest.mark.parametrize("tool", ["update_task", "complete_task", "reassign_task"])
async def test_a_task_that_cannot_be_read_is_not_written(
    tool: str, name: str, fault: Fault, code: str, caplog: pytest.LogCaptureFixture
) -> None:
    call = next(call for call in CALLS if call.tool == tool)
    async with staged([replace(fault, route=GET)]) as stage:
        it = await seen(stage, call)
    assert it.error["code"] == code, name
    assert set(it.sent.split()) == {"GET"}
    assert it.after == it.before
    assert_nothing_is_lost_or_told(it, caplog)


FAILING = [(row, call) for row, call in CASES if (outcome := row.outcome(call)) and outcome.code]


@pytest.mark.parametrize(("row", "call"), FAILING, ids=str)
async def test_no_exception_contains_the_key_or_a_text_of_close(row: Row, call: Call) -> None:
    tool = next(tool for tool in TOOLS if tool.name == call.tool)
    async with staged(placed(row, call), row, call) as stage:
        given = ToolCall(stage.app, call.tool, arguments=call.arguments)
        with pytest.raises(TaskhandError) as caught:
            await tool.run(given, tool.arguments.model_validate(call.arguments))
    error: BaseException | None = caught.value
    while error is not None:
        if isinstance(error, TaskhandError):
            assert not CLOSES_WORDS.search(f"{error} {error!r} {error.args} {vars(error)}")
        error = error.__cause__ or error.__context__
    traces = "".join(TracebackException.from_exception(caught.value).format())
    assert not any(secret in traces for secret in SECRETS)


CREATE = next(call for call in CALLS if call.tool == "create_task")
MADE = Edit(title="Send it", responsible_ids=(ANA,), priority=2, ai_customer_id=LEAD, ai_contact_id=CAROLINA)


async def made(stage: Stage) -> str | None:
    """Create the task, at the backend: a second call of the tool is answered with what came of the first."""
    with suppress(OutcomeUnknown):
        return (await stage.app.backend.create_task(MADE)).task.id
    return None


async def test_two_equal_concurrent_creates_do_not_both_claim_one_task() -> None:
    lost = [Fault("reset_after", CREATE.route), Fault("reset_before", CREATE.route, nth=2)]
    claimed: list[str | None] = []
    async with staged(lost) as stage, anyio.create_task_group() as group:
        before = len(stage.close.tasks)

        async def create() -> None:
            claimed.append(await made(stage))

        group.start_soon(create)
        group.start_soon(create)
    assert len(stage.close.tasks) == before + 1
    assert claimed.count(None) >= 1, "two successes, one task"


async def test_a_lost_create_is_not_matched_with_a_task_of_somebody_else() -> None:
    async with staged([Fault("reset_before", CREATE.route)]) as stage:
        before = len(stage.close.tasks)
        assert await made(stage) is None  # not applied, and so unknown
        assert await made(stage)
        stage.close.faults = (Fault("reset_before", CREATE.route),)
        assert await made(stage) is None
    assert len(stage.close.tasks) == before + 1


async def test_requests_wait_for_a_known_limit_before_close_refuses_one() -> None:
    moment = Time()
    sandbox = close(
        30, spec_variant=SpecVariant(rates="enforced", rate_limit=10, rate_window=8), clock=lambda: _at(moment)
    )
    async with serve(sandbox) as url, wired(url, moment) as app:
        for number in range(1, 31):
            await app.backend.get_task(f"task_{number:043}")
    assert [one.status for one in sandbox.requests] == [200] * 30
    assert 16 <= moment.now - 1_000 <= 24


def _at(moment: Time) -> Any:
    import datetime as dt  # noqa: PLC0415 - of this alone

    return dt.datetime.fromtimestamp(moment.wall(), dt.UTC)


@pytest.mark.parametrize("body", ["error", "old", "empty"])
@pytest.mark.parametrize("rates", ["shown", "hidden"])
async def test_a_429_is_waited_out_in_every_form(body: Any, rates: Any) -> None:
    time = Time()
    sandbox = close(6, spec_variant=SpecVariant(throttle=2, rate_body=body, rates=rates))
    async with serve(sandbox) as url, wired(url, time) as app:
        for number in range(1, 7):
            await app.backend.get_task(f"task_{number:043}")
    assert time.slept


async def test_a_credential_is_in_no_answer_of_any_tool_and_in_no_log(caplog: pytest.LogCaptureFixture) -> None:
    async with staged(()) as stage:
        for call in CALLS:
            it = await seen(stage, call)
            assert it.answer is not None
            assert_nothing_is_lost_or_told(replace(it, posts_kept=len(it.after) - len(it.before)), caplog)
    assert caplog.records
    assert all(request.headers["authorization"] == "***" for request in stage.close.requests)
    assert LEAD in str(stage.close.tasks)
    assert {request.route for request in stage.close.requests} >= {LIST, GET, PUT, CREATE.route}
    assert TEAM not in {request.route for request in stage.close.requests}
