"""One suite over all CRM adapters: the same fault of a write or a read has the same result everywhere."""

import json
import logging
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import date
from traceback import TracebackException

import anyio
import pytest
from mcp import Client
from pydantic import MISSING

from backends.remote.faults_table import BEFORE, KINDS, OTHER, READ_BEFORE, ROWS, Kind, Note, Result, Row
from behaviour.agent import Agent, Refused
from safety.crms import CRMS, SandboxedCrm
from safety.gate import Gate
from taskhand.backends.base import ItemResult
from taskhand.backends.remote.adapter import CrmAdapter
from taskhand.domain.due import Due
from taskhand.domain.edit import Edit
from taskhand.domain.errors import OutcomeUnknown, TaskhandError
from taskhand.domain.task import Task
from taskhand.http.upstream import Limits
from taskhand.sandbox.emulator import Emulator
from taskhand.sandbox.faults import Fault
from taskhand.sandbox.server import serve_sandbox
from taskhand.server.app import create_server
from taskhand.service.app_context import AppContext
from virtual_time import Time

CASES = [(crm, kind, row) for crm in CRMS for row in ROWS for kind in KINDS if row.result(crm, kind)]
ROUTE: dict[Kind, str] = {"update": "one", "delete": "delete", "create": "create", "bulk": "many", "read": "read"}
SECRETS = tuple(crm.secret for crm in CRMS)
UPSTREAM_TEXT = re.compile(
    r"Internal Server Error|Too Many Requests|Bad [Gg]ateway|Service Unavailable|upstream said|field-errors|<h1>"
)
"""Texts of the sandboxes' error bodies and pages, which no agent should read."""
NOWHERE = "http://127.0.0.1:9"
TASKS = 4


@dataclass(frozen=True)
class FaultyCrm:
    """A CRM behind a gate, its adapter, and the tasks that were read before anything went wrong."""

    crm: SandboxedCrm
    sandbox: Emulator
    gate: Gate
    backend: CrmAdapter[object]
    tasks: list[Task]
    time: Time

    @property
    def new(self) -> Edit:
        """A task that the CRM accepts."""
        needs = {"aiCustomerId": "ai_customer_id"}
        more = {needs[name]: value for name, value in self.crm.needs.items() if name in needs}
        due = Due(date(2026, 3, 6)) if "dueDate" in self.crm.needs else MISSING
        return Edit(title="Send it", responsible_ids=(self.crm.ana,), priority=1, due=due, **more)  # type: ignore[arg-type]  # fields of an edit

    @property
    def edit(self) -> Edit:
        """An update that every CRM can also make of many tasks."""
        return Edit(responsible_ids=(self.crm.ana,))


@asynccontextmanager
async def open_faulty_crm(crm: SandboxedCrm, row: Row, kind: Kind) -> AsyncIterator[FaultyCrm]:
    """The CRM with the faults of a row on the first write, or the first reading, of that kind."""
    time = Time()
    sandbox = crm.sandbox(TASKS, time, ())
    gate = Gate(sandbox)
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(serve_sandbox(gate))
        app = await stack.enter_async_context(crm.sandboxed_app(url, time, limits=Limits(read_s=row.read_s)))
        backend = _adapter(app)
        found = await app.backend.snapshots(crm.ids(TASKS))
        await app.backend.statuses()
        await backend.account.me()
        sandbox.clear_requests()
        then = () if row.then is None else (row.then,)
        routes = crm.routes | {"*": crm.routes[ROUTE[kind]], "list": crm.odd.lists[0][0]}
        before, other = crm.to_answer(sandbox.tasks[0]), crm.to_answer(sandbox.tasks[-1])
        read = sandbox.tasks if routes["read"] == routes["list"] else before
        shown = {BEFORE: before, OTHER: other, READ_BEFORE: read}
        bodies = {name: json.dumps(body, default=str) for name, body in shown.items()}
        faults = tuple(
            replace(
                one,
                route=routes[one.route],
                to=NOWHERE,
                body=bodies.get(one.body, one.body),
            )
            for one in row.faults
        )

        def arrives(number: int) -> None:
            if number == 1:
                sandbox.faults = (*faults, *then)

        gate.writes, gate.before_write = 0, arrives
        if kind == "read":
            sandbox.faults = faults
        if not row.served:
            backend = _adapter(await stack.enter_async_context(crm.sandboxed_app(NOWHERE, time)))
        yield FaultyCrm(crm, sandbox, gate, backend, [one.task for one in found.values()], time)


def _adapter(app: AppContext) -> CrmAdapter[object]:
    assert isinstance(app.backend, CrmAdapter)
    return app.backend


async def write_tasks(faulty: FaultyCrm, kind: Kind) -> list[tuple[TaskhandError | None, str | None]]:
    """Make that kind of write: the error or the note of each task."""
    backend, first = faulty.backend, faulty.tasks[0]
    try:
        match kind:
            case "update":
                return [(None, (await backend.update_task(first, faulty.edit)).note)]
            case "delete":
                return [(None, await backend.delete_task(first))]
            case "create":
                return [(None, (await backend.create_task(faulty.new)).note)]
            case "bulk":
                results = await backend.update_tasks([(task, faulty.edit) for task in faulty.tasks[:3]])
                return [_error_and_note(one) for one in results]
            case "read":
                await backend.get(first.id)
                return [(None, None)]
    except TaskhandError as error:
        return [(error, None)]


def _error_and_note(result: ItemResult) -> tuple[TaskhandError | None, str | None]:
    return result.error, result.written.note if result.written else None


