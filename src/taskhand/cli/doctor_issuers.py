"""The issuers whose tokens a server over HTTP takes, as `taskhand doctor` checks them."""

from taskhand.cli.token_issuers import open_token_check, split_list
from taskhand.config.settings import Settings
from taskhand.domain.check_result import CheckResult
from taskhand.domain.errors import OperatorError
from taskhand.tokens.issuer_metadata import check_resource

__all__ = ["check_issuers", "split_issuers"]


def split_issuers(settings: Settings) -> tuple[str, ...]:
    """The issuers that the settings name."""
    return split_list(settings.issuers)


async def check_issuers(settings: Settings) -> tuple[CheckResult, ...]:
    """Whether the server's address can be a token's audience, and each issuer's keys can be read.

    An address or an issuer that is not configured has no result.
    """
    return (*_check_own_address(settings), *await _check_keys(settings))


def _check_own_address(settings: Settings) -> tuple[CheckResult, ...]:
    if settings.resource is None:
        return ()
    try:
        check_resource(settings.resource)
    except OperatorError as error:
        return (CheckResult("resource", "failed", error.message, error.next_step or "Correct TASKHAND_RESOURCE."),)
    return (CheckResult("resource", "ok", f"Callers know the server as {settings.resource}."),)


async def _check_keys(settings: Settings) -> tuple[CheckResult, ...]:
    if not (named := split_issuers(settings)):
        return ()
    try:
        check, close = open_token_check(settings, named)
    except OperatorError as error:
        return (_failure(error),)
    try:
        counts = await check.count_keys()
    finally:
        await close()
    return tuple(
        _failure(count)
        if isinstance(count, OperatorError)
        else CheckResult(
            "issuers", "ok", f"{issuer} has {count} {'key' if count == 1 else 'keys'} to check tokens with."
        )
        for issuer, count in counts.items()
    )


def _failure(error: OperatorError) -> CheckResult:
    return CheckResult("issuers", "failed", error.message, error.next_step or "Correct TASKHAND_ISSUERS.")
