"""The reported outcome and the requests of one write, for every script of failures: every rule of the writer."""

from backends.remote.scripted import (
    AtomicAdapter,
    BatchedAdapter,
    LaggingAdapter,
    Row,
    ScriptedAdapter,
    UnpreparedAdapter,
    each_row,
    failure,
    open_adapter,
    report,
)
from builders import refused
from taskhand.backends.base import BulkProgress
from taskhand.call.deadline import call_deadline
from taskhand.domain.edit import Edit
from taskhand.domain.errors import UpstreamError
from taskhand.domain.task import Task

EDIT = Edit(responsible_ids=("ben",))

WR, WL, WRW, WRWR, WRWL = (
    "write read",
    "write look",
    "write read write",
    "write read write read",
    "write read write look",
)


UPDATES = [
    # how the writes and the reads go, what is told, and the requests
    ("ok", "", "done", "write"),
    ("dim", "", "done", WR),
    ("dim", "old", "done", WR),
    ("dim", "cut", "accepted", WR),
    ("refused", "", "upstream refused", "write"),
    ("absent", "", "unknown reference", "write"),
    ("forbidden", "", "forbidden", "write"),
    ("unsent", "", "not attempted", ""),
    ("held", "", "rate limited", ""),
    ("throttled", "", "rate limited", "write look"),
    ("throttled+", "", "applied", "write look"),
    ("throttled", "cut", "unknown", "write look"),
    ("throttled+", "blind", "unknown", WL),
    ("lost", "", "sent again", WRW),
    ("lost+", "", "applied", WR),
    ("lost+", "cut", "unknown", WR),
    ("lost+", "page", "applied", f"{WR} read"),
    ("throttled+", "page", "applied", f"{WL} look"),
    ("lost+", "blind", "sent again", WRW),
    ("lost", "moved", "sent again", WRW),
    ("late", "", "sent again", WRW),
    ("late+", "", "applied", WR),
    ("failed", "", "failed", f"{WR} read"),
    ("failed+", "", "applied", WR),
    ("failed", "blind", "sent again", WRW),
    ("failed", "cut", "unknown", WR),
    ("redirected", "", "failed for good", f"{WR} read"),
    ("lost dim", "ok cut", "accepted", WRWR),
    ("lost dim", "", "sent again", WRWR),
    ("lost lost", "", "not applied", f"{WRWR} read"),
    ("lost lost+", "", "applied", WRWR),
    ("lost lost", "ok moved", "unknown", f"{WRWR} read"),
    ("lost lost", "ok blind", "not applied", f"{WRWR} read"),
    ("lost lost", "ok blind blind", "unknown", f"{WRWR} read"),
    ("lost lost", "blind ok", "not applied", f"{WRWR} read"),
    ("lost late", "", "unknown", f"{WRWR} read"),
    ("late lost", "", "unknown", f"{WRWR} read"),
    ("late failed", "", "unknown", f"{WRWR} read"),
    ("lost failed", "", "failed", f"{WRWR} read"),
    ("lost refused", "", "upstream refused", f"{WRWL} look"),
    ("lost+ refused", "blind", "applied", WRWL),
    ("lost forbidden", "", "forbidden", f"{WRWL} look"),
    ("lost forbidden", "blind blind blind", "unknown", f"{WRWL} look"),
    ("late forbidden", "", "unknown", f"{WRWL} look"),
    ("lost unsent", "", "not applied", WR),
    ("late unsent", "", "unknown", WR),
    ("lost unsent", "moved", "unknown", WR),
    ("lost unsent", "blind", "unknown", WR),
    ("lost held", "", "rate limited", WR),
    ("late held", "", "unknown", WR),
    ("lost throttled", "", "rate limited", WRWL),
    ("lost throttled", "blind blind", "unknown", WRWL),
    ("lost throttled+", "", "applied", WRWL),
    ("late throttled", "", "unknown", WRWL),
    ("failed+", "old", "applied", f"{WR} read"),
    ("failed+", "old old", "failed", f"{WR} read"),
    ("failed", "ok cut", "unknown", f"{WR} read"),
    ("lost+ forbidden", "old", "applied", WRWL),
    ("lost+ lost+", "old old", "applied", f"{WRWR} read"),
    ("failed lost+", "blind old", "applied", f"{WRWR} read"),
]


