"""Changes that a dead process left open are settled by what their CRM shows."""

from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

import pytest

from backends.example.adapter import ExampleAdapter
from backends.example.client import ExampleClient, JsonObject
from file_stores import journal_in
from taskhand.backends.remote.timing import Timing
from taskhand.call.deadline import call_deadline, time_left
from taskhand.domain.capabilities import Capabilities
from taskhand.domain.due import Due
from taskhand.domain.edit import Edit
from taskhand.domain.errors import NotFound, UpstreamError, UpstreamFailed
from taskhand.domain.outcome import Outcome
from taskhand.domain.snapshot import Snapshot
from taskhand.journal.journal import Intent
from taskhand.service.app_context import AppContext, CallTime
from taskhand.service.crash_recovery import find_created, recover_abandoned
from taskhand.service.lazy import Lazy
from taskhand.service.write_call import Call
from virtual_time import Time

EDIT = Edit(title="Send it", responsible_ids=(), priority=1)


async def recover_after_crash(
    folder: Path,
    time: Time,
    adapter: ExampleAdapter,
    intents: Sequence[Intent],
    crash: Callable[[], object] = lambda: None,
) -> list[Outcome]:
    """The outcomes that the next process finds of these intents, whose process died at the `crash`."""

    def open_context() -> AppContext:
        times = CallTime(monotonic=time.clock)
        return AppContext(adapter, Lazy(lambda: journal_in(folder)), time.moment, call_time=times)

    dead = open_context()
    call = Call(dead, "apply_plan", arguments={})
    await call.begin(call.new_opening(), intents)
    assert call.change is not None
    await dead.journal.aclose()
    crash()
    app = open_context()
    await recover_abandoned(app)
    found = await app.journal.find(call.change.id)
    assert found is not None
    await app.aclose()
    return [result.outcome for _, result in sorted(found.results.items())]


class FailingReadsClient(ExampleClient):
    """Fails every read while it `fails`; `left_s` is how long the last one may have taken."""

    fails = True
    left_s = 0.0

    async def tasks(self) -> list[JsonObject]:
        """GET all tasks."""
        self.left_s = time_left()
        if self.fails:
            raise UpstreamFailed("Example failed.")
        return await super().tasks()


async def test_a_create_stays_open_while_the_crm_fails_and_is_settled_afterwards(tmp_path: Path) -> None:
    time = Time()
    client = FailingReadsClient(time.moment)
    adapter = ExampleAdapter(client, None, Timing(time.moment, time.clock, time.sleep))
    dead = AppContext(
        adapter, Lazy(lambda: journal_in(tmp_path)), time.moment, call_time=CallTime(monotonic=time.clock)
    )
    call = Call(dead, "create_task", arguments={})
    await call.begin(call.new_opening(), [Intent("create", edit=EDIT, asked=EDIT)])
    assert call.change is not None
    await adapter.create_task(EDIT)
    await dead.journal.aclose()
    app = AppContext(adapter, Lazy(lambda: journal_in(tmp_path)), time.moment, call_time=CallTime(monotonic=time.clock))
    for fails, outcome in ((True, "open"), (False, "applied")):
        client.fails = fails
        with call_deadline(10.0, time.clock):
            await recover_abandoned(app)
            assert client.left_s == pytest.approx(0.3 * time_left()), "the rest is for the call itself"
        found = await app.journal.find(call.change.id)
        assert found is not None
        assert found.outcome == outcome
    await app.aclose()


async def test_a_create_that_the_crm_does_not_show_counts_as_not_applied_after_two_minutes(tmp_path: Path) -> None:
    time = Time()
    adapter = ExampleAdapter(ExampleClient(time.moment), None, Timing(time.moment, time.clock, time.sleep))
    adapter.capabilities = Capabilities(lists_are_current=False)
    app = AppContext(adapter, Lazy(lambda: journal_in(tmp_path)), time.moment, call_time=CallTime(monotonic=time.clock))
    call = Call(app, "create_task", arguments={})
    await call.begin(call.new_opening(), [Intent("create", edit=EDIT, asked=EDIT)])
    assert call.change is not None
    for passed_s, outcome in ((120.0, "unknown"), (1.0, "not_applied")):
        await time.sleep(passed_s)
        assert [one.outcome for one in await find_created(app, call.change, [0])] == [outcome]
    await app.aclose()


