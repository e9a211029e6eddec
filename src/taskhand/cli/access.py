"""Who calls a server that the command line starts."""

from typing import TYPE_CHECKING

from taskhand.cli.policy import PolicySource

if TYPE_CHECKING:
    from taskhand.server.access import Access

__all__ = ["access_of"]


def access_of(policy: PolicySource) -> "Access":
    """The person of the settings, where the transport asks nobody who calls, and the policy in force."""
    from taskhand.domain.principal import Person
    from taskhand.server.access import Access

    person = policy.found.settings.person
    return Access(lambda: policy.current, Person.named(person) if person else None)
