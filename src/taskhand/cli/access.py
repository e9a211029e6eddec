"""Who calls a server that the command line starts."""

from typing import TYPE_CHECKING

from taskhand.config.settings import Settings

if TYPE_CHECKING:
    from taskhand.server.access import Access

__all__ = ["access_of"]


def access_of(settings: Settings) -> "Access":
    """The person of the settings, where the transport asks nobody who calls."""
    from taskhand.domain.principal import Person
    from taskhand.server.access import Access

    return Access(person=Person.named(settings.person) if settings.person else None)
