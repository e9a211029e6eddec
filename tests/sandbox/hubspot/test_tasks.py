"""Single tasks: created, read, updated, archived; and the properties that HubSpot writes itself."""

from __future__ import annotations

import pytest

from sandbox.hubspot.served_sandbox import (
    ACME,
    ANA,
    BEN,
    BINNED,
    COMPLETED_STAGE,
    DONE,
    DRAFT,
    DUE,
    NOBODY,
    ROSA,
    TASK,
    TASKS,
    open_served_sandbox,
)

PATHS = [
    TASKS,
    "/crm/objects/2026-03/tasks",
    "/crm/objects/2026-09/tasks",
    "/crm/v3/objects/0-27",
    "/crm/objects/2026-03/0-27",
    "/crm/v3/objects/task",
]


@pytest.mark.parametrize("path", PATHS)
async def test_every_version_of_a_path_reads_the_same_tasks(path: str) -> None:
    async with open_served_sandbox() as served:
        assert (await served.get(f"{path}/{TASK}"))["id"] == TASK
        status, _ = await served.send("PATCH", f"{path}/{TASK}", {"properties": {"hs_task_subject": "x"}})
        assert (status, served.sandbox.requests[-1].route) == (200, f"PATCH {TASKS}/{{id}}")


async def test_a_new_task_has_sent_and_calculated_properties() -> None:
    async with open_served_sandbox() as served:
        made = await served.create_task(hubspot_owner_id=ANA, hs_task_body="<p>a &amp; b</p>")
        properties = made["properties"]
        assert len(made["id"]) == 11
        assert list(properties) == sorted(properties)
        expected = {
            "hs_body_preview": "a & b",
            "hs_object_source": "INTEGRATION",
            "hs_task_completion_count": "0",
            "hs_task_family": "SALES",
            "hs_task_is_all_day": "false",
            "hs_task_is_completed": "0",
            "hs_task_is_overdue": "false",
            "hs_task_status": "NOT_STARTED",
            "hs_task_priority": "NONE",
            "hs_all_owner_ids": ANA,
            "hs_user_ids_of_all_owners": "11",
            "hubspot_owner_assigneddate": made["createdAt"],
        }
        assert expected.items() <= properties.items()


async def test_the_stage_of_a_new_task_is_written_late() -> None:
    async with open_served_sandbox() as served:
        made = await served.create_task()
        assert made["createdAt"] == made["updatedAt"] == "2026-11-20T14:00:00Z"
        assert "hs_pipeline_stage" not in made["properties"]
        served.clock.advance(1)
        read = await served.get(f"{TASKS}/{made['id']}", properties="hs_pipeline_stage,hs_pipeline")
        assert read["updatedAt"] == read["properties"]["hs_lastmodifieddate"] == "2026-11-20T14:00:00.500Z"
        assert read["properties"]["hs_pipeline_stage"].startswith("af0e6a5c")


@pytest.mark.parametrize("properties", [{}, {"hs_task_subject": "x"}, {"hs_timestamp": ""}, None])
async def test_refuses_a_task_without_a_due_date(properties: object) -> None:
    async with open_served_sandbox() as served:
        status, body = await served.send("POST", TASKS, {"properties": properties})
        assert (status, body["category"]) == (400, "VALIDATION_ERROR")
        assert body["message"] == "Error creating TASK. Some required properties were not set."
        assert body["context"] == {"properties": ["hs_timestamp"]}


async def test_a_due_date_cannot_be_cleared() -> None:
    async with open_served_sandbox() as served:
        assert "required properties" in (await served.refuse_update(hs_timestamp=""))["message"]


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("1795690800000", "2026-11-26T11:00:00Z"),
        (1795690800123, "2026-11-26T11:00:00.123Z"),
        ("2026-11-26T08:00:00-03:00", "2026-11-26T11:00:00Z"),
        ("2026-11-26T11:00:00.000Z", "2026-11-26T11:00:00Z"),
    ],
)
async def test_accepts_a_due_date_in_milliseconds_or_iso(sent: object, kept: str) -> None:
    async with open_served_sandbox() as served:
        assert (await served.update_task(hs_timestamp=sent))["hs_timestamp"] == kept


async def test_reads_three_properties_and_the_requested_ones() -> None:
    async with open_served_sandbox() as served:
        always = {"hs_createdate", "hs_lastmodifieddate", "hs_object_id"}
        assert set(await served.get_task()) == always
        asked = await served.get_task("hs_task_subject", "hs_task_completion_date", "no_such_thing")
        assert set(asked) == always | {"hs_task_subject", "hs_task_completion_date"}
        assert asked["hs_task_completion_date"] is None
        repeated = await served.client.get(f"{TASKS}/{TASK}?properties=hs_task_type&properties=hs_task_status")
        assert {"hs_task_type", "hs_task_status"} <= set(repeated.json()["properties"])


async def test_an_update_answers_only_changed_properties() -> None:
    async with open_served_sandbox() as served:
        answered = await served.update_task(hs_task_subject="Otro")
        assert answered["hs_task_subject"] == "Otro"
        assert {"hs_lastmodifieddate", "hs_pipeline_stage", "hubspot_owner_id"} <= set(answered)
        assert not {"hs_task_body", "hs_task_priority"} & set(answered)


async def test_an_empty_text_clears_a_property() -> None:
    async with open_served_sandbox() as served:
        assert (await served.update_task(hubspot_owner_id=""))["hubspot_owner_id"] == ""
        read = await served.get_task("hubspot_owner_id", "hubspot_owner_assigneddate", "hs_all_owner_ids")
        assert (read["hubspot_owner_id"], read["hs_all_owner_ids"]) == (None, None)


