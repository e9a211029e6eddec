"""The requirements of a server with OAuth for its callers: an issuer, and the address by which callers know it."""

from typing import TYPE_CHECKING

from taskhand.domain.errors import OperatorError

if TYPE_CHECKING:
    from taskhand.cli.authentication import AuthOptions

__all__ = ["check_oauth_options", "check_resource_option"]


def check_oauth_options(options: "AuthOptions", *, is_loopback: bool) -> None:
    """OperatorError without trusted issuers, or without the address by which callers know the server."""
    if not options.issuers:
        raise OperatorError(
            "--auth oauth needs an issuer, at which people sign in.",
            next_step="Add --issuer https://login.example.com, or set TASKHAND_ISSUERS.",
        )
    check_resource_option(options)
    if options.resource is None and not is_loopback:
        raise OperatorError(
            "--auth oauth needs the server's address for callers, because tokens must be for it.",
            next_step="Add --resource https://tasks.example.com/mcp, or set TASKHAND_RESOURCE.",
        )


def check_resource_option(options: "AuthOptions") -> None:
    """OperatorError for an address that is not safe as the server's resource."""
    if options.resource is not None:
        from taskhand.tokens.issuer_metadata import check_resource

        check_resource(options.resource)
