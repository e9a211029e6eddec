"""Whether calls can be carried out now: the store or the credential, and the journal."""

import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

import anyio

from taskhand.domain.deadline import call_deadline
from taskhand.domain.errors import TaskhandError
from taskhand.service.app_context import AppContext
from taskhand.service.connections import Connections

__all__ = ["READY", "Readiness", "check_readiness"]

READY: Final = "ok"
"""The state of what can be used; any other state is the code of an error."""

_BOUND_S: Final = 5.0
_CREDENTIAL_S: Final = {True: 30.0, False: 5.0}
"""Seconds that the state of a credential is good for, where it is accepted and where not: a CRM counts requests."""
_ACCEPTED: Final = frozenset({"forbidden", "rate_limited"})
"""Codes with which a CRM refuses a request whose credential it has accepted."""


@dataclass(slots=True)
class Readiness:
    """The states of what calls need. However many ask at once, one check runs at a time, and the others share it.

    `bound_s` is how many seconds each of its parts may take.
    """

    app: AppContext
    bound_s: float = _BOUND_S
    _lock: anyio.Lock = field(default_factory=anyio.Lock)
    _backend: str = ""
    _good_until: float = -math.inf

    async def check(self) -> dict[str, str]:
        """The state of the `journal`, and of the `store` or the `credential`: READY, or the code of an error."""
        async with self._lock:
            what = self.app.backend.accessed
            if what == "store" or self.app.monotonic() >= self._good_until:
                self._backend = await self._state_of(self.app.backend.check_access)
                self._good_until = self.app.monotonic() + _CREDENTIAL_S[self._backend == READY]
            return {what: self._backend, "journal": await self._state_of(self.app.journal.check_access)}

    async def _state_of(self, check: Callable[[], Awaitable[None]]) -> str:
        try:
            with call_deadline(self.bound_s, self.app.monotonic), anyio.fail_after(self.bound_s):
                await check()
        except TimeoutError:
            return "timeout"
        except TaskhandError as error:
            return READY if error.code in _ACCEPTED else error.code
        return READY


def check_readiness(connections: Connections) -> Callable[[], Awaitable[dict[str, str]]]:
    """The check of all connections: the states by their names, with that of the connection where there are several."""
    checks = {f"{app.connection} " if app.connection else "": Readiness(app) for app in connections}

    async def check() -> dict[str, str]:
        found: dict[str, str] = {}
        for of, readiness in checks.items():
            found |= {f"{of}{what}": state for what, state in (await readiness.check()).items()}
        return found

    return check
