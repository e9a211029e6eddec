"""The list of all backends. A new backend is a folder beside this file and its name in `NAMES`."""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal

from taskhand.backends.factory import BackendFactory

__all__ = ["FACTORIES", "NAMES", "BackendName", "find_factory"]

NAMES = (
    "local",
    "vambe",
    "close",
    "hubspot",
)
"""In the order in which users see them."""

_BY_NAME: dict[str, BackendFactory[Any]] = {
    name: import_module(f"taskhand.backends.{name}.factory").FACTORY for name in NAMES
}
FACTORIES = tuple(_BY_NAME.values())

if TYPE_CHECKING:
    BackendName = str
else:
    BackendName = Literal[NAMES]
    """The name of a backend. pydantic refuses any other, and a type checker takes any string."""


def find_factory(name: str) -> BackendFactory[Any]:
    """The factory of the backend with this name; KeyError if none has it."""
    return _BY_NAME[name]
