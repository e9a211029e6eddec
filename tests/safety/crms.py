"""The CRMs that the suites of all CRMs run on: each has a module `in_suites` in its folder of tests."""

from importlib import import_module
from pathlib import Path
from typing import Final

from safety.crm import Crm, Place, Sandbox, Sight, Trait
from taskhand.backends.registry import NAMES

__all__ = ["CLOSE", "CRMS", "HUBSPOT", "VAMBE", "Crm", "Place", "Sandbox", "Sight", "Trait"]

_FOLDERS: Final = Path(__file__).parent.parent / "backends"
_BY_NAME: Final[dict[str, Crm]] = {
    name: import_module(f"backends.{name}.in_suites").CRM
    for name in NAMES
    if (_FOLDERS / name / "in_suites.py").exists()
}
CRMS: Final = tuple(_BY_NAME.values())
VAMBE, CLOSE, HUBSPOT = (_BY_NAME[name] for name in ("vambe", "close", "hubspot"))
