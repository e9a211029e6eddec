"""The use cases, and other modules, that are imported when they are first needed."""

from importlib import import_module
from pkgutil import iter_modules

from anyio.lowlevel import checkpoint

from taskhand import service
from taskhand.server import render

__all__ = ["load_use_cases"]

_LATER = (
    "tool_calls",
    "prompt_handlers",
    "resource_handlers",
    "completion_handler",
    "connection_argument",
    "listed_schemas",
    "merged_schema",
    "link_elicitation",
    "board.metadata",
)
"""Modules of the server that a call needs; the last ones few do."""


async def load_use_cases() -> None:
    """Load them all, one after the other, and let requests be answered in between.

    A start does without them. Later a newer version may be installed over this one, and its modules would not fit.
    """
    packages = (service, render)
    names = [module.name for one in packages for module in iter_modules(one.__path__, f"{one.__name__}.")]
    for name in (*names, *(f"taskhand.server.{module}" for module in _LATER)):
        import_module(name)
        await checkpoint()
    import_module("taskhand.server.board.page").board_page()
