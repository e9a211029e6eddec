"""Single tasks: made, read, changed, archived; and what HubSpot writes by itself."""

from __future__ import annotations

import pytest

from sandbox.hubspot.stage import (
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
    play,
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
async def test_every_version_of_a_path_leads_to_the_same_tasks(path: str) -> None:
    async with play() as stage:
        assert (await stage.got(f"{path}/{TASK}"))["id"] == TASK
        status, _ = await stage.sent("PATCH", f"{path}/{TASK}", {"properties": {"hs_task_subject": "x"}})
        assert (status, stage.sandbox.requests[-1].route) == (200, f"PATCH {TASKS}/{{id}}")


async def test_a_new_task_shows_what_was_sent_and_what_is_calculated() -> None:
    async with play() as stage:
        made = await stage.created(hubspot_owner_id=ANA, hs_task_body="<p>a &amp; b</p>")
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


async def test_its_modification_date_moves_by_itself_and_its_stage_comes_late() -> None:
    async with play() as stage:
        made = await stage.created()
        assert made["createdAt"] == made["updatedAt"] == "2026-11-20T14:00:00Z"
        assert "hs_pipeline_stage" not in made["properties"]
        stage.clock.move(1)
        read = await stage.got(f"{TASKS}/{made['id']}", properties="hs_pipeline_stage,hs_pipeline")
        assert read["updatedAt"] == read["properties"]["hs_lastmodifieddate"] == "2026-11-20T14:00:00.500Z"
        assert read["properties"]["hs_pipeline_stage"].startswith("af0e6a5c")


@pytest.mark.parametrize("properties", [{}, {"hs_task_subject": "x"}, {"hs_timestamp": ""}, None])
async def test_a_task_without_a_due_date_is_refused_in_the_recorded_words(properties: object) -> None:
    async with play() as stage:
        status, body = await stage.sent("POST", TASKS, {"properties": properties})
        assert (status, body["category"]) == (400, "VALIDATION_ERROR")
        assert body["message"] == "Error creating TASK. Some required properties were not set."
        assert body["context"] == {"properties": ["hs_timestamp"]}


async def test_a_due_date_cannot_be_cleared() -> None:
    async with play() as stage:
        assert "required properties" in (await stage.refused(hs_timestamp=""))["message"]


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("1795690800000", "2026-11-26T11:00:00Z"),
        (1795690800123, "2026-11-26T11:00:00.123Z"),
        ("2026-11-26T08:00:00-03:00", "2026-11-26T11:00:00Z"),
        ("2026-11-26T11:00:00.000Z", "2026-11-26T11:00:00Z"),
    ],
)
async def test_a_moment_is_taken_in_milliseconds_or_iso_and_kept_as_an_instant(sent: object, kept: str) -> None:
    async with play() as stage:
        assert (await stage.updated(hs_timestamp=sent))["hs_timestamp"] == kept


async def test_a_get_shows_three_properties_and_those_asked_for() -> None:
    async with play() as stage:
        always = {"hs_createdate", "hs_lastmodifieddate", "hs_object_id"}
        assert set(await stage.task()) == always
        asked = await stage.task("hs_task_subject", "hs_task_completion_date", "no_such_thing")
        assert set(asked) == always | {"hs_task_subject", "hs_task_completion_date"}
        assert asked["hs_task_completion_date"] is None
        repeated = await stage.client.get(f"{TASKS}/{TASK}?properties=hs_task_type&properties=hs_task_status")
        assert {"hs_task_type", "hs_task_status"} <= set(repeated.json()["properties"])


async def test_an_update_answers_what_changed_and_not_the_whole_record() -> None:
    async with play() as stage:
        answered = await stage.updated(hs_task_subject="Otro")
        assert answered["hs_task_subject"] == "Otro"
        assert {"hs_lastmodifieddate", "hs_pipeline_stage", "hubspot_owner_id"} <= set(answered)
        assert not {"hs_task_body", "hs_task_priority"} & set(answered)


async def test_empty_text_clears() -> None:
    async with play() as stage:
        assert (await stage.updated(hubspot_owner_id=""))["hubspot_owner_id"] == ""
        read = await stage.task("hubspot_owner_id", "hubspot_owner_assigneddate", "hs_all_owner_ids")
        assert (read["hubspot_owner_id"], read["hs_all_owner_ids"]) == (None, None)


async def test_completing_and_reopening_have_their_effects() -> None:
    async with play() as stage:
        names = ("hs_task_is_completed", "hs_task_completion_date", "hs_task_completion_count", "hs_pipeline_stage")
        await stage.updated(hs_task_status="COMPLETED")
        done = await stage.task(*names)
        assert [done[name] for name in names] == ["1", "2026-11-20T14:00:00Z", "1", COMPLETED_STAGE]
        await stage.updated(hs_task_status="IN_PROGRESS")
        reopened = await stage.task(*names)
        assert [reopened[name] for name in names[:3]] == ["0", None, "1"]


