"""Task properties that an account has defined: their definitions, their values, and records found by unique ones."""

from __future__ import annotations

import json
from typing import Any

from sandbox.hubspot.served_sandbox import DONE, SEED, TASK, open_served_sandbox

PROPERTIES: list[dict[str, Any]] = [
    {"name": "region", "label": "Región", "type": "enumeration", "options": [{"value": "n", "label": "Norte"}]},
    {"name": "tags", "type": "enumeration", "fieldType": "checkbox"}
    | {"options": [{"value": one, "label": one.upper()} for one in ("a", "b")]},
    {"name": "visit", "type": "date"},
    {"name": "score", "type": "number", "readOnlyValue": True},
    {"name": "amount", "type": "number"},
    {"name": "urgent", "type": "bool"},
    {"name": "order", "hasUniqueValue": True},
]
OWN = SEED | {"properties": PROPERTIES}


async def test_definitions_have_types_options_and_flags() -> None:
    async with open_served_sandbox(seed=OWN) as served:
        rows = {row["name"]: row for row in (await served.get("/crm/v3/properties/tasks"))["results"]}
        assert (rows["region"]["label"], rows["region"]["hubspotDefined"]) == ("Región", False)
        assert [option["value"] for option in rows["tags"]["options"]] == ["a", "b"]
        assert (rows["tags"]["fieldType"], rows["visit"]["fieldType"]) == ("checkbox", "date")
        assert rows["score"]["modificationMetadata"]["readOnlyValue"] is True
        assert (rows["order"]["hasUniqueValue"], rows["hs_task_subject"]["hubspotDefined"]) == (True, True)


async def test_values_are_checked_by_type_and_kept_in_their_form() -> None:
    async with open_served_sandbox(seed=OWN) as served:
        sent = {"tags": "b;a", "visit": "1764633600000", "amount": "12.5", "urgent": "true", "region": "n"}
        await served.update_task(**sent)
        assert await served.get_task(*sent) == await served.get_task() | sent | {"visit": "2025-12-02"}
        wrong = {"tags": "a;c", "visit": "2025-12-02T10:00:00Z", "amount": "x", "urgent": "yes", "region": "Norte"}
        error = await served.refuse_update(**wrong, score="1")
        codes = {one["context"]["propertyName"][0]: one["code"] for one in error["errors"]}
        assert codes == {
            **dict.fromkeys(("tags", "urgent", "region"), "INVALID_OPTION"),
            "visit": "INVALID_DATE",
            "amount": "INVALID_INTEGER",
            "score": "READ_ONLY_VALUE",
        }


async def test_a_unique_value_belongs_to_one_record_and_finds_it() -> None:
    async with open_served_sandbox(seed=OWN) as served:
        await served.update_task(order="P-1")
        await served.update_task(order="P-1")
        status, error = await served.send("PATCH", f"/crm/v3/objects/tasks/{DONE}", {"properties": {"order": "p-1"}})
        assert (status, error["errors"][0]["code"]) == (400, "CONFLICTING_UNIQUE_VALUE")
        inputs = [{"id": one, "properties": {"order": "P-2"}, "objectWriteTraceId": one} for one in (TASK, DONE)]
        status, answer = await served.batch("update", *inputs)
        assert (status, [row["id"] for row in answer["results"]], answer["numErrors"]) == (207, [TASK], 1)
        assert "CONFLICTING_UNIQUE_VALUE" in json.dumps(answer["errors"])
        by_order = {"id": "P-2", "idProperty": "order", "properties": {"amount": "3"}, "objectWriteTraceId": "x"}
        _, answer = await served.batch("update", by_order)
        assert [row["id"] for row in answer["results"]] == [TASK]
        status, _ = await served.batch("read", {"id": "n"}, idProperty="region")
        assert status == 400
