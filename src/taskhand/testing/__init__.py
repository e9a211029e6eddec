"""Tests agents with a real server on known data, a real client of it, and a record of everything that happens.

`pytest` finds the fixtures once `taskhand[testing]` is installed (`taskhand.testing.plugin`). This package exports the
other names; each is imported at first use, so that other projects do not pay for its import.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from taskhand.testing.clock import Clock
    from taskhand.testing.command import Command
    from taskhand.testing.data import DATA, PlannedTask
    from taskhand.testing.recorded_calls import Called
    from taskhand.testing.runner import Agent, Report, run_scenario
    from taskhand.testing.scenario import Scenario, load_scenario, load_scenarios, shipped
    from taskhand.testing.script import Scripted
    from taskhand.testing.server_under_test import Bench, Refused, open_bench
    from taskhand.testing.setup import Setup, SetupOptions
    from taskhand.testing.stored_task import StoredTask

__all__ = [
    "DATA",
    "Agent",
    "Bench",
    "Called",
    "Clock",
    "Command",
    "PlannedTask",
    "Refused",
    "Report",
    "Scenario",
    "Scripted",
    "Setup",
    "SetupOptions",
    "StoredTask",
    "load_scenario",
    "load_scenarios",
    "open_bench",
    "run_scenario",
    "shipped",
]

_HOMES = {
    "server_under_test": ("Bench", "Refused", "open_bench"),
    "recorded_calls": ("Called",),
    "clock": ("Clock",),
    "command": ("Command",),
    "data": ("DATA", "PlannedTask"),
    "stored_task": ("StoredTask",),
    "runner": ("Agent", "Report", "run_scenario"),
    "scenario": ("Scenario", "load_scenario", "load_scenarios", "shipped"),
    "script": ("Scripted",),
    "setup": ("Setup", "SetupOptions"),
}


def __getattr__(name: str) -> Any:
    """Import a name at first use (https://peps.python.org/pep-0562/)."""
    for module, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
