"""The scope of a request is read from its whole body, in however many parts it comes."""

import json
from itertools import pairwise
from pathlib import Path

import pytest
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from starlette.types import Message, Receive, Scope, Send

from server.store_connections import NAMES, answer_of, client_of, open_store_connections
from server.transports.task_calls import DRAFT
from taskhand.server.app import create_server
from taskhand.server.needed_scopes import ScopeNeeds
from taskhand.server.transports.scope_challenge import Challenge, ScopeChallenge
from taskhand.tokens.token_claims import TokenRules

BODY = json.dumps({"method": "tools/call", "params": {"name": "delete_task"}}).encode()
LIMIT = 200


class Needs:
    """Needs `write` for a body that can be read and names the tool that deletes."""

    async def find(self, token: AccessToken, body: bytes) -> frozenset[str]:
        assert token.scopes == ["read"]
        return frozenset({"write"} if json.loads(body)["params"]["name"] == "delete_task" else {"read"})


async def post(*parts: bytes, left: list[int] | None = None) -> tuple[int, bytes]:
    """The status of the answer to a body in these parts, and the body that the application has received.

    `left` receives the number of parts that were not read when the application was called.
    """
    received, statuses = list[bytes](), list[int]()
    messages = [{"type": "http.request", "body": part, "more_body": part is not parts[-1]} for part in parts]

    async def app(_scope: Scope, receive: Receive, send: Send) -> None:
        if left is not None:
            left.append(len(messages))
        message: Message = {"more_body": True}
        while message["more_body"]:
            message = await receive()
            received.append(message["body"])
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def receive() -> Message:
        return messages.pop(0)

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    token = AccessToken(token=BODY.hex(), client_id="ana", scopes=["read"], resource="https://tasks.x.test/mcp")
    scope = {"type": "http", "path": "/mcp", "method": "POST", "headers": [], "user": AuthenticatedUser(token)}
    challenge = Challenge("https://tasks.x.test/.well-known", TokenRules())
    await ScopeChallenge(app, challenge, Needs(), LIMIT)(scope, receive, send)  # type: ignore[arg-type]
    [status] = statuses
    return status, b"".join(received)


@pytest.mark.parametrize("cuts", [(), (1,), (40,), (10, 20, 60)])
async def test_a_body_in_parts_is_challenged_as_a_whole_one_is(cuts: tuple[int, ...]) -> None:
    edges = (0, *cuts, len(BODY))
    assert await post(*(BODY[start:end] for start, end in pairwise(edges))) == (403, b"")


async def test_a_body_with_the_scope_is_passed_on_whole() -> None:
    body = BODY.replace(b"delete_task", b"get_task")
    assert await post(body[:30], body[30:]) == (200, body)


async def test_parts_that_are_too_large_together_are_left_to_the_application() -> None:
    parts = (b" " * 150, b" " * 150, BODY)
    left: list[int] = []
    assert await post(*parts, left=left) == (200, b"".join(parts))
    assert left == [1], "the rest is not kept here"


async def test_an_undo_needs_the_scope_for_deletions_whichever_connection_has_the_change(tmp_path: Path) -> None:
    token = AccessToken(
        token=BODY.hex(), client_id="ana", scopes=["read", "write"], resource="https://tasks.x.test/mcp"
    )
    async with open_store_connections(tmp_path) as connections, client_of(connections, "ana") as client:
        served = create_server(connections).served
        assert served
        for name in NAMES:
            made = await answer_of(client, "create_task", connection=name, **DRAFT | {"responsibleIds": []})
            undo = {"name": "undo_change", "arguments": {"changeId": made["changeId"]}}
            body = json.dumps({"method": "tools/call", "params": undo}).encode()
            assert await ScopeNeeds(served).find(token, body) == {"write", "destructive"}, name