class OnceMisreadClient(ExampleClient):
    """Answers the next read with a page, or with no tasks, if it `misreads`."""

    misreads: UpstreamError | tuple[()] | None = None

    async def tasks(self) -> list[JsonObject]:
        """GET all tasks."""
        misread, self.misreads = self.misreads, None
        if isinstance(misread, UpstreamError):
            raise misread
        return await super().tasks() if misread is None else []


@pytest.mark.parametrize("misread", [UpstreamError("Example sent a page."), ()], ids=["page", "no tasks"])
async def test_a_create_is_found_although_the_first_search_for_it_is_misread(
    tmp_path: Path, misread: UpstreamError | tuple[()]
) -> None:
    time = Time()
    client = OnceMisreadClient(time.moment)
    adapter = ExampleAdapter(client, None, Timing(time.moment, time.clock, time.sleep))
    app = AppContext(adapter, Lazy(lambda: journal_in(tmp_path)), time.moment, call_time=CallTime(monotonic=time.clock))
    call = Call(app, "create_task", arguments={})
    await call.begin(call.new_opening(), [Intent("create", edit=EDIT, asked=EDIT)])
    assert call.change is not None
    await adapter.create_task(EDIT)
    client.misreads = misread
    assert [one.outcome for one in await find_created(app, call.change, [0])] == ["applied"]
    await app.aclose()


async def test_an_update_is_applied_though_the_crm_has_added_a_zone_to_the_due_day(tmp_path: Path) -> None:
    time, edit = Time(), Edit(due=Due(date(2026, 3, 10)))
    adapter = ExampleAdapter(ExampleClient(time.moment), None, Timing(time.moment, time.clock, time.sleep))
    task = (await adapter.create_task(EDIT)).task
    await adapter.update_task(task, Edit(due=Due(date(2026, 3, 10), None, "Europe/Madrid")))
    intents = [Intent("update", Snapshot(task), edit, edit)]
    assert await recover_after_crash(tmp_path, time, adapter, intents) == ["applied"]


class OnceLaggingClient(ExampleClient):
    """Shows the row `old` in the next read of a task, or does not find it, if that is an error."""

    old: JsonObject | NotFound | None = None

    async def get(self, task_id: str) -> JsonObject:
        """GET a task."""
        old, self.old = self.old, None
        if isinstance(old, NotFound):
            raise old
        return await super().get(task_id) if old is None else old


@pytest.mark.parametrize("edit", [Edit(title="Sent"), None], ids=["update", "deletion"])
async def test_a_write_is_applied_though_the_first_read_after_the_crash_is_behind(
    tmp_path: Path, edit: Edit | None
) -> None:
    time = Time()
    client = OnceLaggingClient(time.moment)
    adapter = ExampleAdapter(client, None, Timing(time.moment, time.clock, time.sleep))
    adapter.capabilities = Capabilities(lists_are_current=False)
    task = (await adapter.create_task(EDIT)).task
    [old] = await client.tasks()
    await (adapter.delete_task(task) if edit is None else adapter.update_task(task, edit))
    intents = [Intent("delete" if edit is None else "update", Snapshot(task), edit, edit)]
    outcomes = await recover_after_crash(tmp_path, time, adapter, intents, lambda: setattr(client, "old", old))
    assert outcomes == ["applied"]


class ListingAdapter(ExampleAdapter):
    """Never finds a task by its id, and lists it."""

    async def snapshots(self, ids: Sequence[str], *, fresh: bool = False) -> dict[str, Snapshot]:
        """No task."""
        del ids, fresh
        return {}

    async def find_listed(self, ids: Sequence[str]) -> frozenset[str]:
        """All tasks."""
        return frozenset(ids)


@pytest.mark.parametrize(("kind", "outcome"), [(ExampleAdapter, "not_applied"), (ListingAdapter, "unknown")])
async def test_no_deletion_is_applied_though_a_read_does_not_find_the_tasks(
    tmp_path: Path, kind: type[ExampleAdapter], outcome: str
) -> None:
    time = Time()
    client = OnceLaggingClient(time.moment)
    adapter = kind(client, None, Timing(time.moment, time.clock, time.sleep))
    intents = [Intent("delete", Snapshot((await adapter.create_task(EDIT)).task)) for _ in range(3)]
    missing = NotFound("It is not found.")
    outcomes = await recover_after_crash(tmp_path, time, adapter, intents, lambda: setattr(client, "old", missing))
    assert outcomes == [outcome] * 3
