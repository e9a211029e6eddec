"""A CRM as the suites of all CRMs know it: a sandbox, Taskhand in front of it, and its facts."""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, Literal, Protocol
from urllib.parse import quote

import httpx2

from taskhand.http.upstream import Limits
from taskhand.sandbox.emulator import Emulator
from taskhand.sandbox.request_log import Logged
from taskhand.service.app_context import AppContext
from virtual_time import Time

__all__ = ["OddTasks", "SandboxOrStore", "SandboxedCrm", "TaskSummary", "Trait"]

Row = dict[str, Any]
Trait = Literal["updates singly", "deletes without a body"]


class SandboxOrStore(Protocol):
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


class OpenSandboxedApp(Protocol):
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
class TaskSummary:
    """The compared part of a task: its title, the ids of the responsibles, and whether it is completed."""

    title: str
    responsible_ids: tuple[str, ...]
    is_done: bool = False


@dataclass(frozen=True)
class OddTasks:
    """What an odd task of a CRM looks like: its fields by path, `ABSENT` for one that is left out.

    `unreadable` are odd fields, each with the field of the task that cannot be read. `due` is a due date that cannot,
    `nameless` a task without a usable id. `whose` are the fields of a task that is this member's, `of_unknown` those of
    a task of which nobody knows whose it is. `names` are all fields. `lists` are the routes of lists, with the field of
    the answer without which there is no list, or "" where the answer is the list; the first one lists tasks.
    """

    unreadable: Sequence[tuple[dict[str, Any], str]]
    due: dict[str, Any]
    nameless: dict[str, Any]
    whose: Callable[[str], dict[str, Any]]
    of_unknown: dict[str, Any]
    names: Sequence[str]
    lists: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class SandboxedCrm:
    """A CRM as a sandbox, and Taskhand in front of it.

    `sandbox` has so many tasks, `Call Acme 1` and on, of the person who asks; its readings are `name=value`. `routes`
    are those of its writes, of `many` tasks, of `one`, `delete` and `create`, and of the `read` of a task. `needs` is
    what a new task cannot be without there. `secret` is the credential. `ana` is the id of Ana Soto, `me` of who asks.
    `reader` is the module that calls `task_of`, which reads a row as a task. `title_field` and `description_field` are
    paths of names in a row; tasks without a description have None. `path_suffix` ends every path. `to_body` makes the
    body of an update from the fields to set and the whole row, `to_answer` that of an answer from a row. `gaps` are the
    tests in `tests/safety` that cannot pass there, with the reason. `confirms_deletions` is whether the answer to a
    deletion has a body, `creates_in_batches` whether one request makes many tasks. `names_references` is whether a 404
    to a write may be about another id in its body. `bulk_costs` are the requests for three hundred tasks by route, of
    making a plan and of carrying it out; None if each task takes its own request.
    """

    name: str
    sandbox: Callable[[int, Time, tuple[str, ...]], Emulator]
    sandboxed_app: OpenSandboxedApp
    secret: str
    task_id: Callable[[int], str]
    summarize: Callable[[dict[str, Any]], TaskSummary]
    routes: dict[str, str]
    me: str
    ana: str
    reader: ModuleType
    odd: OddTasks
    title_field: str = "title"
    description_field: str | None = "description"
    path_suffix: str = ""
    to_body: Callable[[Row, Row], Row] = lambda fields, _: fields
    to_answer: Callable[[Row], Row] = lambda row: row
    gaps: Mapping[str, str] = field(default_factory=dict)
    needs: dict[str, str] = field(default_factory=dict)
    confirms_deletions: bool = False
    creates_in_batches: bool = False
    names_references: bool = True
    bulk_costs: tuple[Mapping[str, int], Mapping[str, int]] | None = None

    def __str__(self) -> str:
        return self.name

    def path_of(self, task_id: str) -> str:
        """The path of the requests for one task."""
        return self.routes["one"].partition(" ")[2].format(id=quote(task_id, safe="")) + self.path_suffix

    def body_of(self, path: str, value: str, row: Row) -> str:
        """The body of an update that sets one field of a task with this row."""
        *outer, name = path.split(".")
        fields: Row = {name: value}
        for name in reversed(outer):
            fields = {name: fields}
        return json.dumps(self.to_body(fields, row))

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

    def tasks(self, sandbox: SandboxOrStore) -> dict[str, TaskSummary]:
        """The tasks as they really are."""
        return {str(row["id"]): self.summarize(row) for row in sandbox.tasks}

    def ids(self, count: int) -> list[str]:
        """The ids of the first so many tasks."""
        return [self.task_id(number) for number in range(1, count + 1)]
