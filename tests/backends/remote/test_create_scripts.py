"""What is told of new tasks, and which requests they take, whatever goes wrong on the way."""

from dataclasses import replace

import pytest

from backends.remote.scripted import BatchAdapter, ScriptedAdapter, SlowAdapter, failure, opened, report
from taskhand.backends.base import BulkProgress
from taskhand.domain.edit import Edit

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
    ("lost", "", "unknown", WR),
    ("lost+", "cut", "unknown", WR),
    ("lost+", "twin", "unknown", WR),
    ("lost+", "gone", "unknown", WR),
    ("lost+", "blind", "found", "write read read"),
    ("late+", "", "found", WR),
    ("failed+", "", "found", WR),
    ("failed", "", "unknown", WR),
    ("throttled", "", "rate limited", "write look"),
    ("throttled+", "", "found", "write look"),
    ("throttled", "cut", "rate limited", "write look"),
    ("throttled+", "twin", "unknown", "write look read"),
    ("held", "", "rate limited", ""),
    ("soon", "", "done", "write look write"),
    ("soon+", "", "found", "write look"),
    ("soon refused", "", "upstream refused", "write look write"),
    ("soon soon soon soon", "", "rate limited", " ".join(["write look"] * 4)),
    ("soon lost+", "", "found", "write look write read"),
]


@pytest.mark.parametrize(("writes", "reads", "told", "requests"), CREATES)
async def test_what_is_told_of_a_new_task(writes: str, reads: str, told: str, requests: str) -> None:
    adapter, _ = await opened(writes, reads)
    assert await created(adapter, told) == requests


CREATES_WHERE_LISTS_LAG = [
    ("lost+", "", "found", WR),
    ("lost+", "old old", "found", "write read read read"),
    ("lost+", "old cut", "unknown", "write read read"),
    ("lost+", "old twin", "unknown", "write read read"),
    ("lost", "", "unknown", "write read read read"),
]


@pytest.mark.parametrize(("writes", "reads", "told", "requests"), CREATES_WHERE_LISTS_LAG)
async def test_what_is_told_of_a_new_task_where_lists_lag(writes: str, reads: str, told: str, requests: str) -> None:
    adapter, _ = await opened(writes, reads, SlowAdapter)
    assert await created(adapter, told) == requests


async def created(adapter: ScriptedAdapter, told: str) -> str:
    """Create a task; the requests. What is told has to be so."""
    with failure() as failed:
        written = await adapter.create_task(NEW)
        assert report(written.note) == told
        assert adapter.wire.people_of(written.task.id) == ["ben"]
        assert written.task.id in adapter.recent.known_ids
    for error in failed:
        assert report(None, error) == told
    return " ".join(adapter.wire.sent)


SEVERAL_CREATES = [
    ("", "", "done, done, done", "write write write"),
    ("ok refused ok", "", "done, upstream refused, done", "write write write"),
    ("ok lost+ ok", "", "done, found, done", "write write write read"),
    ("lost+ lost+ lost+", "", "found, found, found", "write write write read"),
    ("lost lost+ lost", "", "unknown, found, unknown", "write write write read"),
    ("lost+ held", "", "found, rate limited, not attempted", "write read"),
    ("ok throttled ok", "", "done, rate limited, not attempted", "write write look"),
    ("throttled+", "", "found, done, done", "write look write write"),
    ("ok unsent ok", "", "done, not attempted, not attempted", "write"),
    ("ok forbidden ok", "", "done, forbidden, done", "write write write"),
]


@pytest.mark.parametrize(("writes", "reads", "told", "requests"), SEVERAL_CREATES)
async def test_what_is_told_of_new_tasks_that_are_sent_one_by_one(
    writes: str, reads: str, told: str, requests: str
) -> None:
    assert await created_together(ScriptedAdapter, writes, reads) == (told, requests)


CREATES_IN_ONE_REQUEST = [
    ("", "", "done, done, done", "write"),
    ("refused", "", "done, done, done", "write write write write"),
    ("refused ok refused ok", "", "done, upstream refused, done", "write write write write"),
    ("ok/refused/ok", "", "done, upstream refused, done", "write"),
    ("ok/done/ok", "", "done, found, done", WR),
    ("ok/lost/ok", "", "done, unknown, done", WR),
    ("ok/lost+/ok", "", "done, found, done", WR),
    ("lost+", "", "found, found, found", WR),
    ("throttled", "", "rate limited, rate limited, rate limited", "write look"),
    ("throttled+", "", "found, found, found", "write look"),
    ("soon", "", "done, done, done", "write look write"),
    ("dim", "", "done, done, done", "write read read read"),
    ("forbidden", "", "forbidden, forbidden, forbidden", "write"),
    ("unsent", "", "not attempted, not attempted, not attempted", ""),
]


@pytest.mark.parametrize(("writes", "reads", "told", "requests"), CREATES_IN_ONE_REQUEST)
async def test_what_is_told_of_new_tasks_that_are_sent_in_one_request(
    writes: str, reads: str, told: str, requests: str
) -> None:
    assert await created_together(BatchAdapter, writes, reads) == (told, requests)


async def created_together(kind: type[ScriptedAdapter], writes: str, reads: str) -> tuple[str, str]:
    """Create three tasks; what is told of them, and the requests."""
    adapter, _ = await opened(writes, reads, kind)
    progress = BulkProgress()
    titles = ("First", "Second", "Third")
    results = await adapter.create_tasks([replace(NEW, title=title) for title in titles], progress)
    assert progress.results == dict(enumerate(results))
    for title, one in zip(titles, results, strict=True):
        assert one.task_id == (one.written.task.id if one.written else "")
        assert one.written is None or (one.written.task.title == title and not one.error)
    reports = [report(one.written.note if one.written else None, one.error) for one in results]
    return ", ".join(reports), " ".join(adapter.wire.sent)
