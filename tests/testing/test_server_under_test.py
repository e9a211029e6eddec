"""A server on known data: what is seen from outside is what is there, and a run can be repeated."""

import calendar
import json
from datetime import UTC, date, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, get_args

import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters

from taskhand.config.connection_settings import ConnectionSettings
from taskhand.config.settings import BackendName, Settings
from taskhand.domain.errors import CallerError
from taskhand.journal.journal import Caller, Ending, Opening
from taskhand.testing import DATA, Bench, PlannedTask, Refused, Setup, StoredTask, open_bench
from taskhand.testing.server_under_test import changes_of
from taskhand.testing.setup import read_setup
from taskhand.wiring import open_journal

BACKENDS: tuple[BackendName, ...] = tuple(
    name for name in get_args(BackendName) if find_spec(f"taskhand.testing.populated.{name}")
)
"""Those that data sets can be put into."""


async def _list_tasks(bench: Bench) -> dict[str, tuple[object, ...]]:
    """What the server under test says of every task."""
    rows: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        answer = await bench.call("list_tasks", limit=100, **cursor)
        rows += answer["tasks"]
        if "nextCursor" not in answer:
            return {
                row["title"]: (row["status"], row["due"], tuple(row["responsibles"]), row["priority"]) for row in rows
            }
        cursor = {"cursor": answer["nextCursor"]}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("data", ["small_team", "sales_week"])
async def test_the_stored_tasks_are_those_that_the_server_lists(
    tmp_path: Path, backend: BackendName, data: str
) -> None:
    people = {one.email: f"{one.name} <{one.email}>" for one in DATA[data].people}

    def shown(task: StoredTask) -> tuple[object, ...]:
        due = task.due and f"{task.due} {calendar.day_abbr[date.fromisoformat(task.due[:10]).weekday()]}"
        return task.status, due, tuple(people.get(one, one) for one in task.responsibles), task.priority

    async with open_bench(tmp_path, Setup(backend, data)) as bench:
        kept = {task.title: shown(task) for task in await bench.state()}
        assert kept == await _list_tasks(bench)
        assert len(kept) == len(DATA[data].tasks)


@pytest.mark.parametrize("backend", BACKENDS)
async def test_a_run_repeats_byte_for_byte(tmp_path: Path, backend: BackendName) -> None:
    runs = []
    for name in ("first", "second"):
        folder = tmp_path / name
        folder.mkdir()
        async with open_bench(folder, Setup(backend)) as bench:
            found = await bench.call("find_contacts", query="Carolina")
            body = {"title": "Call Acme", "dueDate": "2026-03-09", "responsibleIds": ["Ana Soto"], "priority": "2"}
            customer = found["contacts"][0]["aiCustomerId"]
            made = await bench.call("create_task", **body, aiCustomerId=customer)
            plan = await bench.call("delete_task", id=made["task"]["id"])
            gone = await bench.call("apply_plan", planId=plan["planId"])
            state = [task.native for task in await bench.state()]
            bodies = [(request.method, request.path, request.body) for request in bench.sent]
            runs.append(json.dumps([made, plan, gone, state, bodies]))
    assert runs[0] == runs[1]


@pytest.mark.parametrize(
    ("backend", "method", "body"),
    [
        ("vambe", "PUT", {"priority": "2"}),
        ("close", "PUT", {"priority": "high"}),
        ("hubspot", "PATCH", {"properties": {"hs_task_priority": "HIGH"}}),
    ],
)
async def test_the_requests_that_the_crm_received_are_recorded(
    tmp_path: Path, backend: BackendName, method: str, body: object
) -> None:
    async with open_bench(tmp_path, Setup(backend)) as bench:
        task = await bench.task("Send the welcome kit")
        await bench.call("update_task", id=task.id, priority="2")
        (write,) = [request for request in bench.sent if request.committed]
        assert (write.method, write.body) == (method, body)
        assert write.path.strip("/").endswith(task.id)
        assert (await bench.task("Send the welcome kit")).priority == 2
        (change,) = await bench.changes()
        assert (change.opening.tool, change.outcome) == ("update_task", "applied")
        assert [called.tool for called in bench.calls] == ["update_task"]


async def test_a_scripted_fault_occurs_and_sleeps_take_no_real_time(tmp_path: Path) -> None:
    async with open_bench(
        tmp_path, Setup("close", faults=[{"route": "list", "kind": "status", "status": 503}])
    ) as bench:
        before = bench.clock.now()
        await bench.call("list_tasks")
        assert [request.status for request in bench.sent if request.route == "GET /api/v1/task"] == [503, 200]
        assert bench.clock.now() - before == timedelta(seconds=sum(bench.clock.slept)) > timedelta()
        bench.faults({"route": "GET /api/v1/task", "nth": "every", "kind": "status", "status": 401})
        with pytest.raises(Refused) as refused:
            await bench.call("list_tasks")
        assert refused.value.code == "unauthorized"
        bench.faults()
        assert (await bench.call("list_tasks"))["tasks"]


async def test_the_clock_moves_only_by_advance_or_sleep(tmp_path: Path) -> None:
    async with open_bench(tmp_path, Setup(data="small_team", clock="2026-05-04T12:00:00-04:00")) as bench:
        late = [row["title"] for row in (await bench.call("list_tasks", overdue=True))["tasks"]]
        assert late == ["Order the samples"]
        assert (await bench.task("Call Acme")).due == "2026-05-05T10:00-04:00"
        bench.clock.advance(timedelta(days=1))
        assert len((await bench.call("list_tasks", overdue=True))["tasks"]) == 2


