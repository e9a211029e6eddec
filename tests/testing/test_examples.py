"""The examples about agents, run here: what they show is so."""

import importlib.util
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from documents import ROOT
from taskhand.install import HOSTS
from taskhand.testing import Bench

EXAMPLES = ROOT / "examples"

pytest_plugins = ["pytester"]


def _example(name: str, file: str = "run.py") -> Any:
    """The module of an example."""
    spec = importlib.util.spec_from_file_location(f"example_{name}", EXAMPLES / name / file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("name", "flags", "said"),
    [("agent_loop", {}, "Call Acme is put down and Completado."), ("daily_sweep", {"yes": True}, "Nothing is late.")],
)
async def test_each_example_runs_on_its_own_store(
    name: str, flags: dict[str, bool], said: str, store_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await _example(name).main(str(store_file), **flags)
    assert said in capsys.readouterr().out


async def test_the_agent_loop_stops_a_model_that_never_ends(taskhand: Bench) -> None:
    loop = _example("agent_loop")

    async def again(messages: object, tools: object) -> dict[str, Any]:
        del messages, tools
        call: dict[str, Any] = loop.StandIn._calls("list_statuses", {})  # noqa: SLF001  the same call again
        return call

    with pytest.raises(RuntimeError, match="does not come to an end"):
        await loop.converse(taskhand.client, again, "Go on.")
    assert len(taskhand.calls) == loop.MAX_TURNS


@pytest.mark.taskhand(backend="hubspot")
@pytest.mark.parametrize(("says_yes", "moved"), [(True, 4), (False, 0)])
async def test_the_daily_sweep_moves_overdue_tasks_after_a_yes(
    taskhand: Bench, capsys: pytest.CaptureFixture[str], *, says_yes: bool, moved: int
) -> None:
    async def confirm() -> bool:
        assert "4 late tasks would move to 2026-03-03:" in capsys.readouterr().out
        assert not [request for request in taskhand.sent if request.committed]
        return says_yes

    before = await taskhand.state()
    await _example("daily_sweep").sweep(taskhand.client, "2026-03-03", confirm)
    changed = [task for task in await taskhand.state() if task not in before]
    assert [task.due and task.due[:10] for task in changed] == ["2026-03-03"] * moved
    assert ("Moved: 4 of 4." if says_yes else "Left as it is.") in capsys.readouterr().out


@pytest.mark.taskhand(backend="close")
async def test_the_follow_up_example_creates_one_task_for_a_completed_one(
    taskhand: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    example, environment = _example("follow_up", "follow_up.py"), taskhand.populated.environment
    await taskhand.call("list_events")
    customer = (await taskhand.call("find_contacts", query="Acme"))["contacts"][0]["aiCustomerId"]
    body = {"title": "Call Acme", "responsibleIds": ["me"], "priority": "1", "aiCustomerId": customer}
    task_id = (await taskhand.call("create_task", **body))["task"]["id"]
    async with httpx2.AsyncClient(auth=(environment["CLOSE_API_KEY"], "")) as person:
        address = f"{environment['CLOSE_BASE_URL']}/task/{task_id}/"
        assert (await person.put(address, json={"is_complete": True})).status_code == 200
    taskhand.clock.advance(timedelta(minutes=1))
    [event] = (await taskhand.call("list_events", kinds=["completed"]))["events"]
    assert "changeId" not in event, "a person has done it in Close"
    assert example.is_wanted(event, event["by"])
    assert not example.is_wanted(event, "Somebody else")
    made = [await example.follow_up(taskhand.client, event, event["by"]) for _ in range(2)]
    assert made[0] == made[1], "an event that comes twice makes one task"
    assert (await taskhand.task("Follow up: Call Acme")).id == made[0]
    await example.main(event | {"kind": "updated"}, event["by"])
    assert capsys.readouterr().out == "Nothing to follow up.\n"


HARNESS = EXAMPLES / "harness"
BOTH = "Both pytest-asyncio and anyio would run this test"


@pytest.mark.parametrize(
    ("name", "settings", "outcomes", "says"),
    [
        ("test_my_agent.py", "asyncio_mode = strict", {"passed": 4}, ""),
        ("test_my_agent.py", "asyncio_mode = auto", {"passed": 2, "errors": 2}, BOTH),
        ("test_with_pytest_asyncio.py", "asyncio_mode = strict", {"passed": 3}, ""),
        ("test_with_pytest_asyncio.py", "asyncio_mode = auto", {"passed": 3}, ""),
        ("test_with_pytest_asyncio.py", "anyio_mode = auto", {"passed": 1, "errors": 2}, BOTH),
    ],
)
def test_the_tests_of_an_agent_pass_or_say_which_setting_to_change(
    pytester: pytest.Pytester, name: str, settings: str, outcomes: dict[str, int], says: str
) -> None:
    own = pytester.makeini(
        f"[pytest]\nfilterwarnings = error\nasyncio_default_fixture_loop_scope = function\n{settings}\n"
    )
    run = pytester.runpytest_inprocess("-c", own, "-p", "no:xdist", "-p", "no:cacheprovider", HARNESS / name)
    run.assert_outcomes(**outcomes)
    assert says in run.stdout.str()


def test_an_agent_in_an_environment_of_its_own_is_tested(pytester: pytest.Pytester) -> None:
    own = pytester.makeini("[pytest]\nfilterwarnings = error\n")
    run = pytester.runpytest_inprocess(
        "-c",
        own,
        "-p",
        "no:xdist",
        "-p",
        "no:asyncio",
        "-p",
        "no:cacheprovider",
        HARNESS / "test_another_environment.py",
    )
    run.assert_outcomes(passed=1)


def test_every_host_has_an_example_configuration() -> None:
    blocks = {file.stem: file.read_text(encoding="utf-8") for file in (EXAMPLES / "hosts").iterdir()}
    assert set(blocks) == {host.slug for host in HOSTS}
    for host in HOSTS:
        assert host.format.find_value(blocks[host.slug], (host.key, "taskhand", "command"))
