"""Whole answers: each field has the value of its own source, and has it where it belongs."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, get_args

import pytest
from pydantic import MISSING, BaseModel

from builders import ANA, BEN, DONE, TASK_ID, on_people, task
from taskhand.domain.bulk_receipt import BulkReceipt, SkippedTasks, TaskResult
from taskhand.domain.due import Due
from taskhand.domain.edit import Edit
from taskhand.domain.errors import CallerError, NotAttempted, NotFound
from taskhand.domain.event import TaskEvent
from taskhand.domain.name_matching import Match
from taskhand.domain.plan import Difference, Plan
from taskhand.domain.receipt import FieldChange, Receipt
from taskhand.domain.snapshot import Snapshot
from taskhand.domain.task import Contact, Deal
from taskhand.domain.task_cursor import resume
from taskhand.domain.task_query import TaskQuery, task_sort_key
from taskhand.domain.task_times import TaskTimes
from taskhand.domain.unapplied_fields import Unapplied
from taskhand.domain.wording import Wording
from taskhand.events.event_store import FeedName, KeptEvent
from taskhand.journal.journal import Caller, Change, ChangePage, Ending, Intent, Opening, Result
from taskhand.server.render.bulk_answer import as_many_as_fit
from taskhand.server.render.change_list import ChangesAnswer, change_row
from taskhand.server.render.documented_writes import render_whole_write
from taskhand.server.render.events import EventsAnswer, event_row
from taskhand.server.render.read_answers import ContactsAnswer, ListAnswer
from taskhand.server.render.task_rows import RowField
from taskhand.server.render.write_answer import render_write
from taskhand.service.list_events import EventPage
from taskhand.service.list_tasks import TaskList

NOW = datetime(2026, 3, 2, 15, 0, 42, tzinfo=UTC)
SHOWN = "2026-03-02T15:00:42+00:00 Mon"
WORDING = Wording("UTC", {ANA.id: "Ana", BEN.id: "Ben"}, {("deal_id", "d-1"): "Big deal"})
RAISED = (FieldChange("priority", 1, 2),)
SHOWN_RAISED = {"priority": {"from": 1, "to": 2}}
MATCH = Match("responsibleIds", "ana", ANA.id, "Ana")
SHOWN_MATCH = {"argument": "responsibleIds", "given": "ana", "id": ANA.id, "name": "Ana"}


def json_of(answer: BaseModel) -> dict[str, Any]:
    """The JSON of an answer, without fields that are left out."""
    return answer.model_dump(mode="json")


def test_each_field_of_a_row_is_that_of_its_task() -> None:
    of = task(
        title="Call Acme",
        status_config=DONE,
        due_at="2026-03-10T00:00:00.000Z",
        is_all_day=True,
        priority=2,
        task_responsibles=on_people(ANA.id),
        description="About the invoice",
        ai_contact_id="contact-1",
        ai_customer_id="customer-1",
        task_type="call",
        deal_id="deal-1",
        resolution="won",
        url="https://crm.example/1",
    )
    times = TaskTimes(NOW, NOW + timedelta(hours=1), BEN.id)
    found = TaskList(
        (of,),
        TaskQuery(matched=(MATCH,)),
        more=True,
        members={one.id: one for one in (ANA, BEN)},
        overdue=frozenset({of.id}),
        now=NOW,
        zone="Asia/Tokyo",
        unreadable=("t-9", ""),
        times={of.id: times},
    )
    answer = json_of(ListAnswer.of(found, get_args(RowField), "A note."))
    assert resume(TaskQuery(), answer.pop("nextCursor")).after == (task_sort_key(of, "due"), of.id)
    assert answer == {
        "now": "2026-03-03T00:00+09:00 Tue",
        "zone": "Asia/Tokyo",
        "tasks": [
            {
                "id": TASK_ID,
                "title": "Call Acme",
                "status": "Completado",
                "due": "2026-03-10 Tue",
                "priority": 2,
                "responsibles": [ANA.name],
                "overdue": True,
                "description": "About the invoice",
                "created_at": "2026-03-01T10:00:00.000Z",
                "updated": "2026-03-03T00:00:42+09:00 Tue",
                "completed": "2026-03-03T01:00:42+09:00 Tue",
                "completed_by": BEN.name,
                "ai_contact_id": "contact-1",
                "ai_customer_id": "customer-1",
                "task_type": "call",
                "deal_id": "deal-1",
                "resolution": "won",
                "url": "https://crm.example/1",
            }
        ],
        "matched": [SHOWN_MATCH],
        "unreadable": {"count": 2, "ids": ["t-9"]},
        "note": "A note.",
    }


def test_each_field_of_a_contact_and_of_a_deal_is_its_own() -> None:
    found = Contact(id="c-1", name="Leo", phone="555", email="leo@x.test", customer_id="k-1", customer_name="Acme")
    answer = ContactsAnswer.of([found], 1, [Deal(id="d-1", name="Big deal"), Deal(id="d-2", name="Small deal")])
    assert json_of(answer) == {
        "contacts": [
            {
                "aiContactId": "c-1",
                "aiCustomerId": "k-1",
                "customer": "Acme",
                "name": "Leo",
                "phone": "555",
                "email": "leo@x.test",
            }
        ],
        "deals": [{"dealId": "d-1", "name": "Big deal"}],
        "more": True,
    }


def test_each_field_of_a_plan_is_its_own() -> None:
    plan = Plan(
        "plan-1",
        "bulk_update_tasks",
        (
            Difference("t-1", "Call", "update", RAISED),
            Difference("t-2", "Visit", "delete", (), Due(date(2026, 3, 10)), (ANA.id, BEN.id, "c", "d")),
        ),
        NOW,
        guard="A change by filter",
        matched=(MATCH,),
        note="A note.",
        skipped=SkippedTasks(
            ("t-3",),
            {"t-4": NotFound("There is no task t-4.", code="task_not_found")},
            (TaskResult("", "unchanged", message="It is there."),),
        ).results(),
        unapplied=(Unapplied("title", "Old", "New", task_id="t-1"),),
    )
    assert json_of(render_write(plan, WORDING)) == {
        "planId": "plan-1",
        "count": 2,
        "difference": [
            {"id": "t-1", "title": "Call", "does": "update", "changed": SHOWN_RAISED},
            {
                "id": "t-2",
                "title": "Visit",
                "does": "delete",
                "due": "2026-03-10 Tue",
                "responsibles": ["Ana", "Ben", "c"],
            },
        ],
        "outcomes": [
            {"outcome": "unchanged", "count": 1, "ids": ["t-3"]},
            {
                "outcome": "refused",
                "count": 1,
                "ids": ["t-4"],
                "code": "task_not_found",
                "message": "There is no task t-4.",
            },
            {"outcome": "unchanged", "count": 1, "message": "It is there."},
        ],
        "unapplied": [{"field": "title", "asked": "Old", "got": "New", "id": "t-1"}],
        "expiresAt": SHOWN,
        "matched": [SHOWN_MATCH],
        "note": "A change by filter stops at a plan: nothing was written. Show the difference to the person; "
        "apply_plan with this planId carries it out. A note.",
    }
    for_others = json_of(render_write(replace(plan, guard=None, note=None, is_for_others=True), WORDING))
    assert for_others["note"] == "Nothing was written. Show the difference to the person."
    large = json_of(render_write(replace(plan, differences=plan.differences[:1] * 26), WORDING))
    assert (large["count"], len(large["difference"])) == (26, 25)
    assert " 1 more are not shown: list_changes with the planId as changeId has them." in large["note"]


def test_each_field_of_the_outcome_of_a_task_is_its_own() -> None:
    error = CallerError("It is closed.", code="closed")
    receipt = BulkReceipt(
        (
            TaskResult("t-1", "applied", title="Call", changed=RAISED),
            TaskResult("t-2", "applied", "partly", "A remark.", (Unapplied("title", "a", "b", "c"),), "Visit"),
            TaskResult.of_error("t-3", "refused", error, "Mail"),
            TaskResult.of_error("t-4", "refused", error, "Post"),
            TaskResult.of_error("t-5", "not_attempted", NotAttempted("No time was left.")),
        ),
        (MATCH,),
        "A note.",
        "chg_1",
        "plan-1",
        replayed=True,
    )
    assert json_of(render_write(receipt, WORDING)) == {
        "changeId": "chg_1",
        "planId": "plan-1",
        "count": 5,
        "totals": {"applied": 2, "refused": 2, "not_attempted": 1},
        "tasks": [
            {"id": "t-1", "title": "Call", "changed": SHOWN_RAISED},
            {
                "id": "t-2",
                "title": "Visit",
                "unapplied": [{"field": "title", "asked": "a", "got": "b", "was": "c"}],
                "code": "partly",
                "message": "A remark.",
            },
            {"id": "t-3", "title": "Mail", "outcome": "refused", "code": "closed"},
            {"id": "t-4", "title": "Post", "outcome": "refused", "code": "closed"},
            {"id": "t-5", "outcome": "not_attempted", "code": "not_attempted", "message": "No time was left."},
        ],
        "outcomes": [
            {"outcome": "refused", "count": 2, "ids": ["t-3", "t-4"], "code": "closed", "message": "It is closed."}
        ],
        "retryIds": ["t-5"],
        "matched": [SHOWN_MATCH],
        "replayed": True,
        "note": "A note.",
    }


def test_each_field_of_the_receipt_of_one_task_is_its_own() -> None:
    linked = (FieldChange("deal_id", "d-0", "d-1"),)
    receipt = Receipt(task(), linked, matched=(MATCH,), note="A note.", change_id="chg_1", replayed=True, before=task())
    answer = json_of(render_write(receipt, WORDING))
    assert answer.pop("task")["title"] == "Call back"
    assert answer == {
        "changed": {"deal_id": {"from": "d-0", "to": "d-1", "names": {"d-1": "Big deal"}}},
        "matched": [SHOWN_MATCH],
        "changeId": "chg_1",
        "replayed": True,
        "note": "A note.",
    }
    new = json_of(render_write(replace(receipt, before=None), WORDING))
    assert "changed" not in new
    deleted = json_of(render_write(Receipt(None, RAISED, before=task(title="t" * 70)), WORDING))
    assert deleted == {"deleted": {"id": TASK_ID, "title": "t" * 60 + "… (+10 characters)"}}


def test_a_whole_answer_shows_due_dates_that_were_not_applied_in_the_documented_form() -> None:
    was, got = (Due.instant(datetime(2026, 3, day, 12, tzinfo=UTC), "Asia/Tokyo") for day in (1, 2))
    asked = Due(date(2026, 3, 5))
    [row] = json_of(render_whole_write(Receipt(task(), (), (Unapplied("due", asked, got, was),))))["unapplied"]
    assert (row["asked"], row["got"], row["was"]) == (str(asked), got.due_at, was.due_at)


def test_a_whole_answer_shows_a_change_in_the_documented_fields_and_the_note_only_there() -> None:
    zone = "Asia/Tokyo"
    was, now = (Due.instant(datetime(2026, 3, day, 12, tzinfo=UTC), zone) for day in (1, 2))
    changed = (FieldChange("due", was, now), FieldChange("note", "Old", "New"), *RAISED)
    written = task(due_at=now.due_at, due_timezone=zone).with_note("New", "n-1")
    shown = json_of(render_whole_write(Receipt(written, changed, before=task(due_at=was.due_at, due_timezone=zone))))
    due = {"due_at": {"from": was.due_at, "to": now.due_at}}
    assert shown["changed"] == due | {"note": {"from": "Old", "to": "New"}} | SHOWN_RAISED
    assert not shown["task"].keys() & {"note", "note_id"}


def test_a_remark_on_a_written_task_of_a_large_change_has_a_row() -> None:
    results = [TaskResult(f"t-{number}", "applied", title=f"Task {number}") for number in range(20)]
    results[15] = replace(results[15], message="The CRM changed the title.")
    [row] = json_of(render_write(BulkReceipt(tuple(results)), WORDING))["outcomes"]
    assert row == {"outcome": "applied", "count": 1, "ids": ["t-15"], "message": "The CRM changed the title."}


@pytest.mark.parametrize("length", [1, 2, 8, 36])
def test_the_ids_that_fit_take_no_more_characters_than_there_are_in_their_json(length: int) -> None:
    ids = [f"{number:0{length}}" for number in range(10 ** min(length, 2))]
    whole = len(json.dumps(ids, separators=(",", ":"))) - 1  # one bracket is not a task's
    assert as_many_as_fit(ids, whole) == tuple(ids)
    for room in (0, 1, 17, whole // 2, whole - 1):
        kept = as_many_as_fit(ids, room)
        assert kept == tuple(ids[: room // (length + 3)])


def test_each_field_of_a_change_is_read_from_its_own_place() -> None:
    opening = Opening(
        "bulk_update_tasks",
        Caller("Claude", "1", subject="ana@x.test"),
        NOW,
        reason="a typo",
        plan_id="plan-1",
        undoes="chg_0",
        connection="north",
    )
    tasks = [task(id=f"t-{number}", title=f"Task {number}", priority=1) for number in range(4)]
    intents = tuple(Intent("update", Snapshot(one), Edit(priority=2)) for one in tasks)
    results = {
        0: Result(0, "applied", "t-0", tasks[0].model_copy(update={"priority": 2})),
        1: Result(1, "refused", "t-1", code="closed", note="It is closed."),
        2: Result(2, "unknown", "t-2"),
        4: Result(4, "unchanged", "t-4", title="Task 4"),
    }
    change = Change("chg_1", opening, intents, results, Ending("unknown", code="recovered"))
    common = {
        "changeId": "chg_1",
        "planId": "plan-1",
        "at": SHOWN,
        "tool": "bulk_update_tasks",
        "by": "Claude",
        "person": "ana@x.test",
        "connection": "north",
        "reason": "a typo",
        "undoes": "chg_0",
    }
    totals = {"applied": 1, "refused": 1, "unknown": 2, "unchanged": 1}
    names = [{"id": f"t-{number}", "title": f"Task {number}"} for number in range(3)]
    whole = common | {"outcome": "unknown", "totals": totals, "code": "recovered"}
    assert json_of(change_row(change, None, WORDING)) == whole | {"tasks": names}
    of_one = {"outcome": "refused", "totals": totals, "code": "closed", "taskId": "t-1", "title": "Task 1"}
    assert json_of(change_row(change, "t-1", WORDING)) == common | of_one
    answer = json_of(ChangesAnswer.of_tasks(change, range(5), WORDING, cursor="next", note="A note."))
    assert answer == {
        "changes": [whole],
        "tasks": [
            {"id": "t-0", "title": "Task 0", "outcome": "applied", "changed": SHOWN_RAISED},
            {"id": "t-1", "title": "Task 1", "outcome": "refused", "code": "closed", "message": "It is closed."},
            {"id": "t-2", "title": "Task 2", "outcome": "unknown", "changed": SHOWN_RAISED},
            {"id": "t-3", "title": "Task 3", "outcome": "unknown", "changed": SHOWN_RAISED},
            {"id": "t-4", "title": "Task 4", "outcome": "unchanged"},
        ],
        "nextCursor": "next",
        "note": "A note.",
    }


def test_a_plan_and_a_deletion_in_the_journal_are_shown_as_such() -> None:
    opening = Opening("delete_task", Caller("Claude"), NOW)
    change = Change("chg_1", opening, (Intent("delete", Snapshot(task())),), {}, Ending("planned"))
    common = {
        "at": SHOWN,
        "tool": "delete_task",
        "by": "Claude",
        "taskId": TASK_ID,
        "title": "Call back",
        "does": "delete",
    }
    assert json_of(change_row(change, None, WORDING)) == common | {"planId": "chg_1", "outcome": "planned"}
    page = ChangePage((replace(change, ending=Ending("applied")),), cursor="next")
    row = common | {"changeId": "chg_1", "outcome": "applied"}
    assert json_of(ChangesAnswer.of(page, 1, None, WORDING)) == {"changes": [row], "nextCursor": "next"}


def test_each_field_of_an_event_is_its_own() -> None:
    known = TaskEvent("k", "t-1", "updated", NOW, title="Call", changed=RAISED, by=ANA.id, change_id="chg_1")
    row = {"at": SHOWN, "kind": "updated", "id": "t-1", "title": "Call", "changed": SHOWN_RAISED}
    assert json_of(event_row(KeptEvent(1, known, NOW), WORDING)) == row | {"by": "Ana", "changeId": "chg_1"}
    later = NOW + timedelta(hours=1)
    found = TaskEvent(
        "k", "t-1", "updated", between=(NOW, later), changed=(FieldChange("priority", MISSING, 2),), by_name="Leo"
    )
    assert json_of(event_row(KeptEvent(1, found, NOW), WORDING)) == {
        "between": [SHOWN, "2026-03-02T16:00:42+00:00 Mon"],
        "kind": "updated",
        "id": "t-1",
        "changed": {"priority": {"to": 2}},
        "by": "Leo",
    }
    exact = json_of(event_row(KeptEvent(1, replace(found, at=NOW), NOW), WORDING))
    assert (exact["at"], "between" in exact) == (SHOWN, False)
    assert "changed" not in json_of(event_row(KeptEvent(1, replace(known, kind="deleted"), NOW), WORDING))
    created = json_of(event_row(KeptEvent(1, replace(known, kind="created"), NOW), WORDING))
    assert created["changed"] == {"priority": {"to": 2}}


@pytest.mark.parametrize(("more", "shown", "is_more"), [(False, 2, False), (False, 1, True), (True, 2, True)])
def test_more_events_follow_if_the_page_says_so_or_not_all_of_it_are_shown(
    shown: int, *, more: bool, is_more: bool
) -> None:
    events = tuple(KeptEvent(n, TaskEvent(f"k{n}", "t-1", "updated", NOW, title="Call"), NOW) for n in range(2))
    page = EventPage(FeedName("test"), events, ("c0", "c1"), "end", more, NOW, NOW)
    answer = json_of(EventsAnswer.of(page, shown, WORDING))
    assert (answer.get("more", False), len(answer["events"])) == (is_more, shown)
    assert answer["nextCursor"] == ("end" if shown == 2 else "c0")
