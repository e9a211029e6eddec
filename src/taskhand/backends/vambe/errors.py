"""The errors of Vambe: the refused fields in its bodies, and the messages about its lost responses."""

from typing import Final

from taskhand.backends.remote.parsing import objects, value_at
from taskhand.backends.remote.write_messages import Messages
from taskhand.domain.errors import Explanation
from taskhand.domain.task import TaskPatch
from taskhand.http.response_body import Json

__all__ = ["ERROR_FORMS", "MESSAGES", "explain"]

ERROR_FORMS: Final = (frozenset({"statusCode", "message"}),)
"""The fields of every error body that Vambe documents."""
MESSAGES: Final = Messages("Vambe")

_FIELDS: Final = frozenset(str(field.alias) for field in TaskPatch.model_fields.values()) | {"id"}


def explain(_status: int, json: Json) -> Explanation | None:
    """A sentence with the documented fields that an error body names in `field` or `path`; None without any.

    Nothing else of the body is repeated.
    """
    names: list[str] = []
    for error in objects(value_at(json, "errors")):
        path = error.get("field") or error.get("path")
        names += [part for part in (path if isinstance(path, list) else [path]) if isinstance(part, str)]
    known = sorted(_FIELDS.intersection(names))
    return Explanation(f"Vambe refused the value of {', '.join(known)}.", frozenset(known)) if known else None