@each_row(UPDATES)
async def test_the_reported_outcome_of_an_update_follows_from_the_answers(row: Row) -> None:
    adapter, [before] = await open_adapter(row.writes, row.reads)
    with failure() as failed:
        written = await adapter.update_task(before, EDIT)
        assert report(written.note) == row.told
        assert [one.responsible_id for one in written.task.task_responsibles or ()] == ["ben"]
        assert adapter.wire.people_of(before.id) == ["ben"]
    assert not failed or report(None, failed[0]) == row.told
    if row.told == "failed":
        assert failed[0].message.endswith("reading the task back shows that the write was not applied.")
    assert " ".join(adapter.wire.sent) == row.requests


DELETIONS = [
    ("ok", "", "done", WR),
    ("ok", "cut", "accepted", WR),
    ("refused", "", "upstream refused", "write"),
    ("forbidden", "", "forbidden", "write"),
    ("unsent", "", "not attempted", ""),
    ("held", "", "rate limited", ""),
    ("throttled", "", "rate limited", "write look"),
    ("throttled+", "", "removed", f"{WL} look"),
    ("throttled", "cut", "unknown", "write look"),
    ("lost", "", "sent again", WRWR),
    ("lost+", "", "removed", f"{WR} read"),
    ("lost", "cut", "unknown", WR),
    ("lost", "gone", "sent again", f"{WR} read read write read"),
    ("lost", "page page", "unknown", f"{WR} read"),
    ("lost lost", "", "not applied", f"{WRWR} read read"),
    ("lost lost", "ok ok gone", "not applied", f"{WRWR} read read read read"),
    ("lost lost+", "", "removed", f"{WRWR} read"),
    ("lost", "ok cut", "accepted", WRWR),
    ("late", "", "sent again", WRWR),
    ("late late", "", "unknown", f"{WRWR} read read"),
    ("lost late", "", "unknown", f"{WRWR} read read"),
    ("late lost", "", "unknown", f"{WRWR} read read"),
    ("late failed", "", "unknown", f"{WRWR} read read"),
    ("failed", "", "sent again", WRWR),
    ("failed failed", "", "failed", f"{WRWR} read read"),
    ("busy", "", "failed", f"{WR} read read"),
    ("redirected redirected", "", "failed for good", f"{WRWR} read read"),
    ("failed+", "", "removed", f"{WR} read"),
    ("lost failed", "", "failed", f"{WRWR} read read"),
    ("absent", "", "not there", f"{WL} look look"),
    ("absent+", "", "removed", f"{WL} look"),
    ("absent+", "old", "removed", f"{WL} look look"),
    ("absent", "cut", "unknown", WL),
    ("absent", "gone", "not there", f"{WL} look look look look"),
    ("busy,absent", "", "unknown", f"{WL} look look"),
    ("busy,absent+", "", "removed", f"{WL} look"),
    ("lost absent", "", "unknown", f"{WRWL} look look"),
    ("lost absent+", "", "removed", f"{WRWL} look"),
    ("lost absent+", "ok cut", "unknown", WRWL),
    ("late absent", "", "unknown", f"{WRWL} look look"),
    ("lost refused", "", "upstream refused", f"{WRWL} look look"),
    ("lost+ refused", "", "removed", f"{WR} read"),
    ("late refused", "", "unknown", f"{WRWL} look look"),
    ("lost unsent", "", "not applied", f"{WR} read read read"),
    ("late unsent", "", "unknown", f"{WR} read read read"),
    ("lost held", "", "rate limited", f"{WR} read read read"),
    ("lost throttled", "", "rate limited", f"{WRWL} look look"),
    ("lost throttled+", "", "removed", f"{WRWL} look"),
    ("late throttled", "", "unknown", f"{WRWL} look look"),
    ("void", "", "done", WRWR),
    ("void", "ok cut", "accepted", WRWR),
    ("void", "page", "done", f"{WR} read write read"),
    ("void absent", "", "done", WRW),
    ("void lost+", "", "done", f"{WRWR} read"),
    ("void void", "", "unknown", f"{WRWR} read read"),
    ("void lost", "", "unknown", f"{WRWR} read read"),
    ("void failed", "", "unknown", f"{WRWR} read read"),
    ("void unsent", "", "unknown", f"{WR} read read read"),
    ("void refused", "", "unknown", f"{WRWL} look look"),
    ("lost void", "", "done", f"{WRWR} {WR}"),
    ("lost void void", "", "unknown", f"{WRWR} write read read read"),
    ("ok absent", "old", "done", WRW),
    ("ok ok", "old old", "done", f"{WRWR} read"),
    ("ok ok", "old old old", "done", f"{WRWR} read read"),
    ("ok ok", "old old old cut", "accepted", f"{WRWR} read read"),
    ("lost lost+", "ok old", "removed", f"{WRWR} read read"),
    ("lost lost+", "ok old old cut", "unknown", f"{WRWR} read read"),
    ("failed lost", "", "not applied", f"{WRWR} read read"),
    ("failed absent", "", "unknown", f"{WRWL} look look"),
    ("failed absent+", "ok old", "removed", f"{WRWL} look look"),
    ("failed refused", "", "upstream refused", f"{WRWL} look look"),
    ("failed unsent", "", "failed", f"{WR} read read read"),
    ("empty+", "", "done", f"{WR} read"),
    ("empty", "", "done", WRWR),
    ("empty+", "cut", "unknown", WR),
    ("empty empty", "", "not applied", f"{WRWR} read read"),
    ("empty+", "old", "done", WRWR),
    ("lost empty+", "", "sent again", f"{WRWR} read"),
    ("empty+ absent", "old", "done", WRW),
]


