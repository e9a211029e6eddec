"""URL paths built from segments, so that an id cannot change the structure of a path.

The HTTP library collapses dot segments (RFC 3986 §5.2.4), and quoting does not change a bare `..`, so such ids are
refused here.
"""

import re
from dataclasses import dataclass
from typing import Final, Self
from urllib.parse import quote, unquote

from taskhand.domain.errors import CallerError

__all__ = ["Path"]

_HOLE: Final = re.compile(r"\{([a-z_]+)\}")
_TEMPLATE: Final = re.compile(r"(?:/(?:[A-Za-z0-9_-][A-Za-z0-9._-]*|\{[a-z_]+\}))+/?")
_SEPARATOR: Final = re.compile(r"[/\\;]")
_UNFIT: Final = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
"""Control characters (Cc) and lone surrogates (Cs, which UTF-8 cannot carry)."""
_MAX_LENGTH: Final = 256  # characters in one segment; the longest id of any supported CRM has under 100


@dataclass(frozen=True, slots=True)
class Path:
    """A path as it is requested (`raw`, percent-encoded) and as it may be logged (`template`, without the values)."""

    raw: str
    template: str

    @classmethod
    def of(cls, template: str, **segments: str) -> Self:
        """Fill each `{name}` of the template with one encoded segment.

        Raises CallerError `invalid_id` if a value cannot be one segment, ValueError if template and names
        disagree (a programming error).
        """
        if not _TEMPLATE.fullmatch(template) or set(_HOLE.findall(template)) != set(segments):
            raise ValueError(f"{template} does not take {sorted(segments)}")
        return cls(_HOLE.sub(lambda hole: _segment(hole[1], segments[hole[1]]), template), template)


def _segment(name: str, value: str) -> str:
    if not value or len(value) > _MAX_LENGTH or _UNFIT.search(value) or _leads_elsewhere(value):
        raise CallerError(
            f"{name} is not an id: it is empty, too long, or has invalid characters.",
            code="invalid_id",
            next_step="Send an id exactly as an earlier answer gave it.",
        )
    return quote(value, safe="")


def _leads_elsewhere(value: str) -> bool:
    """Whether a value has dot segments, also once decoded: a server or a proxy may decode too often."""
    if "." not in value and "%" not in value:
        return False
    return any(part in {".", ".."} for part in _SEPARATOR.split(unquote(unquote(value))))