@pytest.mark.parametrize("mode", ["auto", "legacy"])
@pytest.mark.parametrize(("person", "left"), [("yes", 0), ("no", 1)])
async def test_a_person_can_be_asked_in_both_eras(
    tmp_path: Path, mode: Literal["auto", "legacy"], person: Literal["yes", "no"], left: int
) -> None:
    async with open_bench(tmp_path, Setup(data="small_team", person=person, mode=mode)) as bench:
        task = await bench.task("Book the room")
        if person == "yes":
            await bench.call("delete_task", id=task.id)
        else:
            with pytest.raises(Refused, match="declined"):
                await bench.call("delete_task", id=task.id)
        assert sum(one.id == task.id for one in await bench.state()) == left
        assert len(bench.questions) == 1
        assert "Book the room" in bench.questions[0]
        assert [called.tool for called in bench.calls] == ["delete_task"]


@pytest.mark.parametrize("backend", BACKENDS)
async def test_a_planted_task_is_created_on_every_backend(tmp_path: Path, backend: BackendName) -> None:
    planted = PlannedTask(title="Pay <b>& go</b>", day=2, description="One\n<two>", people=("me@x",))
    with pytest.raises(CallerError, match="no person 'me@x'"):
        async with open_bench(tmp_path, Setup(backend, "empty", planted=[planted])):
            pass
    own = planted.model_copy(update={"people": ("Camila Núñez",), "contact": "Jorge Paz"})
    folder = tmp_path / "again"
    folder.mkdir()
    async with open_bench(folder, Setup(backend, "empty", planted=[own])) as bench:
        (task,) = await bench.state()
        assert (task.title, task.due, task.responsibles) == ("Pay <b>& go</b>", "2026-03-04", ("Camila Núñez",))
        assert (task.contact, task.customer) == ("Jorge Paz", "Ferretería Paz")
        assert task.description == (None if backend == "close" else "One\n<two>")


@pytest.mark.parametrize(
    ("setup", "said"),
    [
        ({"data": "nothing"}, "There is no data set 'nothing'"),
        ({"faults": [{"kind": "slow"}]}, "built-in store receives no requests"),
        ({"backend": "vambe", "faults": [{"kind": "sluggish"}]}, "'sluggish' must be one of"),
        ({"backend": "vambe", "faults": [{"kind": "slow", "route": "GET /nowhere"}]}, "no route 'GET /nowhere'"),
        ({"backend": "vambe", "variants": ["due_at=never"]}, "due_at must be one of"),
        ({"variants": ["due_at=wall"]}, "no variants"),
        ({"environment": {"TASKHAND_PLAN_OVER": "many"}}, "TASKHAND_PLAN_OVER"),
    ],
)
async def test_an_impossible_setup_is_refused(tmp_path: Path, setup: dict[str, Any], said: str) -> None:
    with pytest.raises(Exception, match=said):
        async with open_bench(tmp_path, Setup(**setup)):
            pass


async def test_the_changes_are_all_those_in_the_journal_the_oldest_first(tmp_path: Path) -> None:
    settings = Settings(journal=tmp_path / "journal.sqlite", db=tmp_path / "tasks.sqlite")
    journal = open_journal(ConnectionSettings.of(settings))
    opening = Opening("update_task", Caller(), datetime(2026, 3, 2, tzinfo=UTC))
    made = [(await journal.record(opening, Ending("refused"))).id for _ in range(21)]
    await journal.aclose()
    assert [change.id for change in await changes_of(settings)] == made


def test_the_older_name_of_variants_is_accepted() -> None:
    assert read_setup({"backend": "vambe", "reading": ["due_at=wall"]}).variants == ["due_at=wall"]


async def test_a_title_must_select_exactly_one_task(tmp_path: Path) -> None:
    twice = [PlannedTask(title="Again"), PlannedTask(title="Again")]
    async with open_bench(tmp_path, Setup(data="empty", planted=twice)) as bench:
        for title, count in (("Again", 2), ("Never", 0)):
            with pytest.raises(LookupError, match=f"^{count} tasks"):
                await bench.task(title)


async def test_a_client_of_its_own_connects_over_http_and_its_calls_are_recorded(tmp_path: Path) -> None:
    async with open_bench(tmp_path, Setup("hubspot")) as bench:
        task = await bench.task("Send the welcome kit")
        async with bench.serve_http() as url:
            for mode in ("auto", "legacy"):
                async with Client(url, mode=mode) as client:
                    await client.call_tool("complete_task", {"id": task.id})
        assert (await bench.task("Send the welcome kit")).status_type == "done"
        assert [called.tool for called in bench.calls] == ["complete_task"] * 2
        assert sum(request.committed for request in bench.sent) == 1


async def test_a_client_of_its_own_starts_a_server_of_the_same_data_and_journal(tmp_path: Path) -> None:
    async with open_bench(tmp_path, Setup("hubspot")) as bench:
        task = await bench.task("Send the welcome kit")
        assert bench.server.entry()["env"] == dict(bench.server.env)
        server = StdioServerParameters(
            command=bench.server.command, args=[*bench.server.args], env={**bench.server.env}
        )
        async with Client(server) as client:
            await client.call_tool("complete_task", {"id": task.id})
        await bench.call("list_statuses")
        assert (await bench.task("Send the welcome kit")).status_type == "done"
        assert [called.tool for called in bench.calls] == ["list_statuses", "complete_task"]
        assert [change.opening.tool for change in await bench.changes()] == ["complete_task"]
        assert sum(request.committed for request in bench.sent) == 1
