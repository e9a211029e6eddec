"""The limits of the tool list and of the instructions, in tokens: four characters of compact JSON are one."""

import json
from typing import Any, Final

__all__ = ["CORE", "INSTRUCTIONS_LIMIT", "WITH_OUTPUT", "core_of", "tokens_of"]

CORE: Final = 4_500
"""The names, descriptions and input schemas of all tools."""
WITH_OUTPUT: Final = 5_500
"""The whole list, with the output schemas."""
INSTRUCTIONS_LIMIT: Final = 500
"""The server's instructions."""


def core_of(tool: dict[str, Any]) -> dict[str, Any]:
    """What models read of a tool."""
    return {key: tool[key] for key in ("name", "description", "inputSchema")}


def tokens_of(value: object) -> float:
    """The tokens of a value as JSON."""
    return len(json.dumps(value, separators=(",", ":"), ensure_ascii=False)) / 4
