"""A list whose pages go wrong is refused, never shortened."""

import json
from collections.abc import Sequence
from typing import Any, Final

import httpx2
import pytest
from mcp import Client

from behaviour.agent import Agent, Refused
from safety.crms import CLOSE, HUBSPOT, SandboxedCrm
from taskhand.sandbox.emulator import Emulator
from taskhand.sandbox.messages import ReceivedRequest
from taskhand.server.app import create_server
from virtual_time import Time

JsonObject = dict[str, Any]
BROKEN: Final[dict[str, Sequence[JsonObject]]] = {
    "no rows, although more follow": [{"rows": []}],
    "a later page without rows": [{}, {"rows": [], "has_more": False, "paging": {}, "total": 0}],
    "the first page again": [{}, {"is_first": True}],
}
"""What is changed in the pages of a list; the last change is that of all later pages."""


class BrokenPages(httpx2.ASGITransport):
    """Requests to a sandbox whose lists of tasks have broken pages."""

    def __init__(self, sandbox: Emulator, crm: SandboxedCrm, changes: Sequence[JsonObject]) -> None:
        super().__init__(app=sandbox.app)
        self._sandbox = sandbox
        self._route, self._rows = crm.odd.lists[0]
        self._changes = changes
        self._pages: list[JsonObject] = []

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """The sandbox's answer; a page of the list is changed."""
        response = await super().handle_async_request(request)
        body = await response.aread()
        found = self._sandbox.route_of(ReceivedRequest(request.method, request.url.path, "", (), b""))
        if found is not None and found.key == self._route:
            body = json.dumps(self._changed(json.loads(body))).encode()
        headers = [header for header in response.headers.multi_items() if header[0].lower() != "content-length"]
        return httpx2.Response(response.status_code, headers=headers, stream=httpx2.ByteStream(body))

    def _changed(self, page: JsonObject) -> JsonObject:
        self._pages.append(page)
        change = dict(self._changes[min(len(self._pages), len(self._changes)) - 1])
        page = self._pages[0 if change.pop("is_first", False) else -1]
        return page | {self._rows if name == "rows" else name: value for name, value in change.items()}


@pytest.mark.parametrize("broken", BROKEN)
@pytest.mark.parametrize("crm", [CLOSE, HUBSPOT], ids=str)
async def test_a_list_with_a_broken_page_is_refused(crm: SandboxedCrm, broken: str) -> None:
    time = Time()
    sandbox = crm.sandbox(201, time, ())
    transport = BrokenPages(sandbox, crm, BROKEN[broken])
    async with (
        crm.sandboxed_app("http://127.0.0.1:9", time, transport=transport) as app,
        Client(create_server(app)) as client,
    ):
        with pytest.raises(Refused) as refused:
            await Agent(client)("list_tasks", limit=100, order="created")
    assert (refused.value.code, refused.value.error["retryable"]) == ("upstream_invalid", True)
    assert len([request for request in sandbox.requests if request.route == crm.odd.lists[0][0]]) <= 4
