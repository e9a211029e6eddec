"""Answers validated against the vendor's OpenAPI file, where one lies beside the checkout."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator, ValidationError
from jsonschema.validators import validator_for

from sandbox.close.served_sandbox import CALL, CONTACT, DRAFT, LEAD, TASK, ServedSandbox, open_served_sandbox
from taskhand.sandbox.close.filters import KNOWN
from taskhand.sandbox.close.routes import ENDPOINTS, ROOT
from taskhand.sandbox.close.validation import BULK_EXTRAS, IN_BULK, UPDATABLE

SPEC = Path(__file__).parents[4] / "shared" / "openapi" / "close.yml"
pytestmark = pytest.mark.skipif(not SPEC.exists(), reason="the vendor's OpenAPI file is not beside this checkout")
HOOK = {"url": "https://example.com/in", "events": [{"object_type": "task.lead", "action": "created"}]}
UNDOCUMENTED = {f"POST {ROOT}/data/search"}  # the API reference documents it, the OpenAPI file does not
CALLS: list[tuple[str, str, str, Any]] = [
    ("get", "/task/", "task/?_type=all", None),
    ("post", "/task/", "task/", DRAFT),
    ("post", "/task/", "task/", DRAFT | {"_type": "outgoing_call", "contact_id": CONTACT}),
    ("put", "/task/", f"task/?id__in={TASK}", {"is_complete": True}),
    ("get", "/task/{id}/", f"task/{CALL}/", None),
    ("put", "/task/{id}/", f"task/{TASK}/", {"priority": "high"}),
    ("get", "/lead/", "lead/", None),
    ("get", "/lead/{id}/", f"lead/{LEAD}/", None),
    ("get", "/contact/", "contact/", None),
    ("get", "/contact/{id}/", f"contact/{CONTACT}/", None),
    ("get", "/me/", "me/", None),
    ("get", "/user/", "user/", None),
    ("get", "/event/", "event/", None),
    ("post", "/webhook/", "webhook/", HOOK),
    ("get", "/webhook/", "webhook/", None),
    ("get", "/activity/task_completed/", "activity/task_completed/", None),
    ("delete", "/task/{id}/", f"task/{TASK}/", None),
]


@functools.cache
def spec() -> dict[str, Any]:
    return dict(yaml.load(SPEC.read_text(encoding="utf-8"), yaml.CSafeLoader))


def schema(name: str) -> dict[str, Any]:
    return dict(spec()["components"]["schemas"][name])


def check(method: str, path: str, status: int, value: Any) -> None:
    response = spec()["paths"][path][method]["responses"][str(status)]
    whole = response["content"]["application/json"]["schema"] | {"components": spec()["components"]}
    validator = validator_for(whole, default=Draft202012Validator)
    validator(whole, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(value)


async def send(served: ServedSandbox, method: str, path: str, body: Any) -> tuple[int, Any]:
    answer = await served.client.request(method, path, json=body)
    return answer.status_code, answer.json()


@pytest.mark.parametrize(("method", "path", "url", "body"), CALLS)
async def test_every_answer_fits_the_published_schema(method: str, path: str, url: str, body: Any) -> None:
    async with open_served_sandbox() as served:
        status, value = await send(served, method, url, body)
        assert status < 300, value
        check(method, path, status, value)


def test_the_check_notices_a_missing_field() -> None:
    with pytest.raises(ValidationError):
        check("get", "/lead/{id}/", 200, {"id": LEAD})


async def test_the_demos_leads_and_contacts_are_valid() -> None:
    async with open_served_sandbox(seed="demo") as served:
        for path in ("lead", "contact"):
            status, value = await send(served, "get", f"{path}/", None)
            check("get", f"/{path}/", status, value)


def test_every_route_is_in_the_file() -> None:
    documented = {
        f"{method.upper()} {ROOT}{path.rstrip('/')}" for path, methods in spec()["paths"].items() for method in methods
    }
    assert set(ENDPOINTS) - documented == UNDOCUMENTED


def test_the_fields_that_change_are_the_schemas() -> None:
    assert set(schema("UpdateNotification")["properties"]) == UPDATABLE
    assert set(schema("BulkUpdateNotifications")["properties"]) == IN_BULK | BULK_EXTRAS


def test_every_documented_filter_is_known() -> None:
    parameters = spec()["paths"]["/task/"]["get"]["parameters"]
    documented = {parameter["name"] for parameter in parameters if parameter["in"] == "query"}
    assert documented <= KNOWN
