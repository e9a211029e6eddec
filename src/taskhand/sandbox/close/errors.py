"""Refusals: what Close says when it says no, in its two disjoint shapes."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from taskhand.sandbox.messages import Response

if TYPE_CHECKING:
    from taskhand.sandbox.close.spec_variant import SpecVariant

REQUIRED = "This field is required."
ABSENT = "Object does not exist."
URL_NOT_FOUND = "The requested URL was not found on the server."  # after §1.4
SHORT_401 = "Unauthorized"
OLD_401 = "The server could not verify that you are authorized to access the URL requested."
PHRASES = {status.value: status.phrase for status in HTTPStatus}
SILENT = frozenset({502, 503, 504})  # §1.4 [R] for 504, §10.6 [I] for the others: an empty body


@dataclass(frozen=True)
class ApiError(Exception):
    """A request that Close refuses, with the body that says so."""

    status: int
    body: dict[str, Any]

    def answer(self) -> Response:
        """Write it as an answer."""
        return Response.of_json(self.status, self.body)


def error_with_message(status: int, message: str) -> ApiError:
    """Refuse in the shape of 401, 404 and malformed requests: `{"error": ...}`."""
    return ApiError(status, {"error": message})


def validation_error(**fields: str) -> ApiError:
    """Refuse a validation: `{"errors": [], "field-errors": {...}}`, 400."""
    return ApiError(400, {"errors": [], "field-errors": fields})


def not_found(what: str) -> ApiError:
    """Refuse for an object that is not there: 404 (for tasks the class word is)."""
    return error_with_message(404, f"Empty query: {what} matching query does not exist.")


def unauthorized(spec_variant: SpecVariant) -> ApiError:
    """Refuse a wrong or missing credential: 401."""
    return error_with_message(401, OLD_401 if spec_variant.unauthorized == "old" else SHORT_401)


def error_for_status(status: int) -> Response:
    """Fail for reasons of the server's own: gateways say nothing."""
    if status in SILENT:
        return Response(status, b"")
    return Response.of_json(status, {"error": PHRASES.get(status, "Error")})
