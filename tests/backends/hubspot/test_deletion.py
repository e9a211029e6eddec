"""The deletion of a task: applied once whatever happens to the answer, and hidden from every list at once."""

import json
from typing import Any

import pytest

from backends.hubspot.sandboxed_app import CAROLINA, ELENA, KEY, Account, Time, hubspot, row, seed, served, task_id
from taskhand.backends.hubspot.errors import MESSAGES as HUBSPOT
from taskhand.domain.edit import Edit
from taskhand.domain.errors import NotFound, OutcomeUnknown, TaskhandError
from taskhand.domain.task_query import TaskQuery
from taskhand.sandbox.faults import Fault
from taskhand.sandbox.hubspot import HubSpotSandbox, SpecVariant
from taskhand.sandbox.messages import ReceivedRequest, Response

TASK = "/crm/v3/objects/tasks/{id}"
DELETE, GET = f"DELETE {TASK}", f"GET {TASK}"
OPEN = ("burst=0", "searches=0", "search_lag=30", "archived_index=lags")
EVER: dict[str, Any] = {"nth": "every"}


def deletes(crm: Account) -> int:
    return sum(one.route == DELETE for one in crm.hubspot.requests)


def stored_ids(crm: Account) -> set[str]:
    return {one["id"] for one in crm.hubspot.tasks}


async def listed_ids(crm: Account) -> set[str]:
    return {one.id for one in (await crm.backend.list_tasks(TaskQuery(responsible_ids=(ELENA,)))).tasks}


async def test_a_deleted_task_is_gone_from_reads_and_lists_though_the_search_is_behind() -> None:
    time = Time()
    async with served(hubspot(time, seed(2), spec_variant=OPEN), time) as crm:
        before = await crm.backend.get_task(task_id(1))
        assert await listed_ids(crm) == {task_id(1), task_id(2)}
        assert await crm.backend.delete_task(before) is None
        assert await listed_ids(crm) == stored_ids(crm) == {task_id(2)}
        assert (await crm.backend.snapshots([task_id(1), task_id(2)])).keys() == {task_id(2)}
        time.now += 31
        assert await listed_ids(crm) == {task_id(2)}


@pytest.mark.parametrize("spec_variant", ["archive_unknown=404", "archive_unknown=204"])
@pytest.mark.parametrize(
    ("fault", "note", "sent"),
    [
        (Fault("reset_after", DELETE), HUBSPOT.removed, 1),
        (Fault("reset_before", DELETE), HUBSPOT.sent_again, 2),
        (Fault("status", DELETE, status=502), HUBSPOT.sent_again, 2),
        (Fault("status", DELETE, status=504, commit=True), HUBSPOT.removed, 1),
        (Fault("status", DELETE, status=500, commit=True), HUBSPOT.removed, 1),
        (Fault("status", DELETE, status=503), None, 2),
        (Fault("status", DELETE, status=423), None, 2),
        (Fault("html", DELETE, status=200, commit=True), HUBSPOT.removed, 1),
    ],
)
async def test_a_deletion_whose_answer_is_lost_removes_only_its_task_and_is_reported(
    fault: Fault, note: str | None, sent: int, spec_variant: str
) -> None:
    time = Time()
    async with served(hubspot(time, seed(2), spec_variant=(*OPEN, spec_variant)), time) as crm:
        before = await crm.backend.get_task(task_id(1))
        crm.hubspot.faults = (fault,)
        assert await crm.backend.delete_task(before) == note
        assert (deletes(crm), stored_ids(crm)) == (sent, {task_id(2)})
        assert await listed_ids(crm) == {task_id(2)}


@pytest.mark.parametrize(
    ("faults", "code"),
    [
        ((Fault("status", DELETE, status=500, **EVER),), "upstream_error"),
        ((Fault("reset_before", DELETE, **EVER),), "upstream_error"),
        ((Fault("status", DELETE, status=429, **EVER),), "rate_limited"),
        ((Fault("status", DELETE, status=403),), "forbidden"),
        ((Fault("status", DELETE, status=404),), "task_not_found"),
        ((Fault("reset_before", DELETE), Fault("status", GET, status=500, **EVER)), "outcome_unknown"),
    ],
)
async def test_a_task_that_was_not_deleted_is_not_reported_as_deleted(faults: tuple[Fault, ...], code: str) -> None:
    time = Time()
    async with served(hubspot(time, seed(2), spec_variant=OPEN), time) as crm:
        before = await crm.backend.get_task(task_id(1))
        crm.hubspot.faults = faults
        with pytest.raises(TaskhandError) as failed:
            await crm.backend.delete_task(before)
        crm.hubspot.faults = ()
        assert failed.value.code == code
        assert failed.value.next_step
        assert await listed_ids(crm) == stored_ids(crm) == {task_id(1), task_id(2)}


