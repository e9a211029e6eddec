"""The limits of the tool list and of the instructions, in tokens: four characters of compact JSON are one."""

from typing import Final

__all__ = ["CORE", "INSTRUCTIONS_LIMIT", "WITH_OUTPUT"]

CORE: Final = 4_500
"""The names, descriptions and input schemas of all tools."""
WITH_OUTPUT: Final = 5_500
"""The whole list, with the output schemas."""
INSTRUCTIONS_LIMIT: Final = 500
"""The server's instructions."""
