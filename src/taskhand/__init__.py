"""Taskhand: hands for AI agents on the tasks that live in a CRM."""

from importlib.metadata import version as _version

__all__ = ["__version__"]

__version__ = _version("taskhand")
