"""The changes of tasks in a HubSpot account by any author: each once, as its history has it."""

import json
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

import httpx2
import pytest

from backends.hubspot.sandboxed_app import (
    ANA,
    CAROLINA,
    ELENA,
    KEY,
    LUIS,
    NOW,
    Account,
    hubspot,
    row,
    sandboxed_app,
    seed,
    served,
    task_id,
)
from taskhand.backends.hubspot.events.position import LAG_MS, POSITION, Position
from taskhand.backends.hubspot.fields.due import millis_of
from taskhand.domain.errors import OperatorError
from taskhand.domain.event import TaskEvent
from taskhand.domain.event_source import EventSource
from taskhand.domain.task import Task
from taskhand.sandbox.faults import Fault
from taskhand.sandbox.hubspot import HubSpotSandbox, SpecVariant
from taskhand.sandbox.messages import ReceivedRequest
from virtual_time import Time

OPEN = ("burst=0", "searches=0", "settle_ms=0", "search_lag=0")
TASKS = "/crm/v3/objects/tasks"
EDITOR = 98_499_705  # Elena's user


@dataclass
class Feed:
    """A feed as a store keeps it: an event of each key, the tasks as they were seen last."""

    source: EventSource
    position: str
    tasks: dict[str, Task] = field(default_factory=dict)
    events: dict[str, TaskEvent] = field(default_factory=dict)
    gaps: list[str] = field(default_factory=list)

    async def find(self, ids: Collection[str]) -> Mapping[str, Task]:
        return {one: self.tasks[one] for one in ids if one in self.tasks}

    async def find_all(self) -> Mapping[str, Task]:
        return dict(self.tasks)

    async def look(self, *hints: str, keeps: bool = True) -> list[TaskEvent]:
        """The events that one look, and those that follow it at once, have found; without `keeps` it dies then."""
        new: list[TaskEvent] = []
        is_behind = True
        while is_behind:
            found = await self.source.look(self.position, self, hints)
            is_behind = found.is_behind
            if not keeps:
                return []
            new += [one for one in found.events if one.key not in self.events]
            self.events |= {one.key: one for one in found.events if one.key not in self.events}
            self.tasks |= {one: task for one, task in found.tasks.items() if task is not None}
            for gone in [one for one, task in found.tasks.items() if task is None]:
                self.tasks.pop(gone, None)
            self.gaps += [found.gap] if found.gap else []
            self.position = found.position
        return new


