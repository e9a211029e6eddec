"""HubSpot's error bodies: https://developers.hubspot.com/docs/developer-tooling/platform/error-handling."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from taskhand.sandbox.hubspot.spec_variant import SpecVariant

PORTAL = 891936587  # the account in the documented sample
APP = 51879189  # the app in a recorded webhook event
PHRASES = {status.value: status.phrase for status in HTTPStatus}
LIMITS = {"TEN_SECONDLY_ROLLING": "ten_secondly_rolling", "SECONDLY": "secondly", "DAILY": "daily"}
NO_CREDENTIALS = (
    "Authentication credentials not found. This API supports OAuth 2.0 authentication and you can find more "
    "details at https://developers.hubspot.com/docs/methods/auth/oauth-overview"
)
NO_SCOPE = (
    "This app hasn't been granted all required scopes to make this call. Read more about required scopes here: "
    "https://developers.hubspot.com/scopes."
)


class Complaint(NamedTuple):
    """A validation error of one property; `code` is HubSpot's."""

    name: str
    code: str
    message: str


@dataclass(eq=False)
class ApiError(Exception):
    """The error of a request or of one input of a batch. `limit` is the policy of a 429."""

    status: int
    message: str
    category: str | None = "VALIDATION_ERROR"
    errors: tuple[dict[str, Any], ...] = ()
    context: dict[str, list[str]] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    limit: str | None = None

    def body(self, correlation: str) -> dict[str, Any]:
        """Write it as a response body, with the keys in the recorded order."""
        head = {"status": "error", "message": self.message}
        if self.limit is not None:
            return head | {"errorType": "RATE_LIMIT", "correlationId": correlation} | self._policy(correlation)
        optional = {"errors": list(self.errors), "context": self.context, "links": self.links}
        given = {name: value for name, value in optional.items() if value}
        return head | {"correlationId": correlation} | given | self._category()

    def part(self, context: Mapping[str, list[str]], spec_variant: SpecVariant) -> dict[str, Any]:
        """Write it as an error of a 207."""
        body = (
            {"status": "error"} | self._category() | {"message": self.message, "context": {**self.context, **context}}
        )
        return body | (
            {"errors": list(self.errors), "links": self.links} if spec_variant.batch_errors == "spec" else {}
        )

    def _category(self) -> dict[str, str]:
        return {} if self.category is None else {"category": self.category}

    def _policy(self, correlation: str) -> dict[str, str]:
        extra = {
            "SECONDLY": {"groupName": f"publicapi:crm:search:oauth:{APP}:{PORTAL}"},
            "DAILY": {"requestId": correlation},
        }
        return {"policyName": str(self.limit)} | extra.get(str(self.limit), {})


def validation_error(message: str, **context: list[str]) -> ApiError:
    """Return the 400 for an invalid body or query."""
    return ApiError(400, message, context=context)


def read_list(body: Mapping[str, Any], name: str) -> list[Any]:
    """Return a list of a body, empty if omitted; another value is a 400."""
    value = body.get(name)
    if value is not None and not isinstance(value, list):
        raise ApiError(400, f"Invalid input JSON on line 1, column 1: Expected {name} to be a list", None)
    return value or []


def invalid_values(complaints: list[Complaint]) -> ApiError:
    """Return the 400 for all invalid values of one input; its message contains an array as JSON text."""
    rows = [
        {
            "isValid": False,
            "message": complaint.message,
            "error": complaint.code,
            "name": complaint.name,
            "localizedErrorMessage": complaint.message,
            "portalId": PORTAL,
        }
        for complaint in complaints
    ]
    text = json.dumps(rows, ensure_ascii=False, separators=(",", ":"))
    details = [
        {"message": complaint.message, "code": complaint.code, "context": {"propertyName": [complaint.name]}}
        for complaint in complaints
    ]
    return ApiError(400, f"Property values were not valid: {text}", errors=tuple(details))


def missing_required(label: str, names: list[str], doing: str = "creating") -> ApiError:
    """Return the 400 for missing required properties."""
    return validation_error(f"Error {doing} {label}. Some required properties were not set.", properties=names)


def not_found(sent: str, spec_variant: SpecVariant) -> ApiError:
    """Return the 404 for an unknown id; numeric and other ids have different texts."""
    if not (sent.isascii() and sent.isdigit()):
        text = "Object not found.  objectId are usually numeric."
        return ApiError(404, text, "OBJECT_NOT_FOUND", context={"id": [sent]})
    category = None if spec_variant.missing_category == "none" else spec_variant.missing_category
    return ApiError(404, "resource not found", category)


def not_found_many(label: str, ids: list[str]) -> ApiError:
    """Return the one error for the unknown ids of a batch; recorded for other types than tasks."""
    text = f"Could not get some {label} objects, they may be deleted or not exist. Check that ids are valid."
    return ApiError(404, text, "OBJECT_NOT_FOUND", context={"ids": ids})


def unknown_type(name: str) -> ApiError:
    """Return the 404 for an unknown object type."""
    return ApiError(404, f"Unable to infer object type from: {name}", "OBJECT_NOT_FOUND")


def unauthorized() -> ApiError:
    """Return the 401 for a missing or wrong token."""
    return ApiError(401, NO_CREDENTIALS, "INVALID_AUTHENTICATION")


def expired_token(ago: str, moment: str) -> ApiError:
    """Return the 401 for an expired token."""
    text = f"The OAuth token used to make this call expired {ago} ago."
    return ApiError(401, text, "EXPIRED_AUTHENTICATION", context={"expire time": [moment]})


def wrong_form() -> ApiError:
    """Return the 530 for a malformed token; the text is assumed."""
    return ApiError(530, "The access token is malformed", "INVALID_AUTHENTICATION")


def missing_scopes(scopes: Iterable[str], spec_variant: SpecVariant) -> ApiError:
    """Return the 403 for a token without any of these scopes."""
    detail = {
        "message": "One or more of the following scopes are required.",
        "context": {spec_variant.scope_key: list(scopes)},
    }
    links = {"scopes": "https://developers.hubspot.com/scopes"}
    return ApiError(403, NO_SCOPE, "MISSING_SCOPES", (detail,), links=links)


def rate_limited(policy: str) -> ApiError:
    """Return the 429 for a policy, which is a key of `LIMITS`."""
    return ApiError(429, f"You have reached your {LIMITS[policy]} limit.", None, limit=policy)


def error_for_status(status: int, spec_variant: SpecVariant) -> ApiError:
    """Return the error for a failure that does not depend on the request."""
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return rate_limited(spec_variant.limit_policy)
    return ApiError(status, PHRASES.get(status, "internal error"), "INTERNAL_ERROR")
