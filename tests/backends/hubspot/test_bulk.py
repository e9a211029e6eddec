"""Many tasks at once: few requests, one outcome for each, and nothing lost between the lists of an answer."""

import json
from collections import Counter
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from backends.hubspot.sandboxed_app import (
    ANA,
    BRUNO,
    CAROLINA,
    COMPANY,
    Account,
    Time,
    error_codes,
    hubspot,
    row,
    seed,
    served,
    task_id,
)
from taskhand.backends.hubspot.errors import MESSAGES as HUBSPOT
from taskhand.domain.due import Due
from taskhand.domain.edit import Edit
from taskhand.domain.task import StatusChoice, Task
from taskhand.sandbox.faults import Fault

UPDATE, READ = "POST /crm/v3/objects/tasks/batch/update", "POST /crm/v3/objects/tasks/batch/read"
LINKS = "POST /crm/v4/associations/{kind}/{to}/batch/read"
LINK_ONE = "PUT /crm/v4/objects/{kind}/{id}/associations/default/{to}/{toId}"
LINK_MANY = LINKS.replace("read", "create")
OPEN = ("burst=0", "searches=0")
"""A HubSpot without limits: these tests are not about them."""


async def tasks(crm: Account, count: int) -> list[Task]:
    """The seeded tasks, then a clean log."""
    reader = crm.backend._reader  # noqa: SLF001 - reading a thousand tasks one by one is not what is tested
    found = await reader.read_records([task_id(number) for number in range(1, count + 1)])
    read = await reader.to_tasks(found.values())
    crm.hubspot.clear_requests()
    return sorted(read, key=lambda task: task.id)


def count_requests(crm: Account) -> Counter[str]:
    return Counter(crm.sent)


async def test_a_thousand_tasks_take_ten_updates_and_no_further_reads() -> None:
    time = Time()
    async with served(hubspot(time, seed(1000), spec_variant=OPEN), time) as crm:
        before = await tasks(crm, 1000)
        outcomes = await crm.backend.update_tasks([(task, Edit(priority=2)) for task in before])
        assert count_requests(crm) == {UPDATE: 10}
        assert [one.task_id for one in outcomes] == [task.id for task in before]
        assert all(one.written and one.written.task.priority == 2 and one.written.note is None for one in outcomes)
        assert {one["properties"]["hs_task_priority"] for one in crm.hubspot.tasks} == {"HIGH"}


async def test_a_thousand_tasks_keep_to_the_documented_rate() -> None:
    time = Time()
    async with served(hubspot(time, seed(1000), spec_variant=("burst=12",)), time) as crm:
        before = await tasks(crm, 1000)
        outcomes = await crm.backend.update_tasks([(task, Edit(priority=2)) for task in before])
        assert error_codes(outcomes) == [None] * 1000
        assert all(one.status != 429 for one in crm.hubspot.requests)
        assert sum(time.slept) > 0


async def test_every_batch_input_has_its_own_trace_id_and_only_changed_properties() -> None:
    time = Time()
    async with served(hubspot(time, seed(3), spec_variant=OPEN), time) as crm:
        before = await tasks(crm, 3)
        edit = Edit(title="New", due=Due(date(2026, 3, 10)), responsible_ids=(), status=StatusChoice(id="COMPLETED"))
        await crm.backend.update_tasks([(task, edit) for task in before])
        (sent,) = [one.body for one in crm.hubspot.requests if one.path.endswith("/update")]
        inputs: list[dict[str, Any]] = sent["inputs"]
        assert [one["id"] for one in inputs] == [task.id for task in before]
        assert {*map(frozenset, inputs)} == {frozenset({"id", "objectWriteTraceId", "properties"})}
        assert len({one["objectWriteTraceId"] for one in inputs}) == 3
        assert inputs[0]["properties"] == {
            "hs_task_subject": "New",
            "hs_timestamp": "2026-03-10T15:00:00.000Z",
            "hs_task_is_all_day": "true",
            "hubspot_owner_id": "",
            "hs_task_status": "COMPLETED",
        }