@each_row(DELETIONS)
async def test_the_reported_outcome_of_a_deletion_follows_from_the_answers(row: Row) -> None:
    adapter, [before] = await open_adapter(row.writes, row.reads)
    await delete_and_check(adapter, before, row.told, row.requests)


async def delete_and_check(adapter: ScriptedAdapter, before: Task, told: str, requests: str) -> None:
    """Delete a task; what is remembered of it afterwards is that it is gone, or nothing that is not known."""
    with failure() as failed:
        assert report(await adapter.delete_task(before)) == told
    assert " ".join(adapter.wire.sent) == requests
    for error in failed:
        assert report(None, error) == told
        assert told != "unknown" or error.next_step == adapter.messages.unknown_deletion(before.id).next_step
    assert adapter.recent.is_deleted(before.id) == (not failed)


ONE_BY_ONE = [
    ("", "", "done, done, done", "write write write"),
    ("ok refused ok", "", "done, upstream refused, done", "write write write"),
    ("ok lost", "", "done, sent again, done", "write write read write write"),
    ("lost lost", "", "not applied, done, done", f"{WRWR} read write write"),
    ("throttled", "", "rate limited, not attempted, not attempted", "write look"),
    ("throttled+", "", "applied, not attempted, not attempted", "write look"),
    ("ok held", "", "done, not attempted, not attempted", "write"),
    ("ok unsent", "", "done, not attempted, not attempted", "write"),
    ("lost", "stop", "not applied, not attempted, not attempted", WR),
    ("late", "stop", "unknown, not attempted, not attempted", WR),
    ("lost+", "stop", "applied, not attempted, not attempted", WR),
]


