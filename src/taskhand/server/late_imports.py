"""The modules that are imported at their first use, such as the use cases."""

from importlib import import_module
from pkgutil import walk_packages

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
"""Modules of the server that a call needs; few calls need the last ones."""


async def load_use_cases() -> None:
    """Import all modules one after the other, and let requests be answered in between.

    A start does not wait for them. A newer version that is installed later over this one would not match the loaded
    modules.
    """
    packages = (service, render)
    names = [module.name for one in packages for module in walk_packages(one.__path__, f"{one.__name__}.")]
    for name in (*names, *(f"taskhand.server.{module}" for module in _LATER)):
        import_module(name)
        await checkpoint()
    import_module("taskhand.server.board.page").board_page()
