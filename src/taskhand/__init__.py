"""Taskhand: an MCP server that lets AI agents manage tasks in a CRM or in a built-in store."""

from importlib.metadata import version as _version

__all__ = ["__version__"]

__version__ = _version("taskhand")