def has_change(faulty: FaultyCrm, kind: Kind, index: int = 0) -> bool:
    """Whether the CRM really has the change of the task at `index`, or the new task."""
    now = faulty.crm.tasks(faulty.sandbox)
    task_id = faulty.tasks[index].id
    if kind == "delete":
        return task_id not in now
    if kind == "create":
        return any(summary.title == "Send it" for summary in now.values())
    return now[task_id].responsible_ids == (faulty.crm.ana,)


@pytest.mark.parametrize(("crm", "kind", "row"), CASES, ids=str)
async def test_a_fault_has_the_same_result_at_every_crm(
    crm: SandboxedCrm, kind: Kind, row: Row, caplog: pytest.LogCaptureFixture
) -> None:
    # The libraries log the same of every request, and a dozen lines: those of the reads stand for all.
    caplog.set_level(logging.DEBUG, None if kind == "read" else "taskhand")
    async with open_faulty_crm(crm, row, kind) as faulty:
        before = len(faulty.sandbox.tasks)
        results = await write_tasks(faulty, kind)
        sent = sum(request.route == crm.routes[ROUTE[kind]] for request in faulty.sandbox.requests)
        added = len(faulty.sandbox.tasks) - before
        own = [
            as_result(
                error,
                note,
                faulty.backend,
                sent,
                is_applied=error is None if kind == "read" else has_change(faulty, kind, index),
            )
            for index, (error, note) in enumerate(results)
        ]
    expected = row.result(crm, kind)
    assert expected is not None
    if crm.updates_singly and kind == "bulk":
        # Each task is written with a request of its own: the fault strikes one of them or, for ever, all of them.
        assert expected in [replace(one, requests=expected.requests) for one in own]
        assert all(one.code in {expected.code, None, "not_attempted"} for one in own)
    else:
        assert set(own) == {expected}
    assert added <= (kind == "create")
    assert row.waits_s <= sum(faulty.time.slept) < 60
    for error, _ in results:
        assert_tells_nothing(error)
    assert not any(secret in caplog.text for secret in SECRETS)


def as_result(
    error: TaskhandError | None, note: str | None, backend: CrmAdapter[object], requests: int, *, is_applied: bool
) -> Result:
    """What was reported, as the table has it."""
    messages = backend.messages
    notes: dict[str, Note] = {
        messages.applied: "applied",
        messages.sent_again: "sent_again",
        messages.found: "found",
        messages.removed: "removed",
        messages.accepted: "accepted",
    }
    if error is None:
        return Result(None, requests, notes[note] if note else None, applied=is_applied)
    after = error.retry_after_s
    return Result(error.code, requests, retryable=error.retryable, after=after, applied=is_applied)


def assert_tells_nothing(error: TaskhandError | None) -> None:
    """Neither the error nor its traceback contains the key or a text of the CRM, and it says what to do next."""
    if error is None:
        return
    assert error.next_step
    assert not UPSTREAM_TEXT.search(f"{error} {vars(error)}")
    assert not any(secret in "".join(TracebackException.from_exception(error).format()) for secret in SECRETS)


@pytest.mark.parametrize("crm", CRMS, ids=str)
async def test_two_equal_concurrent_creates_do_not_both_claim_one_task(crm: SandboxedCrm) -> None:
    lost = (Fault("reset_after"), Fault("reset_before", nth=2))
    async with open_faulty_crm(crm, Row("lost twice", lost), "create") as faulty:
        before = len(faulty.sandbox.tasks)
        results: list[tuple[TaskhandError | None, str | None]] = []

        async def create() -> None:
            results.extend(await write_tasks(faulty, "create"))

        async with anyio.create_task_group() as group:
            group.start_soon(create)
            group.start_soon(create)
    assert len(faulty.sandbox.tasks) == before + 1
    assert sum(isinstance(error, OutcomeUnknown) for error, _ in results) >= 1


FIRST: dict[str, tuple[Fault, str | None]] = {
    "401": (Fault("status", status=401, nth="every"), "unauthorized"),
    "429, Retry-After: 3600": (Fault("status", status=429, retry_after=3600), "rate_limited"),
    "500 for ever": (Fault("status", status=500, nth="every"), "upstream_error"),
    "reset for ever": (Fault("reset_after", nth="every"), "upstream_error"),
    "not JSON": (Fault("not_json", nth="every"), "upstream_invalid"),
    "redirect": (Fault("redirect", to=NOWHERE, nth="every"), "upstream_redirect"),
    "429, Retry-After: 2": (Fault("status", status=429, retry_after=2), None),
    "500": (Fault("status", status=500), None),
    "reset": (Fault("reset_after"), None),
    "cut off": (Fault("truncated"), None),
}
"""What goes wrong with the reading of a task before it is written, and the error: then nothing is written."""


@pytest.mark.parametrize("name", FIRST)
@pytest.mark.parametrize("crm", CRMS, ids=str)
async def test_a_task_is_written_once_after_it_was_read_and_never_unread(crm: SandboxedCrm, name: str) -> None:
    fault, code = FIRST[name]
    sandbox, time, told = crm.sandbox(TASKS, Time(), ()), Time(), None
    sandbox.faults = (replace(fault, route=crm.routes["read"]),)
    async with serve_sandbox(sandbox) as url, crm.sandboxed_app(url, time) as app, Client(create_server(app)) as client:
        try:
            await Agent(client)("update_task", id=crm.task_id(1), title="New")
        except Refused as refused:
            told = refused.code
    assert told == code
    writes = [request for request in sandbox.requests if request.route == crm.routes["one"]]
    assert len(writes) == (code is None)
