"""The list of all backends. A new backend is a folder beside this file and its name in `BackendName`."""

from importlib import import_module
from typing import Any, Literal, get_args

from taskhand.backends.factory import BackendFactory

__all__ = ["FACTORIES", "NAMES", "BackendName", "find_factory"]

BackendName = Literal[
    "local",
    "vambe",
    "close",
    "hubspot",
]
"""The names of all backends, in the order in which users see them."""

NAMES: tuple[BackendName, ...] = get_args(BackendName)

_BY_NAME: dict[str, BackendFactory[Any]] = {
    name: import_module(f"taskhand.backends.{name}.factory").FACTORY for name in NAMES
}
FACTORIES = tuple(_BY_NAME.values())


def find_factory(name: str) -> BackendFactory[Any]:
    """The factory of the backend with this name; KeyError if none has it."""
    return _BY_NAME[name]
