"""A bulk write with a watcher: each outcome is reported once, and after a stop every task has an outcome."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from backends.hubspot.sandboxed_app import (
    BRUNO,
    CAROLINA,
    Account,
    Time,
    error_codes,
    hubspot,
    row,
    seed,
    served,
    task_id,
)
from taskhand.backends.base import BulkProgress, ItemResult
from taskhand.backends.hubspot.errors import MESSAGES as HUBSPOT
from taskhand.call.deadline import call_deadline
from taskhand.domain.edit import Edit
from taskhand.domain.errors import OutcomeUnknown, RateLimited
from taskhand.domain.task import Task
from taskhand.sandbox.faults import Fault

OPEN = ("burst=0", "searches=0")
UPDATE, READ = "POST /crm/v3/objects/tasks/batch/update", "POST /crm/v3/objects/tasks/batch/read"
PAIRS = "POST /crm/v4/associations/{kind}/{to}/batch"
LINK = "PUT /crm/v4/objects/{kind}/{id}/associations/default/{to}/{toId}"
UNLINK = "DELETE /crm/v4/objects/{kind}/{id}/associations/{to}/{toId}"
EVER: dict[str, Any] = {"nth": "every"}


@dataclass(slots=True)
class RecordedProgress(BulkProgress):
    """Notes how often it is told of a place, and how much was sent by then; stops after `most` outcomes."""

    crm: Account | None = None
    most: int | None = None
    told: list[int] = field(default_factory=list)
    sent: list[int] = field(default_factory=list)

    def report(self, index: int, result: ItemResult) -> None:
        BulkProgress.report(self, index, result)
        self.told.append(index)
        self.sent.append(self.crm.sent.count(UPDATE) if self.crm else 0)
        if self.most is not None and len(self.told) >= self.most and self.stopped is None:
            self.stop("the caller gave up")


async def tasks(crm: Account, count: int) -> list[Task]:
    """The seeded tasks, then a clean log."""
    found = await crm.backend.snapshots([task_id(number) for number in range(1, count + 1)])
    crm.hubspot.clear_requests()
    return [one.task for one in found.values()]


def titles(crm: Account) -> list[str]:
    return [one["properties"]["hs_task_subject"] for one in crm.hubspot.tasks]


async def test_every_outcome_is_reported_once_and_batch_by_batch() -> None:
    time = Time()
    async with served(hubspot(time, seed(500), spec_variant=(*OPEN, "lost_input=7")), time) as crm:
        before, watch = await tasks(crm, 500), RecordedProgress(crm=crm)
        edits = [(task, Edit(title="New")) for task in before]
        edits[3] = (before[3], Edit(responsible_ids=("1",)))
        outcomes = await crm.backend.update_tasks(edits, watch)
        assert sorted(watch.told) == list(range(500))
        assert watch.results == dict(enumerate(outcomes))
        assert watch.sent[0] < 5
        assert {error_codes(outcomes)[index] for index in (6, 106, 206)} == {None}
        assert error_codes(outcomes)[3] == "upstream_refused"


async def test_a_stopped_bulk_update_sends_no_more_batches_and_reports_every_sent_one() -> None:
    time = Time()
    async with served(hubspot(time, seed(1000), spec_variant=OPEN), time) as crm:
        before, watch = await tasks(crm, 1000), RecordedProgress(crm=crm, most=1)
        outcomes = await crm.backend.update_tasks([(task, Edit(title="New")) for task in before], watch)
        assert crm.sent.count(UPDATE) == 4
        assert error_codes(outcomes) == [None] * 400 + ["not_attempted"] * 600
        assert [one.error for one in outcomes[400:]] == [watch.stopped] * 600
        assert [title == "New" for title in titles(crm)] == [one.written is not None for one in outcomes]


async def test_a_call_that_is_stopped_before_it_begins_sends_nothing() -> None:
    time = Time()
    rows = [row(1), row(2, {"contacts": [CAROLINA]}), row(3)]
    async with served(hubspot(time, seed(rows=rows), spec_variant=OPEN), time) as crm:
        before, watch = await tasks(crm, 3), BulkProgress()
        watch.stop("the caller gave up")
        edits = [Edit(title="New"), Edit(ai_contact_id=None), Edit(title="New", ai_contact_id=BRUNO)]
        outcomes = await crm.backend.update_tasks(list(zip(before, edits, strict=True)), watch)
        assert error_codes(outcomes) == ["not_attempted"] * 3
        assert not any(one.committed for one in crm.hubspot.requests)


async def test_a_stopped_bulk_change_reads_back_lost_batches_and_does_not_resend_them() -> None:
    time = Time()
    async with served(hubspot(time, seed(600), spec_variant=OPEN), time) as crm:
        before, watch = await tasks(crm, 600), RecordedProgress(crm=crm, most=1)
        crm.hubspot.faults = (Fault("reset_before", UPDATE, nth=2), Fault("reset_after", UPDATE, nth=3))
        outcomes = await crm.backend.update_tasks([(task, Edit(title="New")) for task in before], watch)
        assert crm.sent.count(UPDATE) == 4
        codes = sorted(error_codes(outcomes), key=str)
        assert codes == [None] * 300 + ["not_attempted"] * 200 + ["upstream_error"] * 100
        assert sum(one.written.note == HUBSPOT.applied for one in outcomes if one.written) == 100
        lost = next(one.error for one in outcomes if one.error and one.error.code == "upstream_error")
        assert "not applied" in lost.message
        assert lost.retryable
        assert [title == "New" for title in titles(crm)] == [one.written is not None for one in outcomes]


async def test_a_request_to_wait_stops_the_remaining_batches() -> None:
    time = Time()
    async with served(hubspot(time, seed(700), spec_variant=(*OPEN, "limit_policy=DAILY")), time) as crm:
        before = await tasks(crm, 700)
        crm.hubspot.faults = (Fault("status", UPDATE, nth=2, times=100, status=429),)
        outcomes = await crm.backend.update_tasks([(task, Edit(title="New")) for task in before])
        assert crm.sent.count(UPDATE) == 4
        assert sorted(error_codes(outcomes), key=str) == [None] * 100 + ["not_attempted"] * 300 + ["rate_limited"] * 300
        assert {one.error.retry_after_s for one in outcomes if one.error} == {3600}
        assert [title == "New" for title in titles(crm)] == [one.written is not None for one in outcomes]


async def test_a_task_with_a_new_link_is_not_reported_as_not_sent() -> None:
    time = Time()
    async with served(hubspot(time, seed(700), spec_variant=(*OPEN, "limit_policy=DAILY")), time) as crm:
        before = await tasks(crm, 700)
        crm.hubspot.faults = (Fault("status", UPDATE, nth=2, times=100, status=429),)
        outcomes = await crm.backend.update_tasks(
            [(task, Edit(title="New", ai_contact_id=CAROLINA)) for task in before]
        )
        assert crm.sent.count(UPDATE) == 4
        assert set(error_codes(outcomes)) == {"outcome_unknown"}
        left = [one for one in outcomes if one.error and "newly linked" in one.error.message]
        assert [title == "New" for title in titles(crm)] == [one not in left for one in outcomes]


async def test_no_properties_are_sent_after_hubspot_asked_to_wait_for_the_links() -> None:
    time = Time()
    async with served(hubspot(time, seed(2), spec_variant=(*OPEN, "limit_policy=DAILY")), time) as crm:
        before = await tasks(crm, 2)
        crm.hubspot.faults = (Fault("status", LINK, status=429),)
        edits = [Edit(title="New", ai_contact_id=CAROLINA), Edit(title="New")]
        outcomes = await crm.backend.update_tasks(list(zip(before, edits, strict=True)))
        assert error_codes(outcomes) == ["rate_limited", "not_attempted"]
        assert isinstance(outcomes[0].error, RateLimited)
        assert not any(one.committed for one in crm.hubspot.requests)


async def test_a_stop_after_the_links_removes_the_links_of_unsent_updates() -> None:
    time = Time()
    rows = [row(number, {"contacts": [CAROLINA]}) for number in range(1, 602)]
    async with served(hubspot(time, seed(rows=rows), spec_variant=OPEN), time) as crm:
        before, watch = await tasks(crm, 601), RecordedProgress(crm=crm, most=1)
        edits = [(before[0], Edit(title="New")), *((one, Edit(title="New", ai_contact_id=BRUNO)) for one in before[1:])]
        outcomes = await crm.backend.update_tasks(edits, watch)
        assert error_codes(outcomes) == [None] * 400 + ["not_attempted"] * 201
        linked = {one["task_id"]: one["other_id"] for one in crm.hubspot.state()["links"]}
        assert len(linked) == len(crm.hubspot.state()["links"]) == 601
        assert [linked[task.id] for task in before] == [CAROLINA] + [BRUNO] * 399 + [CAROLINA] * 201


async def test_the_new_links_of_an_update_with_an_unknown_outcome_are_named() -> None:
    time = Time()
    async with served(hubspot(time, seed(2), spec_variant=OPEN), time) as crm:
        before = await tasks(crm, 2)
        crm.hubspot.faults = (
            Fault("reset_before", UPDATE, **EVER),
            Fault("status", READ, status=500, **EVER),
        )
        edits = [Edit(title="New", ai_contact_id=CAROLINA), Edit(title="New")]
        linked, plain = await crm.backend.update_tasks(list(zip(before, edits, strict=True)))
        assert isinstance(linked.error, OutcomeUnknown)
        assert isinstance(plain.error, OutcomeUnknown)
        assert f"newly linked to contacts {CAROLINA}" in linked.error.message
        assert "newly linked" not in plain.error.message


async def test_a_former_link_that_could_not_be_removed_is_named_in_the_note() -> None:
    time = Time()
    rows = [row(1, {"contacts": [CAROLINA]}), row(2, {"contacts": [CAROLINA]})]
    async with served(hubspot(time, seed(rows=rows), spec_variant=OPEN), time) as crm:
        before = await tasks(crm, 2)
        crm.hubspot.faults = (Fault("status", f"{PAIRS}/archive", status=500),)
        outcomes = await crm.backend.update_tasks([(task, Edit(ai_contact_id=BRUNO)) for task in before])
        for one in outcomes:
            assert one.written is not None
            assert one.written.task.ai_contact_id == BRUNO
            assert f"still linked to contacts {CAROLINA}" in str(one.written.note)


async def test_a_request_to_wait_at_the_removal_of_a_former_link_stops_a_second_edit_of_the_task() -> None:
    time = Time()
    async with served(hubspot(time, seed(rows=[row(1, {"contacts": [CAROLINA]})]), spec_variant=OPEN), time) as crm:
        [before] = await tasks(crm, 1)
        crm.hubspot.faults = (Fault("status", UNLINK, status=429, retry_after=600),)
        edits = [(before, Edit(ai_contact_id=BRUNO)), (before, Edit(title="New"))]
        assert error_codes(await crm.backend.update_tasks(edits)) == ["outcome_unknown", "not_attempted"]
        assert crm.stored_properties(1)["hs_task_subject"] == before.title


@pytest.mark.parametrize("count", [1, 2])
async def test_a_former_link_is_removed_in_all_the_time_that_a_call_has_left(count: int) -> None:
    time = Time()
    rows = [row(number, {"contacts": [CAROLINA]}) for number in range(1, count + 1)]
    variant = (*OPEN, "limit_policy=TEN_SECONDLY_ROLLING")
    async with served(hubspot(time, seed(rows=rows), spec_variant=variant), time) as crm:
        before, edit = await tasks(crm, count), Edit(title="New", ai_contact_id=BRUNO)
        crm.hubspot.faults = (Fault("status", f"{PAIRS}/archive" if count > 1 else UNLINK, status=429),)
        with call_deadline(13.0, time.clock):  # after the wait of ten seconds no other write would be sent
            if count == 1:
                await crm.backend.update_task(before[0], edit)
            else:
                await crm.backend.update_tasks([(task, edit) for task in before])
        assert [link["other_id"] for link in crm.hubspot.state()["links"]] == [BRUNO] * count


async def test_a_call_that_cannot_begin_is_reported() -> None:
    time = Time()
    async with served(hubspot(time, seed(2), spec_variant=OPEN), time) as other:
        before = await tasks(other, 2)
    sandbox = hubspot(time, seed(2), spec_variant=OPEN)
    sandbox.faults = (Fault("status", "GET /crm/v3/pipelines/{kind}", status=401, **EVER),)
    async with served(sandbox, time) as crm:
        watch = RecordedProgress(crm=crm)
        outcomes = await crm.backend.update_tasks([(task, Edit(title="New")) for task in before], watch)
        assert error_codes(outcomes) == ["unauthorized"] * 2
        assert watch.told == [0, 1]
        assert not any(one.committed for one in sandbox.requests)
