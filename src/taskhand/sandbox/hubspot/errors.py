"""Refusals: what HubSpot says when it says no."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from taskhand.sandbox.hubspot.spec_variant import SpecVariant

PORTAL = 891936587  # the portal of the sample error
APP = 51879189  # the app of the sample event
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
    """What is wrong with one property: its name, HubSpot's code, and words."""

    name: str
    code: str
    message: str


@dataclass(eq=False)
class ApiError(Exception):
    """A request, or one input of a batch, that HubSpot refuses. `limit` is the policy of a 429."""

    status: int
    message: str
    category: str | None = "VALIDATION_ERROR"
    errors: tuple[dict[str, Any], ...] = ()
    context: dict[str, list[str]] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    limit: str | None = None

    def body(self, correlation: str) -> dict[str, Any]:
        """Write it as a whole answer, its keys in the recorded order."""
        head = {"status": "error", "message": self.message}
        if self.limit is not None:
            return head | {"errorType": "RATE_LIMIT", "correlationId": correlation} | self._policy(correlation)
        optional = {"errors": list(self.errors), "context": self.context, "links": self.links}
        given = {name: value for name, value in optional.items() if value}
        return head | {"correlationId": correlation} | given | self._category()

    def part(self, context: Mapping[str, list[str]], spec_variant: SpecVariant) -> dict[str, Any]:
        """Write it as one error of a 207."""
        body = (
            {"status": "error"} | self._category() | {"message": self.message, "context": {**self.context, **context}}
        )
        return body | (
            {"errors": list(self.errors), "links": self.links} if spec_variant.batch_errors == "spec" else {}
        )

    def _category(self) -> dict[str, str]:
        return {} if self.category is None else {"category": self.category}

    def _policy(self, correlation: str) -> dict[str, str]:
        own = {  # what one policy has beside its name
            "SECONDLY": {"groupName": f"publicapi:crm:search:oauth:{APP}:{PORTAL}"},
            "DAILY": {"requestId": correlation},
        }
        return {"policyName": str(self.limit)} | own.get(str(self.limit), {})


def validation_error(message: str, **context: list[str]) -> ApiError:
    """Refuse a body or a query: 400."""
    return ApiError(400, message, context=context)


def read_list(body: Mapping[str, Any], name: str) -> list[Any]:
    """Read a list of a body, empty when it is not there; anything else is refused."""
    value = body.get(name)
    if value is not None and not isinstance(value, list):
        raise ApiError(400, f"Invalid input JSON on line 1, column 1: Expected {name} to be a list", None)
    return value or []


def invalid_values(complaints: list[Complaint]) -> ApiError:
    """Refuse property values, all of one input together: an array as JSON text in the message."""
    rows = [
        {
            "isValid": False,
            "message": said.message,
            "error": said.code,
            "name": said.name,
            "localizedErrorMessage": said.message,
            "portalId": PORTAL,
        }
        for said in complaints
    ]
    text = json.dumps(rows, ensure_ascii=False, separators=(",", ":"))
    details = [
        {"message": said.message, "code": said.code, "context": {"propertyName": [said.name]}} for said in complaints
    ]
    return ApiError(400, f"Property values were not valid: {text}", errors=tuple(details))


def missing_required(label: str, names: list[str], doing: str = "creating") -> ApiError:
    """Refuse for want of required properties."""
    return validation_error(f"Error {doing} {label}. Some required properties were not set.", properties=names)


def not_found(sent: str, spec_variant: SpecVariant) -> ApiError:
    """Refuse an id that is not there: one text for numbers, one for all else."""
    if not (sent.isascii() and sent.isdigit()):
        text = "Object not found.  objectId are usually numeric."
        return ApiError(404, text, "OBJECT_NOT_FOUND", context={"id": [sent]})
    category = None if spec_variant.missing_category == "none" else spec_variant.missing_category
    return ApiError(404, "resource not found", category)


def not_found_many(label: str, ids: list[str]) -> ApiError:
    """Refuse the ids of a batch that are not there, all in one error (for tasks INF)."""
    text = f"Could not get some {label} objects, they may be deleted or not exist. Check that ids are valid."
    return ApiError(404, text, "OBJECT_NOT_FOUND", context={"ids": ids})


def unknown_type(name: str) -> ApiError:
    """Refuse an object type that does not exist."""
    return ApiError(404, f"Unable to infer object type from: {name}", "OBJECT_NOT_FOUND")


def unauthorized() -> ApiError:
    """Refuse a missing or wrong token."""
    return ApiError(401, NO_CREDENTIALS, "INVALID_AUTHENTICATION")


def expired_token(ago: str, moment: str) -> ApiError:
    """Refuse a token that was good until a moment."""
    text = f"The OAuth token used to make this call expired {ago} ago."
    return ApiError(401, text, "EXPIRED_AUTHENTICATION", context={"expire time": [moment]})


def missing_scopes(scopes: Iterable[str], spec_variant: SpecVariant) -> ApiError:
    """Refuse for want of any one of these scopes."""
    detail = {
        "message": "One or more of the following scopes are required.",
        "context": {spec_variant.scope_key: list(scopes)},
    }
    links = {"scopes": "https://developers.hubspot.com/scopes"}
    return ApiError(403, NO_SCOPE, "MISSING_SCOPES", (detail,), links=links)


def rate_limited(policy: str) -> ApiError:
    """Refuse a call over a limit (for SECONDLY, DOC for DAILY, 3P for the other)."""
    return ApiError(429, f"You have reached your {LIMITS[policy]} limit.", None, limit=policy)


def error_for_status(status: int, spec_variant: SpecVariant) -> ApiError:
    """Fail for reasons that have nothing to do with the request."""
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return rate_limited(spec_variant.limit_policy)
    return ApiError(status, PHRASES.get(status, "internal error"), "INTERNAL_ERROR")
