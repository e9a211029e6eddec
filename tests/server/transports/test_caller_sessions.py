"""Sessions belong to the caller who opened them, and the least recently used one is ended first."""

import httpx2
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from fixed_clock import NOW
from taskhand.server.transports.caller_limit_middleware import LimitedCallers
from taskhand.server.transports.caller_sessions import HeldSessions
from taskhand.server.transports.caller_usage import CallerLimits
from taskhand.server.transports.http_limits import HttpLimits
from taskhand.server.transports.http_refusal_log import RefusalLines


async def never_closed() -> None:
    raise AssertionError("a session was closed here")


def open_sessions(*sessions: tuple[str, str], limit: int = 1) -> HeldSessions:
    """These sessions, each with its caller, opened in this order and without a request under way."""
    found = HeldSessions(HttpLimits(sessions_of_one=limit), NOW.timestamp)
    for session_id, caller in sessions:
        found.begin_new(session_id, caller, never_closed)
        found.end(session_id, caller)
    return found


def replaced_session(sessions: HeldSessions, caller: str = "ana") -> str | None:
    """The id of the session that gives way to a new one."""
    found = sessions.take_over_limit(caller)
    return found.id if found else None


def test_a_caller_cannot_remove_a_session_of_another() -> None:
    sessions = open_sessions(("first", "ana"))
    sessions.remove("first", "ben")
    assert sessions.count == 1
    sessions.remove("first", "ana")
    assert sessions.count == 0


def test_requests_of_another_caller_do_not_count_as_use_of_a_session() -> None:
    sessions = open_sessions(("first", "ana"), ("second", "ana"))
    sessions.begin("first", "ben")
    assert replaced_session(sessions) == "first"


def test_another_caller_cannot_end_a_request_of_a_session() -> None:
    sessions = open_sessions(("first", "ana"), ("second", "ana"))
    sessions.begin("first", "ana")
    sessions.end("first", "ben")
    assert replaced_session(sessions) == "second"


def test_the_session_that_was_used_longest_ago_is_ended_first() -> None:
    sessions = open_sessions(("first", "ana"), ("second", "ana"), ("third", "ana"))
    for session_id in ("first", "second", "third", "first"):
        for _ in range(2):
            sessions.begin(session_id, "ana")
            sessions.end(session_id, "ana")
    assert [replaced_session(sessions), replaced_session(sessions), replaced_session(sessions)] == [
        "second",
        "third",
        None,
    ]


def test_a_session_with_an_open_stream_is_held_however_long_it_is_open() -> None:
    now, limits = [0.0], HttpLimits()
    sessions = HeldSessions(limits, lambda: now[0])
    for session_id in ("listening", "quiet"):
        sessions.begin_new(session_id, "ana", never_closed)
    sessions.end("quiet", "ana")
    now[0] = limits.session_idle_s + 1
    assert replaced_session(sessions) is None
    assert sessions.count == 1
    sessions.end("listening", "ana")
    assert replaced_session(sessions) is None
    assert sessions.count == 1


async def test_a_session_that_gets_404_or_is_deleted_is_no_longer_counted() -> None:
    limits = HttpLimits()
    sessions = HeldSessions(limits, NOW.timestamp)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        is_gone = b"gone" in dict(scope["headers"])
        await Response(status_code=404 if is_gone else 200, headers={"mcp-session-id": "s"})(scope, receive, send)

    callers, lines = CallerLimits(limits, NOW.timestamp), RefusalLines(NOW.timestamp)
    limited = LimitedCallers(app, callers=callers, sessions=sessions, lines=lines)
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(limited), base_url="http://localhost") as client:
        await client.post("/mcp")
        assert sessions.count == 1
        await client.post("/mcp", headers={"mcp-session-id": "s"})
        assert sessions.count == 1
        for end in (
            client.post("/mcp", headers={"mcp-session-id": "s", "gone": "yes"}),
            client.delete("/mcp", headers={"mcp-session-id": "s"}),
        ):
            await end
            assert sessions.count == 0
            await client.post("/mcp")
            assert sessions.count == 1
