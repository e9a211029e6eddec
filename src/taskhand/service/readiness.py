"""Whether calls can be carried out now: the store or the credential, and the journal."""

import logging
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import anyio

from taskhand.call.deadline import call_deadline
from taskhand.call.parallel_work import for_each
from taskhand.domain.errors import TaskhandError
from taskhand.service.app_context import AppContext
from taskhand.service.connections import Connections

__all__ = ["READY", "Readiness", "ReadinessReport", "ServerReadiness"]

_log = logging.getLogger(__name__)

READY: Final = "ok"
"""The state of a part that works; any other state is the code of an error."""

_BOUND_S: Final = 5.0
_CREDENTIAL_S: Final = {True: 30.0, False: 5.0}
"""Cache lifetime of a credential's state in seconds, if accepted and if refused: a CRM counts requests."""
_ACCEPTED: Final = frozenset({"forbidden", "rate_limited"})
"""Codes with which a CRM refuses a request whose credential it has accepted."""


@dataclass(slots=True)
class Readiness:
    """The states of the parts that calls need. Concurrent callers share one check.

    `bound_s` is the time limit of each part in seconds.
    """

    app: AppContext
    bound_s: float = _BOUND_S
    _lock: anyio.Lock = field(default_factory=anyio.Lock)
    _backend: str = ""
    _good_until: float = -math.inf
    _logged: dict[str, str] = field(default_factory=dict)

    async def check(self) -> dict[str, str]:
        """The state of the `journal`, and of the `store` or the `credential`: READY, or the code of an error."""
        async with self._lock:
            what = self.app.backend.account.accessed
            if what == "store" or self.app.call_time.monotonic() >= self._good_until:
                self._backend = await self._state_of(self.app.backend.account.check_access)
                self._good_until = self.app.call_time.monotonic() + _CREDENTIAL_S[self._backend == READY]
            return {what: self._backend, "journal": await self._state_of(self.app.journal.check_access)}

    async def is_ready(self) -> bool:
        """Whether calls can be carried out. The log records each change of this."""
        states = await self.check()
        if states != self._logged:
            bad = ", ".join(f"{what} {state}" for what, state in states.items() if state != READY)
            if bad:
                _log.warning("connection %s cannot be used: %s", self.app.connection.name, bad)
            elif self._logged:
                _log.info("connection %s can be used again", self.app.connection.name)
            self._logged = states
        return _is_ready(states)

    async def _state_of(self, check: Callable[[], Awaitable[None]]) -> str:
        try:
            with call_deadline(self.bound_s, self.app.call_time.monotonic), anyio.fail_after(self.bound_s):
                await check()
        except TimeoutError:
            return "timeout"
        except TaskhandError as error:
            return READY if error.code in _ACCEPTED else error.code
        return READY


@dataclass(frozen=True, slots=True)
class ReadinessReport:
    """Whether a server can carry out calls, as facts that anyone may read: no names and no data of tasks.

    `checks` are the states of the parts that all calls need; `connections` is how many of several can be used.
    """

    is_ready: bool
    checks: Mapping[str, str] = field(default_factory=dict)
    connections: str | None = None

    def with_checks(self, states: Mapping[str, str]) -> "ReadinessReport":
        """A copy with further states of parts that all calls need."""
        return replace(self, is_ready=self.is_ready and _is_ready(states), checks={**self.checks, **states})

    @property
    def facts(self) -> dict[str, object]:
        """The facts without empty values."""
        report = {"connections": self.connections, "checks": dict(self.checks)}
        return {name: value for name, value in report.items() if value}


@dataclass(frozen=True, slots=True)
class ServerReadiness:
    """Whether a server can carry out calls.

    With several connections, one usable connection is enough: answers of calls name the others.
    """

    connections: Sequence[Readiness]

    @classmethod
    def of(cls, connections: Connections) -> "ServerReadiness":
        """The readiness of a server with these connections."""
        return cls([Readiness(app) for app in connections])

    async def check(self) -> ReadinessReport:
        """The states of the only connection, or how many of several can be used."""
        if len(self.connections) == 1:
            states = await self.connections[0].check()
            return ReadinessReport(_is_ready(states), states)
        found = await for_each(self.connections, Readiness.is_ready, at_once=len(self.connections))
        return ReadinessReport(any(found), connections=f"{sum(found)} of {len(found)}")


def _is_ready(states: Mapping[str, str]) -> bool:
    return all(state == READY for state in states.values())
