"""Many new tasks at once: one request for a hundred, one outcome for each, and nothing made twice."""

import json
from collections import Counter
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from backends.hubspot.sandboxed_app import (
    ANA,
    CAROLINA,
    KEY,
    Account,
    Time,
    error_codes,
    hubspot,
    seed,
    served,
    task_id,
)
from taskhand.backends.hubspot.errors import MESSAGES as HUBSPOT
from taskhand.domain.due import Due
from taskhand.domain.edit import Edit
from taskhand.sandbox.faults import Fault
from taskhand.sandbox.hubspot import HubSpotSandbox, SpecVariant
from taskhand.sandbox.messages import ReceivedRequest, Response

CREATE, READ = "POST /crm/v3/objects/tasks/batch/create", "POST /crm/v3/objects/tasks/batch/read"
OPEN = ("burst=0", "searches=0", "search_lag=0")


def new(title: str, **more: Any) -> Edit:
    return Edit(title=title, responsible_ids=(ANA,), priority=1, due=Due(date(2026, 3, 6)), **more)


def titles(crm: Account) -> list[str]:
    """The titles of the tasks in HubSpot that are not the seeded ones."""
    return sorted(one["properties"]["hs_task_subject"] for one in crm.hubspot.tasks if "New" in str(one))


async def test_a_hundred_and_twenty_tasks_take_two_requests_and_are_read_back_with_two() -> None:
    async with served(hubspot(spec_variant=OPEN)) as crm:
        await crm.backend.prepare()
        crm.hubspot.clear_requests()
        results = await crm.backend.create_tasks([new(f"New {number:03}", deal_id=None) for number in range(120)])
        assert Counter(crm.sent) == {CREATE: 2, READ: 2}
        assert [one.written.task.title for one in results if one.written] == [
            f"New {number:03}" for number in range(120)
        ]
        assert [one.written.note for one in results if one.written] == [None] * 120


async def test_links_are_sent_with_new_tasks_and_read_back() -> None:
    async with served(hubspot(spec_variant=OPEN)) as crm:
        linked, plain = await crm.backend.create_tasks([new("New A", ai_contact_id=CAROLINA), new("New B")])
        assert linked.written is not None
        assert plain.written is not None
        assert (linked.written.task.ai_contact_id, plain.written.task.ai_contact_id) == (CAROLINA, None)
        (sent,) = [one for one in crm.hubspot.requests if one.route == CREATE]
        inputs = (sent.body or {})["inputs"]
        assert len({one["objectWriteTraceId"] for one in inputs}) == 2
        assert ["associations" in one for one in inputs] == [True, False]


async def test_a_refused_input_does_not_fail_the_other_inputs() -> None:
    async with served(hubspot(spec_variant=OPEN)) as crm:
        good, bad = await crm.backend.create_tasks([new("New A"), new("New B", ai_contact_id="999")])
        assert good.written is not None
        assert bad.error is not None
        assert titles(crm) == ["New A"]


async def test_a_batch_that_is_refused_as_a_whole_is_sent_one_by_one() -> None:
    async with served(hubspot(spec_variant=OPEN)) as crm:
        crm.hubspot.faults = [Fault("status", CREATE, status=400)]
        results = await crm.backend.create_tasks([new("New A"), new("New B")])
        assert [one.error for one in results] == [None, None]
        assert titles(crm) == ["New A", "New B"]


async def test_lost_tasks_are_found_with_one_search_even_where_one_looks_like_another() -> None:
    async with served(hubspot(spec_variant=OPEN)) as crm:
        await crm.backend.prepare()
        crm.hubspot.clear_requests()
        crm.hubspot.faults = [Fault("reset_after", CREATE)]
        # The second one shows everything that the first one sets.
        results = await crm.backend.create_tasks([new("New"), new("New", description="With a text"), new("New B")])
        assert [one.written.task.description for one in results if one.written] == [None, "With a text", None]
        assert len({one.task_id for one in results}) == 3
        assert Counter(crm.sent)["POST /crm/v3/objects/tasks/search"] == 1
        assert titles(crm) == ["New", "New", "New B"]


async def test_an_account_that_refuses_the_all_day_flag_gets_each_task_once_without_it() -> None:
    async with served(hubspot(spec_variant=(*OPEN, "all_day=read_only"))) as crm:
        results = await crm.backend.create_tasks([new("New A"), new("New B")])
        assert [one.error for one in results] == [None, None]
        assert all(one.written and "all day" in str(one.written.note) for one in results)
        assert titles(crm) == ["New A", "New B"]


