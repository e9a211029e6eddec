"""Plans: every write can be previewed, and large changes and deletions need approval."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest
from mcp.types import ElicitRequestParams, ElicitResult

from behaviour.agent import Agent, Refused
from behaviour.conftest import Connect
from behaviour.person import Person
from behaviour.world import BackendCase


class HesitantPerson(Person):
    """Says yes after something else has happened."""

    def __init__(self, meanwhile: Callable[[], Awaitable[object]]) -> None:
        super().__init__("yes")
        self.meanwhile = meanwhile

    async def asked(self, context: Any, params: ElicitRequestParams) -> ElicitResult:
        """The client's answer, after what happens meanwhile."""
        await self.meanwhile()
        return await super().asked(context, params)


async def _tasks(agent: Agent) -> list[dict[str, Any]]:
    """Every task as get_task answers it."""
    rows = (await agent("list_tasks", limit=100))["tasks"]
    return [(await agent("get_task", id=row["id"]))["task"] for row in rows]


async def test_a_dry_run_writes_nothing_and_shows_the_difference_that_apply_plan_makes(worker: Agent) -> None:
    task = await worker.create("Call Acme", dueDate="2026-03-10")
    before = await _tasks(worker)
    for tool, sent in (
        ("update_task", {"id": task["id"], "title": "Call Acme again", "dueDate": "2026-03-12"}),
        ("complete_task", {"id": task["id"]}),
        ("reassign_task", {"id": task["id"], "responsibleIds": ["Ana Soto"]}),
        ("bulk_update_tasks", {"taskIds": [task["id"]], "shiftDueDays": 2}),
    ):
        plan = await worker(tool, **sent, dryRun=True)
        assert await _tasks(worker) == before
        assert plan["count"] == 1
        done = await worker("apply_plan", planId=plan["planId"])
        assert done["changed"] == plan["difference"][0]["changed"]
        before = await _tasks(worker)


async def test_a_planned_create_makes_its_task_once_it_is_applied(worker: Agent) -> None:
    body = {"title": "Send the contract", "responsibleIds": ["me"], "priority": "1", "dueDate": "2026-03-10"}
    plan = await worker("create_task", **body, dryRun=True)
    assert await worker.listed() == []
    assert plan["difference"][0]["changed"]["title"] == {"from": None, "to": "Send the contract"}
    done = await worker("apply_plan", planId=plan["planId"])
    assert done["task"]["title"] == "Send the contract"
    assert await worker.listed() == ["Send the contract"]


async def test_a_dry_run_of_apply_plan_shows_the_plan_and_leaves_it_usable(worker: Agent) -> None:
    task = await worker.create()
    plan = await worker("update_task", id=task["id"], title="New title", dryRun=True)
    again = await worker("apply_plan", planId=plan["planId"], dryRun=True)
    assert (again["planId"], again["difference"]) == (plan["planId"], plan["difference"])
    assert await worker.listed() == ["Call Acme"]
    await worker("apply_plan", planId=plan["planId"])
    assert await worker.listed() == ["New title"]


async def test_a_plan_can_be_used_once(worker: Agent) -> None:
    task = await worker.create()
    plan = await worker("update_task", id=task["id"], title="New title", dryRun=True)
    await worker("apply_plan", planId=plan["planId"])
    with pytest.raises(Refused) as again:
        await worker("apply_plan", planId=plan["planId"])
    assert again.value.code == "plan_used"


async def test_a_plan_is_refused_with_the_difference_if_the_task_changed_since(worker: Agent) -> None:
    task = await worker.create("Call Acme")
    plan = await worker("update_task", id=task["id"], title="New title", dryRun=True)
    await worker("update_task", id=task["id"], priority="2")
    with pytest.raises(Refused) as stale:
        await worker("apply_plan", planId=plan["planId"])
    assert stale.value.code == "plan_stale"
    assert stale.value.error["difference"][0]["changed"] == {"priority": {"from": 1, "to": 2}}
    assert (await worker("get_task", id=task["id"]))["task"]["title"] == "Call Acme"


async def test_the_tasks_that_a_plan_leaves_out_are_in_its_review_and_in_the_answer_once_it_is_applied(
    worker: Agent, backend: BackendCase
) -> None:
    ids = [(await worker.create(f"Task {number}", priority=priority))["id"] for number, priority in enumerate("112")]

    async def applied(tool: str, **asked: Any) -> dict[str, Any]:
        plan = await worker(tool, **asked, dryRun=True)
        review = await worker("apply_plan", planId=plan["planId"], dryRun=True)
        assert review["outcomes"] == plan["outcomes"]
        done = await worker("apply_plan", planId=plan["planId"])
        assert all(row in done["outcomes"] for row in plan["outcomes"])
        return done

    asked = {"taskIds": [*ids, backend.absent], "changes": {"priority": "2"}}
    assert (await applied("bulk_update_tasks", **asked))["totals"] == {"applied": 2, "unchanged": 1, "refused": 1}
    bodies = [{"title": title, "responsibleIds": ["me"], "priority": "1"} for title in ("Valid", "")]
    assert (await applied("create_tasks", tasks=bodies))["totals"] == {"applied": 1, "refused": 1}


