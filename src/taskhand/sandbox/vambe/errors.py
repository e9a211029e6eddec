"""Vambe's error bodies, in the form that the spec variant chooses."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple

from taskhand.sandbox.messages import Response

if TYPE_CHECKING:
    from taskhand.sandbox.vambe.spec_variant import SpecVariant

# The sample of https://docs.vambe.me/reference/tasks/update-task, though the same page documents "0", "1" and "2".
DOCUMENTED = {"priority": "Priority must be one of: low, medium, high"}
UUID_EXPECTED = "Validation failed (uuid is expected)"  # the default of NestJS's ParseUUIDPipe
THROTTLED = "ThrottlerException: Too Many Requests"  # the default of NestJS's throttler
PHRASES = {status.value: status.phrase for status in HTTPStatus}


class Issue(NamedTuple):
    """One validation error of one field; `code` is zod's."""

    field: str
    code: str
    message: str


@dataclass(frozen=True)
class ApiError(Exception):
    """An error response; `issues` are set for a failed validation."""

    status: int
    message: str
    issues: tuple[Issue, ...] = ()

    def response(self, spec_variant: SpecVariant) -> Response:
        """Write the error in the form of this spec variant."""
        return Response.of_json(self.status, _BODIES[spec_variant.errors](self))


def validation_error(*issues: Issue) -> ApiError:
    """Return the 400 for an invalid body or query."""
    return ApiError(400, "Validation failed", issues)


def not_found(what: str) -> ApiError:
    """Return the 404 for an object that does not exist, is deleted, or belongs to another organisation."""
    return ApiError(404, f"{what} not found")


def unauthorized() -> ApiError:
    """Return the 401 for a wrong or missing key."""
    return ApiError(401, "Unauthorized")


def error_for_status(status: int) -> ApiError:
    """Return the error for a failure that does not depend on the request."""
    return ApiError(status, {429: THROTTLED, 500: "Internal server error"}.get(status, _phrase(status)))


def _docs(error: ApiError) -> dict[str, Any]:
    body: dict[str, Any] = {"statusCode": error.status, "message": error.message}
    if error.issues:
        body["errors"] = [
            {"field": issue.field, "message": DOCUMENTED.get(issue.field, issue.message)} for issue in error.issues
        ]
    return body


def _nest(error: ApiError) -> dict[str, Any]:
    # zod's issues have a path. NestJS adds `error` to 400 and 404, and not to a bare 401, 429 or 500.
    if error.issues and error.issues[0].field == "id":
        return {"statusCode": 400, "message": UUID_EXPECTED, "error": "Bad Request"}
    body: dict[str, Any] = {"statusCode": error.status, "message": error.message}
    if error.issues:
        body["errors"] = [
            {"code": issue.code, "path": [issue.field], "message": issue.message} for issue in error.issues
        ]
    elif error.status in {400, 404}:
        body["error"] = _phrase(error.status)
    return body


def _array(error: ApiError) -> dict[str, Any]:
    # class-validator sends `message` as an array
    messages = [f"{issue.field}: {issue.message}" for issue in error.issues] or [error.message]
    return {"statusCode": error.status, "message": messages, "error": _phrase(error.status)}


def _phrase(status: int) -> str:
    return PHRASES.get(status, "Error")


_BODIES = {"docs": _docs, "nest": _nest, "array": _array}
