"""The three CRMs behind one interface: the same tasks in each, and a view of the tasks as the CRM has them."""

import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from functools import partial
from types import ModuleType
from typing import Any, Literal, Protocol

import httpx2

from backends.close import wired as on_close
from backends.hubspot import wired as on_hubspot
from backends.vambe import wired as on_vambe
from passing import Time
from taskhand.backends.close import mapping as close_mapping
from taskhand.backends.hubspot import task_reader as hubspot_reader
from taskhand.backends.vambe import account as vambe_reader
from taskhand.http.upstream import Limits
from taskhand.sandbox.close import CloseSandbox
from taskhand.sandbox.close import SpecVariant as CloseVariant
from taskhand.sandbox.hubspot import HubSpotSandbox
from taskhand.sandbox.request_log import Logged
from taskhand.sandbox.vambe import SpecVariant as VambeVariant
from taskhand.sandbox.vambe import VambeSandbox
from taskhand.service.app_context import AppContext

__all__ = ["CRMS", "Crm", "Place", "Sandbox", "Sight", "Trait"]

Trait = Literal["updates singly", "deletes without a body"]

SANTIAGO = "America/Santiago"

Sandbox = VambeSandbox | CloseSandbox | HubSpotSandbox


class Place(Protocol):
    """A sandbox or store: its tasks, and the requests that it received."""

    @property
    def tasks(self) -> list[dict[str, Any]]:
        """The tasks, in the CRM's own form."""
        ...

    @property
    def requests(self) -> tuple[Logged, ...]:
        """The received requests, oldest first."""
        ...

    def clear_requests(self) -> None:
        """Forget the requests."""
        ...


