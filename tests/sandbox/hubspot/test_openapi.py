"""Answers validated against the vendor's OpenAPI files."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from sandbox.hubspot.served_sandbox import ACME, DONE, DRAFT, NOBODY, ROSA, TASK, ServedSandbox, open_served_sandbox

FOLDER = Path(__file__).parents[4] / "shared" / "openapi"
V3, DATED = "hubspot-tasks-v3", "hubspot-tasks-2026-03"
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="the vendor's OpenAPI files are not beside the checkout")


@cache
def schema_named(name: str) -> dict[str, Any]:
    return dict(_allow_null(json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))))


def _allow_null(node: Any) -> Any:
    """Allow null as a property value: the schema has strings only, the guide and every recording have null."""
    if isinstance(node, list):
        return [_allow_null(one) for one in node]
    if not isinstance(node, dict):
        return node
    opened = {key: _allow_null(one) for key, one in node.items() if key != "example"}
    values = opened.get("properties", {}).get("properties") if isinstance(opened.get("properties"), dict) else None
    if isinstance(values, dict) and values.get("additionalProperties", {}).get("type") == "string":
        values["additionalProperties"]["type"] = ["string", "null"]
    return opened


def check(name: str, path: str, method: str, status: int, body: object) -> None:
    spec = schema_named(name)
    responses = spec["paths"][path][method]["responses"]
    if str(status) in responses:
        schema = responses[str(status)]["content"]["application/json"]["schema"]
    else:
        schema = {"$ref": "#/components/schemas/Error"}
    whole = {**schema, "components": spec["components"]}
    Draft202012Validator(whole, format_checker=FormatChecker()).validate(body)


class CheckedClient:
    """Sends a request to both versions of the tasks API, and checks each answer."""

    def __init__(self, served: ServedSandbox) -> None:
        self.served = served

    async def tasks(self, method: str, rest: str, expected: int, body: object = None, at: str | None = None) -> None:
        for name, base in ((V3, "/crm/v3/objects/tasks"), (DATED, "/crm/objects/2026-03/tasks")):
            status, answer = await self.served.send(method, base + rest, body)
            assert status == expected, answer
            template = base + (at if at is not None else rest.partition("?")[0])
            check(name, template, method.lower(), status, answer)


async def test_answers_about_single_tasks_match_the_openapi_files() -> None:
    async with open_served_sandbox() as served:
        checked = CheckedClient(served)
        await checked.tasks("GET", "", 200)
        await checked.tasks("GET", "?limit=1&associations=contacts&propertiesWithHistory=hs_task_subject", 200)
        await checked.tasks("GET", "?archived=true", 200)
        await checked.tasks("POST", "", 201, {"properties": DRAFT})
        query = "?properties=hs_task_subject,hs_task_body,hs_task_completion_date&associations=contacts"
        await checked.tasks("GET", f"/{TASK}{query}", 200, at="/{taskId}")
        await checked.tasks("PATCH", f"/{TASK}", 200, {"properties": {"hs_task_status": "COMPLETED"}}, at="/{taskId}")


async def test_answers_about_batches_match_the_openapi_files() -> None:
    async with open_served_sandbox() as served:
        checked = CheckedClient(served)
        good, bad = {"properties": DRAFT}, {"properties": {"x": "y"} | DRAFT}
        await checked.tasks("POST", "/batch/create", 201, {"inputs": [good]})
        partial = {"inputs": [good | {"objectWriteTraceId": "1"}, bad | {"objectWriteTraceId": "2"}]}
        await checked.tasks("POST", "/batch/create", 207, partial)
        await checked.tasks("POST", "/batch/read", 207, {"inputs": [{"id": TASK}, {"id": NOBODY}]})
        rows = [{"id": one, "properties": {"hs_task_priority": "LOW"}} for one in (TASK, DONE)]
        await checked.tasks("POST", "/batch/update", 200, {"inputs": rows})
        await checked.tasks("POST", "/batch/update", 207, {"inputs": [*rows, {"id": NOBODY, "properties": {}}]})


async def test_answers_to_upserts_match_the_openapi_files() -> None:
    async with open_served_sandbox("unique_property=outer_id") as served:
        row = {"id": "k", "idProperty": "outer_id", "properties": DRAFT, "objectWriteTraceId": "1"}
        await CheckedClient(served).tasks("POST", "/batch/upsert", 200, {"inputs": [row]})


async def test_answers_to_searches_match_the_openapi_files() -> None:
    async with open_served_sandbox() as served:
        await CheckedClient(served).tasks("POST", "/search", 200, {"limit": 1, "properties": ["hs_task_body"]})


async def test_errors_match_the_openapi_files() -> None:
    async with open_served_sandbox() as served:
        checked = CheckedClient(served)
        await checked.tasks("POST", "", 400, {"properties": {}})
        await checked.tasks("POST", "", 400, {"properties": DRAFT | {"x": "y"}})
        await checked.tasks("GET", f"/{NOBODY}", 404, at="/{taskId}")
        await checked.tasks("GET", "/abc", 404, at="/{taskId}")
        await checked.tasks("POST", "/search", 400, {"limit": 999})
        served.sandbox.scopes = frozenset()
        await checked.tasks("GET", "", 403)
        served.sandbox.token = "another"  # noqa: S105  # opens nothing
        await checked.tasks("GET", "", 401)


@pytest.mark.parametrize("query", ["", "?limit=1", "?archived=true", "?email=ana@example.com"])
async def test_answers_about_owners_match_the_openapi_files(query: str) -> None:
    async with open_served_sandbox() as served:
        check("hubspot-owners-v3", "/crm/v3/owners", "get", 200, await served.get(f"/crm/v3/owners{query}"))
        one = await served.get("/crm/v3/owners/6166860")
        check("hubspot-owners-v3", "/crm/v3/owners/{ownerId}", "get", 200, one)


@pytest.mark.parametrize("kind", ["tasks", "contacts", "companies", "deals"])
async def test_answers_about_properties_match_the_openapi_files(kind: str) -> None:
    async with open_served_sandbox() as served:
        base = "/crm/v3/properties/{objectType}"
        rows = await served.get(f"/crm/v3/properties/{kind}")
        check("hubspot-properties-v3", base, "get", 200, rows)
        one = await served.get(f"/crm/v3/properties/{kind}/hs_object_id")
        check("hubspot-properties-v3", f"{base}/{{propertyName}}", "get", 200, one)


async def test_answers_about_links_match_the_openapi_files() -> None:
    async with open_served_sandbox() as served:
        base = "/crm/objects/2026-03"
        near = f"{base}/tasks/{TASK}/associations"
        status, made = await served.send("PUT", f"{near}/default/companies/{ACME}")
        far = "{fromObjectType}/{fromObjectId}/associations/default/{toObjectType}/{toObjectId}"
        check(DATED, f"{base}/{far}", "put", status, made)
        spec = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 204}]
        status, pair = await served.send("PUT", f"{near}/contacts/{ROSA}", spec)
        far = "{objectType}/{objectId}/associations/{toObjectType}/{toObjectId}"
        check(DATED, f"{base}/{far}", "put", status, pair)
