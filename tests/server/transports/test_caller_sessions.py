"""Sessions belong to the caller who opened them, and the least recently used one is ended first."""

from fixed_clock import NOW
from taskhand.server.transports.caller_sessions import HeldSessions
from taskhand.server.transports.http_limits import HttpLimits


async def never_closed() -> None:
    raise AssertionError("a session was closed here")


def held(*sessions: tuple[str, str], limit: int = 1) -> HeldSessions:
    """These sessions, each with its caller, opened in this order and without a request under way."""
    found = HeldSessions(HttpLimits(sessions_of_one=limit), NOW.timestamp)
    for session_id, caller in sessions:
        found.begin_new(session_id, caller, never_closed)
        found.end(session_id, caller)
    return found


def ended(sessions: HeldSessions, caller: str = "ana") -> str | None:
    """The id of the session that gives way to a new one."""
    found = sessions.take_over_limit(caller)
    return found.id if found else None


def test_a_caller_cannot_remove_a_session_of_another() -> None:
    sessions = held(("first", "ana"))
    sessions.remove("first", "ben")
    assert sessions.count == 1
    sessions.remove("first", "ana")
    assert sessions.count == 0


def test_requests_of_another_caller_do_not_count_as_use_of_a_session() -> None:
    sessions = held(("first", "ana"), ("second", "ana"))
    sessions.begin("first", "ben")
    assert ended(sessions) == "first"


def test_another_caller_cannot_end_a_request_of_a_session() -> None:
    sessions = held(("first", "ana"), ("second", "ana"))
    sessions.begin("first", "ana")
    sessions.end("first", "ben")
    assert ended(sessions) == "second"


def test_the_session_that_was_used_longest_ago_is_ended_first() -> None:
    sessions = held(("first", "ana"), ("second", "ana"), ("third", "ana"))
    for session_id in ("first", "second", "third", "first"):
        for _ in range(2):
            sessions.begin(session_id, "ana")
            sessions.end(session_id, "ana")
    assert [ended(sessions), ended(sessions), ended(sessions)] == ["second", "third", None]


def test_a_session_with_an_open_stream_is_held_however_long_it_is_open() -> None:
    now, limits = [0.0], HttpLimits()
    sessions = HeldSessions(limits, lambda: now[0])
    for session_id in ("listening", "quiet"):
        sessions.begin_new(session_id, "ana", never_closed)
    sessions.end("quiet", "ana")
    now[0] = limits.session_idle_s + 1
    assert ended(sessions) is None
    assert sessions.count == 1
    sessions.end("listening", "ana")
    assert ended(sessions) is None
    assert sessions.count == 1