@pytest.mark.parametrize("effect", ["done", "undone"])
@pytest.mark.parametrize("order", ["shuffled", "input"])
@pytest.mark.parametrize("errors", ["spec", "recorded"])
async def test_an_input_missing_from_the_answer_is_read_back(effect: str, order: str, errors: str) -> None:
    time = Time()
    spec_variant = (*OPEN, "lost_input=2", f"lost_effect={effect}", f"results_order={order}", f"batch_errors={errors}")
    async with served(hubspot(time, seed(4)), time) as crm:
        before = await tasks(crm, 4)
        crm.hubspot.set_spec_variant(spec_variant)
        outcomes = await crm.backend.update_tasks([(task, Edit(title="New")) for task in before])
        titles = [one["properties"]["hs_task_subject"] for one in crm.hubspot.tasks]
        lost = outcomes[1]
        assert [one.written is not None for one in outcomes] == [True] * 4
        assert titles == ["New"] * 4
        assert lost.written is not None
        assert lost.written.note == (HUBSPOT.applied if effect == "done" else HUBSPOT.sent_again)


async def test_the_response_to_an_earlier_batch_refuses_no_task_of_a_later_one() -> None:
    time = Time()
    async with served(hubspot(time, seed(4), spec_variant=OPEN), time) as crm:
        before = await tasks(crm, 4)
        await crm.backend.update_tasks([(task, Edit(priority=2)) for task in before[:2]])
        (sent,) = [one.body for one in crm.hubspot.requests if one.path.endswith("/update")]
        errors = [
            {"category": "OBJECT_NOT_FOUND", "context": {"objectWriteTraceId": [one["objectWriteTraceId"]]}}
            for one in sent["inputs"]
        ]
        body = json.dumps({"status": "COMPLETE", "results": [], "errors": errors})
        crm.hubspot.faults = (Fault("status", route=UPDATE, status=207, body=body, commit=True),)
        outcomes = await crm.backend.update_tasks([(task, Edit(title="New")) for task in before[2:]])
        assert [one.written and one.written.note for one in outcomes] == [HUBSPOT.applied] * 2
        assert [crm.stored_properties(number)["hs_task_subject"] for number in (3, 4)] == ["New"] * 2


async def test_one_refused_task_does_not_prevent_the_others() -> None:
    time = Time()
    async with served(hubspot(time, seed(5), spec_variant=OPEN), time) as crm:
        before = await tasks(crm, 5)
        gone = before[1].model_copy(update={"id": "99999999999"})
        edits = [(task, Edit(title="New")) for task in before]
        edits[1] = (gone, Edit(title="New"))
        edits[3] = (before[3], Edit(responsible_ids=("1",)))
        outcomes = await crm.backend.update_tasks(edits)
        assert error_codes(outcomes) == [None, "task_not_found", None, "upstream_refused", None]
        assert outcomes[3].error is not None
        assert "responsibleIds" in outcomes[3].error.message


@pytest.mark.parametrize("bad", ["all", "one"])
async def test_a_batch_that_is_refused_as_a_whole_is_sent_in_parts(bad: str) -> None:
    time = Time()
    fault = Fault("status", UPDATE, nth=1, status=400)
    async with served(hubspot(time, seed(9), spec_variant=OPEN, faults=(fault,)), time) as crm:
        before = await tasks(crm, 9)
        worse = Edit(responsible_ids=("1",))
        edits = [
            (task, worse if bad == "all" or index == 4 else Edit(title="New")) for index, task in enumerate(before)
        ]
        outcomes = await crm.backend.update_tasks(edits)
        refused = [code == "upstream_refused" for code in error_codes(outcomes)]
        assert refused == [bad == "all" or index == 4 for index in range(9)]
        assert count_requests(crm)[UPDATE] <= 4


LOST = {
    "reset after commit": (Fault("reset_after", UPDATE), HUBSPOT.applied, None),
    "reset before commit": (Fault("reset_before", UPDATE), HUBSPOT.sent_again, None),
    "504 after commit": (Fault("status", UPDATE, status=504, commit=True), HUBSPOT.applied, None),
    "504": (Fault("status", UPDATE, status=504), HUBSPOT.sent_again, None),
    "503": (Fault("status", UPDATE, status=503), None, None),
    "500 after commit": (Fault("status", UPDATE, status=500, commit=True), HUBSPOT.applied, None),
    "500": (Fault("status", UPDATE, status=500), None, "upstream_error"),
    "cut off": (Fault("truncated", UPDATE), HUBSPOT.applied, None),
    "not JSON": (Fault("not_json", UPDATE), HUBSPOT.applied, None),
    "reset for ever": (Fault("reset_before", UPDATE, nth="every"), None, "upstream_error"),
    "429": (Fault("status", UPDATE, status=429), None, None),
    "401": (Fault("status", UPDATE, status=401), None, "unauthorized"),
    "redirect": (Fault("redirect", UPDATE), None, "upstream_redirect"),
    "then unreadable": (Fault("status", READ, status=500, nth="every"), None, None),
    "then limited": (Fault("status", READ, status=429, nth="every"), None, None),
}


