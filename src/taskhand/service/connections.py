"""The CRM accounts that one server serves, by name."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from taskhand.domain.errors import CallerError, Candidate
from taskhand.domain.principal import Principal
from taskhand.service.app_context import AppContext

if TYPE_CHECKING:
    from taskhand.domain.link_offer import LinkOffers

__all__ = ["Connections", "UnclearConnection"]


@dataclass(frozen=True, slots=True)
class Connections:
    """An application for each CRM account, by the connection's name, in the order of the configuration.

    A call need not name the connection if there is only one.
    """

    by_name: Mapping[str, AppContext]

    @classmethod
    def of(cls, app: AppContext) -> "Connections":
        """The only connection."""
        return cls({app.connection.name or "default": app})

    def __iter__(self) -> Iterator[AppContext]:
        return iter(self.by_name.values())

    @property
    def names(self) -> tuple[str, ...]:
        """The names."""
        return tuple(self.by_name)

    @property
    def first(self) -> AppContext:
        """The first connection, which is the only one if calls need not name one."""
        return next(iter(self))

    @property
    def are_several(self) -> bool:
        """Whether a call has to name its connection."""
        return len(self.by_name) > 1

    def of_principal(self, principal: Principal) -> "Connections":
        """The connections that this caller may use, for this caller."""
        allowed = principal.rules.connections
        return Connections(
            {
                name: app.of_principal(principal)
                for name, app in self.by_name.items()
                if allowed is None or name in allowed
            }
        )

    def with_offers(self, offers: "LinkOffers | None") -> "Connections":
        """The same connections with pages to link a credential; None: without them."""
        if offers is None:
            return self
        from taskhand.service.link_offers import OpenOffers  # noqa: PLC0415  few servers have such pages

        opened = OpenOffers(offers)
        return Connections(
            {
                name: replace(app, own_credentials=replace(app.own_credentials, offers=opened))
                for name, app in self.by_name.items()
            }
        )

    def find(self, name: str) -> AppContext:
        """The connection of this name, ignoring case; CallerError with the candidates."""
        for own_name, app in self.by_name.items():
            if own_name.casefold() == name.strip().casefold():
                return app
        raise UnclearConnection.of_unknown_name(name, self)

    async def aclose(self) -> None:
        """Close every backend and journal after pending writes."""
        for app in self:
            await app.aclose()


class UnclearConnection(CallerError):
    """The connection of a call is ambiguous or unknown; nothing was read or written in any connection."""

    default_code = "connection_required"

    def __init__(
        self, message: str, connections: Connections, *, code: str | None = None, next_step: str | None = None
    ) -> None:
        super().__init__(
            message,
            code=code,
            candidates=[
                Candidate(name, ", ".join(filter(None, [app.connection.title, app.connection.description])) or None)
                for name, app in connections.by_name.items()
            ],
            next_step=next_step or "Send one of the candidates as connection.",
        )

    @classmethod
    def of_unknown_name(
        cls, name: str, connections: Connections, *, next_step: str | None = None
    ) -> "UnclearConnection":
        """The error for an unknown name.

        Its candidate is the only connection whose name has such words, if there is exactly one.
        """
        message = f"There is no connection {name[:60]!r}."
        error = cls(message, connections, code="unknown_connection", next_step=next_step)
        part = name.strip().casefold()
        near = [
            candidate
            for candidate in error.candidates
            if part in f"{candidate.value} {candidate.name or ''}".casefold()
        ]
        return error.but(candidates=near) if len(near) == 1 else error
