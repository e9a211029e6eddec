"""An undo restores HubSpot's own values, also those that the contract cannot express."""

from dataclasses import replace
from typing import Any, Literal

import pytest
from pydantic import MISSING

from backends.hubspot.sandboxed_app import (
    ANA,
    BRUNO,
    CAROLINA,
    COMPANY,
    ELENA,
    Account,
    Time,
    hubspot,
    row,
    seed,
    served,
    task_id,
)
from taskhand.backends.hubspot.errors import MESSAGES as HUBSPOT
from taskhand.domain.due import Due, due_of
from taskhand.domain.edit import Edit, without
from taskhand.domain.errors import CallerError
from taskhand.domain.receipt import inverse_edit
from taskhand.domain.snapshot import Snapshot
from taskhand.domain.task import StatusChoice, Task
from taskhand.sandbox.faults import Fault

OPEN = ("burst=0", "searches=0", "settle_ms=0")
PATCH, POST = "PATCH /crm/v3/objects/tasks/{id}", "POST /crm/v3/objects/tasks"
UPDATE = "POST /crm/v3/objects/tasks/batch/update"
CANCELLED = "6049725638"
HTML = '<div style="" dir="auto" data-top-level="true"><p>Call&nbsp;<strong>Ana</strong></p></div>'
ODD: dict[str, str] = {
    "hs_task_body": HTML,
    "hs_task_priority": "NONE",
    "hs_timestamp": "2026-03-09T00:00:00Z",
    "hs_task_is_all_day": "true",
    "hs_task_type": "CALL",
}
CHANGE = Edit(
    title="New",
    description="other",
    due=Due.instant(Time().moment(), "America/Santiago"),
    responsible_ids=(ANA,),
    priority=2,
    status=StatusChoice(id="COMPLETED"),
)
COMPARED = (*ODD, "hs_task_subject", "hs_task_status", "hs_pipeline_stage", "hubspot_owner_id")
Way = Literal["single", "bulk"]
WAYS: tuple[Way, ...] = ("single", "bulk")


def stored_values(crm: Account, number: int = 1) -> dict[str, Any]:
    """The values of a seeded task as HubSpot really has them."""
    return {name: crm.stored_properties(number).get(name) for name in COMPARED}


async def snapshot(crm: Account, number: int = 1) -> Snapshot:
    return (await crm.backend.snapshots([task_id(number)]))[task_id(number)]


async def update_by(crm: Account, way: Way, before: Task, edit: Edit) -> tuple[Task, str | None]:
    if way == "single":
        written = await crm.backend.update_task(before, edit)
    else:
        (outcome,) = await crm.backend.update_tasks([(before, edit)])
        assert outcome.written is not None
        written = outcome.written
    return written.task, written.note


def back(before: Snapshot, after: Task) -> Edit:
    """What an undo asks for."""
    edit = inverse_edit(before.task, after)
    return Edit(**dict(edit.given_fields()), native=before.native)  # type: ignore[arg-type]  # each as its field has it


def world(spec_variant: tuple[str, ...] = (), *rows: dict[str, Any]) -> tuple[Any, Time]:
    time = Time()
    return hubspot(time, seed(rows=list(rows) or [row(1, None, **ODD)]), spec_variant=(*OPEN, *spec_variant)), time


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("spec_variant", ["stage=apart", "due_echo=millis", "update_shows=changed", "search_lag=30"])
async def test_undo_restores_every_raw_value(way: Way, spec_variant: str) -> None:
    sandbox, time = world((spec_variant,))
    async with served(sandbox, time) as crm:
        was, before = stored_values(crm), await snapshot(crm)
        after, _ = await update_by(crm, way, before.task, CHANGE)
        assert stored_values(crm)["hs_task_body"] == "other"
        restored, note = await update_by(crm, way, after, back(before, after))
        assert stored_values(crm) == was
        assert (restored, note) == (before.task, None)


@pytest.mark.parametrize("way", WAYS)
async def test_undo_empties_properties_that_were_empty(way: Way) -> None:
    sandbox, time = world((), row(1, hs_task_subject="", hs_task_priority="", hubspot_owner_id=""))
    async with served(sandbox, time) as crm:
        was, before = stored_values(crm), await snapshot(crm)
        after, _ = await update_by(crm, way, before.task, CHANGE)
        restored, _ = await update_by(crm, way, after, back(before, after))
        assert (stored_values(crm), restored) == (was, before.task)


@pytest.mark.parametrize("way", WAYS)
async def test_undo_writes_only_the_fields_that_the_edit_sets(way: Way) -> None:
    sandbox, time = world()
    async with served(sandbox, time) as crm:
        before = await snapshot(crm)
        after, _ = await update_by(crm, way, before.task, CHANGE)
        restored, _ = await update_by(crm, way, after, Edit(priority=None, native=before.native))
        assert restored == after.model_copy(update={"priority": None})
        assert (crm.stored_properties(1)["hs_task_priority"], crm.stored_properties(1)["hs_task_body"]) == (
            "NONE",
            "other",
        )


@pytest.mark.parametrize("way", WAYS)
async def test_a_field_without_a_raw_value_is_written_from_the_contract(way: Way) -> None:
    sandbox, time = world()
    async with served(sandbox, time) as crm:
        before = await snapshot(crm)
        edit = Edit(title="New", priority=2, status=StatusChoice(id="COMPLETED"), native={"hs_task_subject": "Old"})
        await update_by(crm, way, before.task, edit)
        true = crm.stored_properties(1)
        assert [true[one] for one in ("hs_task_subject", "hs_task_priority", "hs_task_status")] == [
            "Old",
            "HIGH",
            "COMPLETED",
        ]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("seen", ["kept", "unset", "stage_id", "last_option"])
