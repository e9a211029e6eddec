"""A single header of a request or an answer."""

from starlette.types import Message, Scope

__all__ = ["first_header"]


def first_header(found_in: Scope | Message, name: bytes) -> str | None:
    """The first header of this name, which is in lower case, as the SDK reads it; faster than parsing all headers."""
    for key, value in found_in["headers"]:
        if key == name:
            return str(value, "latin-1")
    return None
