"""The switches that no other file tests, with each of their values."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from sandbox.hubspot.served_sandbox import COMPLETED_STAGE, DRAFT, DUE, GIL, NOBODY, TASK, TASKS, open_served_sandbox
from taskhand.sandbox.hubspot import HubSpotSandbox, SpecVariant

CANCELLED = "6049725638"


@pytest.mark.parametrize(("value", "has"), [("OBJECT_NOT_FOUND", True), ("none", False)])
async def test_the_error_of_an_unknown_id_has_a_category_or_none(value: str, has: bool) -> None:  # noqa: FBT001  # a case of the table
    async with open_served_sandbox(f"missing_category={value}") as served:
        _, body = await served.send("GET", f"{TASKS}/{NOBODY}")
        assert ("category" in body) is has


@pytest.mark.parametrize("value", [204, 404])
async def test_archiving_an_unknown_id(value: int) -> None:
    async with open_served_sandbox(f"archive_unknown={value}") as served:
        assert (await served.client.delete(f"{TASKS}/{NOBODY}")).status_code == value


async def test_calculated_properties_may_come_late_after_every_write() -> None:
    async with open_served_sandbox("settle_ms=700", "settles=writes") as served:
        await served.update_task(hs_task_subject="x")
        served.clock.advance(1)
        assert (await served.get(f"{TASKS}/{TASK}"))["updatedAt"] == "2026-11-20T14:00:00.700Z"
    async with open_served_sandbox() as served:
        await served.update_task(hs_task_subject="x")
        served.clock.advance(1)
        assert (await served.get(f"{TASKS}/{TASK}"))["updatedAt"] == "2026-11-20T14:00:00Z"


@pytest.mark.parametrize("lag", [0, 30])
async def test_the_index_may_be_up_to_date_or_far_behind(lag: int) -> None:
    async with open_served_sandbox(f"search_lag={lag}") as served:
        made = (await served.create_task())["id"]
        assert (made in await served.search()) is (lag == 0)
        served.clock.advance(lag)
        assert made in await served.search()


async def test_an_update_may_answer_only_changed_properties() -> None:
    for value, shown in (("sent", True), ("changed", False)):
        async with open_served_sandbox(f"update_shows={value}") as served:
            told = await served.update_task(hs_task_subject="Revisar contrato", hs_task_priority="LOW")
            assert (told["hs_task_priority"], "hs_task_subject" in told) == ("LOW", shown)


async def test_the_longest_page_depends_on_the_spec_variant() -> None:
    async with open_served_sandbox("list_limit=1") as served:
        assert (await served.client.get(TASKS, params={"limit": 2})).status_code == 400


async def test_null_clears_is_ignored_or_is_refused() -> None:
    change: dict[str, Any] = {"properties": {"hubspot_owner_id": None}}
    for value, status, owner in (("clears", 200, None), ("ignored", 200, "6166860"), ("rejected", 400, "6166860")):
        async with open_served_sandbox(f"null_value={value}") as served:
            assert (await served.send("PATCH", f"{TASKS}/{TASK}", change))[0] == status
            assert (await served.get_task("hubspot_owner_id"))["hubspot_owner_id"] == owner


async def test_an_invalid_date_has_either_code() -> None:
    for value in ("INVALID_DATE", "INVALID_LONG"):
        async with open_served_sandbox(f"bad_datetime={value}") as served:
            assert (await served.refuse_update(hs_timestamp="x"))["errors"][0]["code"] == value


async def test_epoch_seconds_may_be_read_as_milliseconds() -> None:
    async with open_served_sandbox("epoch_seconds=read_as_ms") as served:
        assert (await served.update_task(hs_timestamp="1795690800"))["hs_timestamp"].startswith("1970-01-21T")


async def test_a_due_date_may_come_back_in_milliseconds() -> None:
    async with open_served_sandbox("due_echo=millis") as served:
        sent = dt.datetime.fromisoformat(DUE)
        assert (await served.get_task("hs_timestamp"))["hs_timestamp"] == str(int(sent.timestamp()) * 1000)


async def test_the_task_body_may_have_a_maximum_length() -> None:
    async with open_served_sandbox("body_limit=3") as served:
        assert (await served.refuse_update(hs_task_body="four"))["errors"][0]["code"] == "INVALID_LENGTH"
    async with open_served_sandbox("body_limit=0") as served:
        await served.update_task(hs_task_body="x" * 70_000)


async def test_all_day_may_be_read_only() -> None:
    async with open_served_sandbox("all_day=read_only") as served:
        assert (await served.refuse_update(hs_task_is_all_day="true"))["errors"][0]["code"] == "READ_ONLY_VALUE"


async def test_omitted_properties_may_stay_unset() -> None:
    async with open_served_sandbox("defaults=unset") as served:
        assert not {"hs_task_status", "hs_task_priority", "hs_task_type"} & set(
            (await served.create_task())["properties"]
        )


async def test_status_and_stage_may_be_independent() -> None:
    async with open_served_sandbox("stage=apart") as served:
        await served.update_task(hs_pipeline_stage=COMPLETED_STAGE)
        read = await served.get_task("hs_task_status", "hs_task_is_completed")
        assert (read["hs_task_status"], read["hs_task_is_completed"]) == ("NOT_STARTED", "1")


@pytest.mark.parametrize(("value", "status"), [("status", "WAITING"), ("stage", "COMPLETED")])
async def test_either_wins_when_status_and_stage_are_both_sent(value: str, status: str) -> None:
    async with open_served_sandbox(f"status_or_stage={value}") as served:
        sent = {"hs_task_status": "WAITING", "hs_pipeline_stage": COMPLETED_STAGE}
        assert (await served.update_task(**sent))["hs_task_status"] == status


@pytest.mark.parametrize(("value", "status"), [("kept", "NOT_STARTED"), ("unset", None), ("stage_id", CANCELLED)])
async def test_a_custom_stage_has_no_status(value: str, status: str | None) -> None:
    async with open_served_sandbox("stages=custom", f"custom_stage={value}") as served:
        await served.update_task(hs_pipeline_stage=CANCELLED)
        read = await served.get_task("hs_task_status", "hs_task_is_completed")
        assert (read["hs_task_status"], read["hs_task_is_completed"]) == (status, "1")
        [pipeline] = (await served.get("/crm/v3/pipelines/tasks"))["results"]
        assert CANCELLED in [row["id"] for row in pipeline["stages"]]
        stages = await served.get(f"/crm/v3/pipelines/tasks/{pipeline['id']}/stages")
        assert stages["results"] == pipeline["stages"]


async def test_statuses_may_be_in_workflow_order() -> None:
    async with open_served_sandbox("status_order=workflow") as served:
        options = (await served.get("/crm/v3/properties/tasks/hs_task_status"))["options"]
        assert [row["value"] for row in options][:2] == ["NOT_STARTED", "IN_PROGRESS"]
        assert [row["displayOrder"] for row in options] == [0, 1, 2, 3, 4]


async def test_may_accept_an_archived_owner() -> None:
    async with open_served_sandbox("archived_owner=accepted") as served:
        assert (await served.update_task(hubspot_owner_id=GIL))["hubspot_owner_id"] == GIL


@pytest.mark.parametrize(("value", "status"), [("ignored", 201), ("rejected", 400)])
async def test_a_wrong_association_type_is_skipped_or_refused(value: str, status: int) -> None:
    async with open_served_sandbox(f"wrong_type={value}") as served:
        links = [{"to": {"id": "101"}, "types": [{"associationTypeId": 2}]}]
        answer, body = await served.send("POST", TASKS, {"properties": DRAFT, "associations": links})
        assert answer == status
        assert status == 400 or "associations" not in await served.get(f"{TASKS}/{body['id']}", associations="contacts")


async def test_the_spec_variant_can_change_while_it_serves() -> None:
    async with open_served_sandbox() as served:
        assert (await served.client.put("/_sandbox/variant", json={"credentials": "expired"})).status_code == 200
        assert (await served.client.get(TASKS)).status_code == 401
        assert (await served.client.put("/_sandbox/variant", json={"credentials": "x"})).status_code == 400


def test_every_switch_names_its_values() -> None:
    allowed = SpecVariant.allowed()
    assert allowed["results_order"] == ("shuffled", "input")
    assert allowed["burst"] == ("a whole number from 0",)
    with pytest.raises(ValueError, match="must be name=value"):
        SpecVariant.parse(["nothing=1"])


def test_the_defaults_need_no_arguments() -> None:
    assert HubSpotSandbox().spec_variant == SpecVariant()
