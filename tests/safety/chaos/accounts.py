"""The four places where chaos can reign, each with an enforced rate limit: a sandbox, or the store in the database."""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from anyio import from_thread

from backends.close import wired as on_close
from backends.hubspot import wired as on_hubspot
from backends.vambe import wired as on_vambe
from postgres_server import TestDatabase
from safety.crms import CLOSE, HUBSPOT, VAMBE, Crm, Sandbox, Sight
from taskhand.sandbox.close import CloseSandbox
from taskhand.sandbox.close import SpecVariant as CloseVariant
from taskhand.sandbox.faults import Fault
from taskhand.sandbox.hubspot import HubSpotSandbox
from taskhand.sandbox.hubspot import SpecVariant as HubSpotVariant
from taskhand.sandbox.server import serve
from taskhand.sandbox.vambe import SpecVariant as VambeVariant

__all__ = ["BACKENDS", "Place", "open_place"]

BACKENDS = ("vambe", "close", "hubspot", "local")
_VAMBE_RATE = 60
_CLOSE_RATE = 40
_HUBSPOT_RATE = 500
_CUTS = (
    Fault("reset_after", times=3),
    Fault("reset_before", nth=4, times=3),
    Fault("truncated", nth=7, times=2),
)


@dataclass(frozen=True)
class Place:
    """Where tasks live: the variables of a server that works there, two people, and the tasks as they really are.

    `needs` is what a new task cannot be without. `refused` is how many requests were refused for the rate. `cut` has
    the CRM cut the next connections, after and before it has done what was asked for; None without a CRM.
    """

    environment: Mapping[str, str]
    people: tuple[str, str]
    tasks: Callable[[], dict[str, Sight]]
    refused: Callable[[], int]
    cut: Callable[[], None] | None = None
    needs: dict[str, str] = field(default_factory=dict)


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def _vambe() -> tuple[Crm, Sandbox, dict[str, str]]:
    there = on_vambe.vambe(0, clock=_now, spec_variant=VambeVariant(per_second=_VAMBE_RATE))
    statuses = "Pendiente,En Progreso,Completado"
    given = {"VAMBE_API_KEY": on_vambe.KEY, "VAMBE_USER_ID": on_vambe.ELENA, "VAMBE_STATUSES": statuses}
    return VAMBE, there, given | {"VAMBE_RATE": str(_VAMBE_RATE)}


def _close() -> tuple[Crm, Sandbox, dict[str, str]]:
    limits = CloseVariant(rates="enforced", rate_limit=8 * _CLOSE_RATE, rate_window=8)
    there = CloseSandbox(key=on_close.KEY, seed=on_close.WORLD, clock=_now, spec_variant=limits)
    return CLOSE, there, {"CLOSE_API_KEY": on_close.KEY, "CLOSE_RATE": str(_CLOSE_RATE)}


def _hubspot() -> tuple[Crm, Sandbox, dict[str, str]]:
    limits = HubSpotVariant(burst=_HUBSPOT_RATE, search_lag=1)
    there = HubSpotSandbox(token=on_hubspot.KEY, seed=on_hubspot.seed(0), clock=_now, spec_variant=limits)
    given = {"HUBSPOT_ACCESS_TOKEN": on_hubspot.KEY, "HUBSPOT_USER_ID": on_hubspot.ELENA}
    return HUBSPOT, there, given | {"HUBSPOT_RATE": str(_HUBSPOT_RATE)}


_CRMS = {"vambe": _vambe, "close": _close, "hubspot": _hubspot}


@contextmanager
def open_place(backend: str, database: TestDatabase) -> Iterator[Place]:
    """The sandbox of a CRM, or the built-in store in the database."""
    if backend == "local":
        yield _store(database)
        return
    crm, there, given = _CRMS[backend]()
    path = "/api/v1" if backend == "close" else ""
    with from_thread.start_blocking_portal() as portal, portal.wrap_async_context_manager(serve(there)) as url:

        def tasks() -> dict[str, Sight]:
            return portal.call(crm.tasks, there)

        def refused() -> int:
            return sum(1 for one in there.requests if one.status == 429)

        def cut() -> None:
            portal.call(setattr, there, "faults", _CUTS)

        where = {"TASKHAND_BACKEND": backend, f"{backend.upper()}_BASE_URL": f"{url}{path}"}
        yield Place(given | where, (crm.me, crm.ana), tasks, refused, cut, dict(crm.needs))


_ROWS = """
SELECT t.id, t.title, s.type IN ('done', 'master_done'),
    (
        SELECT array_agg(r.responsible_id ORDER BY r.responsible_id)
        FROM taskhand_tasks.task_responsible r WHERE r.task_id = t.id
    )
FROM taskhand_tasks.task t JOIN taskhand_tasks.status s ON s.id = t.status_id
"""


def _store(database: TestDatabase) -> Place:
    def tasks() -> dict[str, Sight]:
        rows: list[Any] = database.rows(_ROWS)
        return {task_id: Sight(title, tuple(who or ()), is_done) for task_id, title, is_done, who in rows}

    given = {"TASKHAND_BACKEND": "local", "TASKHAND_DB": database.url, "TASKHAND_USER": "Elena"}
    return Place(given, ("", ""), tasks, lambda: 0)