async def test_completing_and_reopening_set_and_clear_the_completion_date() -> None:
    async with open_served_sandbox() as served:
        names = ("hs_task_is_completed", "hs_task_completion_date", "hs_task_completion_count", "hs_pipeline_stage")
        await served.update_task(hs_task_status="COMPLETED")
        done = await served.get_task(*names)
        assert [done[name] for name in names] == ["1", "2026-11-20T14:00:00Z", "1", COMPLETED_STAGE]
        await served.update_task(hs_task_status="IN_PROGRESS")
        reopened = await served.get_task(*names)
        assert [reopened[name] for name in names[:3]] == ["0", None, "1"]


async def test_a_closed_stage_completes_a_task() -> None:
    async with open_served_sandbox() as served:
        assert (await served.update_task(hs_pipeline_stage=COMPLETED_STAGE))["hs_task_status"] == "COMPLETED"


async def test_overdue_depends_on_the_current_time() -> None:
    async with open_served_sandbox() as served:
        assert (await served.get_task("hs_task_is_overdue"))["hs_task_is_overdue"] == "false"
        served.clock.advance(6 * 86400)
        assert (await served.get_task("hs_task_is_overdue"))["hs_task_is_overdue"] == "true"


async def test_reads_an_archived_task_only_on_request() -> None:
    async with open_served_sandbox() as served:
        assert (await served.client.delete(f"{TASKS}/{TASK}")).status_code == 204
        assert (await served.client.get(f"{TASKS}/{TASK}")).status_code == 404
        assert (await served.send("PATCH", f"{TASKS}/{TASK}", {"properties": {}}))[0] == 404
        gone = await served.get(f"{TASKS}/{TASK}", archived="true")
        assert (gone["archived"], gone["archivedAt"]) == (True, "2026-11-20T14:00:00Z")
        assert [row["id"] for row in (await served.get(TASKS, archived="true"))["results"]] == [TASK, BINNED]
        assert [row["id"] for row in (await served.get(TASKS))["results"]] == [DONE]


async def test_creates_a_task_with_associations_and_reads_them_on_request() -> None:
    async with open_served_sandbox() as served:
        types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 204}]
        firm = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 192}]
        links = [{"to": {"id": 101}, "types": types}, {"to": {"id": ACME}, "types": firm}]
        _, made = await served.send("POST", TASKS, {"properties": DRAFT, "associations": links})
        shown = await served.get(f"{TASKS}/{made['id']}", associations="contacts,companies,deals")
        assert shown["associations"] == {
            "contacts": {"results": [{"id": ROSA, "type": "task_to_contact"}]},
            "companies": {"results": [{"id": ACME, "type": "task_to_company"}]},
        }


async def test_refuses_a_task_with_an_unknown_association() -> None:
    async with open_served_sandbox() as served:
        links = [{"to": {"id": NOBODY}, "types": [{"associationTypeId": 204}]}]
        status, body = await served.send("POST", TASKS, {"properties": DRAFT, "associations": links})
        assert (status, body["message"]) == (400, "One or more associations are invalid")
        assert len(served.sandbox.tasks) == 2
        assert (await served.send("POST", TASKS, {"properties": DRAFT, "associations": [{}]}))[0] == 400


async def test_the_history_has_the_source_of_every_value() -> None:
    async with open_served_sandbox() as served:
        served.sandbox.edit(TASK, hubspot_owner_id=BEN)
        served.clock.advance(1)
        await served.update_task(hubspot_owner_id="")
        shown = await served.get(f"{TASKS}/{TASK}", propertiesWithHistory="hubspot_owner_id")
        told = [(row["value"], row["sourceType"]) for row in shown["propertiesWithHistory"]["hubspot_owner_id"]]
        assert told == [("", "INTEGRATION"), (BEN, "CRM_UI"), (ANA, "CRM_UI")]


async def test_pages_continue_after_the_last_id() -> None:
    async with open_served_sandbox() as served:
        first = await served.get(TASKS, limit="1")
        assert first["paging"]["next"]["after"] == TASK
        assert "after=" in first["paging"]["next"]["link"]
        assert "paging" not in await served.get(TASKS, limit="1", after=TASK)


@pytest.mark.parametrize(
    "query", ["limit=101", "limit=0", "limit=x", "after=x", "limit=51&propertiesWithHistory=hs_timestamp"]
)
async def test_refuses_an_invalid_page(query: str) -> None:
    async with open_served_sandbox() as served:
        assert (await served.client.get(f"{TASKS}?{query}")).status_code == 400


async def test_edits_a_task_as_a_person_would() -> None:
    async with open_served_sandbox() as served:
        served.sandbox.edit(TASK, hs_task_subject="De otra mano")
        assert (await served.get_task("hs_task_subject"))["hs_task_subject"] == "De otra mano"
        with pytest.raises(ValueError, match="no task"):
            served.sandbox.edit(NOBODY, hs_task_subject="x")


async def test_the_sandbox_creates_equal_tasks_twice() -> None:
    async with open_served_sandbox() as served:
        assert (await served.create_task())["id"] != (await served.create_task())["id"]


async def test_other_writes_leave_the_due_date_unchanged() -> None:
    async with open_served_sandbox() as served:
        await served.update_task(hs_task_is_all_day=True, hs_task_priority="NONE")
        read = await served.get_task("hs_timestamp", "hs_task_is_all_day", "hs_task_priority")
        assert (read["hs_timestamp"], read["hs_task_is_all_day"], read["hs_task_priority"]) == (DUE, "true", "NONE")