@pytest.mark.parametrize(
    "fault", [Fault("status", CREATE, nth=2, status=500, commit=True), Fault("reset_after", CREATE, nth=2)]
)
async def test_tasks_sent_without_the_all_day_flag_whose_answer_is_lost_are_found_and_not_refused(fault: Fault) -> None:
    async with served(hubspot(spec_variant=(*OPEN, "all_day=read_only"))) as crm:
        crm.hubspot.faults = [fault]
        results = await crm.backend.create_tasks([new("New A"), new("New B")])
        assert [one.error for one in results] == [None, None]
        assert Counter(crm.sent)[CREATE] == 2
        assert titles(crm) == ["New A", "New B"]


class DelayedBatchSandbox(HubSpotSandbox):
    """Carries out each batch of updates but the first one two seconds later."""

    def answer(self, call: ReceivedRequest, *, stale: bool) -> Response:
        """What a request is answered."""
        found = super().answer(call, stale=stale)
        if call.path.endswith("/batch/update"):
            self.spec_variant = replace(self.spec_variant, batch_update="pending_later")
        return found


async def test_updates_sent_without_the_all_day_flag_may_be_pending() -> None:
    time = Time()
    variant = SpecVariant.parse([*OPEN, "all_day=read_only"])
    sandbox = DelayedBatchSandbox(seed=seed(2), token=KEY, clock=time.moment, spec_variant=variant)
    async with served(sandbox, time) as crm:
        found = await crm.backend.snapshots([task_id(1), task_id(2)])
        edit = Edit(due=Due(date(2026, 3, 9)))
        results = await crm.backend.update_tasks([(one.task, edit) for one in found.values()])
        assert [one.error for one in results] == [None, None]
        assert Counter(crm.sent)["POST /crm/v3/objects/tasks/batch/update"] == 2


@pytest.mark.parametrize(
    ("reading", "code"),
    [
        ("batch_create=pending_done", None),
        ("batch_create=pending_later", None),
        ("batch_create=pending_never", "outcome_unknown"),
        ("batch_create=canceled", "outcome_unknown"),
    ],
)
async def test_a_batch_that_is_pending_is_looked_for_and_never_sent_again(reading: str, code: str | None) -> None:
    time = Time()
    async with served(hubspot(time, spec_variant=(*OPEN, reading)), time) as crm:
        results = await crm.backend.create_tasks([new("New A"), new("New B")])
        assert error_codes(results) == [code, code]
        assert Counter(crm.sent)[CREATE] == 1
        assert titles(crm) == ([] if code else ["New A", "New B"])


class UnexecutedBatchSandbox(HubSpotSandbox):
    """Lists the results of a batch that it never carries out."""

    def answer(self, call: ReceivedRequest, *, stale: bool) -> Response:
        """What a request is answered."""
        found = super().answer(call, stale=stale)
        if not call.path.endswith(("/batch/create", "/batch/update")):
            return found
        results = [{"id": "77599999999"} | one for one in json.loads(call.body)["inputs"]]
        return Response.of_json(found.status, json.loads(found.body) | {"results": results})


@pytest.mark.parametrize("status", ["pending_never", "canceled"])
async def test_the_results_of_an_incomplete_batch_are_not_trusted(status: str) -> None:
    time = Time()
    variant = SpecVariant.parse([*OPEN, f"batch_create={status}", f"batch_update={status}"])
    sandbox = UnexecutedBatchSandbox(seed=seed(2), token=KEY, clock=time.moment, spec_variant=variant)
    async with served(sandbox, time) as crm:
        made = await crm.backend.create_tasks([new("New A"), new("New B")])
        found = await crm.backend.snapshots([task_id(1), task_id(2)])
        changed = await crm.backend.update_tasks([(one.task, Edit(title="New")) for one in found.values()])
        assert [one.written for one in made] == [None, None]
        assert not [one for one in changed if one.written and one.written.task.title == "New"]
        assert titles(crm) == []


@pytest.mark.parametrize("count", [1, 2])
async def test_a_new_task_that_cannot_be_read_back_has_a_note(count: int) -> None:
    async with served(hubspot(spec_variant=OPEN)) as crm:
        reads = ("GET /crm/v3/objects/tasks/{id}", READ)
        crm.hubspot.faults = [Fault("status", route, status=403, nth="every") for route in reads]
        results = await crm.backend.create_tasks([new(f"New {number}") for number in range(count)])
        assert [one.written and one.written.note for one in results] == [HUBSPOT.accepted] * count
