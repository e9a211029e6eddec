"""Values that Close omits, or lists late: no answer claims what is not known."""

from dataclasses import replace
from datetime import timedelta
from json import loads
from typing import Any

import pytest
from mcp import Client

from backends.close.late_sandbox import LateSandbox
from backends.close.sandboxed_app import (
    ANA,
    ELENA,
    KEY,
    LEAD,
    TASK,
    WORLD,
    Time,
    close,
    on_close,
    row,
    sandboxed_app,
    task_id,
)
from behaviour.agent import Agent
from behaviour.world import NOW
from taskhand.backends.close.errors import MESSAGES as CLOSE
from taskhand.backends.close.fields.unlisted_priorities import UnlistedPriorities
from taskhand.backends.close.mapping import DONE
from taskhand.domain.edit import Edit
from taskhand.domain.errors import CallerError, NotFound, OutcomeUnknown, UpstreamError
from taskhand.domain.task import StatusChoice
from taskhand.domain.task_query import TaskQuery, task_sort_key
from taskhand.sandbox.close import CloseSandbox, SpecVariant
from taskhand.sandbox.faults import Fault
from taskhand.sandbox.messages import ReceivedRequest, Response
from taskhand.sandbox.server import serve_sandbox
from taskhand.server.app import create_server

ABSENT = SpecVariant(priority="absent")
POST, PUT, GET, LIST = "POST /api/v1/task", "PUT /api/v1/task/{id}", "GET /api/v1/task/{id}", "GET /api/v1/task"
NEW = Edit(title="Made", responsible_ids=(ELENA,), ai_customer_id=LEAD, priority=2)


@pytest.mark.parametrize(("asked", "before", "after"), [("1", "high", "medium"), ("2", "medium", "high")])
async def test_an_unlisted_priority_is_always_sent_and_shown_as_sent(asked: str, before: str, after: str) -> None:
    sandbox = close([row(1, priority=before)], spec_variant=ABSENT)
    async with serve_sandbox(sandbox) as url, sandboxed_app(url, Time()) as app, Client(create_server(app)) as client:
        agent = Agent(client)
        answer = await agent("update_task", id=TASK, priority=asked)
        assert (answer["task"]["priority"], answer["unapplied"]) == (int(asked), [])
        assert (await agent("get_task", id=TASK))["task"]["priority"] == int(asked)
        again = await agent("complete_task", id=TASK)
        assert again["task"]["priority"] == int(asked)
    assert sandbox.tasks[0]["priority"] == after


async def test_an_unlisted_priority_is_forgotten_after_somebody_else_changed_the_task() -> None:
    now = [NOW]
    sandbox = close(2, spec_variant=ABSENT, clock=lambda: now[0])
    async with on_close(sandbox) as backend, on_close(sandbox) as other:
        before = await backend.get_task(TASK)
        assert (await backend.update_task(before, Edit(priority=2))).task.priority == 2
        now[0] += timedelta(seconds=2)
        await other.update_task(before, Edit(priority=1))
        assert (await backend.get_task(TASK)).priority == 0
        assert (await backend.update_task(before, Edit(title="x"))).task.priority == 0
        assert (await backend.update_task(before, Edit(priority=2))).task.priority == 2
        now[0] += timedelta(seconds=2)
        await other.update_task(before, Edit(priority=1))
        await backend.snapshots([TASK, task_id(2)])
        assert (await backend.update_task(before, Edit(title="y"))).task.priority == 0
        assert (await backend.update_task(before, Edit(priority=2))).task.priority == 2
        now[0] += timedelta(seconds=2)
        await other.update_task(before, Edit(priority=1))
        await backend.list_tasks(TaskQuery())
        assert (await backend.update_task(before, Edit(title="z"))).task.priority == 0


async def test_a_filter_by_unlisted_priorities_is_an_error() -> None:
    sandbox = close([row(1, priority="high"), row(2, _type="missed_call", text=None)], spec_variant=ABSENT)
    async with on_close(sandbox) as backend:
        with pytest.raises(UpstreamError) as refused:
            await backend.list_tasks(TaskQuery(priority=2))
        assert refused.value.code == "priority_unknown"
        assert len((await backend.list_tasks(TaskQuery())).tasks) == 2
        await backend.update_task(await backend.get_task(TASK), Edit(priority=2))
        assert [task.id for task in (await backend.list_tasks(TaskQuery(priority=2))).tasks] == [TASK]


