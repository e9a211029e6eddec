"""Real hosts, run whole: the input of their model, and that no action of theirs harms a task.

Each host is started with the entry that `taskhand install` wrote, against a scripted model on loopback.
"""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from hosts.real_host import PROGRAMS, REAL_HOSTS
from hosts.scenarios import SCENARIOS, Ended
from taskhand.server.instructions import instructions
from taskhand.server.tools import TOOLS

pytestmark = pytest.mark.skipif(not PROGRAMS, reason="`make hosts` installs the hosts from npm")

Ending = Callable[[str], Ended]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[tuple[str, str], "Future[Ended]"]]:
    """All scenarios in all hosts. Those that wait most begin first, so that the others run meanwhile."""
    with ThreadPoolExecutor(len(REAL_HOSTS) + 2) as pool:
        yield {
            (name, slug): pool.submit(scenario, host, tmp_path_factory.mktemp(slug))
            for name, scenario in SCENARIOS.items()
            for slug, host in REAL_HOSTS.items()
        }
        pool.shutdown(cancel_futures=True)


@pytest.fixture(params=REAL_HOSTS)
def slug(request: pytest.FixtureRequest) -> str:
    """A host."""
    name: str = request.param
    return name


@pytest.fixture
def ended(running: dict[tuple[str, str], "Future[Ended]"], slug: str) -> Ending:
    """Waits for a scenario in this host."""
    return lambda name: running[name, slug].result()


def test_every_tool_answers_and_its_answer_reaches_the_model(ended: Ending) -> None:
    [said] = ended("use_every_tool").said
    assert {call[0] for call, _ in said.turns} == {tool.name for tool in TOOLS}
    for (tool, _), answer in said.turns:
        assert said.host.dialect.read(answer), f"{tool}: {answer}"
    assert said.read("list_statuses")[0]["statuses"][0]["name"] == "Pendiente"
    assert said.read("find_contacts")[0]["contacts"][0]["name"] == "Valentina Rojas"


def test_the_model_is_given_every_description_and_the_instructions(ended: Ending) -> None:
    [said] = ended("use_every_tool").said
    tools = json.dumps(said.host.dialect.tools(said.requests[-1]), ensure_ascii=False)
    whole = json.dumps(said.requests[-1], ensure_ascii=False)
    for text, where in [(tool.description, tools) for tool in TOOLS] + [(instructions(TOOLS, knows_me=False), whole)]:
        for line in text.splitlines():
            assert json.dumps(line, ensure_ascii=False)[1:-1] in where


def test_refusals_and_candidates_reach_the_model(ended: Ending) -> None:
    [said] = ended("use_every_tool").said
    assert said.read("get_task")[1]["error"]["code"] == "invalid_id"
    assert said.read("update_task")[0]["error"]["code"] == "both_statuses"
    refused = said.read("create_task")[0]["error"]
    assert [one["name"] for one in refused["candidates"]] == [
        "Juan Pérez <juan.perez@company.com>",
        "Juan Pérez <jp.ventas@company.com>",
    ]
    assert "value of that candidate" in refused["next"]


def test_only_the_changes_that_the_model_requested_were_made(ended: Ending) -> None:
    end = ended("use_every_tool")
    [said] = end.said
    page = said.read("list_tasks")[0]["tasks"]
    changed = {id_ for id_, task in end.before.items() if end.after.get(id_) != task}
    assert changed == {task["id"] for task in page[:2]}
    assert all(end.after[id_] == {**end.before[id_], "priority": 2} for id_ in changed)
    made = [task["title"] for id_, task in end.after.items() if id_ not in end.before]
    assert made in ([], ["Call Acme back"]), "it is gone where the host does not ask the person itself"


def test_a_plan_is_carried_out_after_a_yes_and_no_delete_without_one(ended: Ending) -> None:
    end = ended("use_every_tool")
    [said] = end.said
    planned = said.read("bulk_update_tasks")[0]
    assert planned["count"] == 2
    assert said.read("apply_plan")[0]["totals"] == {"applied": 2}
    asked, _ = said.read("delete_task")
    shown_nobody = {"claude-code": ("note", "did not answer"), "codex": ("error", "declined")}
    field, text = shown_nobody.get(said.host.slug, ("note", "Show the difference"))
    assert text in str(asked[field])
    assert said.read("list_tasks")[0]["tasks"][2]["id"] in end.after


def test_the_model_waits_for_a_call_of_40_s(ended: Ending) -> None:
    end = ended("make_a_call_of_40_s")
    [said] = end.said
    assert end.seconds > 40
    assert said.read("bulk_update_tasks")[0]["totals"] == {"applied": 10}


def test_an_interrupted_bulk_is_recorded_as_it_is_in_the_crm(ended: Ending) -> None:
    end = ended("interrupt_a_bulk")
    changed = [id_ for id_, task in end.before.items() if end.after[id_] != task]
    assert 1 < len(changed) < 10
    [change] = end.changes
    assert change["tool"] == "bulk_update_tasks"
    assert change["totals"] == {"applied": len(changed), "not_applied": 10 - len(changed)}


def test_a_server_restarted_after_a_kill_lists_its_earlier_changes(ended: Ending) -> None:
    end = ended("kill_the_server")
    first, second = end.said
    assert "closed" in first.turns[1][1]
    [change] = second.read("list_changes")[0]["changes"]
    assert change["outcome"] == "applied"
    assert second.read("undo_change")[0]["changed"]["title"]["to"] == end.before[change["taskId"]]["title"]
    assert end.after == end.before


def test_no_request_leaves_this_machine(ended: Ending) -> None:
    for name in SCENARIOS:
        for said in ended(name).said:
            assert not said.contacted, said.output
