"""The task endpoints with the default spec variant."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.vambe.served_sandbox import (
    ANA,
    BEN,
    CONTACT,
    CUSTOMER,
    DRAFT,
    FOREIGN,
    NOBODY,
    TASK,
    TASKS,
    YEAR,
    ZONE,
    open_served_sandbox,
)

MALFORMED = "not-a-uuid"


@pytest.mark.parametrize("key", ["", "wrong", "right-and-more", "RIGHT"])
async def test_a_wrong_or_missing_key_is_answered_401(key: str) -> None:
    async with open_served_sandbox(key="right") as served:
        for method, path in [("GET", TASKS), ("PUT", f"{TASKS}/{MALFORMED}"), ("GET", "/api/webhooks")]:
            answer = await served.client.request(method, path, headers={"x-api-key": key})
            assert answer.status_code == 401
            assert answer.json() == {"statusCode": 401, "message": "Unauthorized"}


async def test_answers_the_whole_documented_object() -> None:
    async with open_served_sandbox() as served:
        [task] = await served.list_tasks()
        status = task.pop("status_config")
        assert task == {
            "id": TASK,
            "title": "Revisar",
            "description": None,
            "due_timezone": ZONE,
            "due_at": "2025-10-26T18:00:00.000Z",
            "is_all_day": False,
            "created_at": "2025-10-20T10:30:00.000Z",
            "ai_contact_id": CONTACT,
            "ai_customer_id": None,
            "task_status_config_id": status["id"],
            "priority": 2,
            "creator_id": ANA,
            "task_responsibles": [{"responsible_id": ANA}],
        }
        assert {**status, "id": None} == {
            "id": None,
            "name": "Pendiente",
            "color": "#60a5fa",
            "type": "initial",
            "order": 1,
        }


async def test_a_created_task_starts_in_the_initial_status_and_belongs_to_the_keys_user() -> None:
    async with open_served_sandbox() as served:
        answer = await served.client.post(TASKS, json=DRAFT | {"aiContactId": CONTACT, "aiCustomerId": CUSTOMER})
        task = answer.json()
        assert answer.status_code == 201
        assert (task["status_config"]["type"], task["creator_id"], task["priority"]) == ("initial", ANA, 1)
        assert (task["ai_contact_id"], task["ai_customer_id"]) == (CONTACT, CUSTOMER)
        assert task in await served.list_tasks()


async def test_a_date_without_a_time_makes_an_all_day_task() -> None:
    async with open_served_sandbox() as served:
        for sent in ("2025-11-26", "2025-11-26T00:00:00.000Z"):
            task = await served.create_task(dueDate=sent, timezone=ZONE)
            assert task["is_all_day"]
            assert (task["due_at"], task["due_timezone"]) == ("2025-11-26T00:00:00.000Z", ZONE)


async def test_a_task_without_a_date_is_not_all_day() -> None:
    async with open_served_sandbox() as served:
        task = await served.create_task(dueTime="10:00", timezone=ZONE)
        assert (task["due_at"], task["is_all_day"]) == (None, False)


@pytest.mark.parametrize("missing", ["title", "responsibleIds", "priority"])
async def test_names_a_missing_required_field(missing: str) -> None:
    async with open_served_sandbox() as served:
        draft = {name: value for name, value in DRAFT.items() if name != missing}
        answer = await served.client.post(TASKS, json=draft)
        assert answer.status_code == 400
        assert [issue["field"] for issue in answer.json()["errors"]] == [missing]


async def test_refuses_a_time_without_a_timezone_on_create_only() -> None:
    async with open_served_sandbox() as served:
        draft = DRAFT | {"dueDate": "2025-11-26", "dueTime": "10:00"}
        assert (await served.client.post(TASKS, json=draft)).status_code == 400
        assert (await served.update_task(dueDate="2025-11-26", dueTime="10:00"))["due_timezone"] == ZONE


async def test_answers_the_documented_error_body_to_an_invalid_priority() -> None:
    async with open_served_sandbox() as served:
        for priority in ("high", 2, "3", "", None):
            answer = await served.client.put(f"{TASKS}/{TASK}", json={"priority": priority})
            assert answer.status_code == 400
            assert answer.json() == {
                "statusCode": 400,
                "message": "Validation failed",
                "errors": [
                    {"field": "priority", "message": "Priority must be one of: low, medium, high"},
                ],
            }


@pytest.mark.parametrize(
    "fields",
    [
        {"title": ""},
        {"title": None},
        {"title": 5},
        {"description": 5},
        {"dueDate": "26/11/2025"},
        {"dueDate": "2025-02-30"},
        {"dueDate": "20251126"},
        {"dueDate": "0001-01-01"},
        {"dueTime": "25:00"},
        {"dueTime": "9:00"},
        {"timezone": "Mars/Olympus"},
        {"timezone": "../etc/passwd"},
        {"responsibleIds": ANA},
        {"responsibleIds": [MALFORMED]},
        {"responsibleIds": [None]},
        {"newStatusName": 1},
        {"newStatusPosition": "1"},
        {"newStatusPosition": True},
        {"newStatusName": "Completado", "newStatusPosition": 3},
    ],
)
async def test_an_invalid_body_is_answered_400_and_changes_nothing(fields: dict[str, Any]) -> None:
    async with open_served_sandbox() as served:
        assert await served.refuse_update(**fields) == 400


@pytest.mark.parametrize(
    "fields",
    [
        {"responsibleIds": [ANA, NOBODY]},
        {"aiContactId": NOBODY},
        {"aiContactId": "contact-uuid-123"},
        {"aiCustomerId": NOBODY},
        {"newStatusName": "Terminado"},
        {"newStatusName": "completado"},
        {"newStatusPosition": 9},
        {"newStatusPosition": 1.5},
    ],
)
async def test_an_invalid_reference_is_answered_404_and_changes_nothing(fields: dict[str, Any]) -> None:
    async with open_served_sandbox() as served:
        assert await served.refuse_update(**fields) == 404


async def test_refuses_a_malformed_contact_id_on_create() -> None:
    async with open_served_sandbox() as served:
        answer = await served.client.post(TASKS, json=DRAFT | {"aiContactId": MALFORMED})
        assert answer.status_code == 400


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b'{"title":"x"}', "text/plain"),
        (b"{", "application/json"),
        (b"[]", "application/json"),
        (b"", "application/json"),
    ],
)
async def test_answers_400_to_a_body_that_is_not_a_json_object(body: bytes, content_type: str) -> None:
    async with open_served_sandbox() as served:
        headers = {"content-type": content_type}
        for method, path in [("POST", TASKS), ("PUT", f"{TASKS}/{TASK}")]:
            answer = await served.client.request(method, path, content=body, headers=headers)
            assert answer.status_code == 400


async def test_an_update_changes_only_the_sent_fields() -> None:
    async with open_served_sandbox() as served:
        [before] = served.sandbox.tasks
        after = await served.update_task(title="Nuevo")
        assert after == before | {"title": "Nuevo"}


async def test_an_update_sets_every_documented_field() -> None:
    async with open_served_sandbox() as served:
        task = await served.update_task(
            title="Nuevo",
            description="Texto",
            newStatusName="Completado",
            dueDate="2025-12-01",
            dueTime="09:30",
            timezone="America/Bogota",
            responsibleIds=[BEN],
            aiContactId=None,
            aiCustomerId=CUSTOMER,
            priority="0",
        )
        assert (task["title"], task["description"], task["priority"]) == ("Nuevo", "Texto", 0)
        assert (task["due_at"], task["due_timezone"]) == ("2025-12-01T14:30:00.000Z", "America/Bogota")
        assert (task["ai_contact_id"], task["ai_customer_id"]) == (None, CUSTOMER)
        assert task["status_config"]["type"] == "done"
        assert task["task_status_config_id"] == task["status_config"]["id"]


async def test_responsibles_are_replaced_not_added() -> None:
    async with open_served_sandbox() as served:
        task = await served.update_task(responsibleIds=[BEN])
        assert task["task_responsibles"] == [{"responsible_id": BEN}]


async def test_null_clears_the_nullable_fields() -> None:
    async with open_served_sandbox() as served:
        await served.update_task(description="x", aiCustomerId=CUSTOMER)
        task = await served.update_task(description=None, dueDate=None, aiContactId=None, aiCustomerId=None)
        assert (task["description"], task["due_at"], task["is_all_day"]) == (None, None, False)
        assert (task["ai_contact_id"], task["ai_customer_id"]) == (None, None)


async def test_a_null_time_makes_the_task_all_day() -> None:
    async with open_served_sandbox() as served:
        task = await served.update_task(dueTime=None)
        assert (task["due_at"], task["is_all_day"]) == ("2025-10-26T00:00:00.000Z", True)


async def test_immutable_fields_are_not_changed() -> None:
    async with open_served_sandbox() as served:
        [before] = served.sandbox.tasks
        assert await served.update_task(id=NOBODY, created_at="2020-01-01", creator_id=BEN) == before


async def test_hides_a_deleted_task_and_answers_404_to_a_second_delete() -> None:
    async with open_served_sandbox() as served:
        answer = await served.client.delete(f"{TASKS}/{TASK}")
        assert (answer.status_code, answer.json()) == (200, {"status": "success"})
        assert await served.list_tasks() == []
        again = await served.client.delete(f"{TASKS}/{TASK}")
        assert (again.status_code, again.json()) == (404, {"statusCode": 404, "message": "Task not found"})
        assert (await served.client.put(f"{TASKS}/{TASK}", json={"title": "x"})).status_code == 404
        assert [request.committed for request in served.sandbox.requests if request.method == "DELETE"] == [True, False]


@pytest.mark.parametrize(
    ("task_id", "status"), [(MALFORMED, 400), ("%2E%2E%2Ftasks", 400), (NOBODY, 404), (FOREIGN, 404)]
)
async def test_answers_400_to_a_malformed_id_and_404_to_an_unknown_one(task_id: str, status: int) -> None:
    async with open_served_sandbox() as served:
        assert (await served.client.delete(f"{TASKS}/{task_id}")).status_code == status
        answer = await served.client.put(f"{TASKS}/{task_id}", json={"title": "x"})
        assert answer.status_code == status


async def test_finds_an_id_in_capitals() -> None:
    async with open_served_sandbox() as served:
        assert (await served.client.delete(f"{TASKS}/{TASK.upper()}")).status_code == 200


@pytest.mark.parametrize(
    ("method", "path"), [("GET", f"{TASKS}/{TASK}"), ("PATCH", f"{TASKS}/{TASK}"), ("GET", "/api/public/task")]
)
async def test_answers_404_on_an_undocumented_route(method: str, path: str) -> None:
    async with open_served_sandbox() as served:
        assert (await served.client.request(method, path)).status_code == 404


async def test_the_list_is_filtered_by_responsibles_and_due_days() -> None:
    async with open_served_sandbox() as served:
        bens = await served.create_task(responsibleIds=[BEN], dueDate="2025-03-01")
        assert [task["id"] for task in await served.list_tasks(responsibleIds=BEN)] == [bens["id"]]
        assert [task["id"] for task in await served.list_tasks(fromDate="2025-10-01")] == [TASK]
        assert await served.list_tasks(responsibleIds=NOBODY) == []


async def test_lists_tasks_without_dates_unless_excluded() -> None:
    async with open_served_sandbox() as served:
        undated = await served.create_task()
        assert undated in await served.list_tasks()
        assert undated in await served.list_tasks(includeTasksWithoutDates="true")
        assert undated not in await served.list_tasks(includeTasksWithoutDates="false")


@pytest.mark.parametrize(
    "query",
    [
        {"fromDate": ""},
        {"fromDate": "2025-13-01"},
        {"toDate": "2025-01-01T00:00:00Z"},
        {"includeTasksWithoutDates": "perhaps"},
        {"responsibleIds": MALFORMED},
    ],
)
async def test_a_malformed_query_is_answered_400(query: dict[str, str]) -> None:
    async with open_served_sandbox() as served:
        assert (await served.client.get(TASKS, params=YEAR | query)).status_code == 400


async def test_the_window_is_required() -> None:
    async with open_served_sandbox() as served:
        assert (await served.client.get(TASKS)).status_code == 400
