"""The key that a person pastes on a page; a key of Taskhand is refused, so that it is never sent to a CRM; pure."""

from typing import Final

from taskhand.server.linking.link_method import LinkMethod

__all__ = ["read_pasted_key"]

_OWN_PREFIXES: Final = ("thk_", "thv_")
"""The prefixes of Taskhand's own keys."""


def read_pasted_key(method: LinkMethod, text: str) -> str | None:
    """The key in the form that is sent; None for a text that is not a key of the CRM."""
    key = method.read_key(text)
    return None if key is None or key.startswith(_OWN_PREFIXES) else key
