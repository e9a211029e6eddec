"""Any request gets one of the documented statuses, and a refused one changes nothing."""

from __future__ import annotations

import base64
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sandbox.close.served_sandbox import BEN, CALL, CONTACT, LEAD, SEED, TASK
from taskhand.sandbox.close import CloseSandbox
from taskhand.sandbox.close.filters import KNOWN
from taskhand.sandbox.close.validation import UPDATABLE
from taskhand.sandbox.messages import ReceivedRequest

NAMES = sorted(UPDATABLE | {"_type", "_params", "url", "events", "query", "cursor", "sort", "_fields", "title"})
WORDS = st.sampled_from(["", "2025-10-26", "9999-12-31", "2025-11-05T10:00:00Z", "lead", LEAD, BEN, CONTACT, TASK])
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | WORDS
KEYS = st.sampled_from(["field", "type", "filter", "filters", "queries", "value", "object_type", "action", "lead"])
VALUES = st.recursive(
    SCALARS | st.sampled_from(["and", "not", "text", "field_condition", "equals", "created", "task.lead"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)
BODIES = st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=6)
PATHS = ("task/", f"task/{TASK}/", f"task/{CALL}/", "webhook/", "data/search/")
WRITES = st.tuples(st.sampled_from(["POST", "PUT"]), st.sampled_from(PATHS))
QUERIES = st.dictionaries(st.sampled_from(sorted(KNOWN)), WORDS | st.text(alphabet="0123456789-T:", max_size=12))
HEADERS = (
    ("authorization", "Basic " + base64.b64encode(b"api_close-sandbox-key:").decode()),
    ("content-type", "application/json"),
)


@given(WRITES, BODIES)
def test_a_refused_write_changes_nothing(write: tuple[str, str], body: dict[str, Any]) -> None:
    sandbox = CloseSandbox(seed=SEED)
    before = sandbox.tasks
    method, path = write
    answer = sandbox.answer(
        ReceivedRequest(method, f"/api/v1/{path}", "", HEADERS, json.dumps(body).encode()), stale=False
    )
    assert answer.status in {200, 201, 400, 405}
    if answer.status >= 400:
        assert sandbox.tasks == before
        assert json.loads(answer.body).keys() <= {"error", "errors", "field-errors", "count"}


@given(QUERIES)
def test_any_query_is_answered_with_a_list_or_a_400(query: dict[str, str]) -> None:
    body = json.dumps({"_params": query}).encode()
    call = ReceivedRequest("POST", "/api/v1/task/", "", (*HEADERS, ("x-http-method-override", "GET")), body)
    answer = CloseSandbox(seed=SEED).answer(call, stale=False)
    assert answer.status in {200, 400}
    assert json.loads(answer.body).keys() <= {"data", "has_more", "error", "errors", "field-errors"}


@given(st.text(max_size=40), st.text(max_size=40))
def test_any_path_and_header_is_answered(path: str, header: str) -> None:
    headers = (("authorization", header), ("x-tz-offset", header))
    assert CloseSandbox(seed=SEED).answer(ReceivedRequest("GET", f"/{path}/", "", headers), stale=False).status == 404
    assert CloseSandbox(seed=SEED).answer(ReceivedRequest("GET", "/api/v1/me/", "", headers), stale=False).status == 401