class Wired(Protocol):
    """Opens Taskhand in front of a CRM; `transport` replaces real connections."""

    def __call__(
        self,
        url: str,
        time: Time,
        *,
        limits: Limits | None = None,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> AbstractAsyncContextManager[AppContext]: ...


@dataclass(frozen=True, slots=True)
class Sight:
    """The compared part of a task: its title, the ids of the responsibles, and whether it is completed."""

    title: str
    who: tuple[str, ...]
    is_done: bool = False


@dataclass(frozen=True)
class Crm:
    """A CRM as a sandbox, and Taskhand in front of it.

    `sandbox` has so many tasks, `Call Acme 1` and on, of the person who asks; its readings are `name=value`. `routes`
    are those of its writes, of `many` tasks, of `one`, `delete` and `create`, and of the `read` of a task. `needs` is
    what a new task cannot be without there. `ana` is the id of Ana Soto, `me` of who asks.
    `reader` is the module that calls `task_of`, which reads a row as a task. `title_field` and `description_field` are
    paths of names in a row, as in the body of an update; tasks without a description have None. `path_suffix` ends
    every path. `confirms_deletions` is whether the answer to a deletion has a body, `creates_in_batches` whether one
    request makes many tasks.
    """

    name: str
    sandbox: Callable[[int, Time, tuple[str, ...]], Sandbox]
    wired: Wired
    task_id: Callable[[int], str]
    sight: Callable[[dict[str, Any]], Sight]
    routes: dict[str, str]
    me: str
    ana: str
    reader: ModuleType
    title_field: str = "title"
    description_field: str | None = "description"
    path_suffix: str = ""
    needs: dict[str, str] = field(default_factory=dict)
    confirms_deletions: bool = False
    creates_in_batches: bool = False

    def __str__(self) -> str:
        return self.name

    def path_of(self, task_id: str) -> str:
        """The path of the requests for one task."""
        return self.routes["one"].partition(" ")[2].format(id=task_id) + self.path_suffix

    def body_of(self, path: str, value: str) -> str:
        """The body of an update that sets one field."""
        body: object = value
        for name in reversed(path.split(".")):
            body = {name: body}
        return json.dumps(body)

    @property
    def updates_singly(self) -> bool:
        """Whether each of many tasks is updated with its own request."""
        return self.routes["many"] == self.routes["one"]

    @property
    def traits(self) -> tuple[Trait, ...]:
        """What tables of faults tell CRMs apart by, besides their names."""
        found: dict[Trait, bool] = {
            "updates singly": self.updates_singly,
            "deletes without a body": not self.confirms_deletions,
        }
        return tuple(trait for trait, has_it in found.items() if has_it)

    def tasks(self, there: Place) -> dict[str, Sight]:
        """The tasks as they really are."""
        return {str(row["id"]): self.sight(row) for row in there.tasks}

    def ids(self, count: int) -> list[str]:
        """The ids of the first so many tasks."""
        return [self.task_id(number) for number in range(1, count + 1)]


def _vambe(tasks: int, time: Time, spec_variant: tuple[str, ...]) -> Sandbox:
    del time
    return on_vambe.vambe(tasks, spec_variant=VambeVariant.parse(spec_variant))


def _close(tasks: int, time: Time, spec_variant: tuple[str, ...]) -> Sandbox:
    del time
    return on_close.close(tasks, spec_variant=CloseVariant.parse(("rates=hidden", *spec_variant)))


def _hubspot(tasks: int, time: Time, spec_variant: tuple[str, ...]) -> Sandbox:
    quick = ("burst=0", "searches=0", "search_lag=0")
    return on_hubspot.hubspot(time, on_hubspot.seed(tasks), spec_variant=(*quick, *spec_variant))


def _vambe_sight(row: dict[str, Any]) -> Sight:
    people = tuple(one["responsible_id"] for one in row["task_responsibles"])
    return Sight(row["title"], people, row["status_config"]["type"] == "done")


def _hubspot_sight(row: dict[str, Any]) -> Sight:
    values = row["properties"]
    return Sight(values["hs_task_subject"], (values["hubspot_owner_id"],), values["hs_task_status"] == "COMPLETED")


VAMBE = Crm(
    name="vambe",
    sandbox=_vambe,
    wired=on_vambe.wired,
    task_id=on_vambe.task_id,
    sight=_vambe_sight,
    routes={
        "many": "PUT /api/public/tasks/{id}",
        "one": "PUT /api/public/tasks/{id}",
        "delete": "DELETE /api/public/tasks/{id}",
        "create": "POST /api/public/tasks",
        "read": "GET /api/public/tasks",
    },
    me=on_vambe.ELENA,
    ana=on_vambe.ANA,
    reader=vambe_reader,
    confirms_deletions=True,
)
CLOSE = Crm(
    name="close",
    sandbox=_close,
    wired=partial(on_close.wired, timezone=SANTIAGO),
    task_id=on_close.task_id,
    sight=lambda row: Sight(row["text"], (row["assigned_to"],), row["is_complete"]),
    routes={
        "many": "PUT /api/v1/task",
        "one": "PUT /api/v1/task/{id}",
        "delete": "DELETE /api/v1/task/{id}",
        "create": "POST /api/v1/task",
        "read": "GET /api/v1/task/{id}",
    },
    me=on_close.ELENA,
    ana=on_close.ANA,
    reader=close_mapping,
    title_field="text",
    description_field=None,
    path_suffix="/",
    needs={"aiCustomerId": on_close.LEAD},
)
HUBSPOT = Crm(
    name="hubspot",
    sandbox=_hubspot,
    wired=partial(on_hubspot.wired, timezone=SANTIAGO),
    task_id=on_hubspot.task_id,
    sight=_hubspot_sight,
    routes={
        "many": "POST /crm/v3/objects/tasks/batch/update",
        "one": "PATCH /crm/v3/objects/tasks/{id}",
        "delete": "DELETE /crm/v3/objects/tasks/{id}",
        "create": "POST /crm/v3/objects/tasks",
        "read": "GET /crm/v3/objects/tasks/{id}",
    },
    me=on_hubspot.ELENA,
    ana=on_hubspot.ANA,
    reader=hubspot_reader,
    title_field="properties.hs_task_subject",
    description_field="properties.hs_task_body",
    creates_in_batches=True,
    needs={"dueDate": "2026-03-06"},
)

CRMS = (VAMBE, CLOSE, HUBSPOT)
