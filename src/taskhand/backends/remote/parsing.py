"""Reads values out of a CRM's answers; an answer that is not as documented is an error."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from taskhand.domain.errors import UpstreamError
from taskhand.http.reply import Reply
from taskhand.http.retry import posix_time

__all__ = ["JsonObject", "Malformed", "objects", "parse", "sent_at", "text_of"]

JsonObject = dict[str, Any]
_T = TypeVar("_T")

_log = logging.getLogger(__name__)

_BUGS: Final = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    MemoryError,
    RecursionError,
    TypeError,
    ValueError,
)
"""What reading an answer of any shape may raise where nobody thought of that shape."""


class Malformed(ValueError):
    """An answer lacks a required value; the text continues "<CRM> answered ..."."""


def parse(name: str, read: Callable[[Any], _T], json: object) -> _T:
    """`read(json)`; UpstreamError `upstream_invalid` where the CRM called `name` answered something malformed.

    A bug in `read` counts as that too: one answer must not stop what is done with others. The log has its trace.
    """
    try:
        return read(json)
    except Malformed as error:
        why = str(error)
    except _BUGS:
        _log.exception("an answer of %s could not be read", name)
        why = "something that cannot be read"
    raise UpstreamError(f"{name} answered {why}.", code="upstream_invalid", next_step="Tell whoever runs Taskhand.")


def objects(value: object) -> list[JsonObject]:
    """The objects in a list; none where the value is no list."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def text_of(value: object) -> str | None:
    """`value` if it is a text, else None."""
    return value if isinstance(value, str) else None


def sent_at(reply: Reply) -> datetime | None:
    """The `Date` header of an answer (RFC 9110 §6.6.1) in UTC, None where there is none."""
    moment = posix_time(reply.headers.get("date"))
    return None if moment is None else datetime.fromtimestamp(moment, UTC)
