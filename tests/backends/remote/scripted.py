"""The example CRM with a script: one word for each request gives its outcome; later requests succeed.

A word of a write is `ok`, `dim` (the answer has an unreadable due date), `done` (many are confirmed without the tasks),
`void` (confirmed without effect), `pending` (accepted for later) or a fault of `FAULTS`; with `+` the fault had its
effect all the same. A request for many tasks takes one word for all, or one for each: `ok/lost`.
A word of a read is `ok`, `cut` (nothing can be read, however often), `page` (a web page is read), `blind` (the people
of a task cannot be read), `moved` (somebody else changes them just before), `old` (as it was before the script), `gone`
(no task is found), `twin` (somebody else makes such a task just before) or `carried` (what is pending is carried out
just before).
"""

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from typing import Final, NamedTuple
from uuid import uuid4

import pytest

from backends.example.adapter import ExampleAdapter
from backends.example.client import MESSAGES, ExampleClient, JsonObject
from backends.example.mapping import task_body
from taskhand.backends.remote.batch_update import BatchAdapter
from taskhand.backends.remote.bulk_item import Applied, BatchAnswer, Item, Lost, NewTask, State, WriteState
from taskhand.backends.remote.deletion import EmptySuccess
from taskhand.backends.remote.recent_writes import RecentWrites
from taskhand.backends.remote.timing import Timing
from taskhand.call.request_log import record_request
from taskhand.domain.edit import Edit
from taskhand.domain.errors import (
    CallerError,
    NoAnswer,
    NotAttempted,
    NotFound,
    OperatorError,
    OutcomeUnknown,
    RateLimited,
    TaskhandError,
    UpstreamError,
    UpstreamFailed,
)
from taskhand.domain.task import Task
from taskhand.http.rate_limiter import looks_now
from virtual_time import Time

__all__ = [
    "AtomicAdapter",
    "BatchedAdapter",
    "LaggingAdapter",
    "Row",
    "ScriptedAdapter",
    "ScriptedClient",
    "UnpreparedAdapter",
    "WideAdapter",
    "each_row",
    "failure",
    "open_adapter",
    "report",
]

FAULTS: Final[Mapping[str, Callable[[], TaskhandError]]] = {
    "lost": lambda: OutcomeUnknown("The answer was lost."),
    "empty": lambda: EmptySuccess("Nothing was answered."),
    "late": lambda: NoAnswer("No answer came in time."),
    "failed": lambda: UpstreamFailed("Example failed with status 500."),
    "busy": lambda: UpstreamFailed("Example failed with status 503.", retry_after_s=7.0),
    "redirected": lambda: UpstreamFailed("Example redirected it.", code="upstream_redirect", retryable=False),
    "throttled": lambda: RateLimited("Wait.", retry_after_s=60.0),
    "soon": lambda: RateLimited("Wait a little."),
    "brief": lambda: RateLimited("Wait a little.", retry_after_s=5.0),
    "held": lambda: RateLimited("No turn came.", retry_after_s=60.0),
    "unsent": lambda: NotAttempted("The call has no time."),
    "refused": lambda: CallerError("Example refused it.", code="upstream_refused"),
    "forbidden": lambda: OperatorError("Example forbids it.", code="forbidden"),
    "absent": lambda: NotFound("Example does not have it."),
    "busy,absent": lambda: NotFound("Example does not have it."),
}
"""How a write goes wrong. `held` and `unsent` have not left; `busy,absent` is a 404 after a 503 of the same one."""
_STAY: Final = frozenset({"held", "unsent"})
_DO: Final = frozenset({"ok", "dim", "done"})


class Row(NamedTuple):
    """A row of a table of outcomes: the script of the writes and of the reads, what is told, and the requests."""

    writes: str
    reads: str
    told: str
    requests: str


def each_row(rows: Sequence[tuple[str, str, str, str]]) -> pytest.MarkDecorator:
    """Run a test with each row of a table, as its argument `row`."""
    return pytest.mark.parametrize("row", [Row(*one) for one in rows], ids="-".join)


def _fault(word: str) -> TaskhandError | None:
    make = FAULTS.get(word.removesuffix("+"))
    return make() if make else None