@each_row(ONE_BY_ONE)
async def test_the_reported_outcomes_of_separate_updates_follow_from_the_answers(row: Row) -> None:
    assert await update_and_report(ScriptedAdapter, row.writes, row.reads, 3) == (row.told, row.requests)


IN_ONE_REQUEST = [
    ("ok", "", "done, done", "write"),
    ("done", "", "done, done", WR),
    ("done", "cut", "unknown, unknown", WR),
    ("done", "gone", "unknown, unknown", WR),
    ("done", "page", "done, done", f"{WR} read"),
    ("ok/done", "", "done, done", WR),
    ("lost", "", "sent again, sent again", WRW),
    ("lost+", "", "applied, applied", WR),
    ("lost+/lost", "", "applied, sent again", WRW),
    ("lost/refused", "", "sent again, upstream refused", WRW),
    ("lost lost", "", "not applied, not applied", f"{WRWR} read"),
    ("lost lost+", "", "applied, applied", WRWR),
    ("lost late", "", "unknown, unknown", f"{WRWR} read"),
    ("late lost", "", "unknown, unknown", f"{WRWR} read"),
    ("late+", "", "applied, applied", WR),
    ("lost", "gone", "unknown, unknown", WR),
    ("lost", "cut", "unknown, unknown", WR),
    ("lost lost", "ok moved", "unknown, unknown", f"{WRWR} read"),
    ("lost lost", "ok blind", "not applied, not applied", f"{WRWR} read"),
    ("lost lost", "ok blind blind", "unknown, unknown", f"{WRWR} read"),
    ("lost", "stop", "not applied, not applied", WR),
    ("failed", "", "failed, failed", f"{WR} read"),
    # The first read may be behind.
    ("failed+", "old", "applied, applied", f"{WR} read"),
    ("failed+", "", "applied, applied", WR),
    ("failed+", "blind", "sent again, sent again", WRW),
    ("failed", "cut", "unknown, unknown", WR),
    ("lost done", "", "sent again, sent again", WRWR),
    ("redirected", "", "failed for good, failed for good", f"{WR} read"),
    ("failed/ok", "", "failed, done", f"{WR} read"),
    ("throttled", "", "rate limited, rate limited", "write look"),
    ("throttled+", "", "applied, applied", "write look"),
    ("throttled", "cut", "unknown, unknown", "write look"),
    ("throttled+", "blind", "unknown, unknown", WL),
    ("held", "", "rate limited, rate limited", ""),
    ("unsent", "", "not attempted, not attempted", ""),
    ("forbidden", "", "forbidden, forbidden", "write"),
    ("lost unsent", "", "not applied, not applied", WR),
    ("lost held", "", "rate limited, rate limited", WR),
    ("lost unsent", "moved", "unknown, unknown", WR),
    ("lost unsent", "blind", "unknown, unknown", WR),
    ("late unsent", "", "unknown, unknown", WR),
    ("lost throttled", "", "rate limited, rate limited", WRWL),
    ("lost throttled", "blind blind", "unknown, unknown", WRWL),
    ("late throttled", "", "unknown, unknown", WRWL),
    ("lost forbidden", "", "forbidden, forbidden", WRWR),
    ("lost forbidden", "blind", "forbidden, forbidden", WRWR),
    ("lost forbidden", "blind blind", "unknown, unknown", WRWR),
    ("late forbidden", "", "unknown, unknown", WRWR),
    ("refused refused", "", "upstream refused, upstream refused", WRW),
    ("refused", "", "done, done", f"{WRW} write"),
    ("refused+", "", "applied, applied", WR),
    ("refused absent", "", "unknown reference, done", f"{WRW} write"),
    ("refused+ forbidden", "blind", "unknown, done", f"{WRW} write"),
    ("refused", "cut", "unknown, unknown", WR),
    ("refused unsent", "", "not applied, not applied", WR),
    ("refused unsent", "blind", "unknown, unknown", WR),
    ("lost refused refused", "", "upstream refused, upstream refused", f"{WRWR} {WL} look"),
    # A refusal of the second request says nothing of the first one, which may yet arrive.
    ("late refused/ok", "", "unknown, sent again", WRW),
    ("late refused refused refused", "", "unknown, unknown", f"{WRWR} {WL} look {WL} look"),
    ("pending", "", "unknown, unknown", "write read read read read"),
    ("pending", "ok carried", "applied, applied", "write read read"),
    ("pending/ok", "carried", "applied, done", WR),
    ("dim", "", "done, done", "write"),
]