@pytest.mark.parametrize("name", LOST)
async def test_outcomes_match_the_stored_tasks_after_the_answer_to_a_batch_is_lost(name: str) -> None:
    fault, note, code = LOST[name]
    time = Time()
    async with served(hubspot(time, seed(3), spec_variant=OPEN), time) as crm:
        before = await tasks(crm, 3)
        crm.hubspot.faults = (fault,)
        outcomes = await crm.backend.update_tasks([(task, Edit(title="New")) for task in before])
        assert error_codes(outcomes) == [code] * 3
        true = [one["properties"]["hs_task_subject"] for one in crm.hubspot.tasks]
        for one, title in zip(outcomes, true, strict=True):
            if one.written:
                assert (one.written.task.title, title, one.written.note) == ("New", "New", note)
        assert all(one.error.retryable for one in outcomes if one.error and name == "reset for ever")
        if code not in {None, "outcome_unknown"}:
            assert true == [task.title for task in before]


async def test_a_task_that_is_read_back_after_a_lost_answer_keeps_its_links() -> None:
    time, links = Time(), {"contacts": [CAROLINA]}
    world = seed(rows=[row(1, links), row(2, links)])
    sandbox = hubspot(time, world, spec_variant=OPEN, faults=(Fault("reset_after", UPDATE),))
    async with served(sandbox, time) as crm:
        before = [await crm.backend.get_task(task_id(number)) for number in (1, 2)]
        outcomes = await crm.backend.update_tasks([(task, Edit(title="New")) for task in before])
    assert [one.written and one.written.task.ai_contact_id for one in outcomes] == [CAROLINA] * 2


async def test_updated_tasks_keep_their_creator() -> None:
    time = Time()
    world = seed(rows=[row(number, hs_created_by_user_id="98499706") for number in (1, 2)])
    async with served(hubspot(time, world, spec_variant=OPEN), time) as crm:
        before = [await crm.backend.get_task(task_id(number)) for number in (1, 2)]
        outcomes = await crm.backend.update_tasks([(task, Edit(title="New")) for task in before])
    assert [one.written and one.written.task.creator_id for one in outcomes] == [ANA] * 2


async def test_a_task_named_twice_gets_both_edits_in_their_order() -> None:
    time = Time()
    async with served(hubspot(time, seed(1), spec_variant=OPEN), time) as crm:
        (task,) = await tasks(crm, 1)
        outcomes = await crm.backend.update_tasks([(task, Edit(title="A")), (task, Edit(title="B"))])
        assert error_codes(outcomes) == [None, None]
        assert crm.stored_properties(1)["hs_task_subject"] == "B"


@pytest.mark.parametrize("missing", ["left_out", "error"])
async def test_links_of_many_are_changed_in_few_requests_and_read_back(missing: str) -> None:
    time = Time()
    rows = [row(number, {"contacts": [CAROLINA]} if number % 2 else None) for number in range(1, 251)]
    spec_variant = (*OPEN, f"no_associations={missing}")
    async with served(hubspot(time, seed(rows=rows), spec_variant=spec_variant), time) as crm:
        before = await tasks(crm, 250)
        edit = Edit(title="New", ai_contact_id=BRUNO, ai_customer_id=COMPANY)
        outcomes = await crm.backend.update_tasks([(task, edit) for task in before])
        shown = {(one.written.task.ai_contact_id, one.written.task.ai_customer_id) for one in outcomes if one.written}
        assert shown == {(BRUNO, COMPANY)}
        assert error_codes(outcomes) == [None] * 250
        assert len(crm.sent) <= 16
        assert {link["other_id"] for link in crm.hubspot.state()["links"]} == {BRUNO, COMPANY}


async def test_an_unknown_contact_changes_no_task() -> None:
    time = Time()
    rows = [row(number, {"contacts": [CAROLINA]}) for number in range(1, 4)]
    async with served(hubspot(time, seed(rows=rows), spec_variant=OPEN), time) as crm:
        before = await tasks(crm, 3)
        state = crm.hubspot.state()
        edit = Edit(title="New", ai_contact_id="999", ai_customer_id=COMPANY)
        outcomes = await crm.backend.update_tasks([(task, edit) for task in before])
        assert error_codes(outcomes) == ["unknown_reference"] * 3
        assert crm.hubspot.state() == state
        assert not [one for one in crm.sent if one.endswith("/archive")]