@pytest.mark.parametrize("more", ["stage=coupled", "stage=apart", "status_or_stage=stage"])
async def test_undo_restores_a_stage_that_no_status_stands_for(way: Way, seen: str, more: str) -> None:
    sandbox, time = world(("stages=custom", f"custom_stage={seen}", more))
    async with served(sandbox, time) as crm:
        crm.hubspot.edit(task_id(1), hs_pipeline_stage=CANCELLED)
        was, before = stored_values(crm), await snapshot(crm)
        after, _ = await update_by(crm, way, before.task, CHANGE)
        restored, note = await update_by(crm, way, after, back(before, after))
        now = stored_values(crm)
        # What the status reads in an account's own stage is not known, so it is left to HubSpot.
        assert now.pop("hs_task_status") in {was.pop("hs_task_status"), "COMPLETED"}
        assert now == was
        assert (restored, note) == (before.task, None)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", ["reset_after", "reset_before"])
async def test_a_lost_update_counts_as_applied_only_if_the_raw_value_was_stored(
    way: Way, kind: Literal["reset_after", "reset_before"]
) -> None:
    sandbox, time = world()
    async with served(sandbox, time) as crm:
        before = await snapshot(crm)
        low = {"hs_task_priority": "LOW"}
        crm.hubspot.edit(task_id(1), **low)
        now = await snapshot(crm)
        crm.hubspot.faults = (Fault(kind, PATCH if way == "single" else UPDATE),)
        _, note = await update_by(crm, way, now.task, Edit(priority=None, native=before.native))
        assert note == (HUBSPOT.applied if kind == "reset_after" else HUBSPOT.sent_again)
        assert crm.stored_properties(1)["hs_task_priority"] == "NONE"


async def test_undo_restores_a_day_where_the_account_refuses_the_flag() -> None:
    sandbox, time = world(("all_day=read_only",))
    async with served(sandbox, time) as crm:
        before = await snapshot(crm)
        for way in WAYS:
            after, _ = await update_by(crm, way, before.task, CHANGE)
            await update_by(crm, way, after, back(before, after))
            assert crm.stored_properties(1)["hs_timestamp"] == ODD["hs_timestamp"]


def again(before: Snapshot) -> Edit:
    """What an undo of a deletion asks for."""
    task = before.task
    return Edit(
        title=str(task.title),
        description=task.description,
        due=due_of(task),
        responsible_ids=task.responsible_ids,
        ai_contact_id=task.ai_contact_id,
        ai_customer_id=task.ai_customer_id,
        priority=MISSING if task.priority is None else task.priority,
        status=StatusChoice.of(task.status_config) if task.status_config else StatusChoice(),
        native=before.native,
    )


@pytest.mark.parametrize("fault", [None, Fault("reset_after", POST)])
@pytest.mark.parametrize("status", ["COMPLETED", "NOT_STARTED", "own"])
async def test_undo_of_a_deletion_creates_the_task_as_it_was(fault: Fault | None, status: str) -> None:
    own = {"hs_task_status": status} if status != "own" else {}
    links = {"contacts": [BRUNO, CAROLINA], "companies": [COMPANY, "202"]}
    sandbox, time = world(("stages=custom",), row(1, links, **(ODD | own)))
    async with served(sandbox, time) as crm:
        if not own:
            crm.hubspot.edit(task_id(1), hs_pipeline_stage=CANCELLED)
        was, before = stored_values(crm), await snapshot(crm)
        await crm.backend.delete_task(before.task)
        crm.hubspot.faults = (fault,) if fault else ()
        edit = again(before)
        made = await crm.backend.create_task(without(edit, "status"))
        if not own:  # an option is created with its status
            rest = Edit(status=edit.status)
            made = replace(await crm.backend.update_task(made.task, rest), note=made.note)
        (true,) = crm.hubspot.tasks
        assert {name: true["properties"].get(name) for name in COMPARED} == was
        after = (await crm.backend.snapshots([made.task.id]))[made.task.id]
        assert {**after.native} == {**before.native}
        assert made.task == after.task
        assert after.task == before.task.model_copy(update={"id": made.task.id, "created_at": made.task.created_at})
        assert made.note == (HUBSPOT.found if fault else None)


async def test_undo_of_a_deletion_restores_only_the_links_in_the_edit() -> None:
    sandbox, time = world((), row(1, {"contacts": [CAROLINA], "companies": [COMPANY]}, **ODD))
    async with served(sandbox, time) as crm:
        before = await snapshot(crm)
        await crm.backend.delete_task(before.task)
        edit = Edit(title="New", due=due_of(before.task), ai_customer_id=COMPANY, native=before.native)
        made = await crm.backend.create_task(edit)
        assert (made.task.ai_contact_id, made.task.ai_customer_id) == (None, COMPANY)
        assert made.task.responsible_ids == ()


async def test_names_an_owner_who_no_longer_exists_as_the_reason_that_undo_fails() -> None:
    sandbox, time = world((), row(1, hubspot_owner_id=ELENA))
    async with served(sandbox, time) as crm:
        before = await snapshot(crm)
        after, _ = await update_by(crm, "single", before.task, CHANGE)
        gone = {**before.native, "hubspot_owner_id": "64492922"}
        with pytest.raises(CallerError, match="responsibleIds"):
            await crm.backend.update_task(after, Edit(responsible_ids=(ELENA,), native=gone))
