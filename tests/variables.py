"""The environment variables of Taskhand, which a test keeps away from the programs that it runs."""

from taskhand.backends.registry import FACTORIES

__all__ = ["PREFIXES"]

PREFIXES = ("TASKHAND_", *(factory.prefix for factory in FACTORIES))
"""How their names begin."""
