"""Any request gets one of the documented statuses, and a refused one changes nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.vambe.served_sandbox import SEED, TASK, TASKS, open_served_sandbox
from taskhand.sandbox.messages import ReceivedRequest
from taskhand.sandbox.vambe import SpecVariant, VambeSandbox

NAMES = (
    "title",
    "description",
    "dueDate",
    "dueTime",
    "timezone",
    "responsibleIds",
    "aiContactId",
    "aiCustomerId",
    "priority",
    "newStatusName",
    "newStatusPosition",
    "topic",
    "topics",
    "url",
    "secret",
)
WORDS = st.sampled_from(["", "2025-10-26", "9999-12-31", "15:00", "Asia/Tokyo", "America", "Pendiente", "1", TASK])
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | WORDS
BODIES = st.dictionaries(st.sampled_from(NAMES), SCALARS | st.lists(SCALARS, max_size=3), max_size=6)
WRITES = st.sampled_from([("POST", TASKS), ("PUT", f"{TASKS}/{TASK}"), ("POST", "/api/webhooks")])
QUERIES = st.text(alphabet="responsibleIdfmDatToc[]=&,%0123456789-\"'", max_size=60)


def headers(sandbox: VambeSandbox) -> tuple[tuple[str, str], ...]:
    return (("x-api-key", sandbox.key), ("content-type", "application/json"))


@given(write=WRITES, body=BODIES)
def test_any_body_is_answered_and_a_refused_one_changes_nothing(write: tuple[str, str], body: dict[str, Any]) -> None:
    sandbox = VambeSandbox(seed=SEED)
    before = sandbox.state()
    call = ReceivedRequest(*write, headers=headers(sandbox), body=json.dumps(body).encode())
    status = sandbox.answer(call, stale=False).status
    assert status in {200, 201, 400, 404}
    assert status < 300 or sandbox.state() == before


@given(query=QUERIES, path=st.sampled_from([TASKS, "/api/public/contacts", "/api/public/contacts/search"]))
def test_any_query_is_answered(query: str, path: str) -> None:
    sandbox = VambeSandbox(seed=SEED)
    window = "fromDate=2025-01-01&toDate=2025-12-31&"
    call = ReceivedRequest("GET", path, window + query, headers(sandbox))
    assert sandbox.answer(call, stale=False).status in {200, 400}


@pytest.mark.parametrize("body", [b'{"newStatusPosition":NaN}', b'{"title":' + b"[" * 100_000, b"\xff\xfe"])
async def test_answers_400_to_lenient_json_and_logs_it_as_text(body: bytes) -> None:
    async with open_served_sandbox() as served:
        answer = await served.client.put(f"{TASKS}/{TASK}", content=body, headers={"content-type": "application/json"})
        assert answer.status_code == 400
        assert isinstance((await served.client.get("/_sandbox/requests")).json()[0]["body"], str)


@pytest.mark.parametrize("body", [b'{"newStatusPosition":1e400}', b'{"newStatusPosition":1' + b"0" * 400 + b"}"])
async def test_a_position_may_be_any_number(body: bytes) -> None:
    async with open_served_sandbox() as served:
        answer = await served.client.put(f"{TASKS}/{TASK}", content=body, headers={"content-type": "application/json"})
        assert answer.status_code == 404


async def test_accepts_a_lone_surrogate() -> None:
    async with open_served_sandbox() as served:
        answer = await served.client.put(
            f"{TASKS}/{TASK}", content=b'{"title":"\\ud800"}', headers={"content-type": "application/json"}
        )
        assert (answer.status_code, answer.json()["title"]) == (200, "?")
        for path in ("/_sandbox/requests", "/_sandbox/state"):
            assert (await served.client.get(path)).status_code == 200


@pytest.mark.parametrize("name", SpecVariant.allowed())
def test_every_value_of_every_switch_lists_and_writes(name: str) -> None:
    for value in SpecVariant.allowed()[name]:
        if value in {"any text", "a whole number from 0"}:
            continue
        sandbox = VambeSandbox(seed=SEED, spec_variant=SpecVariant.parse([f"{name}={value}"]))
        query = "fromDate=2025-01-01&toDate=2025-12-31" + ("&responsibleIds=" if value == "blank" else "")
        for call in (
            ReceivedRequest("GET", TASKS, query, headers(sandbox)),
            ReceivedRequest("PUT", f"{TASKS}/{TASK}", headers=headers(sandbox), body=b'{"title":"x"}'),
        ):
            assert sandbox.answer(call, stale=False).status == 200