async def test_an_unknown_contact_of_one_task_does_not_prevent_the_links_of_the_others() -> None:
    time = Time()
    rows = [row(number, {"contacts": [CAROLINA]}) for number in range(1, 4)]
    async with served(hubspot(time, seed(rows=rows), spec_variant=OPEN), time) as crm:
        before, contacts = await tasks(crm, 3), (BRUNO, "999", BRUNO)
        edits = [Edit(ai_contact_id=contact) for contact in contacts]
        outcomes = await crm.backend.update_tasks(list(zip(before, edits, strict=True)))
        assert error_codes(outcomes) == [None, "unknown_reference", None]
        assert [link["other_id"] for link in crm.hubspot.state()["links"]].count(BRUNO) == 2


async def test_a_task_with_several_contacts_keeps_them() -> None:
    time = Time()
    rows = [row(1, {"contacts": [CAROLINA, BRUNO]}), row(2)]
    async with served(hubspot(time, seed(rows=rows), spec_variant=OPEN), time) as crm:
        before = await tasks(crm, 2)
        outcomes = await crm.backend.update_tasks([(task, Edit(ai_contact_id=None)) for task in before])
        assert error_codes(outcomes) == ["several_links", None]
        assert len(crm.hubspot.state()["links"]) == 2


async def test_low_is_set_on_a_task_that_has_no_priority() -> None:
    time = Time()
    rows = [row(1, hs_task_priority="NONE"), row(2, hs_task_priority="")]
    async with served(hubspot(time, seed(rows=rows), spec_variant=OPEN), time) as crm:
        before = await tasks(crm, 2)
        outcomes = await crm.backend.update_tasks([(task, Edit(priority=0)) for task in before])
        assert [one.written is not None for one in outcomes] == [True, True]
        assert [crm.stored_properties(number)["hs_task_priority"] for number in (1, 2)] == ["LOW", "LOW"]


async def test_an_empty_bulk_update_sends_no_request() -> None:
    async with served() as crm:
        assert await crm.backend.update_tasks([]) == ()
        assert crm.sent == []


async def test_a_refused_property_removes_the_new_link() -> None:
    time = Time()
    async with served(hubspot(time, seed(2), spec_variant=OPEN), time) as crm:
        before = await tasks(crm, 2)
        bad = Edit(responsible_ids=("1",), ai_contact_id=CAROLINA)
        outcomes = await crm.backend.update_tasks([(before[0], bad), (before[1], replace(bad, responsible_ids=(ANA,)))])
        assert error_codes(outcomes) == ["upstream_refused", None]
        assert "newly linked" not in str(outcomes[0].error)
        assert [link["task_id"] for link in crm.hubspot.state()["links"]] == [before[1].id]


@pytest.mark.parametrize(("times", "code"), [(1, None), (2, "upstream_error")])
async def test_new_links_whose_answer_is_lost_are_sent_once_more(times: int, code: str | None) -> None:
    time = Time()
    async with served(hubspot(time, seed(2), spec_variant=OPEN), time) as crm:
        before = await tasks(crm, 2)
        crm.hubspot.faults = (Fault("reset_before", LINK_MANY, times=times),)
        outcomes = await crm.backend.update_tasks([(task, Edit(title="New", ai_contact_id=BRUNO)) for task in before])
        assert error_codes(outcomes) == [code] * 2
        assert [one.route for one in crm.hubspot.requests].count(LINK_MANY) == 2
        assert [link["other_id"] for link in crm.hubspot.state()["links"]] == ([BRUNO] * 2 if code is None else [])
        assert all(one.error.retryable for one in outcomes if one.error)


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (Fault("status", status=409), "conflict"),
        (Fault("status", status=400), "upstream_refused"),
        (Fault("status", status=404), "unknown_reference"),
        (Fault("status", status=403), "forbidden"),
        (Fault("status", status=500), "upstream_error"),
        (Fault("status", status=200, body="{}"), None),
    ],
)
async def test_a_failed_link_is_reported_unless_a_read_shows_it(fault: Fault, code: str | None, count: int) -> None:
    for commit in (False, True):
        time = Time()
        async with served(hubspot(time, seed(count), spec_variant=OPEN), time) as crm:
            before = await tasks(crm, count)
            crm.hubspot.faults = (replace(fault, route=LINK_ONE if count == 1 else LINK_MANY, commit=commit),)
            outcomes = await crm.backend.update_tasks([(task, Edit(ai_contact_id=BRUNO)) for task in before])
            expected = None if commit else code
            assert error_codes(outcomes) == [expected] * count
            assert [link["other_id"] for link in crm.hubspot.state()["links"]] == [BRUNO] * (0 if expected else count)


