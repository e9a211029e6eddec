"""A place with data in it: what a server needs to work there, and what can be seen of it from outside."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from taskhand.config.settings import BackendName
from taskhand.domain.errors import CallerError
from taskhand.sandbox.emulator import Emulator
from taskhand.sandbox.faults import Fault, parse_faults
from taskhand.sandbox.log import Logged
from taskhand.testing.stored_task import StoredTask

__all__ = ["PopulatedBackend", "RouteWord"]

RouteWord = Literal["create", "update", "bulk", "delete", "list", "read"]
"""A route in a word that every CRM has."""


@dataclass(frozen=True, slots=True)
class PopulatedBackend:
    """A backend with data in it; `environment` is what a server is configured with to work there.

    `sandbox` is the CRM, None for the embedded store. `routes` are its routes by word.
    """

    backend: BackendName
    environment: Mapping[str, str]
    read: Callable[[], Awaitable[tuple[StoredTask, ...]]]
    sandbox: Emulator | None = None
    routes: Mapping[RouteWord, str] = field(default_factory=dict)

    @property
    def sent(self) -> tuple[Logged, ...]:
        """The requests that arrived, oldest first; the embedded store gets none."""
        return self.sandbox.requests if self.sandbox else ()

    def script(self, faults: Sequence[Fault | Mapping[str, Any]]) -> None:
        """Let requests go wrong from now on, in place of what was scripted before; CallerError for a wrong script.

        A fault is the sandbox's own, or a table with its fields, whose `route` may be a Word.
        """
        if not faults:
            tables: tuple[Fault, ...] = ()
        elif self.sandbox is None:
            raise CallerError("The embedded store gets no requests that could go wrong.", code="no_faults")
        else:
            tables = tuple(self._fault(one) for one in faults)
        if self.sandbox is not None:
            try:
                self.sandbox.faults = tables
            except ValueError as error:
                raise CallerError(f"The faults cannot be scripted: {error}.", code="invalid_fault") from None

    def _fault(self, one: Fault | Mapping[str, Any]) -> Fault:
        if isinstance(one, Fault):
            return one
        route = one.get("route", "*")
        named = {str(word): meant for word, meant in self.routes.items()}
        try:
            (fault,) = parse_faults([dict(one) | {"route": named.get(route, route)}])
        except (TypeError, ValueError) as error:
            raise CallerError(f"The faults cannot be scripted: {error}.", code="invalid_fault") from None
        return fault
