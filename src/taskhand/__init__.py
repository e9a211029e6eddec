"""Taskhand: an MCP server that lets AI agents manage tasks in a CRM or in a built-in store."""

import sys as _sys
from importlib.metadata import version as _version

__all__ = ["__version__"]

# Installers look at requires-python; a checkout or an archive is run by whatever Python there is.
if _sys.version_info < (3, 11):  # noqa: UP036
    raise SystemExit(f"Taskhand needs Python 3.11 or newer; this is {_sys.version.split()[0]} ({_sys.executable}).")

__version__ = _version("taskhand")
