"""The sessions of the older era that callers hold, and which of them makes room for another; pure.

The SDK keeps the sessions and tells nobody when one ends. Here it is known from the same signs: its client ends it, or
nothing of it was under way for the time after which the SDK ends it.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from taskhand.server.transports.http_limits import HttpLimits

__all__ = ["HeldSessions", "Session"]


@dataclass(slots=True, eq=False)
class Session:
    """A session: `close` ends it; `open_requests` are those under way, streams among them."""

    id: str
    caller: str
    close: Callable[[], Awaitable[None]]
    used_at: float
    open_requests: int = 0
    requests: int = 0

    @property
    def is_used(self) -> bool:
        """Whether its client has done more than open it, which takes one more request."""
        return self.requests > 1


class HeldSessions:
    """Each caller's sessions, the one first that was not used for the longest time."""

    def __init__(self, limits: HttpLimits, clock: Callable[[], float]) -> None:
        self._limits = limits
        self._clock = clock
        self._sessions: dict[str, Session] = {}

    @property
    def count(self) -> int:
        """How many there are, those among them that the SDK has ended since one was opened."""
        return len(self._sessions)

    def begin_new(self, session_id: str, caller: str, close: Callable[[], Awaitable[None]]) -> None:
        """Note the request that has opened a session."""
        self._sessions[session_id] = Session(session_id, caller, close, self._clock(), open_requests=1)

    def begin(self, session_id: str, caller: str) -> None:
        """Note a request of a session by its caller."""
        if session := self._of(session_id, caller):
            session.open_requests += 1
            session.requests += 1

    def end(self, session_id: str, caller: str) -> None:
        """Note the end of a request, which is when the session was used last."""
        if session := self._of(session_id, caller):
            del self._sessions[session_id]
            session.open_requests -= 1
            session.used_at = self._clock()
            self._sessions[session_id] = session

    def remove(self, session_id: str, caller: str) -> None:
        """Note that a session of this caller's has ended."""
        if self._of(session_id, caller):
            del self._sessions[session_id]

    def take_over_limit(self, caller: str) -> Session | None:
        """The session that has to end because this caller, or all callers, hold too many; it is no longer held.

        Of all callers, the one that holds the most gives one up. One that was only opened goes first: whoever opens
        many and leaves ends none that is used. One with a request under way stays: those are limited by themselves.
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
            found = idle.get(caller)
        elif len(self._sessions) > self._limits.sessions:
            found = max(idle.values(), key=lambda session: counts[session.caller], default=None)
        else:
            return None
        return self._sessions.pop(found.id) if found else None

    def _of(self, session_id: str, caller: str) -> Session | None:
        """A session of this caller's: whoever else names it does not count."""
        session = self._sessions.get(session_id)
        return session if session and session.caller == caller else None

    def _forget_ended(self) -> None:
        """Forget the sessions that the SDK has ended by now."""
        before = self._clock() - self._limits.session_idle_s
        gone = [one.id for one in self._sessions.values() if not one.open_requests and one.used_at < before]
        for session_id in gone:
            del self._sessions[session_id]
