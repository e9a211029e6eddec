"""The refusals of an OAuth token request: a person's grant is not accepted, or the operator's app is not."""

import logging
from typing import Final

from taskhand.domain.errors import NotFound, OperatorError, TaskhandError
from taskhand.http.response_body import Json
from taskhand.http.upstream import Explanation, Upstream

__all__ = ["app_refused_error", "explain_refusal", "has_reached_crm", "is_about_grant"]

_log = logging.getLogger(__name__)

_GONE: Final = Explanation("The code or the refresh token is not accepted.", frozenset({"grant"}))
"""The explanation of a refused code or refresh token (RFC 6749 §5.2); any other refusal is about the app."""
_GONE_CODES: Final = frozenset({"invalid_grant", "BAD_REFRESH_TOKEN", "BAD_AUTH_CODE"})
"""The `error` of RFC 6749, and the values of HubSpot's own `status`."""
_ABOUT_APP: Final = frozenset({"unauthorized", "forbidden"})
"""Codes of the operator's errors that are the CRM's own responses."""


def explain_refusal(_: int, json: Json) -> Explanation | None:
    """`_GONE` if a refusal is about the code or the refresh token, by its `error` or else its `status`."""
    code = json.get("error", json.get("status")) if isinstance(json, dict) else None
    return _GONE if isinstance(code, str) and code in _GONE_CODES else None


def is_about_grant(error: TaskhandError) -> bool:
    """Whether the CRM does not accept the code or the refresh token, so that the person has to consent again."""
    return error.about == _GONE.about


def has_reached_crm(error: TaskhandError) -> bool:
    """Whether an error is a response of the CRM; any other one is about this machine or its settings."""
    return not isinstance(error, OperatorError) or error.code in _ABOUT_APP


def app_refused_error(error: TaskhandError, upstream: Upstream) -> OperatorError:
    """The error for a refusal that is about the operator's app, which is logged too."""
    _log.warning("%s refused the OAuth app: %s", upstream.name, error.message)
    return OperatorError(
        f"{upstream.name} does not accept the OAuth app of this server.",
        code="unauthorized",
        next_step="The operator of Taskhand should check "
        f"{upstream.variable if isinstance(error, NotFound) else upstream.credential}.",
    )