@dataclass
class Others:
    """Others who work in the account."""

    sandbox: HubSpotSandbox
    time: Time

    def send(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        self.time.now += 0.25
        sent = json.dumps(body).encode() if body is not None else b""
        headers = (("authorization", f"Bearer {KEY}"), ("content-type", "application/json"))
        answer = self.sandbox.answer(ReceivedRequest(method, f"{path}", headers=headers, body=sent), stale=False)
        assert answer.status < 300, answer.body
        found: dict[str, Any] = json.loads(answer.body) if answer.body else {}
        return found

    def edit(self, task_id: str, **properties: str) -> None:
        self.time.now += 0.25
        self.sandbox.edit(task_id, **properties)

    def create(self, **properties: str) -> str:
        given = {"hs_timestamp": "2026-03-09T12:00:00Z", "hs_task_subject": "Nueva", **properties}
        return str(self.send("POST", TASKS, {"properties": given})["id"])

    def delete(self, task_id: str) -> None:
        self.send("DELETE", f"{TASKS}/{task_id}")


@dataclass
class Watched:
    """An account, those who work in it, and the feed of what they do."""

    crm: Account
    others: Others
    feed: Feed


@asynccontextmanager
async def watched(*variant: str, world: dict[str, Any] | None = None, **options: Any) -> AsyncIterator[Watched]:
    time = Time()
    sandbox = hubspot(time, world or seed(3), spec_variant=[*OPEN, *variant])
    async with served(sandbox, time, **options) as crm:
        source = crm.app.backend.event_source
        assert source is not None
        time.now += 60
        yield Watched(crm, Others(sandbox, time), Feed(source, await source.begin(time.moment())))


def summarize(event: TaskEvent) -> tuple[str, str, dict[str, tuple[object, object]]]:
    shown = [one for one in event.changed if event.kind != "created" or one.field == "responsibles"]
    return event.task_id, event.kind, {one.field: (one.before, one.after) for one in shown}


async def test_each_change_is_reported_with_the_earlier_value_its_author_and_its_time() -> None:
    async with watched() as sandbox:
        assert await sandbox.feed.look() == []
        one, two, three = (task_id(number) for number in (1, 2, 3))
        sandbox.others.edit(one, hs_task_subject="Llamar a Acme", hs_task_priority="HIGH")
        sandbox.others.edit(two, hubspot_owner_id=ANA)
        sandbox.others.edit(three, hs_task_status="COMPLETED")
        sandbox.others.edit(three, hs_task_status="IN_PROGRESS")
        new = sandbox.others.create(hubspot_owner_id=LUIS)
        sandbox.others.send("PATCH", f"{TASKS}/{new}", {"properties": {"hs_task_subject": "Otra"}})
        sandbox.others.delete(two)
        found = await sandbox.feed.look()
        assert [summarize(event) for event in found] == [
            (one, "updated", {"title": ("Call Acme 1", "Llamar a Acme"), "priority": (1, 2)}),
            (two, "reassigned", {"responsibles": ((ELENA,), (ANA,))}),
            (three, "completed", {"status": ("Pendiente", "Completado")}),
            (three, "reopened", {"status": ("Completado", "En Progreso")}),
            (new, "created", {"responsibles": (None, (LUIS,))}),
            (new, "updated", {"title": ("Nueva", "Otra")}),
            (two, "deleted", {}),
        ]
        start = NOW + timedelta(seconds=60)
        assert [event.at for event in found] == [start + timedelta(seconds=0.25 * n) for n in range(1, 8)]
        assert [event.by or event.by_name for event in found] == [*[ELENA] * 4, *["integration 51879189"] * 2, None]
        assert [event.responsible_ids for event in found[1:2]] == [(ELENA, ANA)]
        assert found[0].title == "Llamar a Acme"
        assert await sandbox.feed.look() == []
        assert sandbox.feed.gaps == []


async def test_an_owner_added_since_the_last_poll_is_named_in_the_event() -> None:
    async with watched() as sandbox:
        store = sandbox.crm.hubspot._store  # noqa: SLF001  the API makes no owners
        owners = store.owners
        by = []
        for known in (owners[1:], owners):
            store.owners = known
            sandbox.others.edit(task_id(1), hs_task_subject=f"Call {len(known)}")
            sandbox.others.time.now += 60
            by += [event.by for event in await sandbox.feed.look()]
        assert by == [None, ELENA]


async def test_a_poll_without_changes_takes_two_requests() -> None:
    async with watched() as sandbox:
        await sandbox.feed.look()
        sandbox.crm.hubspot.clear_requests()
        await sandbox.feed.look("T-1", "\N{ARABIC-INDIC DIGIT THREE}")  # hints that are no ids of HubSpot
        assert sandbox.crm.sent == [f"POST {TASKS}/search", f"GET {TASKS}"]


async def test_values_that_hubspot_calculates_are_not_reported_as_changes() -> None:
    async with watched("settle_ms=500", "settles=writes") as sandbox:
        await sandbox.feed.look()
        sandbox.others.edit(task_id(1), hs_task_subject="Otra")
        new = sandbox.others.create()
        sandbox.crm.time.now += 60 * 60 * 24 * 10  # both are overdue by now
        assert [summarize(event)[:2] for event in await sandbox.feed.look()] == [
            (task_id(1), "updated"),
            (new, "created"),
        ]
        assert await sandbox.feed.look() == []


async def test_a_task_that_the_index_shows_late_is_reported_once() -> None:
    async with watched("search_lag=5", "late_records=40") as sandbox:
        late, early = task_id(1), task_id(2)
        assert int(late) % 2 == 1
        await sandbox.feed.look()
        sandbox.others.edit(late, hs_task_subject="Primera")
        sandbox.others.edit(early, hs_task_subject="Segunda")
        sandbox.others.edit(late, hs_task_subject="Tercera")
        found: list[tuple[str, str]] = []
        for _ in range(20):
            sandbox.crm.time.now += 5
            found += [(event.task_id, str(event.changed[0].after)) for event in await sandbox.feed.look()]
        assert found == [(early, "Segunda"), (late, "Primera"), (late, "Tercera")]


async def test_a_hint_is_read_before_the_index_shows_the_change_and_reports_it_once() -> None:
    async with watched("search_lag=30") as sandbox:
        await sandbox.feed.look()
        sandbox.others.edit(task_id(1), hs_task_subject="Otra")
        sandbox.others.delete(task_id(2))
        found = await sandbox.feed.look(task_id(1), task_id(2), "", "77599999999", "x")
        assert [summarize(event)[:2] for event in found] == [(task_id(1), "updated"), (task_id(2), "deleted")]
        sandbox.crm.time.now += 60
        assert await sandbox.feed.look(task_id(1), task_id(2)) == []


async def test_a_task_created_and_deleted_between_two_polls_is_reported_as_both() -> None:
    async with watched() as sandbox:
        await sandbox.feed.look()
        new = sandbox.others.create()
        sandbox.others.send("PATCH", f"{TASKS}/{new}", {"properties": {"hs_task_status": "COMPLETED"}})
        sandbox.others.delete(new)
        assert [event.kind for event in await sandbox.feed.look()] == ["created", "completed", "deleted"]


async def test_a_deletion_shortly_before_the_feed_began_is_not_reported() -> None:
    async with watched() as sandbox:
        sandbox.others.delete(task_id(1))
        sandbox.crm.time.now += 60
        later = Feed(sandbox.feed.source, await sandbox.feed.source.begin(sandbox.crm.time.moment()))
        assert await later.look() == []


async def test_only_new_deletions_are_reported_from_a_long_list_of_deleted_tasks() -> None:
    rows = [row(number) | {"archived": number <= 305, "createdAt": "2026-02-01T10:00:00Z"} for number in range(1, 331)]
    async with watched("list_limit=100", world=seed(rows=rows)) as sandbox:
        await sandbox.feed.look()
        for number in (306, 320):
            sandbox.others.delete(task_id(number))
        sandbox.crm.hubspot.clear_requests()
        found = [*await sandbox.feed.look(), *await sandbox.feed.look()]
        assert sorted(summarize(event)[:2] for event in found) == [(task_id(one), "deleted") for one in (306, 320)]
        sandbox.others.delete(task_id(307))
        found = [event for _ in range(3) for event in await sandbox.feed.look()]
        assert [event.task_id for event in found] == [task_id(307)]


async def test_an_event_without_histories_is_the_difference_of_two_polls() -> None:
    async with watched("histories=left_out") as sandbox:
        one, two, three = (task_id(number) for number in (1, 2, 3))
        sandbox.others.edit(one, hs_task_subject="Antes")
        assert await sandbox.feed.look(two) == []  # nobody knew how it was
        began = sandbox.crm.time.moment()
        sandbox.others.edit(one, hs_task_subject="Después")
        sandbox.others.edit(three, hs_task_subject="Nadie sabe")
        new = sandbox.others.create()
        created = sandbox.crm.time.moment()
        sandbox.others.delete(two)
        found = await sandbox.feed.look()
        assert {summarize(event)[:2] for event in found} == {(one, "updated"), (new, "created"), (two, "deleted")}
        assert [event.at for event in found if event.task_id == new] == [created]
        changed = next(event for event in found if event.task_id == one)
        assert summarize(changed)[2] == {"title": ("Antes", "Después")}
        assert changed.at is None
        assert changed.between is not None
        assert changed.between[0] <= began <= changed.between[1]
        assert await sandbox.feed.look() == []


async def test_events_identify_tasks_by_the_configured_unique_property() -> None:
    rows = [row(number, erp_key=f"ERP-{number}") for number in (1, 2)]
    async with watched("unique_property=erp_key", world=seed(rows=rows), hubspot_id_property="erp_key") as sandbox:
        await sandbox.feed.look(task_id(2))
        sandbox.others.edit(task_id(1), hs_task_subject="Otra")
        sandbox.others.delete(task_id(2))
        assert [summarize(event)[:2] for event in await sandbox.feed.look()] == [
            ("ERP-1", "updated"),
            ("ERP-2", "deleted"),
        ]
        assert sorted(sandbox.feed.tasks) == ["ERP-1"]


async def test_another_contact_is_reported_as_the_difference_of_two_polls() -> None:
    async with watched() as sandbox:
        await sandbox.feed.look(task_id(1))
        sandbox.others.send("PUT", f"/crm/v4/objects/tasks/{task_id(1)}/associations/default/contacts/{CAROLINA}")
        [event] = await sandbox.feed.look(task_id(1))
        assert summarize(event) == (task_id(1), "updated", {"ai_contact_id": (None, CAROLINA)})
        assert event.at is None
        assert event.between is not None
        assert await sandbox.feed.look(task_id(1)) == []


async def test_the_answer_says_that_changes_may_be_missing_if_hubspot_has_dropped_values() -> None:
    async with watched("history_values=20") as sandbox:
        await sandbox.feed.look()
        for number in range(30):
            sandbox.others.edit(task_id(1), hs_task_subject=f"Versión {number}")
        found = await sandbox.feed.look()
        assert [str(event.changed[0].after) for event in found] == [f"Versión {number}" for number in range(11, 30)]
        assert task_id(1) in sandbox.feed.gaps[0]


async def test_past_changes_are_reported_from_a_given_time_on() -> None:
    async with watched() as sandbox:
        for number in range(5):
            sandbox.others.edit(task_id(1), hs_task_subject=f"Versión {number}")
        source = sandbox.feed.source
        past = Feed(source, await source.begin(sandbox.crm.time.moment() - timedelta(seconds=0.6)))
        assert [event.changed[0].after for event in await past.look()] == ["Versión 2", "Versión 3", "Versión 4"]


async def test_many_simultaneous_changes_are_found_by_several_polls() -> None:
    async with watched(world=seed(210)) as sandbox:
        await sandbox.feed.look()
        for start in (1, 101, 201):
            ids = [task_id(number) for number in range(start, min(start + 100, 211))]
            inputs = [{"id": one, "properties": {"hs_task_priority": "LOW"}} for one in ids]
            sandbox.others.send("POST", f"{TASKS}/batch/update", {"inputs": inputs})
        first = await sandbox.feed.source.look(sandbox.feed.position, sandbox.feed)
        assert first.is_behind
        assert len(await sandbox.feed.look()) == 210
        assert await sandbox.feed.look() == []


@dataclass
class ManyFound(httpx2.AsyncBaseTransport):
    """A HubSpot whose searches find a great many tasks, each page of them changed at one moment; it has no more."""

    moments: list[datetime]
    begun: list[str] = field(default_factory=list)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        found: dict[str, Any] = {"results": [], "options": [{"value": "NOT_STARTED"}]}
        if request.url.path.endswith("/search"):
            body = json.loads(await request.aread())
            self.begun.append(body["filterGroups"][0]["filters"][0]["value"])
            if self.begun[-1] == str(millis_of(self.moments[-1])):
                return answered(found)
            at = int(body.get("after", 0))
            updated = self.moments[at].isoformat()
            found["results"] = [{"id": str(at * 200 + n), "properties": {}, "updatedAt": updated} for n in range(200)]
            found["paging"] = {"next": {"after": str(at + 1)}}
        return answered(found)


def answered(found: dict[str, Any]) -> httpx2.Response:
    return httpx2.Response(200, stream=httpx2.ByteStream(json.dumps(found).encode()))


async def test_after_as_many_tasks_as_a_search_gives_the_next_search_begins_at_the_last_of_them() -> None:
    moments = [NOW + timedelta(milliseconds=page) for page in range(50)]
    seen = {str(page * 200 + n): millis_of(at) for page, at in enumerate(moments) for n in range(200)}
    many = ManyFound(moments)
    async with sandboxed_app("http://127.0.0.1", Time(), transport=many) as app:
        source = app.backend.event_source
        assert source is not None
        feed = Feed(source, POSITION.write(Position.at(millis_of(NOW)).with_seen(seen, {})))
        first = await source.look(feed.position, feed)
        assert (first.events, first.is_behind, len(many.begun)) == ((), True, 50)
        await source.look(first.position, feed)
        begun = [many.begun[0], many.begun[-1]]
        assert begun == [str(millis_of(moments[-1]) - LAG_MS), str(millis_of(moments[-1]))]


async def test_a_changed_task_that_a_response_leaves_out_is_reported_by_a_later_poll_and_not_as_deleted() -> None:
    async with watched() as sandbox:
        await sandbox.feed.look(*(task_id(number) for number in (1, 2, 3)))
        for number in (1, 2):
            sandbox.others.edit(task_id(number), hs_task_subject="Otra")
        sandbox.crm.hubspot.spec_variant = SpecVariant.parse([*OPEN, "lost_input=1"])
        assert [summarize(event)[:2] for event in await sandbox.feed.look()] == [(task_id(2), "updated")]
        sandbox.crm.hubspot.spec_variant = SpecVariant.parse(OPEN)
        assert [summarize(event)[:2] for event in await sandbox.feed.look()] == [(task_id(1), "updated")]


@pytest.mark.parametrize(("status", "rows"), [(400, []), (200, [row(1, erp_key="ERP-1") | {"archived": True}])])
async def test_a_deleted_task_that_is_not_read_or_without_its_moment_is_reported_from_the_list(
    status: int, rows: list[dict[str, Any]]
) -> None:
    world = seed(rows=[row(1, erp_key="ERP-1")])
    async with watched("unique_property=erp_key", world=world, hubspot_id_property="erp_key") as sandbox:
        await sandbox.feed.look()
        sandbox.others.delete(task_id(1))
        body = json.dumps({"results": rows})
        sandbox.crm.hubspot.faults = [Fault("status", f"POST {TASKS}/batch/read", status=status, body=body)]
        (found,) = await sandbox.feed.look()
        assert summarize(found)[:2] == ("ERP-1", "deleted")
        assert found.at is not None


async def test_links_that_cannot_be_read_now_or_could_not_before_are_no_change() -> None:
    async with watched(world=seed(rows=[row(1, {"contacts": [CAROLINA]})])) as sandbox:
        body = json.dumps({"results": [{"from": {"id": task_id(1)}, "to": "none"}]})
        unreadable = Fault("status", "POST /crm/v4/associations/{kind}/{to}/batch/read", "every", status=200, body=body)
        assert await sandbox.feed.look(task_id(1)) == []
        for title, faults in (("Now unreadable", [unreadable]), ("Unreadable before", [])):
            sandbox.others.edit(task_id(1), hs_task_subject=title)
            sandbox.crm.hubspot.faults = faults
            (found,) = await sandbox.feed.look()
            assert [change.field for change in found.changed] == ["title"], title
            assert ("ai_contact_id" in sandbox.feed.tasks[task_id(1)].unreadable_fields) == bool(faults)


async def test_a_credential_that_may_not_list_deleted_tasks_is_logged_once() -> None:
    async with watched() as sandbox:
        sandbox.crm.hubspot.faults = [Fault("status", f"GET {TASKS}", status=403, times=2)]
        sandbox.others.edit(task_id(1), hs_task_subject="Otra")
        sandbox.others.delete(task_id(2))
        assert [event.kind for event in await sandbox.feed.look()] == ["updated"]
        assert await sandbox.feed.look() == []
        assert len(sandbox.feed.gaps) == 1
        assert [event.kind for event in await sandbox.feed.look()] == ["deleted"]


async def test_known_tasks_are_checked_if_deleted_tasks_cannot_be_listed() -> None:
    async with watched() as sandbox:
        sandbox.crm.hubspot.faults = [Fault("status", f"GET {TASKS}", nth="every", status=404)]
        await sandbox.feed.look(*(task_id(number) for number in (1, 2, 3)))
        sandbox.others.delete(task_id(2))
        sandbox.others.create()
        found = await sandbox.feed.look()
        assert min(summarize(event)[:2] for event in found) == (task_id(2), "deleted")
        sandbox.others.delete(task_id(1))
        found = [
            event for _ in range(2) for event in await sandbox.feed.look()
        ]  # the task that was created comes first
        assert [event.task_id for event in found] == [task_id(1)]
        assert [event.kind for event in await sandbox.feed.look()] == []


async def test_each_look_checks_a_hundred_known_tasks_if_deleted_tasks_are_not_listed() -> None:
    async with watched(world=seed(101)) as sandbox:
        sandbox.crm.hubspot.faults = [Fault("status", f"GET {TASKS}", nth="every", status=404)]
        await sandbox.feed.look(*(task_id(number) for number in range(1, 102)))
        sandbox.others.delete(task_id(101))
        found = [event for _ in range(2) for event in await sandbox.feed.look()]
        assert [summarize(event)[:2] for event in found] == [(task_id(101), "deleted")]


def test_a_foreign_position_is_an_operator_error() -> None:
    for text in ("", "{}", "[]", '{"start": 1}', "x"):
        with pytest.raises(OperatorError):
            POSITION.read(text)


@pytest.mark.parametrize("chance", [1, 2])
async def test_each_change_by_others_is_reported_once_in_order_and_none_is_invented(chance: int) -> None:
    random = Random(chance)  # noqa: S311  which changes are made is no secret
    variant = {1: ("search_lag=7", "settle_ms=400"), 2: ("search_lag=3", "late_records=20")}[chance]
    async with watched(*variant, world=seed(8)) as sandbox:
        done: list[tuple[str, str]] = []
        live = {task_id(number): "NOT_STARTED" for number in range(1, 9)}
        found: list[TaskEvent] = []
        for step in range(40):
            act = random.choice(["title", "status", "create", "delete", "look", "look", "hint", "killed", "wait"])
            one = random.choice([*live])
            if act == "title":
                sandbox.others.edit(one, hs_task_subject=f"Título {step}")
                done.append((one, "updated"))
            elif act == "status":
                live[one] = "COMPLETED" if live[one] == "NOT_STARTED" else "NOT_STARTED"
                sandbox.others.edit(one, hs_task_status=live[one])
                done.append((one, "completed" if live[one] == "COMPLETED" else "reopened"))
            elif act == "create":
                new = sandbox.others.create()
                live[new] = "NOT_STARTED"
                done.append((new, "created"))
            elif act == "delete" and len(live) > 2:
                del live[one]
                sandbox.others.delete(one)
                done.append((one, "deleted"))
            elif act == "wait":
                sandbox.crm.time.now += random.choice([1, 5, 20])
            elif act == "killed":
                await sandbox.feed.look(keeps=False)
            elif act == "hint":
                found += await sandbox.feed.look(one)
            else:
                found += await sandbox.feed.look()
        sandbox.crm.time.now += 60
        found += await sandbox.feed.look()
        seen = [(event.task_id, event.kind) for event in found]
        assert sorted(seen) == sorted(done)
        for one in {task for task, _ in done}:
            mine = [event for event in found if event.task_id == one]
            assert [event.kind for event in mine] == [kind for task, kind in done if task == one]
            assert all(event.at is not None for event in mine)
