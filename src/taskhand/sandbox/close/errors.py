"""Refusals: what Close says when it says no, in its two disjoint shapes (§1.4)."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from taskhand.sandbox.messages import Response

if TYPE_CHECKING:
    from taskhand.sandbox.close.spec_variant import SpecVariant

REQUIRED = "This field is required."  # §1.4 [R]
ABSENT = "Object does not exist."  # §1.4 [R]
URL_NOT_FOUND = "The requested URL was not found on the server."  # §10.1 [I], after §1.4 [S3 probe]
SHORT_401 = "Unauthorized"  # §1.4 [L]
OLD_401 = "The server could not verify that you are authorized to access the URL requested."  # §1.4 [R 2017]
PHRASES = {status.value: status.phrase for status in HTTPStatus}
SILENT = frozenset({502, 503, 504})  # §1.4 [R] for 504, §10.6 [I] for the others: an empty body


@dataclass(frozen=True)
class RefusedError(Exception):
    """A request that Close refuses, with the body that says so."""

    status: int
    body: dict[str, Any]

    def answer(self) -> Response:
        """Write it as an answer."""
        return Response.of_json(self.status, self.body)


def refused(status: int, message: str) -> RefusedError:
    """Refuse in the shape of 401, 404 and malformed requests: `{"error": ...}` (§1.4 [L, R])."""
    return RefusedError(status, {"error": message})


def invalid(**fields: str) -> RefusedError:
    """Refuse a validation: `{"errors": [], "field-errors": {...}}`, 400 (§1.4 [L, R])."""
    return RefusedError(400, {"errors": [], "field-errors": fields})


def absent(what: str) -> RefusedError:
    """Refuse for an object that is not there: 404 (§1.4 [R 2017]; for tasks the class word is [?])."""
    return refused(404, f"Empty query: {what} matching query does not exist.")


def unauthorized(spec_variant: SpecVariant) -> RefusedError:
    """Refuse a wrong or missing credential: 401 (§1.4)."""
    return refused(401, OLD_401 if spec_variant.unauthorized == "old" else SHORT_401)


def failed(status: int) -> Response:
    """Fail for reasons of the server's own: gateways say nothing (§1.4 [R], §10.6)."""
    if status in SILENT:
        return Response(status, b"")
    return Response.of_json(status, {"error": PHRASES.get(status, "Error")})  # §1.4 [I]