@each_row(IN_ONE_REQUEST)
async def test_the_reported_outcomes_of_batched_updates_follow_from_the_answers(row: Row) -> None:
    assert await update_and_report(BatchedAdapter, row.writes, row.reads, 2) == (row.told, row.requests)


W5 = "write read read read read read"  # at once, and after 1, 2, 4 and 8 seconds
OLD5 = "old old old old old"

IN_ONE_REQUEST_WHERE_LISTS_LAG = [
    ("ok", "", "done, done, done", "write"),
    ("done", "", "done, done, done", WR),
    ("done", "old", "done, done, done", f"{WR} read"),
    ("done", "old old old old", "done, done, done", W5),
    # One task that is read by itself shows its edit: the others count as confirmed.
    ("done", OLD5, "done, accepted, accepted", f"{W5} read"),
    # It does not: they are sent again one by one.
    ("void", OLD5, "done, done, done", f"{W5} read write write write"),
    ("void ok refused ok", OLD5, "done, upstream refused, done", f"{W5} read write write write"),
    # There is no such task.
    ("void absent", f"{OLD5} gone", "unknown reference, done, done", f"{W5} read write write write"),
    # Nobody can look.
    ("done", "cut", "unknown, unknown, unknown", WR),
    ("done", f"{OLD5} cut", "unknown, unknown, unknown", f"{W5} read"),
    # What a list says of a lost update proves nothing, and one task that is read by itself tells whether it is behind.
    ("lost+ lost+", "old old", "applied, applied, applied", f"{WRWR} read"),
    ("lost+ lost+", "old old old", "unknown, unknown, unknown", f"{WRWR} read read"),
    ("lost lost", "", "not applied, not applied, not applied", f"{WRWR} read read"),
    ("lost lost", "ok ok cut", "unknown, unknown, unknown", f"{WRWR} read"),
    ("failed+", "old", "applied, applied, applied", f"{WR} read"),
    ("failed+", "old old", "unknown, unknown, unknown", f"{WR} read read"),
    ("failed", "", "failed, failed, failed", f"{WR} read read"),
    ("lost lost", "gone gone", "not applied, not applied, not applied", f"{WRWR} read read"),
    ("lost lost", "gone gone gone", "unknown, unknown, unknown", f"{WRWR} read read"),
    ("lost done", "", "sent again, sent again, sent again", WRWR),
    ("throttled", "ok cut", "unknown, unknown, unknown", "write look look"),
    ("lost forbidden", "", "forbidden, forbidden, forbidden", f"{WRWR} read"),
    ("lost forbidden", "ok cut", "unknown, unknown, unknown", f"{WRW} read"),
    ("lost+ forbidden", "old", "applied, applied, applied", WRWR),
    ("lost+ forbidden", "old old", "unknown, unknown, unknown", f"{WRWR} read"),
    ("lost unsent", "", "not applied, not applied, not applied", f"{WR} read"),
    ("lost throttled", "", "rate limited, rate limited, rate limited", f"{WRWL} look"),
    ("lost+ refused refused refused refused", "old old", "applied, applied, applied", f"{WRWR} {WL} {WL} {WL}"),
    ("late refused refused refused refused", "", "unknown, unknown, unknown", f"{WRWR} {WL} look {WL} look {WL} look"),
    # A refused request may have changed some of the tasks: one that failed alone too was read by itself.
    ("refused failed failed failed", "", "failed, failed, failed", f"{WR} {WR} read {WR} read {WR} read"),
    ("refused+ failed failed failed", "old", "applied, applied, applied", f"{WR} {WR} {WR} {WR}"),
    ("refused throttled", "", "rate limited, unknown, unknown", f"{WR} {WL}"),
    ("refused forbidden forbidden forbidden", "", "unknown, unknown, unknown", f"{WRW} write write"),
    ("refused unsent", "", "unknown, unknown, unknown", WR),
]


