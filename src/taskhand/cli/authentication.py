"""Authentication of callers of a server that the command line starts, and the options that OAuth requires."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from taskhand.cli.loaded_people import PeopleSource
from taskhand.cli.loaded_policy import PolicySource, configured_person
from taskhand.config.effective_settings import Configuration
from taskhand.domain.errors import OperatorError

if TYPE_CHECKING:
    from taskhand.server.access import Access
    from taskhand.server.transports.bearer_auth import Authentication

__all__ = ["AuthOptions", "access_by", "build_access", "open_auth"]


def build_access(configuration: Configuration) -> "Access":
    """The caller's identity and rules, from this configuration's files. OperatorError if a file cannot be used."""
    return access_by(PolicySource.open(configuration), PeopleSource.open(configuration))


def access_by(policy: PolicySource, people: PeopleSource) -> "Access":
    """The configured person as the caller on transports without authentication, with the current rules at each call."""
    from taskhand.server.access import Access

    person = configured_person(policy.found)
    return Access(lambda: policy.current, person, memberships=lambda: people.current)


@dataclass(frozen=True, slots=True)
class AuthOptions:
    """Authentication over HTTP: the `kinds` of credentials, their issuers and the server's address.

    `issuers` and `resource` default to the settings.
    """

    kinds: tuple[str, ...]
    issuers: tuple[str, ...] = ()
    resource: str | None = None

    def with_settings(self, configuration: Configuration | OperatorError) -> "AuthOptions":
        """These options, completed from the settings."""
        if not isinstance(configuration, Configuration):
            return self
        known = replace(self, resource=self.resource or configuration.settings.resource)
        if "oauth" not in self.kinds:
            return known
        from taskhand.cli.doctor_issuers import split_issuers

        return replace(known, issuers=self.issuers or split_issuers(configuration.settings))

    @property
    def host(self) -> str | None:
        """The host by which callers know the server."""
        return (urlsplit(self.resource).netloc or None) if self.resource else None


def open_auth(
    options: AuthOptions, configuration: Configuration | OperatorError, *, is_loopback: bool = True
) -> "Authentication":
    """The authenticator of callers over HTTP. OperatorError if it cannot be set up.

    `is_loopback` says whether the served address is a loopback address.
    """
    from taskhand.server.transports.key_auth import KeyAuth
    from taskhand.state import open_key_check

    keys = KeyAuth(open_key_check(configuration.settings) if isinstance(configuration, Configuration) else None)
    if "oauth" not in options.kinds:
        _check_resource_option(options)
        return keys
    from taskhand.cli.token_issuers import open_token_check
    from taskhand.server.transports.token_auth import OAuth

    if not isinstance(configuration, Configuration):
        return OAuth(None)
    _check_oauth_options(options, is_loopback=is_loopback)
    check, close = open_token_check(configuration.settings, options.issuers)
    return OAuth(check, options.resource, keys=keys if "keys" in options.kinds else None, close=close)


def _check_oauth_options(options: AuthOptions, *, is_loopback: bool) -> None:
    """OperatorError without trusted issuers, or without the address by which callers know the server."""
    if not options.issuers:
        raise OperatorError(
            "--auth oauth needs an issuer, at which people sign in.",
            next_step="Add --issuer https://login.example.com, or set TASKHAND_ISSUERS.",
        )
    _check_resource_option(options)
    if options.resource is None and not is_loopback:
        raise OperatorError(
            "--auth oauth needs the server's address for callers, because tokens must be for it.",
            next_step="Add --resource https://tasks.example.com/mcp, or set TASKHAND_RESOURCE.",
        )


def _check_resource_option(options: AuthOptions) -> None:
    """OperatorError for an address that is not safe as the server's resource."""
    if options.resource is not None:
        from taskhand.tokens.issuer_metadata import check_resource

        check_resource(options.resource)
