"""The modules that are imported at their first use, such as the use cases."""

from importlib import import_module
from pkgutil import iter_modules, walk_packages

from anyio.lowlevel import checkpoint

from taskhand import server, service
from taskhand.server import arguments, render, schemas

__all__ = ["load_use_cases"]

_ELSEWHERE = frozenset({"call_observer", "demo", "in_process_client", "not_configured", "trace_headers"})
"""Modules of the server that no call needs: those of other commands, and of servers with telemetry."""


async def load_use_cases() -> None:
    """Import all modules one after the other, and let requests be answered in between.

    A start does not wait for them. A newer version that is installed later over this one would not match the loaded
    modules.
    """
    names = [
        module.name
        for package in (service, render, arguments, schemas)
        for module in walk_packages(package.__path__, f"{package.__name__}.")
    ]
    here = [module.name for module in iter_modules(server.__path__) if not module.ispkg]
    for name in (*names, *(f"taskhand.server.{module}" for module in here if module not in _ELSEWHERE)):
        import_module(name)
        await checkpoint()
    import_module("taskhand.server.board.metadata")
    import_module("taskhand.server.board.page").board_page()
