"""The accounts on which chaos runs, each with an enforced rate limit: a sandbox, or the store in the database."""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from anyio import from_thread

from backends.crm_modules import CRM_MODULES
from postgres_server import TestDatabase
from safety.crms import SandboxedCrm, TaskSummary
from taskhand.backends.registry import find_factory
from taskhand.sandbox.faults import Fault
from taskhand.sandbox.server import serve_sandbox

__all__ = ["BACKENDS", "Account", "open_account"]

BACKENDS = (*CRM_MODULES, "local")
_CUTS = (
    Fault("reset_after", times=3),
    Fault("reset_before", nth=4, times=3),
    Fault("truncated", nth=7, times=2),
)


@dataclass(frozen=True)
class Account:
    """Where tasks live: the variables of a server that works there, two people, and the tasks as they really are.

    `needs` is what a new task cannot be without. `refused` is how many requests were refused for the rate. `cut` has
    the CRM cut the next connections, after and before it has done what was asked for; None without a CRM.
    """

    environment: Mapping[str, str]
    people: tuple[str, str]
    tasks: Callable[[], dict[str, TaskSummary]]
    refused: Callable[[], int]
    cut: Callable[[], None] | None = None
    needs: dict[str, str] = field(default_factory=dict)


@contextmanager
def open_account(backend: str, database: TestDatabase) -> Iterator[Account]:
    """The sandbox of a CRM, or the built-in store in the database."""
    if backend == "local":
        yield _store(database)
        return
    suite = CRM_MODULES[backend]
    crm: SandboxedCrm = suite.CRM
    sandbox, given = suite.rate_limited(lambda: dt.datetime.now(dt.UTC))
    with (
        from_thread.start_blocking_portal() as portal,
        portal.wrap_async_context_manager(serve_sandbox(sandbox)) as url,
    ):

        def tasks() -> dict[str, TaskSummary]:
            return portal.call(crm.tasks, sandbox)

        def refused() -> int:
            return sum(1 for request in sandbox.requests if request.status == 429)

        def cut() -> None:
            portal.call(setattr, sandbox, "faults", _CUTS)

        path = import_module(f"taskhand.sandbox.{backend}").SERVED.path
        where = {"TASKHAND_BACKEND": backend, f"{find_factory(backend).prefix}BASE_URL": f"{url}{path}"}
        yield Account(given | where, (crm.me, crm.ana), tasks, refused, cut, dict(crm.needs))


_ROWS = """
SELECT t.id, t.title, s.type IN ('done', 'master_done'),
    (
        SELECT array_agg(r.responsible_id ORDER BY r.responsible_id)
        FROM taskhand_tasks.task_responsible r WHERE r.task_id = t.id
    )
FROM taskhand_tasks.task t JOIN taskhand_tasks.status s ON s.id = t.status_id
"""


def _store(database: TestDatabase) -> Account:
    def tasks() -> dict[str, TaskSummary]:
        rows: list[Any] = database.rows(_ROWS)
        return {task_id: TaskSummary(title, tuple(who or ()), is_done) for task_id, title, is_done, who in rows}

    given = {"TASKHAND_BACKEND": "local", "TASKHAND_DB": database.url, "TASKHAND_USER": "Elena"}
    return Account(given, ("", ""), tasks, lambda: 0)
