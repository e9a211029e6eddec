"""Who calls a server that the command line starts."""

from typing import TYPE_CHECKING

from taskhand.cli.policy import PolicySource

if TYPE_CHECKING:
    from taskhand.config.configuration import Configuration
    from taskhand.domain.errors import OperatorError
    from taskhand.server.access import Access
    from taskhand.server.transports.key_auth import KeyAuth

__all__ = ["access_of", "open_auth"]


def access_of(policy: PolicySource) -> "Access":
    """The person of the settings, where the transport asks nobody who calls, and the policy in force."""
    from taskhand.domain.principal import Person
    from taskhand.server.access import Access

    person = policy.found.settings.person
    return Access(lambda: policy.current, Person.named(person) if person else None)


def open_auth(auth: str | None, found: "Configuration | OperatorError") -> "KeyAuth | None":
    """What asks callers over HTTP who they are; None asks nobody. OperatorError where the keys cannot be anywhere."""
    if auth is None:
        return None
    from taskhand.config.configuration import Configuration
    from taskhand.server.transports.key_auth import KeyAuth
    from taskhand.wiring import open_key_check

    return KeyAuth(open_key_check(found.settings) if isinstance(found, Configuration) else None)
