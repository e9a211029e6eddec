"""Who calls a server that the command line starts."""

from typing import TYPE_CHECKING

from taskhand.cli.people import PeopleSource
from taskhand.cli.policy import PolicySource, configured_person
from taskhand.config.configuration import Configuration

if TYPE_CHECKING:
    from taskhand.domain.errors import OperatorError
    from taskhand.server.access import Access
    from taskhand.server.transports.key_auth import KeyAuth

__all__ = ["access_by", "access_of", "open_auth"]


def access_of(found: Configuration) -> "Access":
    """Who calls, by what the files of this configuration say now. OperatorError where they cannot be used."""
    return access_by(PolicySource.open(found), PeopleSource.open(found))


def access_by(policy: PolicySource, people: PeopleSource) -> "Access":
    """The person of the settings, where the transport asks nobody who calls, by what is in force at each call."""
    from taskhand.server.access import Access

    person = configured_person(policy.found)
    return Access(lambda: policy.current, person, memberships=lambda: people.current)


def open_auth(auth: str | None, found: "Configuration | OperatorError") -> "KeyAuth | None":
    """What asks callers over HTTP who they are; None asks nobody. OperatorError where the keys cannot be anywhere."""
    if auth is None:
        return None
    from taskhand.server.transports.key_auth import KeyAuth
    from taskhand.wiring import open_key_check

    return KeyAuth(open_key_check(found.settings) if isinstance(found, Configuration) else None)