async def test_the_reason_of_a_dry_run_is_the_reason_of_the_change(worker: Agent) -> None:
    task = await worker.create()
    plan = await worker("update_task", id=task["id"], title="New title", reason="a typo", dryRun=True)
    done = await worker("apply_plan", planId=plan["planId"])
    row = (await worker("list_changes", limit=1))["changes"][0]
    assert (row["changeId"], row["reason"]) == (done["changeId"], "a typo")


async def test_another_caller_cannot_apply_a_plan(connect: Connect) -> None:
    mine, theirs = await connect("mine"), await connect("theirs")
    task = await mine.create()
    plan = await mine("update_task", id=task["id"], title="New title", dryRun=True)
    with pytest.raises(Refused) as refused:
        await theirs("apply_plan", planId=plan["planId"])
    assert refused.value.code == "plan_of_another"
    assert (await mine("apply_plan", planId=plan["planId"]))["task"]["title"] == "New title"


async def test_a_delete_a_filter_and_a_large_change_stop_at_a_plan(worker: Agent) -> None:
    ids = [(await worker.create(f"Task {number:02}", dueDate="2026-03-10"))["id"] for number in range(12)]
    other = await worker.create("Another", priority="2", dueDate="2026-03-10")
    before = await _tasks(worker)
    for tool, sent in (
        ("delete_task", {"id": other["id"]}),
        ("bulk_update_tasks", {"filter": {"text": "Another"}, "changes": {"priority": "1"}}),
        ("bulk_update_tasks", {"taskIds": ids, "changes": {"priority": "2"}}),
    ):
        plan = await worker(tool, **sent)
        assert "stops at a plan" in plan["note"]
        assert await _tasks(worker) == before
    done = await worker("apply_plan", planId=plan["planId"])
    assert done["totals"] == {"applied": 12}
    assert {task["priority"] for task in await _tasks(worker)} == {2}


@pytest.mark.parametrize("argument", ["confirm", "confirmed", "force", "yes"])
async def test_no_argument_of_a_model_replaces_a_persons_yes(worker: Agent, argument: str) -> None:
    task = await worker.create()
    with pytest.raises(Refused) as refused:
        await worker("delete_task", id=task["id"], **{argument: True})
    assert refused.value.code == "unknown_argument"


async def test_a_change_is_carried_out_at_once_after_the_person_says_yes(connect: Connect, era: str) -> None:
    assert era
    person = Person("yes")
    agent = await connect(person=person)
    ids = [(await agent.create(f"Task {number:02}", dueDate="2026-03-10"))["id"] for number in range(11)]
    done = await agent("bulk_update_tasks", taskIds=ids, changes={"priority": "2"})
    assert done["totals"] == {"applied": 11}
    gone = await agent("delete_task", id=ids[0])
    assert "deleted" in gone["note"]
    assert len(await agent.listed()) == 10
    assert len(person.questions) == 2
    assert "11 tasks" in person.questions[0]
    assert "priority: 1 → 2" in person.questions[0]
    assert "Task 00" in person.questions[1]


async def test_nothing_is_written_after_the_person_says_no_and_the_plan_is_used_up(connect: Connect, era: str) -> None:
    assert era
    person = Person("no")
    agent = await connect(person=person)
    task = await agent.create()
    with pytest.raises(Refused) as refused:
        await agent("delete_task", id=task["id"])
    assert refused.value.code == "declined"
    assert await agent.listed() == ["Call Acme"]
    plan = (await agent("list_changes", outcome="planned"))["changes"][0]["planId"]
    with pytest.raises(Refused) as used:
        await agent("apply_plan", planId=plan)
    assert used.value.code == "plan_used"


async def test_a_yes_to_a_task_that_changed_meanwhile_is_in_the_journal_as_refused(connect: Connect, era: str) -> None:
    assert era
    other = await connect("other")
    task = await other.create()
    agent = await connect(person=HesitantPerson(lambda: other("update_task", id=task["id"], title="New title")))
    with pytest.raises(Refused) as refused:
        await agent("delete_task", id=task["id"])
    assert refused.value.code == "plan_stale"
    assert await agent.listed() == ["New title"]
    row, meanwhile, *_ = (await agent("list_changes"))["changes"]
    by = meanwhile["changeId"]
    assert str(refused.value).endswith(f"Meanwhile: {task['id']} was changed in title by {by}.")
    assert (row["tool"], row["code"]) == ("delete_task", "plan_stale")


