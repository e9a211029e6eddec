"""Close's error bodies, which have two forms: `error`, and `errors` with `field-errors`."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from taskhand.sandbox.messages import Response

if TYPE_CHECKING:
    from taskhand.sandbox.close.spec_variant import SpecVariant

REQUIRED = "This field is required."
ABSENT = "Object does not exist."
URL_NOT_FOUND = "The requested URL was not found on the server."
SHORT_401 = "Unauthorized"
OLD_401 = "The server could not verify that you are authorized to access the URL requested."
PHRASES = {status.value: status.phrase for status in HTTPStatus}
WITHOUT_BODY = frozenset({502, 503, 504})  # recorded for 504, assumed for the others


@dataclass(frozen=True)
class ApiError(Exception):
    """An error response with its body."""

    status: int
    body: dict[str, Any]

    @property
    def response(self) -> Response:
        """The error as a response."""
        return Response.of_json(self.status, self.body)


def error_with_message(status: int, message: str) -> ApiError:
    """Return an error of the form `{"error": ...}`: 401, 404 and malformed requests."""
    return ApiError(status, {"error": message})


def validation_error(**fields: str) -> ApiError:
    """Return the 400 with `{"errors": [], "field-errors": {...}}`."""
    return ApiError(400, {"errors": [], "field-errors": fields})


def not_found(what: str) -> ApiError:
    """Return the 404 for an object that does not exist (recorded in 2017)."""
    return error_with_message(404, f"Empty query: {what} matching query does not exist.")


def unauthorized(spec_variant: SpecVariant) -> ApiError:
    """Return the 401 for a wrong or missing credential."""
    return error_with_message(401, OLD_401 if spec_variant.unauthorized == "old" else SHORT_401)


def error_for_status(status: int) -> Response:
    """Return the response for a failure that does not depend on the request."""
    if status in WITHOUT_BODY:
        return Response(status, b"")
    return error_with_message(status, PHRASES.get(status, "Error")).response
