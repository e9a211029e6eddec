"""The limits of the tool list and of the instructions, in tokens: four characters of compact JSON are one."""

import json
from collections.abc import Sequence
from typing import Any, Final

__all__ = ["CORE", "INSTRUCTIONS_LIMIT", "WITH_OUTPUT", "assert_within_limits", "core_of", "tokens_of"]

CORE: Final = 4_500
"""The names, descriptions and input schemas of all tools."""
WITH_OUTPUT: Final = 5_500
"""The whole list, with the output schemas."""
INSTRUCTIONS_LIMIT: Final = 500
"""The server's instructions."""


def core_of(tool: dict[str, Any]) -> dict[str, Any]:
    """What models read of a tool."""
    return {key: tool[key] for key in ("name", "description", "inputSchema")}


def assert_within_limits(tools: Sequence[dict[str, Any]], of: object) -> None:
    """Hold the limits of a tool list `of` a server."""
    core, whole = sum(tokens_of(core_of(tool)) for tool in tools), sum(map(tokens_of, tools))
    what_now = "shorten descriptions; if a new tool needs more, raise the limit in tests/server/token_limits.py"
    assert core <= CORE, f"{of}: {core:,.0f} tokens of {CORE:,}: {what_now}"
    assert whole <= WITH_OUTPUT, f"{of}: {whole:,.0f} tokens of {WITH_OUTPUT:,} with output schemas: {what_now}"


def tokens_of(value: object) -> float:
    """The tokens of a value as JSON."""
    return len(json.dumps(value, separators=(",", ":"), ensure_ascii=False)) / 4
