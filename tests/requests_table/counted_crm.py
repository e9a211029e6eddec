"""A sandboxed CRM whose requests are counted."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Final

from taskhand.service.app_context import AppContext

__all__ = ["TASKS", "CountedCrm", "OpenApp"]

TASKS: Final = 100
"""The number of tasks in it, each due on the `DUE_DATE` of the example calls."""

OpenApp = Callable[[], AbstractAsyncContextManager[AppContext]]
"""Opens an app context whose caches are empty."""


@dataclass(frozen=True)
class CountedCrm:
    """A sandboxed CRM with tasks of Elena's; `required` are further fields that a new task there must have."""

    open: Callable[[], AbstractAsyncContextManager[OpenApp]]
    task_id: Callable[[int], str]
    required: dict[str, str] = field(default_factory=dict)
