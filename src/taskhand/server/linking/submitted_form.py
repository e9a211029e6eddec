"""The form that a person submits on a page: its fields, if it is an ordinary form of a usual size."""

from typing import Final
from urllib.parse import parse_qs

from starlette.requests import Request

__all__ = ["read_form"]

_MAX_BYTES: Final = 16 * 1024
_MAX_FIELDS: Final = 10


async def read_form(request: Request) -> dict[str, str]:
    """The fields of the form; empty if the body is too long or is not a form."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > _MAX_BYTES:
            return {}
    content_type = request.headers.get("content-type", "").partition(";")[0].strip()
    if content_type != "application/x-www-form-urlencoded":
        return {}
    try:
        return {name: values[0] for name, values in parse_qs(body.decode("ascii"), max_num_fields=_MAX_FIELDS).items()}
    except (UnicodeDecodeError, ValueError):
        return {}
