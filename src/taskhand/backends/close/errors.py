"""The errors of Close: the refused fields of a 400, the 404 of an unknown address, and messages on lost responses."""

import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from taskhand.backends.remote.parsing import JsonObject, text_or_none
from taskhand.backends.remote.write_messages import Messages
from taskhand.domain.errors import Explanation
from taskhand.http.response_body import Json

__all__ = ["ERROR_FORMS", "MESSAGES", "NO_URL", "OVER_SKIP", "PageTooLarge", "explain"]

ERROR_FORMS: Final = tuple(map(frozenset, (["error"], ["errors"], ["field-errors"])))
"""The field of each form of Close's error bodies that the others may lack."""
MESSAGES: Final = Messages("Close", searches_lag=True)

NO_URL: Final = Explanation("Close does not have this address.")
"""The explanation of a 404 for an address that does not exist, in contrast to a task or another object."""

OVER_SKIP: Final = Explanation("Close refused a `_skip` this large.")
"""The explanation of a 400 for a `_skip` that is larger than Close allows."""
_ARGUMENTS: Final = {
    "text": "title",
    "date": "dueDate",
    "due_date": "dueDate",
    "is_dateless": "dueDate",
    "is_complete": "newStatusName",
    "assigned_to": "responsibleIds",
    "priority": "priority",
    "resolution": "resolution",
    "lead": "aiCustomerId",  # Close may name this field although `lead_id` was sent
    "lead_id": "aiCustomerId",
    "contact": "aiContactId",
    "contact_id": "aiContactId",
}


@dataclass(frozen=True, slots=True)
class PageTooLarge(Explanation):
    """The `_limit` is too large; `maximum` is the largest one, 0 if Close does not name it."""

    maximum: int = 0

    def smaller_than(self, rows: int) -> int:
        """The number of rows to request after Close refused `rows`; 0 after one row."""
        return self.maximum if 0 < self.maximum < rows else rows // 2


def explain(status: int, json: Json) -> Explanation | None:
    """The explanation of refused fields (`field-errors`) or of a cap, or NO_URL; None for any other body.

    The body of a 404 for an address is `{"error": "The requested URL was not found on the server."}`.
    """
    body = json if isinstance(json, dict) else {}
    if status == HTTPStatus.NOT_FOUND:
        is_of_address = (text_or_none(body.get("error")) or "").casefold().startswith("the requested url was not found")
        return NO_URL if is_of_address else None
    errors = body.get("field-errors")
    fields = errors if isinstance(errors, dict) else {}
    if cap := _explain_cap(fields, text_or_none(body.get("error")) or ""):
        return cap
    names = sorted({_ARGUMENTS[name] for name in fields if name in _ARGUMENTS})
    return Explanation(f"Close refused the value of {', '.join(names)}.", frozenset(names)) if names else None


def _explain_cap(fields: JsonObject, error: str) -> Explanation | None:
    """The explanation of a `_skip` or `_limit` over its cap, by `field-errors` or the older `error`; else None."""
    if "_skip" in fields or "skip you set" in error:
        return OVER_SKIP
    if "_limit" in fields or "limit you set" in error:
        named = re.search(r"(?<!\d)(\d{1,9})\D*$", str(fields.get("_limit", error)))
        maximum = f"; the maximum is {named[1]}" if named else ""
        return PageTooLarge(f"Close refused a `_limit` this large{maximum}.", maximum=int(named[1]) if named else 0)
    return None
