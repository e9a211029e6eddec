"""The sessions of the older era that callers hold, and which one is ended for a new one; pure.

The SDK keeps the sessions and does not report when one ends. This module infers the end from the same signs: the client
ends the session, or it has no request under way for `session_idle_s`.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from taskhand.server.transports.http_limits import HttpLimits

__all__ = ["HeldSessions", "Session"]


@dataclass(slots=True, eq=False)
class Session:
    """A session: `close` ends it; `open_requests` are its requests under way, streams included."""

    id: str
    caller: str
    close: Callable[[], Awaitable[None]]
    used_at: float
    open_requests: int = 0
    requests: int = 0

    @property
    def is_used(self) -> bool:
        """Whether its client has sent a second request after opening it."""
        return self.requests > 1


class HeldSessions:
    """The sessions of all callers, the least recently used one first."""

    def __init__(self, limits: HttpLimits, monotonic: Callable[[], float]) -> None:
        self._limits = limits
        self._monotonic = monotonic
        self._sessions: dict[str, Session] = {}

    @property
    def count(self) -> int:
        """The number of sessions, including those that the SDK has ended since the last one was opened."""
        return len(self._sessions)

    def begin_new(self, session_id: str, caller: str, close: Callable[[], Awaitable[None]]) -> None:
        """Add the session that a request has opened."""
        self._sessions[session_id] = Session(session_id, caller, close, self._monotonic(), open_requests=1)

    def begin(self, session_id: str, caller: str) -> None:
        """Count a request of a session by its caller."""
        if session := self._find_session(session_id, caller):
            session.open_requests += 1
            session.requests += 1

    def end(self, session_id: str, caller: str) -> None:
        """Count the end of a request, which is the last use of its session."""
        if session := self._find_session(session_id, caller):
            del self._sessions[session_id]
            session.open_requests -= 1
            session.used_at = self._monotonic()
            self._sessions[session_id] = session

    def remove(self, session_id: str, caller: str) -> None:
        """Remove a session of this caller that has ended."""
        if self._find_session(session_id, caller):
            del self._sessions[session_id]

    def take_over_limit(self, caller: str) -> Session | None:
        """Remove and return the session to end because this caller, or all callers together, hold too many.

        Over the limit of all callers, the caller with the most sessions loses one. A session that was never used goes
        first: a client that opens many and leaves does not end a used one. A session with a request under way stays:
        open requests have their own limit.
        """
        self._forget_ended()
        counts: dict[str, int] = {}
        idle: dict[str, Session] = {}
        for session in self._sessions.values():
            counts[session.caller] = counts.get(session.caller, 0) + 1
            before = idle.get(session.caller)
            if not session.open_requests and (before is None or (before.is_used and not session.is_used)):
                idle[session.caller] = session
        if counts.get(caller, 0) > self._limits.sessions_of_one:
            ended = idle.get(caller)
        elif len(self._sessions) > self._limits.sessions:
            ended = max(idle.values(), key=lambda session: counts[session.caller], default=None)
        else:
            return None
        return self._sessions.pop(ended.id) if ended else None

    def _find_session(self, session_id: str, caller: str) -> Session | None:
        """The session with this id; None if another caller holds it."""
        session = self._sessions.get(session_id)
        return session if session and session.caller == caller else None

    def _forget_ended(self) -> None:
        """Drop the sessions that the SDK has ended by now."""
        before = self._monotonic() - self._limits.session_idle_s
        gone = [
            session.id for session in self._sessions.values() if not session.open_requests and session.used_at < before
        ]
        for session_id in gone:
            del self._sessions[session_id]
