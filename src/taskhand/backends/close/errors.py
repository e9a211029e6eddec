"""Error bodies of Close: the refused fields of a 400, and whether a 404 is Close's own."""

from http import HTTPStatus
from typing import Final

from taskhand.backends.remote.parsing import text_of
from taskhand.http.reply import Json

__all__ = ["NOT_CLOSE", "explain"]

NOT_CLOSE: Final = "A page that is not there was answered, and not in the way of Close."
"""The message of a 404 that something else at this address answered."""

_ARGUMENTS: Final = {
    "text": "title",
    "date": "dueDate",
    "due_date": "dueDate",
    "is_dateless": "dueDate",
    "is_complete": "newStatusName",
    "assigned_to": "responsibleIds",
    "priority": "priority",
    "resolution": "resolution",
    "lead": "aiCustomerId",  # Close may name it where `lead_id` was sent
    "lead_id": "aiCustomerId",
    "contact": "aiContactId",
    "contact_id": "aiContactId",
}


def explain(status: int, json: Json) -> str | None:
    """The arguments whose fields were refused (`field-errors`), or NOT_CLOSE; None for any other body.

    Close's own 404 is `{"error": "Empty query: Task matching query does not exist."}`, or has `errors`.
    """
    body = json if isinstance(json, dict) else {}
    if status == HTTPStatus.NOT_FOUND:
        error = (text_of(body.get("error")) or "").casefold()
        is_own = "errors" in body or error.startswith("empty query") or "does not exist" in error
        return None if is_own else NOT_CLOSE
    errors = body.get("field-errors")
    names = sorted({_ARGUMENTS[name] for name in errors if name in _ARGUMENTS}) if isinstance(errors, dict) else []
    return f"Close refused the value of {', '.join(names)}." if names else None
