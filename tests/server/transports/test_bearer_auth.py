"""The answer to a stream whose credential is no longer active."""

from collections.abc import Sequence

import anyio
import pytest
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from taskhand.domain.errors import OperatorError
from taskhand.server.transports.bearer_auth import surround_check
from time_limits import BOUND_S

KEY = "the id of a key"
START: Message = {"type": "http.response.start", "status": 200, "headers": []}
PART: Message = {"type": "http.response.body", "body": b"part", "more_body": True}
END: Message = {"type": "http.response.body", "body": b"", "more_body": False}
WHOLE: Message = {"type": "http.response.body", "body": b"whole"}


class Authenticated:
    """Authenticates every caller."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the app for an authenticated user."""
        user = AuthenticatedUser(AccessToken(token=KEY, client_id=KEY, scopes=[]))
        await self._app(scope if scope["type"] == "lifespan" else {**scope, "user": user}, receive, send)


class EndlessStream:
    """Sends these messages and does not end."""

    def __init__(self, messages: Sequence[Message]) -> None:
        self._messages = messages

    async def __call__(self, _: Scope, __: Receive, send: Send) -> None:
        """Send the messages, then wait until cancelled."""
        for one in self._messages:
            await send(one)
        await anyio.sleep_forever()


@pytest.mark.parametrize("end", ["inactive", "unknown"])
@pytest.mark.parametrize(
    ("sent", "answer"),
    [
        ([], None),
        ([START], [START, END]),
        ([START, PART], [START, PART, END]),
        ([START, END], [START, END]),
        ([START, WHOLE], [START, WHOLE]),
    ],
)
async def test_a_stream_whose_credential_ends_is_refused_or_if_started_closed_once(
    sent: list[Message], answer: list[Message] | None, end: str
) -> None:
    received, checked = list[Message](), list[tuple[str, str]]()

    async def is_active(token: AccessToken, text: str) -> bool:
        checked.append((token.token, text))
        if len(checked) < 3:
            return True
        if end == "unknown":
            raise OperatorError("The file of keys is gone.")
        return False

    async def receive() -> Message:
        await anyio.sleep_forever()
        return START

    async def send(message: Message) -> None:
        received.append(message)

    app = Starlette(routes=[Route("/mcp", EndlessStream(sent))], middleware=[Middleware(Authenticated)])
    surround_check(app, "keys", is_active, 0.0)
    headers = [(b"authorization", b"Bearer secret")]
    with anyio.fail_after(BOUND_S):
        await app({"type": "http", "path": "/mcp", "method": "GET", "headers": headers}, receive, send)
    assert checked == [(KEY, "secret")] * 3
    if answer is None:
        assert [one.get("status") for one in received] == [401, None]
    else:
        assert received == answer
