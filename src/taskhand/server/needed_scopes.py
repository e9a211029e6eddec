"""Which scopes a request needs, told from its body before it is carried out; pure."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from taskhand.domain.principal import Scope

__all__ = ["find_needed_scopes"]

_READING: Final = frozenset(
    {"resources/read", "resources/subscribe", "subscriptions/listen", "completion/complete", "prompts/get"}
)
"""The other requests that show something of a connection, as tools that read do."""


def find_needed_scopes(body: bytes, tools: Mapping[str, Scope]) -> frozenset[Scope]:
    """The scopes that the messages in a body need; `tools` are those of the tools by name.

    A body that is malformed, and a call of an unknown tool, need none: they are refused for what they are.
    """
    try:
        sent: Any = json.loads(body)
    except (ValueError, RecursionError):
        return frozenset()
    messages = sent if isinstance(sent, list) else [sent]
    return frozenset(scope for one in messages if isinstance(one, dict) for scope in _scopes_of(one, tools))


def _scopes_of(message: Mapping[str, Any], tools: Mapping[str, Scope]) -> Iterator[Scope]:
    method, params = message.get("method"), message.get("params")
    name = params.get("name") if isinstance(params, dict) else None
    if method == "tools/call" and isinstance(name, str) and name in tools:
        yield tools[name]
    if isinstance(method, str) and method in _READING:
        yield "read"
