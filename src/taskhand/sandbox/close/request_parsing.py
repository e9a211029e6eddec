"""The method, parameters and body of a request, as https://developer.close.com/api/overview describes them.

The messages are those of https://github.com/closeio/flask-mongorest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taskhand.sandbox.close.errors import error_with_message
from taskhand.sandbox.messages import read_json

if TYPE_CHECKING:
    from taskhand.sandbox.close.spec_variant import SpecVariant
    from taskhand.sandbox.messages import ReceivedRequest

METHODS = frozenset({"GET", "POST", "PUT", "DELETE"})
WITH_BODY = frozenset({"POST", "PUT"})
NO_JSON = "Please send valid JSON with a 'Content-Type: application/json' header."
BAD_JSON = "The request contains invalid JSON."
NO_OBJECT = "JSON data must be a dict."
CHUNKED = "Chunked Transfer-Encoding is not supported."
PARAMS = "_params"


def effective_method(request: ReceivedRequest) -> str:
    """Return the method; on a POST, `x-http-method-override` replaces it."""
    override = (request.header("x-http-method-override") or "").upper()
    return override if request.method == "POST" and override in METHODS else request.method


def read_body(request: ReceivedRequest) -> dict[str, Any]:
    """Read the JSON object of a body; a GET or DELETE without a body has {}."""
    if not request.body and request.method not in WITH_BODY:
        return {}
    if "chunked" in (request.header("transfer-encoding") or "").lower():
        raise error_with_message(400, CHUNKED)
    if not request.has_json_type:
        raise error_with_message(400, NO_JSON)
    try:
        body = read_json(request.body)
    except ValueError as error:
        raise error_with_message(400, BAD_JSON) from error
    if not isinstance(body, dict):
        raise error_with_message(400, NO_OBJECT)
    return body


def read_params(request: ReceivedRequest, body: dict[str, Any], spec_variant: SpecVariant) -> dict[str, str]:
    """Read the parameters of the query string, or those of the body's `_params`."""
    query = dict(request.pairs)
    if PARAMS not in body:
        return query
    if not isinstance(body[PARAMS], dict):
        raise error_with_message(400, NO_OBJECT)
    sent = {name: _text(value) for name, value in body[PARAMS].items()}
    return query | sent if spec_variant.params == "merge" else sent


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ",".join(_text(item) for item in value)
    return "" if value is None else str(value)
