"""Snapshots of many tasks with HubSpot's raw values, and the number of requests of a bulk change."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from backends.hubspot.sandboxed_app import (
    ANA,
    BRUNO,
    CAROLINA,
    COMPANY,
    ELENA,
    KEY,
    Account,
    Time,
    hubspot,
    row,
    seed,
    served,
    task_id,
)
from taskhand.backends.hubspot.mapping import Record
from taskhand.domain.due import Due
from taskhand.domain.edit import Edit
from taskhand.domain.errors import InvalidAnswer
from taskhand.domain.snapshot import Snapshot
from taskhand.domain.task import StatusChoice
from taskhand.domain.task_query import TaskQuery
from taskhand.domain.unreadable_fields import with_unreadable
from taskhand.sandbox.faults import Fault
from taskhand.sandbox.hubspot import HubSpotSandbox, SpecVariant
from taskhand.sandbox.messages import ReceivedRequest, Response

OPEN = ("burst=0", "searches=0")
READ, UPDATE = "POST /crm/v3/objects/tasks/batch/read", "POST /crm/v3/objects/tasks/batch/update"


async def snapshots(crm: Account, count: int) -> dict[str, Snapshot]:
    """The seeded tasks; what any call asks once is asked before, then a clean log."""
    await crm.backend.snapshots([task_id(1)])
    crm.hubspot.clear_requests()
    return await crm.backend.snapshots([task_id(number) for number in range(1, count + 1)])


async def test_the_snapshot_of_one_task_takes_one_request_and_has_all_native_values() -> None:
    time = Time()
    properties = {"hs_task_body": "<p>a <b>b</b></p>", "hs_task_priority": "NONE", "hs_task_type": "CALL"}
    rows = [row(1, {"contacts": [BRUNO, CAROLINA], "companies": [COMPANY]}, **properties)]
    async with served(hubspot(time, seed(rows=rows), spec_variant=OPEN), time) as crm:
        one = (await snapshots(crm, 1))[task_id(1)]
        assert crm.sent == [f"GET /crm/v3/objects/tasks/{task_id(1)}"]
        task = await crm.backend.get_task(task_id(1))
        # Only the reading of a whole task asks for the owners, one of whom is the creator.
        assert (one.task, task.creator_id) == (task.model_copy(update={"creator_id": None}), ELENA)
        assert one.unknown == frozenset()
        assert json.loads(json.dumps(one.native)) == properties | {
            "hs_task_subject": "Call Acme 1",
            "hs_timestamp": "2026-03-06T13:00:00Z",
            "hs_task_is_all_day": "false",
            "hs_task_status": "NOT_STARTED",
            "hs_pipeline_stage": "af0e6a5c-2ea3-4c72-b69f-7c6cb3fdb591",
            "hubspot_owner_id": ELENA,
            "contacts": [CAROLINA, BRUNO],
            "companies": [COMPANY],
            "deals": [],
        }


async def test_snapshots_of_many_tasks_equal_those_of_each_task() -> None:
    time = Time()
    rows = [row(1, {"contacts": [BRUNO, CAROLINA]}), row(2), row(3, {"companies": [COMPANY]}, hs_task_body="x")]
    async with served(hubspot(time, seed(rows=rows), spec_variant=OPEN), time) as crm:
        together = await snapshots(crm, 3)
        assert len(crm.sent) == 4
        for one in together:
            assert await crm.backend.snapshots([one]) == {one: together[one]}


async def test_missing_tasks_are_left_out_and_an_empty_request_sends_nothing() -> None:
    async with served() as crm:
        assert await crm.backend.snapshots([]) == {}
        assert await crm.backend.snapshots(["99999999999"]) == {}
        assert (await crm.backend.snapshots([task_id(2), "99999999999", task_id(2)])).keys() == {task_id(2)}


async def test_tasks_missing_from_a_batch_answer_are_read_one_by_one() -> None:
    time = Time()
    async with served(hubspot(time, seed(3), spec_variant=(*OPEN, "lost_input=2")), time) as crm:
        assert len(await snapshots(crm, 3)) == 3


class MergedTasksSandbox(HubSpotSandbox):
    """Answers the second task to who asks for the first one by its id: the two have been merged, if it `says` so."""

    says = True

    def answer(self, call: ReceivedRequest, *, stale: bool) -> Response:
        """What a request is answered."""
        if call.method != "GET" or task_id(1) not in call.path:
            return super().answer(call, stale=stale)
        answer = super().answer(replace(call, path=call.path.replace(task_id(1), task_id(2))), stale=stale)
        row = json.loads(answer.body)
        if self.says:
            row["properties"]["hs_merged_object_ids"] = f"{task_id(7)};{task_id(1)}"
        return replace(answer, body=json.dumps(row).encode())


async def test_a_merged_task_is_not_mistaken_for_the_remaining_one() -> None:
    variant, time = SpecVariant.parse([*OPEN, "lost_input=1"]), Time()
    async with served(
        MergedTasksSandbox(seed=seed(2), token=KEY, clock=time.moment, spec_variant=variant), time
    ) as crm:
        assert (await crm.backend.snapshots([task_id(1), task_id(2)])).keys() == {task_id(2)}
        assert (await crm.backend.get_task(task_id(1))).id == task_id(2)


async def test_a_task_in_whose_place_another_is_answered_exists_with_unknown_values() -> None:
    variant, time = SpecVariant.parse([*OPEN, "lost_input=1"]), Time()
    sandbox = MergedTasksSandbox(seed=seed(2), token=KEY, clock=time.moment, spec_variant=variant)
    sandbox.says = False
    async with served(sandbox, time) as crm:
        found = await crm.backend.snapshots([task_id(1), task_id(2)])
    assert [(key, bool(one.task.unreadable_fields)) for key, one in found.items()] == [
        (task_id(1), True),
        (task_id(2), False),
    ]


async def test_the_answer_with_another_task_is_invalid_unless_it_says_that_the_tasks_were_merged() -> None:
    time = Time()
    sandbox = MergedTasksSandbox(seed=seed(2), token=KEY, clock=time.moment)
    sandbox.says = False
    async with served(sandbox, time) as crm:
        with pytest.raises(InvalidAnswer, match="another task"):
            await crm.backend.get_task(task_id(1))


async def test_tasks_are_found_by_the_configured_property_and_keyed_by_the_requested_id() -> None:
    time = Time()
    world = seed(rows=[row(number, {"contacts": [CAROLINA]}, ref=f"REF-{number}") for number in (1, 2)])
    spec_variant = (*OPEN, "unique_property=ref")
    async with served(hubspot(time, world, spec_variant=spec_variant), time, hubspot_id_property="ref") as crm:
        found = await crm.backend.snapshots(["ref-1", "REF-2", "REF-3"])
        assert not [path for path in crm.sent if path.endswith("ref-1")]
        assert {one: (of.task.id, of.task.ai_contact_id) for one, of in found.items()} == {
            "ref-1": ("REF-1", CAROLINA),
            "REF-2": ("REF-2", CAROLINA),
        }
        (outcome,) = await crm.backend.update_tasks([(found["ref-1"].task, Edit(title="New"))])
        assert outcome.written is not None
        assert outcome.written.task == found["ref-1"].task.model_copy(update={"title": "New"})


async def test_a_lagging_list_shows_the_recent_write_of_a_task_with_a_configured_id_property() -> None:
    time = Time()
    variant = ("burst=0", "searches=0", "settle_ms=0", "search_lag=30", "unique_property=ref")
    world = seed(rows=[row(number, ref=f"REF-{number}") for number in (1, 2)])
    async with served(hubspot(time, world, spec_variant=variant), time, hubspot_id_property="ref") as crm:
        before = (await crm.backend.snapshots(["REF-1"]))["REF-1"].task
        await crm.backend.update_task(before, Edit(title="New"))
        listed = (await crm.backend.list_tasks(TaskQuery())).tasks
    assert {task.id: task.title for task in listed} == {"REF-1": "New", "REF-2": "Call Acme 2"}


CHANGES = {
    "status": Edit(status=StatusChoice(id="COMPLETED")),
    "priority": Edit(priority=2),
    "owner": Edit(responsible_ids=(ANA,)),
    "no owner": Edit(responsible_ids=()),
    "a day": Edit(due=Due(date(2026, 3, 10))),
    "an instant": Edit(due=Due.instant(datetime(2026, 3, 10, 18, 30, tzinfo=UTC), "America/Santiago")),
    "title": Edit(title="Ñandú <1>"),
    "description": Edit(description="a < b\nc"),
}


async def test_a_thousand_tasks_are_read_and_changed_in_thirty_requests() -> None:
    time = Time()
    rows = [row(number, {"contacts": [CAROLINA]}) for number in range(1, 1001)]
    async with served(hubspot(time, seed(rows=rows), spec_variant=OPEN), time) as crm:
        before = await snapshots(crm, 1000)
        edit = Edit(
            title="New", due=Due(date(2026, 3, 10)), responsible_ids=(), priority=0, status=StatusChoice(id="COMPLETED")
        )
        outcomes = await crm.backend.update_tasks([(one.task, edit) for one in before.values()])
        assert len(crm.sent) == 23
        assert all(one.written and not list(edit.unmet_by(one.written.task).given_fields()) for one in outcomes)
        assert {one["properties"]["hs_task_subject"] for one in crm.hubspot.tasks} == {"New"}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("echo", ["instant", "millis"])
async def test_a_hundred_tasks_are_changed_in_one_request_and_shown_as_they_are(change: str, echo: str) -> None:
    time = Time()
    rows = [row(number, {"contacts": [CAROLINA]}, hs_task_body="<p>x</p>") for number in range(1, 4)]
    async with served(hubspot(time, seed(rows=rows), spec_variant=(*OPEN, f"due_echo={echo}")), time) as crm:
        before = await snapshots(crm, 3)
        crm.hubspot.clear_requests()
        outcomes = await crm.backend.update_tasks([(one.task, CHANGES[change]) for one in before.values()])
        assert crm.sent == [UPDATE]
        after = await crm.backend.snapshots(list(before))
        for one in outcomes:
            assert one.written is not None
            assert one.written.task == after[one.task_id].task


async def test_fields_missing_from_the_answer_to_an_update_are_read_back() -> None:
    time = Time()
    rows = [row(number, {"contacts": [CAROLINA]}) for number in range(1, 4)]
    async with served(hubspot(time, seed(rows=rows), spec_variant=(*OPEN, "update_shows=changed")), time) as crm:
        before = await snapshots(crm, 3)
        crm.hubspot.clear_requests()
        first, *others = before.values()
        same = replace(Edit(priority=2), title=str(first.task.title))
        edits = [(first.task, same), *((one.task, Edit(priority=2)) for one in others)]
        outcomes = await crm.backend.update_tasks(edits)
        (read,) = [one.body for one in crm.hubspot.requests if f"{one.method} {one.path}" == READ]
        assert read["inputs"] == [{"id": first.task.id}]
        assert all(one.written and one.written.task.priority == 2 and one.written.note is None for one in outcomes)
        assert {one.written and one.written.task.ai_contact_id for one in outcomes} == {CAROLINA}


async def test_a_field_that_was_unreadable_before_an_update_is_read_back() -> None:
    time = Time()
    rows = [row(number, hs_task_body="<p>x</p>") for number in (1, 2)]
    async with served(hubspot(time, seed(rows=rows), spec_variant=OPEN), time) as crm:
        before = [with_unreadable(one.task, "description") for one in (await snapshots(crm, 2)).values()]
        outcomes = await crm.backend.update_tasks([(task, Edit(title="New")) for task in before])
    tasks = [outcome.written.task for outcome in outcomes if outcome.written]
    assert [(task.title, task.description, task.unreadable_fields) for task in tasks] == [("New", "x", ())] * 2


async def test_a_task_named_twice_is_as_hubspot_confirmed_it_each_time() -> None:
    time = Time()
    async with served(hubspot(time, seed(1), spec_variant=OPEN), time) as crm:
        (one,) = (await snapshots(crm, 1)).values()
        crm.hubspot.faults = (Fault("status", READ, status=500, nth="every"),)
        outcomes = await crm.backend.update_tasks([(one.task, Edit(title="A")), (one.task, Edit(priority=2))])
        written = [outcome.written for outcome in outcomes if outcome.written]
        assert [(each.task.title, each.task.priority, each.note) for each in written] == [
            ("A", one.task.priority, None),
            ("A", 2, None),
        ]
        assert crm.stored_properties(1)["hs_task_subject"] == "A"


@pytest.mark.parametrize(
    ("shown", "sent", "expected"),
    [
        ({"hs_task_subject": "x"}, {"hs_task_subject": "x"}, True),
        ({"hs_task_subject": "X"}, {"hs_task_subject": "x"}, False),
        ({}, {"hs_task_subject": "x"}, False),
        ({}, {"hubspot_owner_id": ""}, False),
        ({"hubspot_owner_id": None}, {"hubspot_owner_id": ""}, True),
        ({"hubspot_owner_id": ""}, {"hubspot_owner_id": ""}, True),
        ({"hs_task_is_all_day": True}, {"hs_task_is_all_day": "true"}, True),
        ({"hs_timestamp": "2026-03-06T13:00:00Z"}, {"hs_timestamp": "2026-03-06T13:00:00.000Z"}, True),
        ({"hs_timestamp": "1772802000000"}, {"hs_timestamp": "2026-03-06T13:00:00.000Z"}, True),
        ({"hs_timestamp": "2026-03-06T13:00:00.001Z"}, {"hs_timestamp": "2026-03-06T13:00:00.000Z"}, False),
        ({"hs_timestamp": "soon"}, {"hs_timestamp": "2026-03-06T13:00:00.000Z"}, False),
        ({"hs_timestamp": None}, {"hs_timestamp": "2026-03-06T13:00:00.000Z"}, False),
    ],
)
def test_an_answer_is_compared_with_the_sent_values(
    shown: dict[str, Any], sent: dict[str, str], expected: object
) -> None:
    assert Record({"properties": shown}, {}).shows(sent) is expected