@each_row(IN_ONE_REQUEST_WHERE_LISTS_LAG)
async def test_the_reported_outcomes_of_batched_updates_allow_for_lagging_lists(row: Row) -> None:
    assert await update_and_report(LaggingAdapter, row.writes, row.reads, 3) == (row.told, row.requests)


IN_ONE_REQUEST_THAT_DOES_ALL_OR_NOTHING = [
    ("ok", "", "done, done, done, done", "write"),
    # The first task alone is refused for what is sent: so are all of them.
    ("refused refused", "", ", ".join(["upstream refused"] * 4), "write write"),
    ("lost refused refused", "", ", ".join(["upstream refused"] * 4), f"{WRW} {WL} look"),
    (
        "late refused refused refused",
        "",
        "unknown, sent again, sent again, sent again",
        f"{WRW} {WL} look write write write write",
    ),
    # It is not there: that says nothing of the others, which are halved.
    ("refused absent ok ok", "", "unknown reference, done, done, done", "write write write write"),
    (
        "refused absent refused refused ok ok",
        "",
        "unknown reference, upstream refused, upstream refused, done",
        "write write write write write",
    ),
]


@each_row(IN_ONE_REQUEST_THAT_DOES_ALL_OR_NOTHING)
async def test_the_reported_outcomes_of_atomic_batches_follow_from_the_answers(row: Row) -> None:
    assert await update_and_report(AtomicAdapter, row.writes, row.reads, 4) == (row.told, row.requests)


async def test_a_pending_update_is_looked_at_again_while_the_call_has_time() -> None:
    adapter, seeded = await open_adapter("pending", "", BatchedAdapter, tasks=2)
    with call_deadline(9.0, adapter.timing.monotonic):
        await adapter.update_tasks([(task, EDIT) for task in seeded])
    assert " ".join(adapter.wire.sent) == "write read read read"


async def test_nothing_is_sent_where_an_answer_could_not_be_read() -> None:
    assert await update_and_report(UnpreparedAdapter, "", "", 2) == ("upstream error, upstream error", "")
    adapter, [before] = await open_adapter("", "", UnpreparedAdapter)
    with refused("upstream_error", UpstreamError):
        await adapter.update_task(before, EDIT)
    assert adapter.wire.sent == []


async def update_and_report(kind: type[ScriptedAdapter], writes: str, reads: str, tasks: int) -> tuple[str, str]:
    """Update many tasks; what is told of them, and the requests. The caller gives up at the read `stop`."""
    adapter, seeded = await open_adapter(writes, reads, kind, tasks=tasks)
    progress = BulkProgress()
    if reads == "stop":
        adapter.wire.on_read = lambda: progress.stop("the caller gave up")
    results = await adapter.update_tasks([(task, EDIT) for task in seeded], progress)
    assert [one.task_id for one in results] == [task.id for task in seeded]
    for one in results:
        if one.written is not None:
            assert one.error is None
            assert [person.responsible_id for person in one.written.task.task_responsibles or ()] == ["ben"]
            assert adapter.wire.people_of(one.task_id) == ["ben"]
    reports = [report(one.written.note if one.written else None, one.error) for one in results]
    return ", ".join(reports), " ".join(adapter.wire.sent)
