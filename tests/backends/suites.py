"""The CRMs that suites run on; the module `in_suites` in the folder of each describes it."""

from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Final

from taskhand.backends.registry import NAMES

__all__ = ["IN_SUITES"]

IN_SUITES: Final[dict[str, ModuleType]] = {
    name: import_module(f"backends.{name}.in_suites")
    for name in NAMES
    if (Path(__file__).parent / name / "in_suites.py").exists()
}
"""The module of each CRM that has a sandbox, in the order of the registry."""