@pytest.mark.parametrize(("statuses", "code"), [([429] * 9, "not_attempted"), ([429, 404], None)])
async def test_new_links_that_a_stopped_bulk_does_not_finish_are_removed(statuses: list[int], code: str | None) -> None:
    time = Time()
    async with served(hubspot(time, seed(2), spec_variant=OPEN), time) as crm:
        before = await tasks(crm, 2)
        crm.hubspot.faults = [
            Fault("status", LINK_MANY, nth=nth, status=status, commit=status != 404)
            for nth, status in enumerate(statuses, 1)
        ]
        outcomes = await crm.backend.update_tasks([(task, Edit(ai_contact_id=BRUNO)) for task in before])
        assert error_codes(outcomes) == [code] * 2
        assert len(crm.hubspot.state()["links"]) == (0 if code else 2)


async def test_a_thousand_tasks_get_another_contact_in_thirty_requests() -> None:
    time = Time()
    rows = [row(number, {"contacts": [CAROLINA]}) for number in range(1, 1001)]
    async with served(hubspot(time, seed(rows=rows), spec_variant=OPEN), time) as crm:
        before = await tasks(crm, 1000)
        outcomes = await crm.backend.update_tasks([(task, Edit(title="New", ai_contact_id=BRUNO)) for task in before])
        assert error_codes(outcomes) == [None] * 1000
        assert {one.written.task.ai_contact_id for one in outcomes if one.written} == {BRUNO}
        assert len(crm.sent) <= 16


async def test_a_missing_task_does_not_prevent_the_links_of_the_others() -> None:
    time = Time()
    async with served(hubspot(time, seed(3), spec_variant=OPEN), time) as crm:
        before = await tasks(crm, 3)
        before[1] = before[1].model_copy(update={"id": "99999999999"})
        outcomes = await crm.backend.update_tasks([(task, Edit(title="New", ai_contact_id=BRUNO)) for task in before])
        assert error_codes(outcomes) == [None, "task_not_found", None]
        assert [link["task_id"] for link in crm.hubspot.state()["links"]] == [before[0].id, before[2].id]


async def test_links_that_cannot_be_read_back_have_an_unknown_outcome() -> None:
    time = Time()
    async with served(hubspot(time, seed(2), spec_variant=OPEN), time) as crm:
        before = await tasks(crm, 2)
        crm.hubspot.faults = (Fault("status", LINKS, nth=2, times=100, status=500),)  # the first looks beforehand
        outcomes = await crm.backend.update_tasks([(task, Edit(title="New", ai_contact_id=BRUNO)) for task in before])
        assert error_codes(outcomes) == ["outcome_unknown"] * 2
        assert {link["other_id"] for link in crm.hubspot.state()["links"]} == {BRUNO}


@pytest.mark.parametrize(
    ("spec_variant", "code"),
    [
        ("batch_update=pending_done", None),
        ("batch_update=pending_later", None),
        ("batch_update=pending_never", "outcome_unknown"),
    ],
)
async def test_a_pending_batch_is_looked_at_again_and_never_sent_again(spec_variant: str, code: str | None) -> None:
    time = Time()
    async with served(hubspot(time, seed(3), spec_variant=(*OPEN, spec_variant)), time) as crm:
        before = await tasks(crm, 3)
        outcomes = await crm.backend.update_tasks([(task, Edit(title="New")) for task in before])
        assert error_codes(outcomes) == [code] * 3
        assert count_requests(crm)[UPDATE] == 1


async def test_a_batch_that_hubspot_cancels_is_read_back_and_reported_as_not_applied() -> None:
    time = Time()
    async with served(hubspot(time, seed(3), spec_variant=(*OPEN, "batch_update=canceled")), time) as crm:
        before = await tasks(crm, 3)
        outcomes = await crm.backend.update_tasks([(task, Edit(title="New")) for task in before])
        assert [one.error and one.error.retryable for one in outcomes] == [True] * 3
        assert await tasks(crm, 3) == before
