"""The actions of the hosts' model and the faults meanwhile: one function for each scenario."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from anyio.from_thread import start_blocking_portal

from hosts.dialects import Json
from hosts.real_host import Conversation, RealHost, Session
from hosts.scripted_model import Script
from taskhand.sandbox.faults import Fault
from taskhand.sandbox.server import serve_sandbox
from taskhand.sandbox.vambe import VambeSandbox
from taskhand.server.tools import TOOLS

__all__ = ["SCENARIOS", "Ended", "serve_vambe"]

_PUT = "PUT /api/public/tasks/{id}"
_DEADLINE_S = 60


@dataclass(frozen=True, slots=True)
class Ended:
    """A scenario after its end: what was said, in one or two conversations, and the CRM's tasks before and after."""

    said: Sequence[Conversation]
    before: Mapping[str, Json]
    after: Mapping[str, Json]
    seconds: float = 0
    changes: Sequence[Json] = ()
    left_running: Sequence[int] = ()


@contextmanager
def serve_vambe(*faults: Fault) -> Iterator[tuple[VambeSandbox, str]]:
    """Serve the Vambe sandbox with its demo data; the values are the sandbox and its address."""
    sandbox = VambeSandbox(clock=lambda: datetime.now(UTC), faults=faults)
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(serve_sandbox(sandbox)) as address:
        yield sandbox, address


def _tasks(sandbox: VambeSandbox) -> dict[str, Any]:
    return {task["id"]: task for task in sandbox.state()["tasks"]}


def _wait_for(happens: Callable[[], bool]) -> None:
    """Look often until something has happened; AssertionError after a minute."""
    until = time.monotonic() + _DEADLINE_S
    while not happens():
        assert time.monotonic() < until, "it never happened"
        time.sleep(0.02)


def _puts(sandbox: VambeSandbox) -> int:
    return sum(request.method == "PUT" and request.committed for request in sandbox.requests)


def use_every_tool(host: RealHost, folder: Path) -> Ended:
    """Read, write, be refused, choose a candidate, plan, say yes, undo."""
    with serve_vambe() as (sandbox, address):
        before = _tasks(sandbox)
        said = Session(host, folder, address).converse(_every_tool(host.dialect.read))
        return Ended([said], before, _tasks(sandbox))


def _every_tool(read: Callable[[str], Json]) -> Script:
    yield "list_statuses", {}
    yield "list_team_members", {}
    yield "find_contacts", {"query": "Valentina"}
    page = read((yield "list_tasks", {"limit": 4}))
    ids = [task["id"] for task in page["tasks"]]
    yield "get_task", {"id": ids[0]}
    yield "get_task", {"id": "nope"}
    body = {"title": "Call Acme", "priority": "1", "dueDate": "2030-05-01"}
    refused = read((yield "create_task", body | {"responsibleIds": ["Juan Pérez"]}))
    chosen = refused["error"]["candidates"][0]["value"]
    made = read((yield "create_task", body | {"responsibleIds": [chosen]}))
    made_id = made["task"]["id"]
    yield "update_task", {"id": made_id, "newStatusName": "Completado", "newStatusPosition": 2}
    yield "update_task", {"id": made_id, "title": "Call Acme back"}
    yield "reassign_task", {"id": made_id, "responsibleIds": ["Camila Soto"]}
    yield "complete_task", {"id": made_id}
    updated = read((yield "update_task", {"id": ids[1], "title": "Another title"}))
    yield "undo_change", {"changeId": updated["changeId"]}
    yield "delete_task", {"id": ids[2]}
    plan = read((yield "bulk_update_tasks", {"taskIds": ids[:2], "changes": {"priority": "2"}, "dryRun": True}))
    yield "apply_plan", {"planId": plan["planId"]}
    plan = read((yield "delete_task", {"id": made_id, "dryRun": True}))
    yield "apply_plan", {"planId": plan["planId"]}
    yield "apply_plan", {"planId": plan["planId"]}
    yield "list_changes", {"limit": 5}
    for tool in TOOLS:
        if tool.name not in _IN_THE_SCRIPT:
            yield tool.name, {}


_IN_THE_SCRIPT = {
    *("list_statuses", "list_team_members", "find_contacts", "list_tasks", "get_task", "create_task", "update_task"),
    *(
        "reassign_task",
        "complete_task",
        "undo_change",
        "bulk_update_tasks",
        "apply_plan",
        "delete_task",
        "list_changes",
    ),
}
"""A tool that is not among them is called without arguments: its answer or its refusal must be readable."""


def _one_bulk(read: Callable[[str], Json]) -> Script:
    page = read((yield "list_tasks", {"limit": 10}))
    ids = [task["id"] for task in page["tasks"]]
    yield "bulk_update_tasks", {"taskIds": ids, "changes": {"description": "Moved."}}


def make_a_call_of_40_s(host: RealHost, folder: Path) -> Ended:
    """Ten updates, one after the other, of four seconds each: more than a call may take where a host waits 60 s."""
    with serve_vambe(Fault("slow", _PUT, "every", seconds=4)) as (sandbox, address):
        before, begin = _tasks(sandbox), time.monotonic()
        session = Session(host, folder, address, {"VAMBE_IN_FLIGHT": "1"})
        said = session.converse(_one_bulk(host.dialect.read))
        return Ended([said], before, _tasks(sandbox), time.monotonic() - begin)


def interrupt_a_bulk(host: RealHost, folder: Path) -> Ended:
    """Press Ctrl-C while a bulk is under way, and undo afterwards what it did."""
    with serve_vambe(Fault("slow", _PUT, "every", seconds=2.5)) as (sandbox, address):
        before = _tasks(sandbox)
        session = Session(host, folder, address, {"VAMBE_IN_FLIGHT": "1"})

        def interrupt() -> None:
            _wait_for(lambda: _puts(sandbox) > 1)
            session.interrupt()

        said = session.converse(_one_bulk(host.dialect.read), interrupt)
        sandbox.faults = ()
        _wait_for(lambda: not session.server_pids())
        changes = session.call("list_changes")["changes"]
        return Ended([said], before, _tasks(sandbox), changes=changes)


def kill_the_server(host: RealHost, folder: Path) -> Ended:
    """Kill the server in the middle of a write, and start the host again."""
    with serve_vambe(Fault("slow", _PUT, 1, seconds=5)) as (sandbox, address):
        before = _tasks(sandbox)
        session = Session(host, folder, address)

        def kill() -> None:
            _wait_for(lambda: _puts(sandbox) > 0)
            session.kill_server()

        first = session.converse(_one_update(host.dialect.read), kill)
        second = session.converse(_look_again(host.dialect.read))
        return Ended([first, second], before, _tasks(sandbox))


def _one_update(read: Callable[[str], Json]) -> Script:
    page = read((yield "list_tasks", {"limit": 1}))
    yield "update_task", {"id": page["tasks"][0]["id"], "title": "Before the end"}
    yield "list_tasks", {"limit": 1}


def _look_again(read: Callable[[str], Json]) -> Script:
    [change] = read((yield "list_changes", {}))["changes"]
    yield "undo_change", {"changeId": change["changeId"]}


SCENARIOS: Mapping[str, Callable[[RealHost, Path], Ended]] = {
    scenario.__name__: scenario for scenario in (make_a_call_of_40_s, use_every_tool, interrupt_a_bulk, kill_the_server)
}
"""The longest first: the others run while it waits."""