class ScriptedClient(ExampleClient):
    """Plays the script; `sent` are the requests that have left: `write`, `read`, or `look`, a read that never waits."""

    def __init__(self, time: Time, writes: str, reads: str) -> None:
        super().__init__(time.moment)
        self.sent: list[str] = []
        self.on_read: Callable[[], object] = lambda: None
        self.on_write: Callable[[], object] = lambda: None
        self.ahead = timedelta()
        self.has_begun = False
        self._moment = time.moment
        self._script = writes, reads
        self._writes: Iterator[str] = iter(())
        self._reads: Iterator[str] = iter(())
        self._old: dict[str, JsonObject] = {}
        self._later: list[Callable[[], object]] = []
        self._body: JsonObject = {}

    def begin(self) -> None:
        """Play the script from here on."""
        self.has_begun = True
        self._writes, self._reads = (iter(one.split()) for one in self._script)
        self._old = copy.deepcopy(self._tasks)
        self.sent.clear()

    def people_of(self, task_id: str) -> object:
        """The people of a task as it is; None where there is no such task."""
        return self._tasks.get(task_id, {}).get("people")

    async def create(self, body: JsonObject) -> JsonObject:
        """POST a task."""
        self._body = body
        [answer] = self.play([lambda: self.make(body)])
        return answer or {}

    async def update(self, task_id: str, body: JsonObject) -> JsonObject:
        """PATCH a task."""
        [answer] = self.play([lambda: self.change(task_id, body)])
        return answer or {}

    async def delete(self, task_id: str) -> None:
        """DELETE a task."""
        self.play([lambda: self._tasks.pop(task_id, {})])

    async def get(self, task_id: str) -> JsonObject:
        """GET a task."""
        return next((row for row in await self.tasks() if row["id"] == task_id), None) or self._find("")

    async def tasks(self) -> list[JsonObject]:
        """GET all tasks."""
        self.on_read()
        self.sent.append("look" if looks_now() else "read")
        record_request("GET", "/tasks", 200)
        match word := next(self._reads, "ok"):
            case "cut" | "page":
                raise UpstreamError("Example cannot be read.", retryable=word == "cut")
            case "moved":
                for row in self._tasks.values():
                    row["people"] = ["carl"]
            case "twin":
                self.make(self._body)
            case "carried":
                for act in self._later:
                    act()
        rows = self._old if word == "old" else {} if word == "gone" else self._tasks
        return [copy.deepcopy(row) | ({"people": 7} if word == "blind" else {}) for row in rows.values()]

    def play(self, acts: Sequence[Callable[[], JsonObject]]) -> list[JsonObject | None]:
        """What a request with these effects is answered of each: a row, or None where it is not mentioned."""
        answers = self.play_each(acts)
        for answer in answers:
            if isinstance(answer, TaskhandError):
                raise answer
        return [answer if isinstance(answer, dict) else None for answer in answers]

    def play_each(self, acts: Sequence[Callable[[], JsonObject]]) -> list[JsonObject | TaskhandError | str]:
        """What a request with these effects is answered of each: a row, what went wrong, or else the word for it."""
        self.on_write()
        word = next(self._writes, "ok")
        words = word.split("/") if "/" in word else [word] * len(acts)
        if word.startswith("busy,"):
            record_request("POST", "/tasks", 503)
        if word not in _STAY:
            self.sent.append("write")
            record_request("POST", "/tasks", word)
        answers: list[JsonObject | TaskhandError | str] = []
        for own, act in zip(words, acts, strict=True):
            row = act() if own in _DO or own.endswith("+") else {}
            if own == "pending":
                self._later.append(act)
            dim = {"due": 7} if own == "dim" else {}
            answers.append(_fault(own) or (copy.deepcopy(row) | dim if own in {"ok", "dim", "void"} else own))
        if "/" not in word and (fault := _fault(word)) is not None:
            raise fault
        return answers

    def change(self, task_id: str, body: JsonObject) -> JsonObject:
        """A task as it is once it is changed."""
        self._tasks[task_id].update(body)
        return self._tasks[task_id]

    def make(self, body: JsonObject) -> JsonObject:
        """A new task, whoever makes it."""
        task_id = str(uuid4())
        self._tasks[task_id] = {"id": task_id, "created": (self._moment() + self.ahead).isoformat(), "status": 1} | body
        return self._tasks[task_id]


