"""The backends that there are. A new backend is a folder beside this file and its line here."""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal

from taskhand.backends.factory import BackendFactory

__all__ = ["FACTORIES", "NAMES", "BackendName", "find_factory"]

_FOLDERS = (
    "local",
    "vambe",
    "close",
    "hubspot",
)
"""In the order in which users see them."""

FACTORIES: tuple[BackendFactory[Any], ...] = tuple(
    import_module(f"taskhand.backends.{folder}.factory").FACTORY for folder in _FOLDERS
)

NAMES: tuple[str, ...] = tuple(factory.name for factory in FACTORIES)

if TYPE_CHECKING:
    BackendName = str
else:
    BackendName = Literal[NAMES]
    """The name of a backend. pydantic refuses any other, and a type checker takes any string."""


def find_factory(name: str) -> BackendFactory[Any]:
    """The backend of this name. KeyError where there is none."""
    for factory in FACTORIES:
        if factory.name == name:
            return factory
    raise KeyError(name)
