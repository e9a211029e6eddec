"""Error bodies, with their recorded texts."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sandbox.hubspot.served_sandbox import GIL, NOBODY, TASK, TASKS, open_served_sandbox

CONTACTS = "/crm/v3/objects/contacts"
OPTIONS = 'was not one of the allowed options: [label: "None"\nvalue: "NONE"\ndisplay_order: 0\nhidden: false'


def rows(body: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the array that is JSON text inside the message."""
    head, _, text = body["message"].partition(": ")
    assert head == "Property values were not valid"
    return list(json.loads(text))


async def test_one_error_has_all_complaints_about_an_input() -> None:
    async with open_served_sandbox() as served:
        body = await served.refuse_update(
            missing="x", hs_createdate="1", hs_task_priority="URGENT", hs_task_subject="fine"
        )
        assert [(row["name"], row["error"], row["isValid"]) for row in rows(body)] == [
            ("missing", "PROPERTY_DOESNT_EXIST", False),
            ("hs_createdate", "READ_ONLY_VALUE", False),
            ("hs_task_priority", "INVALID_OPTION", False),
        ]
        assert body["errors"][0] == {
            "message": 'Property "missing" does not exist',
            "code": "PROPERTY_DOESNT_EXIST",
            "context": {"propertyName": ["missing"]},
        }
        assert OPTIONS in body["errors"][2]["message"]
        assert list(body) == ["status", "message", "correlationId", "errors", "category"]


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("hs_timestamp", "mañana", "INVALID_DATE"),
        ("hs_timestamp", "2026-13-01", "INVALID_DATE"),
        ("hs_timestamp", 1795690800, "INVALID_DATE"),
        ("hs_task_reminders", "2026-11-25T15:00:00Z", "INVALID_LONG"),
        ("hubspot_owner_id", NOBODY, "INVALID_OWNER_ID"),
        ("hubspot_owner_id", GIL, "INVALID_OWNER_ID"),
        ("hs_task_is_all_day", "yes", "INVALID_OPTION"),
        ("hs_task_status", "completed", "INVALID_OPTION"),
        ("hs_pipeline_stage", "x", "INVALID_OPTION"),
        ("hs_task_body", "x" * 65_537, "INVALID_LENGTH"),
        ("hs_object_id", "5", "READ_ONLY_VALUE"),
        ("hs_task_is_overdue", "true", "READ_ONLY_VALUE"),
    ],
)
async def test_an_invalid_value_has_its_code(name: str, value: object, code: str) -> None:
    async with open_served_sandbox() as served:
        [row] = rows(await served.refuse_update(**{name: value}))
        assert (row["name"], row["error"]) == (name, code)


async def test_the_error_of_invalid_json_has_a_position_and_no_category() -> None:
    async with open_served_sandbox() as served:
        answer = await served.client.patch(f"{TASKS}/{TASK}", content=b'{"properties":\n {,}}')
        assert answer.status_code == 400
        assert answer.json()["message"].startswith("Invalid input JSON on line 2, column 3: ")
        assert "category" not in answer.json()


@pytest.mark.parametrize("body", [[], "x", {"properties": []}, {"properties": {"hs_task_subject": {}}}])
async def test_a_body_of_the_wrong_shape_is_refused(body: object) -> None:
    async with open_served_sandbox() as served:
        assert (await served.send("PATCH", f"{TASKS}/{TASK}", body))[0] == 400


async def test_numeric_and_other_unknown_ids_have_different_errors() -> None:
    async with open_served_sandbox() as served:
        status, unknown = await served.send("GET", f"{TASKS}/{NOBODY}")
        assert (status, unknown["message"], unknown["category"]) == (404, "resource not found", "OBJECT_NOT_FOUND")
        status, words = await served.send("GET", f"{TASKS}/abc")
        assert (status, words["message"]) == (404, "Object not found.  objectId are usually numeric.")
        assert words["context"] == {"id": ["abc"]}


async def test_an_unknown_object_type_or_path_is_a_404() -> None:
    async with open_served_sandbox() as served:
        status, body = await served.send("GET", "/crm/v3/objects/dreams/1")
        assert (status, body["message"]) == (404, "Unable to infer object type from: dreams")
        assert (await served.send("GET", "/crm/v9/nothing"))[0] == 404
        assert (await served.send("GET", "/crm/v3/properties/tasks/no_such"))[0] == 404
        assert (await served.send("GET", f"/crm/v3/owners/{NOBODY}"))[0] == 404


async def test_every_answer_has_a_correlation_id() -> None:
    async with open_served_sandbox() as served:
        good = await served.client.get(f"{TASKS}/{TASK}")
        bad = await served.client.get(f"{TASKS}/{NOBODY}")
        assert good.headers["content-type"] == "application/json;charset=utf-8"
        assert bad.headers["x-hubspot-correlation-id"] == bad.json()["correlationId"]
        assert good.headers["x-hubspot-correlation-id"] != bad.headers["x-hubspot-correlation-id"]
        assert "x-request-id" in good.headers


async def test_refuses_a_second_contact_with_the_same_email() -> None:
    async with open_served_sandbox() as served:
        status, body = await served.send("POST", CONTACTS, {"properties": {"email": "ROSA@example.com"}})
        assert (status, body["category"]) == (409, "CONFLICT")
        assert body["message"] == "Contact already exists. Existing ID: 101"


async def test_an_id_property_must_be_unique() -> None:
    async with open_served_sandbox() as served:
        status, body = await served.send("GET", f"{TASKS}/Revisar?idProperty=hs_task_subject")
        assert (status, body["context"]) == (400, {"idProperty": ["hs_task_subject"]})
        assert (await served.get(f"{TASKS}/{TASK}", idProperty="hs_object_id"))["id"] == TASK


WRONG: list[object] = [None, 1, "x", True, [1], [[]], {"a": 1}]
FIELDS = ["inputs", "properties", "filterGroups", "filters", "sorts", "associations", "limit", "after"]


@pytest.mark.parametrize("field", FIELDS)
async def test_any_body_is_answered(field: str) -> None:
    ends = ["", "/search", "/batch/read", "/batch/create", "/batch/update", "/batch/upsert", "/batch/archive"]
    async with open_served_sandbox("burst=0") as served:
        for end in ends:
            for value in WRONG:
                row = {"id": TASK, field: value}
                for body in ({field: value}, {"inputs": [row]}, {"filters": [row]}):
                    status, _ = await served.send("POST", TASKS + end, body)
                    assert status < 500, (end, body)