async def test_the_outcome_is_unknown_if_the_answer_is_lost_and_the_task_cannot_be_searched_for() -> None:
    time = Time()
    async with served(hubspot(time, seed(2), spec_variant=OPEN), time) as crm:
        before = await crm.backend.get_task(task_id(1))
        crm.hubspot.faults = (Fault("reset_after", DELETE), Fault("status", GET, status=500, **EVER))
        with pytest.raises(OutcomeUnknown, match="it is unknown whether it was applied"):
            await crm.backend.delete_task(before)
        crm.hubspot.faults = ()
        assert await listed_ids(crm) == {task_id(2)}


async def test_a_task_that_somebody_else_deleted_is_not_found() -> None:
    time = Time()
    async with served(hubspot(time, seed(2), spec_variant=(*OPEN, "archive_unknown=404")), time) as crm:
        before = await crm.backend.get_task(task_id(1))
        await crm.backend.delete_task(before)
        with pytest.raises(NotFound) as gone:
            await crm.backend.delete_task(before)
        assert gone.value.code == "task_not_found"


async def test_a_404_to_the_second_sending_means_that_the_first_one_arrived() -> None:
    time = Time()
    async with served(hubspot(time, seed(2), spec_variant=(*OPEN, "archive_unknown=404")), time) as crm:
        before = await crm.backend.get_task(task_id(1))

        async def meanwhile() -> None:
            await crm.backend.delete_task(before)

        # The look after the lost answer finds the task; while it waits to be sent again somebody else deletes it.
        crm.hubspot.faults = (Fault("reset_before", DELETE), Fault("status", DELETE, nth=2, status=503))
        time.on_sleep = meanwhile
        assert await crm.backend.delete_task(before) == HUBSPOT.removed
        assert stored_ids(crm) == {task_id(2)}


async def test_a_deletion_is_sent_with_hubspots_own_id() -> None:
    time = Time()
    world = seed(rows=[row(number, {"contacts": [CAROLINA]}, ref=f"REF {number}") for number in (1, 2)])
    async with served(
        hubspot(time, world, spec_variant=(*OPEN, "unique_property=ref")), time, hubspot_id_property="ref"
    ) as crm:
        before = await crm.backend.get_task("REF 1")
        assert await crm.backend.delete_task(before) is None
        assert stored_ids(crm) == {task_id(2)}
        assert await listed_ids(crm) == {"REF 2"}, "the search still shows the other one"
        with pytest.raises(NotFound):
            await crm.backend.delete_task(before)


async def test_a_task_deleted_by_a_property_stays_hidden_and_hides_no_task_whose_own_id_is_that_value() -> None:
    time = Time()
    world = seed(rows=[row(1, ref=task_id(2)), row(2, ref="REF 2")])
    lagging = ("burst=0", "searches=0", "search_lag=100", "archived_index=lags", "unique_property=ref")
    async with served(hubspot(time, world, spec_variant=lagging), time, hubspot_id_property="ref") as crm:
        assert await crm.backend.delete_task(await crm.backend.get_task(task_id(2))) is None
        for _ in range(2):
            assert await listed_ids(crm) == {"REF 2"}
            time.now += 70


async def test_a_change_of_a_deleted_task_is_refused_and_does_not_restore_the_task() -> None:
    time = Time()
    async with served(hubspot(time, seed(2), spec_variant=OPEN), time) as crm:
        before = await crm.backend.get_task(task_id(1))
        await crm.backend.delete_task(before)
        (outcome,) = await crm.backend.update_tasks([(before, Edit(title="New"))])
        assert outcome.error is not None
        assert outcome.error.code == "task_not_found"
        assert await listed_ids(crm) == {task_id(2)}


class Archive(HubSpotSandbox):
    """Shows the first task as archived while it `is_open`, instead of hiding it."""

    is_open = False

    def answer(self, request: ReceivedRequest, *, stale: bool) -> Response:
        found = super().answer(request, stale=stale)

        def shown(row: dict[str, Any]) -> dict[str, Any]:
            return row | {"archived": True} if row.get("id") == task_id(1) and "properties" in row else row

        return Response.of_json(found.status, json.loads(found.body, object_hook=shown)) if self.is_open else found


async def test_a_task_that_hubspot_still_shows_as_archived_is_gone() -> None:
    time = Time()
    world = seed(rows=[row(number, code=f"R-{number}") for number in (1, 2)])
    world |= {"properties": [{"name": "code", "hasUniqueValue": True}]}
    sandbox = Archive(seed=world, token=KEY, clock=time.moment, spec_variant=SpecVariant.parse(OPEN))
    async with served(sandbox, time) as crm:
        before = [one.task for one in (await crm.backend.snapshots([task_id(1), task_id(2)])).values()]
        sandbox.is_open = True
        with pytest.raises(NotFound):
            await crm.backend.get_task(task_id(1))
        assert (await crm.backend.snapshots([task_id(1), task_id(2)])).keys() == {task_id(2)}
        assert crm.backend.properties is not None
        assert await crm.backend.properties.find_ids("code", ["R-1", "R-2"]) == {"R-2": task_id(2)}
        gone, written = await crm.backend.update_tasks([(one, Edit(title="New")) for one in before])
        assert (gone.error and gone.error.code, written.error) == ("outcome_unknown", None)
