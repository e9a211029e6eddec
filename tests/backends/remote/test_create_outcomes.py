"""The reported outcomes and the requests of creates, for every script of failures."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from backends.example.client import JsonObject
from backends.example.mapping import task_body
from backends.remote.scripted import (
    BatchedAdapter,
    Row,
    ScriptedAdapter,
    UnpreparedAdapter,
    WideAdapter,
    each_row,
    failure,
    open_adapter,
    report,
)
from taskhand.backends.base import BulkProgress
from taskhand.backends.remote.bulk_item import Applied, NewTask
from taskhand.backends.remote.recent_writes import RecentWrites
from taskhand.domain.edit import Edit
from taskhand.domain.errors import OutcomeUnknown

WR = "write read"
NEW = Edit(title="Send it", responsible_ids=("ben",), priority=1)

CREATES = [
    ("ok", "", "done", "write"),
    ("dim", "", "done", WR),
    ("dim", "cut", "accepted", WR),
    ("refused", "", "upstream refused", "write"),
    ("absent", "", "unknown reference", "write"),
    ("forbidden", "", "forbidden", "write"),
    ("unsent", "", "not attempted", ""),
    ("lost+", "", "found", WR),
    ("lost", "", "unknown", f"{WR} read read"),
    ("lost+", "cut", "found", "write read read"),
    ("lost+", "cut cut cut", "unknown", "write read read read"),
    ("lost+", "twin", "unknown", WR),
    ("lost+", "gone", "found", f"{WR} read"),
    ("lost+", "blind", "found", "write read read"),
    ("late+", "", "found", WR),
    ("failed+", "", "found", WR),
    ("failed", "", "unknown", f"{WR} read read"),
    ("throttled", "", "rate limited", "write look"),
    ("throttled+", "", "found", "write look"),
    ("throttled", "cut", "unknown", "write look read read read"),
    ("throttled+", "twin", "unknown", "write look read"),
    ("held", "", "rate limited", ""),
    ("soon", "", "done", "write look read write"),
    ("soon+", "", "found", "write look"),
    ("soon", "cut", "done", "write look read write"),
    ("soon+", "cut", "found", "write look read"),
    ("soon+", "gone", "found", "write look read"),
    ("soon+", "old", "found", "write look read"),
    ("soon+", "cut cut", "found", "write look read read"),
    ("soon refused", "", "upstream refused", "write look read write"),
    ("soon soon soon soon", "", "rate limited", "write look read" + " write look" * 3),
    ("soon lost+", "", "found", "write look read write read"),
    ("lost+", "old old", "found", f"{WR} read read"),
    ("lost+", "old cut", "found", f"{WR} read read"),
    ("lost+", "cut old cut", "unknown", f"{WR} read read"),
    ("lost+", "old twin", "unknown", f"{WR} read"),
    ("busy,absent+", "old old", "found", "write look look look"),
    ("refused+", "old", "upstream refused", "write"),
]


@each_row(CREATES)
async def test_the_reported_outcome_of_a_create_follows_from_the_answers(row: Row) -> None:
    adapter, _ = await open_adapter(row.writes, row.reads)
    assert await create_and_check(adapter, row.told) == row.requests


class WaitingAdapter(ScriptedAdapter):
    """Waits for a minute before it sends; somebody else makes such a task meanwhile."""

    async def prepare(self) -> None:
        """Let the time pass once the script has begun."""
        if self.wire.has_begun:
            self.time.now += 5
            self.wire.make(task_body(NEW))
            self.time.now += 60


async def test_a_lost_create_does_not_claim_a_task_from_before_its_request_left() -> None:
    adapter, _ = await open_adapter("lost", "", WaitingAdapter)
    with pytest.raises(OutcomeUnknown) as lost:
        await adapter.create_task(NEW)
    assert len(lost.value.candidates) == 1


async def test_a_lost_create_whose_call_has_ended_leaves_an_equal_task_to_a_later_call() -> None:
    adapter, _ = await open_adapter("lost lost+")
    with pytest.raises(OutcomeUnknown):
        await adapter.create_task(NEW)
    adapter.time.now += 60
    assert report((await adapter.create_task(NEW)).note) == "found"


async def test_a_lost_create_claims_no_task_while_one_that_looks_alike_is_under_way() -> None:
    adapter, _ = await open_adapter("")
    adapter.wire.make(task_body(NEW))
    other, ended, lost = (NewTask[JsonObject](0, NEW, adapter.time.moment()) for _ in range(3))
    with adapter.lost_creates.under_way([other]):
        with adapter.lost_creates.under_way([ended]):
            pass
        await adapter.lost_creates.find([lost], frozenset())
        assert not lost.is_made
    await adapter.lost_creates.find([lost], frozenset())
    assert lost.is_made


async def create_and_check(adapter: ScriptedAdapter, told: str) -> str:
    """Create a task; the requests. What is told has to be so."""
    with failure() as failed:
        written = await adapter.create_task(NEW)
        assert report(written.note) == told
        assert adapter.wire.people_of(written.task.id) == ["ben"]
        assert written.task.id in adapter.recent.known_ids
    for error in failed:
        assert report(None, error) == told
        assert not error.message.startswith("Not sent")
    return " ".join(adapter.wire.sent)


SEVERAL_CREATES = [
    ("", "", "done, done, done", "write write write"),
    ("ok refused ok", "", "done, upstream refused, done", "write write write"),
    ("ok lost+ ok", "", "done, found, done", "write write write read"),
    ("lost+ lost+ lost+", "", "found, found, found", "write write write read"),
    ("lost lost+ lost", "", "unknown, found, unknown", "write write write read read read"),
    ("lost+ held", "", "found, rate limited, not attempted", "write look"),
    ("ok throttled ok", "", "done, rate limited, not attempted", "write write look"),
    ("throttled+", "", "found, done, done", "write look write write"),
    ("ok unsent ok", "", "done, not attempted, not attempted", "write"),
    ("ok forbidden ok", "", "done, forbidden, done", "write write write"),
    ("lost+ lost+ ok", "", "found, found, done", "write write write read"),
    ("lost lost+ ok", "", "unknown, found, done", "write write write read read read"),
    ("lost+ lost+ ok", "gone", "found, found, done", "write write write read read"),
]


@each_row(SEVERAL_CREATES)
async def test_the_reported_outcomes_of_separate_creates_follow_from_the_answers(row: Row) -> None:
    assert await created_together(ScriptedAdapter, row.writes, row.reads) == (row.told, row.requests)


async def test_new_tasks_that_waited_until_another_was_throttled_were_not_attempted() -> None:
    told = "rate limited, not attempted, not attempted"
    assert await created_together(WideAdapter, "held held held", "") == (told, "")
    assert await created_together(WideAdapter, "throttled held held", "") == (told, "write look")


CREATES_IN_ONE_REQUEST = [
    ("", "", "done, done, done", "write"),
    ("refused", "", "done, done, done", "write look write write write"),
    ("refused+", "", "found, found, found", "write look"),
    ("refused", "cut", "done, done, done", "write look look write write write"),
    ("refused", "cut cut cut", "unknown, unknown, unknown", "write look look look read read read"),
    ("refused ok refused ok", "", "done, upstream refused, done", "write look write write write"),
    ("ok/refused/ok", "", "done, upstream refused, done", "write"),
    ("ok/done/ok", "", "done, found, done", WR),
    ("ok/lost/ok", "", "done, unknown, done", f"{WR} read read"),
    ("ok/lost+/ok", "", "done, found, done", WR),
    ("lost+", "", "found, found, found", WR),
    ("throttled", "", "rate limited, rate limited, rate limited", "write look"),
    ("throttled+", "", "found, found, found", "write look"),
    ("soon", "", "done, done, done", "write look read write"),
    ("dim", "", "done, done, done", "write read read read"),
    ("forbidden", "", "forbidden, forbidden, forbidden", "write"),
    ("unsent", "", "not attempted, not attempted, not attempted", ""),
]


@each_row(CREATES_IN_ONE_REQUEST)
async def test_the_reported_outcomes_of_batched_creates_follow_from_the_answers(row: Row) -> None:
    assert await created_together(BatchedAdapter, row.writes, row.reads) == (row.told, row.requests)


async def created_together(kind: type[ScriptedAdapter], writes: str, reads: str) -> tuple[str, str]:
    """Create three tasks; what is told of them, and the requests."""
    adapter, _ = await open_adapter(writes, reads, kind)
    progress = BulkProgress()
    titles = ("First", "Second", "Third")
    results = await adapter.create_tasks([replace(NEW, title=title) for title in titles], progress)
    assert progress.results == dict(enumerate(results))
    for title, one in zip(titles, results, strict=True):
        assert one.task_id == (one.written.task.id if one.written else "")
        assert one.written is None or (one.written.task.title == title and not one.error)
        if one.error and one.error.code == "not_attempted":
            assert one.error.message.startswith("Not sent")
    reports = [report(one.written.note if one.written else None, one.error) for one in results]
    return ", ".join(reports), " ".join(adapter.wire.sent)


@pytest.mark.parametrize(("writes", "slept"), [("soon soon soon", [0.5, 1.0, 2.0]), ("brief brief", [])])
async def test_a_create_waits_by_itself_only_where_the_crm_does_not_say_for_how_long(
    writes: str, slept: list[float]
) -> None:
    adapter, _ = await open_adapter(writes)
    await create_and_check(adapter, "done")
    assert adapter.time.slept == slept


async def test_nothing_is_created_where_an_answer_could_not_be_read() -> None:
    adapter, _ = await open_adapter("", "", UnpreparedAdapter)
    assert await create_and_check(adapter, "upstream error") == ""
    assert await created_together(UnpreparedAdapter, "", "") == (", ".join(["upstream error"] * 3), "")


@pytest.mark.parametrize(
    ("ahead_min", "knows_clock", "told"),
    [(0, True, "found"), (10, True, "found"), (-10, True, "found"), (0, False, "found"), (-10, False, "unknown")],
)
async def test_a_lost_create_is_found_by_the_clock_of_the_crm(*, ahead_min: int, knows_clock: bool, told: str) -> None:
    adapter, _ = await open_adapter("lost+")
    adapter.wire.ahead, adapter.knows_clock = timedelta(minutes=ahead_min), knows_clock
    await create_and_check(adapter, told)


@pytest.mark.parametrize(("knows_clock", "told"), [(True, "found"), (False, "unknown")])
async def test_an_equal_task_of_a_minute_ago_is_no_rival_where_the_clock_of_the_crm_is_known(
    *, knows_clock: bool, told: str
) -> None:
    adapter, _ = await open_adapter("lost+")
    adapter.wire.make(task_body(NEW))
    adapter.time.now += 60.0
    adapter.knows_clock = knows_clock
    await create_and_check(adapter, told)


class OlderTaskAdapter(ScriptedAdapter):
    """Its first answer to a create, or what it reads of the new task, is an older task."""

    async def create(self, edit: Edit) -> JsonObject:
        """POST a task."""
        row, older = await super().create(edit), (await self.wire.tasks())[0]
        return row | {"id": older["id"]} if self.is_read_back else older

    async def complete_creates(self, items: Sequence[NewTask[JsonObject]]) -> None:
        """Read the new tasks back."""
        for item in items:
            if self.is_read_back and isinstance(item.state, Applied) and item.state.note is None:
                item.state = Applied((await self.wire.tasks())[0])

    is_read_back = False


class OlderReadBackAdapter(OlderTaskAdapter):
    """Names an older task as the new one, as reading it back shows."""

    is_read_back = True


@pytest.mark.parametrize("kind", [OlderTaskAdapter, OlderReadBackAdapter])
async def test_a_create_is_never_answered_with_an_older_task(kind: type[ScriptedAdapter]) -> None:
    adapter, [older] = await open_adapter(kind=kind)
    adapter.recent = RecentWrites(0.0, adapter.time.clock)  # another process has made it
    adapter.time.now += 3_600.0
    written = await adapter.create_task(NEW)
    assert (written.task.title, written.task.id != older.id) == (NEW.title, True)
    assert written.note == adapter.messages.found


class TrimmingAdapter(ScriptedAdapter):
    """Its CRM keeps no blanks around a title."""

    async def create(self, edit: Edit) -> JsonObject:
        """POST a task."""
        return await super().create(replace(edit, title=str(edit.title).strip()))


async def test_a_new_task_with_a_changed_title_is_the_new_one_although_the_clock_of_the_crm_is_behind() -> None:
    adapter, _ = await open_adapter(kind=TrimmingAdapter)
    adapter.wire.ahead = timedelta(minutes=-1)
    written = await adapter.create_task(replace(NEW, title=f"{NEW.title} "))
    assert (written.task.title, written.note) == (NEW.title, None)


async def test_lost_creates_are_all_found_though_hours_pass_between_them() -> None:
    adapter, _ = await open_adapter("lost+ lost+ lost+")

    def pass_by() -> None:
        adapter.time.now += 3_600.0

    adapter.wire.on_write = pass_by
    results = await adapter.create_tasks([replace(NEW, title=title) for title in ("First", "Second", "Third")])
    assert [report(one.written.note if one.written else None, one.error) for one in results] == ["found"] * 3


async def test_all_tasks_that_a_lost_create_may_have_made_are_candidates_after_a_crash() -> None:
    adapter, _ = await open_adapter()
    sent_at = adapter.time.moment()
    ids = [(await adapter.create_task(replace(NEW, title=title))).task.id for title in ("First", "First", "Second")]
    adapter.recent.note_read(ids)
    edits = [replace(NEW, title=title) for title in ("First", "Second", "Third")]
    found = await adapter.find_created(edits, sent_at)
    assert [[task.id for task in one.tasks] for one in found] == [ids[:2], ids[2:], []]
    assert [one.made.id if one.made else None for one in found] == [None, ids[2], None]


async def test_creates_are_searched_for_again_after_a_crash_while_a_list_shows_only_some_of_their_tasks() -> None:
    adapter, [shown] = await open_adapter(reads="old")
    late = (await adapter.create_task(NEW)).task
    edits = [Edit(title="Call", responsible_ids=("ana",), priority=1), NEW]
    found = await adapter.find_created(edits, adapter.time.moment())
    assert [one.made.id if one.made else None for one in found] == [shown.id, late.id]
    assert adapter.wire.sent == ["write", "read", "read"]


@pytest.mark.parametrize("method", ["create", "update", "delete"])
async def test_each_result_is_reported_before_the_next_task_is_written(method: str) -> None:
    adapter, seeded = await open_adapter(tasks=3)
    progress, seen = BulkProgress(), list[int]()
    adapter.wire.on_write = lambda: seen.append(len(progress.results))
    match method:
        case "create":
            await adapter.create_tasks([replace(NEW, title=title) for title in "abc"], progress)
        case "update":
            await adapter.update_tasks([(task, NEW) for task in seeded], progress)
        case _:
            await adapter.delete_tasks(seeded, progress)
    assert seen == [0, 1, 2]