async def test_a_lost_create_is_found_although_its_priority_is_unlisted() -> None:
    sandbox = close(0, spec_variant=ABSENT, faults=[Fault("reset_after", POST)])
    async with on_close(sandbox) as backend:
        made = (await backend.create_task(NEW)).task
        assert (await backend.get_task(made.id)).priority == made.priority == 2
    assert len(sandbox.tasks) == 1


@pytest.mark.parametrize("fault", [Fault("reset_after", PUT), Fault("reset_before", PUT)])
async def test_a_lost_change_of_an_unlisted_priority_is_sent_again(fault: Fault) -> None:
    sandbox = close(1, spec_variant=ABSENT, faults=[fault])
    async with on_close(sandbox) as backend:
        before = await backend.get_task(TASK)
        assert (await backend.update_task(before, Edit(priority=2))).task.priority == 2
    assert sandbox.tasks[0]["priority"] == "high"


@pytest.mark.parametrize("edit", [Edit(priority=2), Edit(priority=2, title="Not shown either")])
async def test_a_failed_change_of_an_unlisted_priority_has_an_unknown_outcome(edit: Edit) -> None:
    failed = Fault("status", PUT, status=500, commit=True, nth="every")
    untitled = Fault("without_field", GET, field="text", nth="every")
    sandbox = close(1, spec_variant=ABSENT, faults=[failed, untitled])
    async with on_close(sandbox) as backend:
        before = await backend.get_task(TASK)
        with pytest.raises(OutcomeUnknown):
            await backend.update_task(before, edit)


async def test_a_failed_change_of_an_unlisted_priority_is_sent_again() -> None:
    sandbox = close(1, spec_variant=ABSENT, faults=[Fault("status", PUT, status=500, commit=True)])
    async with on_close(sandbox) as backend:
        written = await backend.update_task(await backend.get_task(TASK), Edit(priority=2))
    assert (written.task.priority, written.note) == (2, CLOSE.sent_again)


async def test_the_message_of_a_lost_create_that_no_list_shows_asks_to_wait_a_minute() -> None:
    time = Time()
    sandbox = close(0, spec_variant=SpecVariant(list_lag=30), faults=[Fault("reset_after", POST)], clock=time.moment)
    async with on_close(sandbox, time) as backend:
        with pytest.raises(OutcomeUnknown) as unknown:
            await backend.create_task(NEW)
    assert "wait a minute" in (unknown.value.next_step or "")
    assert time.slept[-2:] == [2, 5]


@pytest.mark.parametrize("ahead_s", [0, 600, -600])
async def test_an_older_equal_task_is_a_candidate_and_is_not_claimed(ahead_s: int) -> None:
    moment = NOW + timedelta(seconds=ahead_s)
    older = row(1, text="Made", priority="high", date_created=(moment - timedelta(seconds=30)).isoformat())
    sandbox = close([older], faults=[Fault("reset_before", POST)], clock=lambda: moment)
    async with on_close(sandbox) as backend:
        with pytest.raises(OutcomeUnknown) as unknown:
            await backend.create_task(NEW)
    assert [one.value for one in unknown.value.candidates] == [TASK]


@pytest.mark.parametrize("ahead_s", [0, 600, -600])
async def test_the_new_task_is_distinguished_from_an_older_one_by_closes_clock(ahead_s: int) -> None:
    moment = NOW + timedelta(seconds=ahead_s)
    older = row(1, text="Made", priority="high", date_created=(moment - timedelta(seconds=30)).isoformat())
    sandbox = close([older], faults=[Fault("reset_after", POST)], clock=lambda: moment)
    async with on_close(sandbox) as backend:
        made = (await backend.create_task(NEW)).task
    assert made.id == task_id(1_000_001)


def late() -> LateSandbox:
    return LateSandbox(seed=WORLD, key=KEY, clock=lambda: NOW, spec_variant=SpecVariant(list_lag=30))


