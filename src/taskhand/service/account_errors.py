"""The errors that are about one CRM account: with several connections they name theirs."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from taskhand.domain.errors import Ambiguous, NotAllowed, NotFound, OperatorError, TaskhandError, UpstreamError
from taskhand.service.app_context import AppContext

__all__ = ["naming_account"]

_OF_ACCOUNT: Final = (NotFound, Ambiguous, UpstreamError, OperatorError)
"""Errors about the data of an account, and about the account itself."""
_CODES_OF_ACCOUNT: Final = (
    "invalid_id",
    "upstream_refused",
    "unknown_property",
    "unknown_reference",
    "unknown_task_type",
)
_OF_NONE: Final = ("plan_not_found", "change_not_found")
"""Codes of errors for ids that are searched in every journal."""


@contextmanager
def naming_account(app: AppContext) -> Iterator[None]:
    """Add the connection's name to errors raised inside that are about the data or the answers of its account."""
    try:
        yield
    except TaskhandError as error:
        is_of_account = isinstance(error, _OF_ACCOUNT) and error.code not in _OF_NONE
        if error.code in _CODES_OF_ACCOUNT or (is_of_account and not isinstance(error, NotAllowed)):
            raise error.but(connection=app.connection.name) from error
        raise