class ScriptedAdapter(ExampleAdapter):
    """Remembers what it has written for half a minute, and writes one task at a time."""

    singles_at_once = 1
    knows_clock = True

    def __init__(self, client: ScriptedClient, time: Time) -> None:
        super().__init__(client, None, Timing(time.moment, time.clock, time.sleep))
        self.recent = RecentWrites(30.0, time.clock)
        self.wire = client
        self.time = time

    async def created_since(  # type: ignore[override]  # the clock of this CRM may be unknown
        self, moment: datetime, edits: Sequence[Edit], known: frozenset[str]
    ) -> tuple[list[JsonObject], timedelta | None]:
        """The tasks since that moment, and how far the CRM's clock is ahead where that is known."""
        rows, _ = await super().created_since(moment, edits, known)
        late = [row for row in rows if datetime.fromisoformat(row["created"]) - self.wire.ahead >= moment]
        return late, self.wire.ahead if self.knows_clock else None


class WideAdapter(ScriptedAdapter):
    """Writes three tasks at the same time."""

    singles_at_once = 3


class BatchedAdapter(ScriptedAdapter, BatchAdapter[JsonObject]):
    """Writes all tasks with one request, and one by itself."""

    min_batch = 2
    max_creates = max_updates = 100

    async def update_many(self, items: Sequence[Item[JsonObject]]) -> BatchAnswer[JsonObject]:
        """PATCH them with one request."""
        acts = [partial(self.wire.change, item.id, task_body(item.edit)) for item in items]
        return _batch_answer(items, self.wire.play_each(acts))

    async def create_many(self, items: Sequence[NewTask[JsonObject]]) -> BatchAnswer[JsonObject]:
        """POST them with one request."""
        acts = [partial(self.wire.make, task_body(item.edit)) for item in items]
        return _batch_answer(items, self.wire.play_each(acts))

    async def get_many(self, items: Sequence[Item[JsonObject]]) -> Mapping[str, JsonObject]:
        """All tasks."""
        del items
        return {row["id"]: row for row in await self.wire.tasks()}


class LaggingAdapter(BatchedAdapter):
    """Its lists may be behind."""

    many_reads_lag = True

    def confirmed_row(self, row: JsonObject, edit: Edit) -> JsonObject:
        """The task with what the edit sets."""
        return row | task_body(edit)


class AtomicAdapter(BatchedAdapter):
    """Writes all tasks of a request or none."""

    batch_is_atomic = True


class UnpreparedAdapter(ScriptedAdapter):
    """Cannot read what an answer is read with."""

    async def prepare(self) -> None:
        """Fail once the script has begun."""
        if self.wire.has_begun:
            raise UpstreamError("Example cannot be read.")


def _batch_answer(
    items: Sequence[Item[JsonObject] | NewTask[JsonObject]], answers: Sequence[JsonObject | TaskhandError | str]
) -> BatchAnswer[JsonObject]:
    return {item.index: _state_of(answer) for item, answer in zip(items, answers, strict=True)}


def _state_of(answer: JsonObject | TaskhandError | str) -> WriteState[JsonObject]:
    if isinstance(answer, TaskhandError):
        return answer if isinstance(answer, CallerError) else Lost(answer)
    if isinstance(answer, dict):
        return Applied(answer)
    return State.PENDING if answer == "pending" else State.CONFIRMED


@contextmanager
def failure() -> Iterator[list[TaskhandError]]:
    """The error that ends the body, if one does."""
    errors: list[TaskhandError] = []
    try:
        yield errors
    except TaskhandError as error:
        errors.append(error)


async def open_adapter(
    writes: str = "", reads: str = "", kind: type[ScriptedAdapter] = ScriptedAdapter, *, tasks: int = 1
) -> tuple[ScriptedAdapter, list[Task]]:
    """An adapter, and tasks of Ana's in its CRM; the script begins with the next request."""
    time = Time()
    adapter = kind(ScriptedClient(time, writes, reads), time)
    made = [await adapter.create_task(Edit(title="Call", responsible_ids=("ana",), priority=1)) for _ in range(tasks)]
    adapter.wire.begin()
    return adapter, [one.task for one in made]


def report(note: str | None, error: TaskhandError | None = None) -> str:
    """A result in a word: `done`, how it was learned that it is done where that is worth knowing, or why it is not."""
    if error is None:
        notes = {getattr(MESSAGES, name): name for name in ("applied", "sent_again", "found", "accepted", "removed")}
        return "done" if note is None else notes[note].replace("_", " ")
    if error.message == MESSAGES.not_applied().message:
        return "not applied"
    if error.message.endswith(" as if it did not exist."):
        return "not there"
    if isinstance(error, UpstreamFailed):
        return "failed" if error.retryable else "failed for good"
    return error.code.removeprefix("outcome_").replace("_", " ")