async def test_a_new_task_is_shown_although_close_does_not_find_it_yet() -> None:
    sandbox, time = late(), Time()
    async with on_close(sandbox, time) as backend:
        made = (await backend.create_task(NEW)).task
        sandbox.missing = 3
        assert await backend.get_task(made.id) == made
        assert (await backend.snapshots([made.id]))[made.id].task == made
        assert list(await backend.snapshots([made.id, task_id(999)])) == [made.id]
        assert [task.id for task in (await backend.list_tasks(TaskQuery())).tasks] == [made.id]
        sandbox.missing = 2
        done = await backend.update_task(made, Edit(status=StatusChoice.of(DONE)))
        assert done.task.status_config == DONE
        sandbox.missing = 99
        with pytest.raises(UpstreamError, match="yet") as refused:
            await backend.update_task(made, Edit(title="x"))
        assert refused.value.retryable
        time.now += 61
        with pytest.raises(NotFound):
            await backend.get_task(made.id)


async def test_a_new_task_whose_type_close_does_not_say_is_listed_although_the_list_is_late() -> None:
    untyped = Fault("without_field", POST, field="_type")
    sandbox = close(0, faults=[untyped], spec_variant=SpecVariant(list_lag=30), clock=Time().moment)
    async with on_close(sandbox) as backend:
        made = (await backend.create_task(NEW)).task
        assert [task.id for task in (await backend.list_tasks(TaskQuery())).tasks] == [made.id]


class StaleAnswerSandbox(CloseSandbox):
    """A Close that answers a PUT with the task as it was."""

    def answer(self, call: ReceivedRequest, *, stale: bool) -> Response:
        before = next((one for one in self.tasks if one["id"] in call.path), None)
        answer = super().answer(call, stale=stale)
        return Response.of_json(200, before) if call.method == "PUT" and before else answer


async def test_an_answer_that_does_not_show_the_change_is_checked_by_reading_the_task() -> None:
    sandbox = StaleAnswerSandbox(seed=WORLD | {"tasks": [row(1)]}, key=KEY, clock=lambda: NOW)
    async with on_close(sandbox) as backend:
        written = await backend.update_task(await backend.get_task(TASK), Edit(title="New", responsible_ids=(ANA,)))
    assert (written.task.title, written.task.responsible_ids) == ("New", (ANA,))


@pytest.mark.parametrize("count", [1, 3])
async def test_an_unlisted_priority_stays_although_a_later_write_of_ours_is_read_back(count: int) -> None:
    now = [NOW]
    sandbox = close(count, spec_variant=ABSENT, clock=lambda: now[0], faults=[Fault("reset_after", PUT, nth=2)])
    async with on_close(sandbox) as backend:
        tasks = [await backend.get_task(task_id(number)) for number in range(1, count + 1)]
        high = [(await backend.update_task(task, Edit(priority=2))).task for task in tasks]
        now[0] += timedelta(seconds=2)
        written = await backend.update_tasks([(task, Edit(responsible_ids=(ANA,))) for task in high])
    assert [one.written and one.written.task.priority for one in written] == [2] * count


class OtherServer(CloseSandbox):
    """Another server than Close, which has none of its pages."""

    page = Response(404, b"<html>nothing here</html>", (("content-type", "text/html"),))

    def answer(self, call: ReceivedRequest, *, stale: bool) -> Response:  # noqa: ARG002 - it answers one thing
        return self.page


@pytest.mark.parametrize("body", [b"<html>nothing</html>", b'{"error": "The requested URL was not found."}'])
async def test_a_404_of_the_address_is_not_a_missing_task(body: bytes) -> None:
    sandbox = OtherServer(seed=WORLD, key=KEY)
    sandbox.page = Response(404, body, (("content-type", "text/html"),))
    async with on_close(sandbox) as backend:
        for asked in (backend.get_task(TASK), backend.list_tasks(TaskQuery()), backend.account.members()):
            with pytest.raises(UpstreamError) as refused:
                await asked
            assert "CLOSE_BASE_URL" in (refused.value.next_step or "")


MADE = {task_id(number): (NOW + timedelta(microseconds=999 - number)).isoformat() for number in range(1, 261)}


class MicrosecondSandbox(CloseSandbox):
    """A Close whose moments have microseconds."""

    def answer(self, call: ReceivedRequest, *, stale: bool) -> Response:
        json = loads(super().answer(call, stale=stale).body)
        return Response.of_json(200, json | {"data": [one | {"date_created": MADE[one["id"]]} for one in json["data"]]})


