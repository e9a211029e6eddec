"""Refusals: what Vambe says when it says no, in each style that its error bodies could have."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple

from taskhand.sandbox.messages import Response

if TYPE_CHECKING:
    from taskhand.sandbox.vambe.spec_variant import SpecVariant

# the page's own sample, whose words contradict the page
DOCUMENTED = {"priority": "Priority must be one of: low, medium, high"}
UUID_EXPECTED = "Validation failed (uuid is expected)"  # ParseUUIDPipe's default
PHRASES = {status.value: status.phrase for status in HTTPStatus}
THROTTLED = "ThrottlerException: Too Many Requests"  # the throttler's default


class Issue(NamedTuple):
    """One complaint about one field: `code` as zod has it, `message` in words."""

    field: str
    code: str
    message: str


@dataclass(frozen=True)
class ApiError(Exception):
    """A request that Vambe refuses; `issues` are the complaints of a validation."""

    status: int
    message: str
    issues: tuple[Issue, ...] = ()

    def answer(self, spec_variant: SpecVariant) -> Response:
        """Write it as this reading has error bodies."""
        return Response.of_json(self.status, _BODIES[spec_variant.errors](self))


def validation_error(*issues: Issue) -> ApiError:
    """Refuse a body or a query: 400 with its issues."""
    return ApiError(400, "Validation failed", issues)


def not_found(what: str) -> ApiError:
    """Refuse for something that is not there, not visible, or not the organisation's: 404."""
    return ApiError(404, f"{what} not found")


def unauthorized() -> ApiError:
    """Refuse a wrong or missing key: 401."""
    return ApiError(401, "Unauthorized")


def error_for_status(status: int) -> ApiError:
    """Fail for reasons of the server's own."""
    return ApiError(status, {429: THROTTLED, 500: "Internal server error"}.get(status, _phrase(status)))


def _docs(refused: ApiError) -> dict[str, Any]:
    # {"statusCode", "message"}, and "errors" of {"field", "message"} for a validation
    body: dict[str, Any] = {"statusCode": refused.status, "message": refused.message}
    if refused.issues:
        body["errors"] = [
            {"field": issue.field, "message": DOCUMENTED.get(issue.field, issue.message)} for issue in refused.issues
        ]
    return body


def _nest(refused: ApiError) -> dict[str, Any]:
    # zod's issues have a path; other refusals carry `error`, the bare 401, 429 and 500 do not
    if refused.issues and refused.issues[0].field == "id":
        return {"statusCode": 400, "message": UUID_EXPECTED, "error": "Bad Request"}
    body: dict[str, Any] = {"statusCode": refused.status, "message": refused.message}
    if refused.issues:
        body["errors"] = [
            {"code": issue.code, "path": [issue.field], "message": issue.message} for issue in refused.issues
        ]
    elif refused.status in {400, 404}:
        body["error"] = _phrase(refused.status)
    return body


def _array(refused: ApiError) -> dict[str, Any]:
    # class-validator's `message` is an array
    messages = [f"{issue.field}: {issue.message}" for issue in refused.issues] or [refused.message]
    return {"statusCode": refused.status, "message": messages, "error": _phrase(refused.status)}


def _phrase(status: int) -> str:
    return PHRASES.get(status, "Error")


_BODIES = {"docs": _docs, "nest": _nest, "array": _array}
