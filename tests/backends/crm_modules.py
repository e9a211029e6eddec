"""The CRMs that suites run on; the module `sandboxed_crm` in the folder of each describes it."""

from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Final

from taskhand.backends.registry import NAMES

__all__ = ["CRM_MODULES"]

CRM_MODULES: Final[dict[str, ModuleType]] = {
    name: import_module(f"backends.{name}.sandboxed_crm")
    for name in NAMES
    if (Path(__file__).parent / name / "sandboxed_crm.py").exists()
}
"""The module of each CRM that has a sandbox, in the order of the registry."""