async def test_pages_by_creation_lose_no_task_of_the_same_millisecond() -> None:
    # Newest first by the microsecond, which is the other way round than the ids are.
    rows = [row(number, date_created=made) for number, made in enumerate(MADE.values(), start=1)]
    found: list[str] = []
    query = TaskQuery(order="created", limit=50)
    async with on_close(MicrosecondSandbox(seed=WORLD | {"tasks": rows}, key=KEY)) as backend:
        while True:
            page = await backend.list_tasks(query)
            found += [task.id for task in page.tasks]
            if not page.more:
                break
            query = replace(query, after=(task_sort_key(page.tasks[-1], "created"), page.tasks[-1].id))
    assert sorted(found) == list(MADE)


def crowd(size: int) -> dict[str, Any]:
    people = [{"id": f"cont_{number}", "name": f"Vega {number}"} for number in range(size)]
    return {"leads": [{"id": f"lead_{number}", "name": "Acme", "contacts": [who]} for number, who in enumerate(people)]}


async def test_contacts_are_searched_on_every_page() -> None:
    sandbox = CloseSandbox(seed=WORLD | crowd(150), key=KEY)
    async with on_close(sandbox) as backend:
        assert len(await backend.account.find_contacts("acme", 500)) == 150
        assert len(await backend.account.find_contacts("acme", 21)) == 21
    assert len(sandbox.requests) == 3


async def test_a_search_whose_cursor_expires_returns_the_contacts_found_so_far_as_candidates() -> None:
    sandbox = CloseSandbox(seed=WORLD | crowd(150), key=KEY)
    async with on_close(sandbox) as backend:
        sandbox.faults = (Fault("status", "POST /api/v1/data/search", status=400, nth=2),)
        with pytest.raises(CallerError) as refused:
            await backend.account.find_contacts("acme", 500)
    assert (refused.value.code, len(refused.value.candidates)) == ("query_too_wide", 100)


@pytest.mark.parametrize(("digits", "names"), [("5501", ["Carolina Vega"]), ("501", [])])
async def test_four_digits_within_a_phone_number_find_its_contact(digits: str, names: list[str]) -> None:
    async with on_close(close()) as backend:
        assert [one.name for one in await backend.account.find_contacts(digits, 5)] == names


async def test_a_search_that_close_refuses_altogether_is_not_reported_as_too_wide() -> None:
    sandbox = CloseSandbox(seed=WORLD, key=KEY)
    async with on_close(sandbox) as backend:
        sandbox.faults = (Fault("status", "POST /api/v1/data/search", status=400, nth="every"),)
        with pytest.raises(CallerError) as refused:
            await backend.account.find_contacts("acme", 5)
    assert refused.value.code == "upstream_refused"


class EndlessSearchSandbox(CloseSandbox):
    """A Close whose search has no end, and finds nobody who is meant."""

    def answer(self, call: ReceivedRequest, *, stale: bool) -> Response:  # noqa: ARG002 - it answers one thing
        return Response.of_json(200, {"data": [], "cursor": "more"})


async def test_a_search_with_too_many_pages_is_an_error() -> None:
    sandbox = EndlessSearchSandbox(seed=WORLD, key=KEY)
    async with on_close(sandbox) as backend:
        sandbox.clear_requests()
        with pytest.raises(CallerError) as refused:
            await backend.account.find_contacts("nobody", 21)
    assert refused.value.code == "query_too_wide"
    assert len(sandbox.requests) == 10


def test_the_latest_ten_thousand_priorities_that_were_sent_are_remembered() -> None:
    sent, rows = UnlistedPriorities(), [{"id": str(number)} for number in range(10_001)]
    for one in rows:
        sent.note_write(one, "high")
    assert [one for one in rows if "priority" not in sent.fill_in(one)] == rows[:1]


def test_a_priority_that_close_lists_replaces_one_that_was_sent() -> None:
    sent, one = UnlistedPriorities(), {"id": "1", "date_updated": "2026-03-02T15:00:00"}
    sent.note_write(one, "high")
    listed = one | {"priority": "medium"}
    assert sent.fill_in(listed) is listed
    sent.note_read(listed)
    assert sent.fill_in(one) is one
