"""The use cases that tools and resources import when they are called."""

from importlib import import_module
from pkgutil import iter_modules

from anyio.lowlevel import checkpoint

from taskhand import service

__all__ = ["load_use_cases"]


async def load_use_cases() -> None:
    """Load them all, one after the other, and let requests be answered in between.

    A start does without them. Later a newer version may be installed over this one, and its modules would not fit.
    """
    for module in iter_modules(service.__path__, f"{service.__name__}."):
        import_module(module.name)
        await checkpoint()