async def test_a_stale_plan_names_the_change_that_made_each_difference_and_no_other(connect: Connect) -> None:
    agent = await connect()
    task, others = await agent.create(), await connect("other")

    async def refusal(*meanwhile: dict[str, object]) -> tuple[str, list[str]]:
        plan = await agent("update_task", id=task["id"], dueDate=f"2026-04-0{len(meanwhile)}", dryRun=True)
        made = [(await others("update_task", id=task["id"], **one))["changeId"] for one in meanwhile]
        with pytest.raises(Refused) as refused:
            await agent("apply_plan", planId=plan["planId"])
        return str(refused.value).partition("Meanwhile: ")[2], made

    told, made = await refusal({"title": "New"}, {"priority": "2"})
    assert told == f"{task['id']} was changed in title, priority by {', '.join(made)}."
    told, made = await refusal({"priority": "1"}, {"priority": "2"}, {"title": "Newer"})
    assert told == f"{task['id']} was changed in title by {made[2]}."


async def test_a_plan_whose_key_a_bulk_change_has_used_is_answered_with_the_outcome_of_that_change(
    worker: Agent,
) -> None:
    task = await worker.create()
    asked = {"taskIds": [task["id"]], "changes": {"priority": "2"}, "idempotencyKey": "k-1"}
    plan = await worker("bulk_update_tasks", **asked, dryRun=True)
    done = await worker("bulk_update_tasks", **asked)
    await worker("undo_change", changeId=done["changeId"])
    again = await worker("apply_plan", planId=plan["planId"])
    assert (again["changeId"], again["replayed"], again["totals"]) == (done["changeId"], True, {"applied": 1})


async def test_apply_plan_asks_the_person_about_a_plan_that_needs_approval(connect: Connect, era: str) -> None:
    assert era
    person = Person("nothing")
    agent = await connect(person=person)
    task = await agent.create()
    plan = await agent("delete_task", id=task["id"], dryRun=True)
    assert person.questions == []
    still = await agent("apply_plan", planId=plan["planId"])
    assert still["planId"] == plan["planId"]
    assert "did not answer" in still["note"]
    assert await agent.listed() == ["Call Acme"]
    person.says = "yes"
    await agent("apply_plan", planId=plan["planId"])
    assert await agent.listed() == []


async def test_only_an_explicit_yes_is_accepted(connect: Connect, era: str) -> None:
    assert era
    person = Person("yes")
    agent = await connect(person=person)
    task = await agent.create()
    for number, said in enumerate((False, "false", "no", 0, None), start=1):
        person.form = {"confirm": said}
        with suppress(Refused):
            assert "planId" in await agent("delete_task", id=task["id"]), said
        assert await agent.listed() == ["Call Acme"], said
        assert len(person.questions) == number, said


@pytest.mark.parametrize("form", [None, {}], ids=["no content", "empty content"])
async def test_counts_an_accepted_form_that_was_not_filled_in_as_a_yes(
    connect: Connect, era: str, form: dict[str, Any] | None
) -> None:
    assert era
    agent = await connect(person=Person("yes", form))
    task = await agent.create()
    gone = await agent("delete_task", id=task["id"])
    assert "deleted" in gone["note"]
    assert await agent.listed() == []


async def test_changes_as_many_tasks_as_the_threshold_allows_without_a_plan(worker: Agent) -> None:
    ids = [(await worker.create(f"Task {number:02}", dueDate="2026-03-10"))["id"] for number in range(11)]
    done = await worker("bulk_update_tasks", taskIds=ids[:10], changes={"priority": "2"})
    assert done["totals"] == {"applied": 10}
    plan = await worker("bulk_update_tasks", taskIds=ids, shiftDueDays=1)
    assert "A change of more than 10 tasks stops at a plan" in plan["note"]


async def test_the_plan_of_a_status_change_warns_of_automated_actions_of_the_crm(worker: Agent) -> None:
    ids = [(await worker.create(f"Task {number}"))["id"] for number in range(2)]
    done = (await worker("list_statuses"))["statuses"][-1]["name"]
    plans = [
        await worker("bulk_update_tasks", taskIds=ids, changes=change, dryRun=True)
        for change in ({"newStatusName": done}, {"priority": "2"})
    ]
    assert ["automated actions" in plan["note"] for plan in plans] == [
        "automated actions" in (worker.can.status_effects or ""),
        False,
    ]
    answer = await worker("apply_plan", planId=plans[0]["planId"])
    assert "automated actions" not in str(answer)