async def test_a_closed_stage_completes_a_task() -> None:
    async with play() as stage:
        assert (await stage.updated(hs_pipeline_stage=COMPLETED_STAGE))["hs_task_status"] == "COMPLETED"


async def test_overdue_is_as_of_now() -> None:
    async with play() as stage:
        assert (await stage.task("hs_task_is_overdue"))["hs_task_is_overdue"] == "false"
        stage.clock.move(6 * 86400)
        assert (await stage.task("hs_task_is_overdue"))["hs_task_is_overdue"] == "true"


async def test_an_archived_task_is_seen_only_when_asked_for() -> None:
    async with play() as stage:
        assert (await stage.client.delete(f"{TASKS}/{TASK}")).status_code == 204
        assert (await stage.client.get(f"{TASKS}/{TASK}")).status_code == 404
        assert (await stage.sent("PATCH", f"{TASKS}/{TASK}", {"properties": {}}))[0] == 404
        gone = await stage.got(f"{TASKS}/{TASK}", archived="true")
        assert (gone["archived"], gone["archivedAt"]) == (True, "2026-11-20T14:00:00Z")
        assert [row["id"] for row in (await stage.got(TASKS, archived="true"))["results"]] == [TASK, BINNED]
        assert [row["id"] for row in (await stage.got(TASKS))["results"]] == [DONE]


async def test_links_are_made_with_the_task_and_shown_when_asked_for() -> None:
    async with play() as stage:
        types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 204}]
        firm = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 192}]
        links = [{"to": {"id": 101}, "types": types}, {"to": {"id": ACME}, "types": firm}]
        _, made = await stage.sent("POST", TASKS, {"properties": DRAFT, "associations": links})
        shown = await stage.got(f"{TASKS}/{made['id']}", associations="contacts,companies,deals")
        assert shown["associations"] == {
            "contacts": {"results": [{"id": ROSA, "type": "task_to_contact"}]},
            "companies": {"results": [{"id": ACME, "type": "task_to_company"}]},
        }


async def test_a_link_to_nobody_is_refused_and_nothing_is_made() -> None:
    async with play() as stage:
        links = [{"to": {"id": NOBODY}, "types": [{"associationTypeId": 204}]}]
        status, body = await stage.sent("POST", TASKS, {"properties": DRAFT, "associations": links})
        assert (status, body["message"]) == (400, "One or more associations are invalid")
        assert len(stage.sandbox.tasks) == 2
        assert (await stage.sent("POST", TASKS, {"properties": DRAFT, "associations": [{}]}))[0] == 400


async def test_history_tells_who_wrote_what() -> None:
    async with play() as stage:
        stage.sandbox.edit(TASK, hubspot_owner_id=BEN)
        stage.clock.move(1)
        await stage.updated(hubspot_owner_id="")
        shown = await stage.got(f"{TASKS}/{TASK}", propertiesWithHistory="hubspot_owner_id")
        told = [(row["value"], row["sourceType"]) for row in shown["propertiesWithHistory"]["hubspot_owner_id"]]
        assert told == [("", "INTEGRATION"), (BEN, "CRM_UI"), (ANA, "CRM_UI")]


async def test_pages_are_led_to_by_the_last_id() -> None:
    async with play() as stage:
        first = await stage.got(TASKS, limit="1")
        assert first["paging"]["next"]["after"] == TASK
        assert "after=" in first["paging"]["next"]["link"]
        assert "paging" not in await stage.got(TASKS, limit="1", after=TASK)


@pytest.mark.parametrize(
    "query", ["limit=101", "limit=0", "limit=x", "after=x", "limit=51&propertiesWithHistory=hs_timestamp"]
)
async def test_a_page_that_cannot_be_is_refused(query: str) -> None:
    async with play() as stage:
        assert (await stage.client.get(f"{TASKS}?{query}")).status_code == 400


async def test_a_person_edits_behind_the_back_of_the_api() -> None:
    async with play() as stage:
        stage.sandbox.edit(TASK, hs_task_subject="De otra mano")
        assert (await stage.task("hs_task_subject"))["hs_task_subject"] == "De otra mano"
        with pytest.raises(ValueError, match="no task"):
            stage.sandbox.edit(NOBODY, hs_task_subject="x")


async def test_nothing_is_deduplicated() -> None:
    async with play() as stage:
        assert (await stage.created())["id"] != (await stage.created())["id"]


async def test_due_dates_stay_what_they_were_in_other_writes() -> None:
    async with play() as stage:
        await stage.updated(hs_task_is_all_day=True, hs_task_priority="NONE")
        read = await stage.task("hs_timestamp", "hs_task_is_all_day", "hs_task_priority")
        assert (read["hs_timestamp"], read["hs_task_is_all_day"], read["hs_task_priority"]) == (DUE, "true", "NONE")
