"""The change log of the built-in store: it has the changes by any program, and reports gaps."""

import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from shutil import copyfile
from typing import TYPE_CHECKING

import psycopg

from backends.events.feed import Feed
from backends.local.conftest import Opener
from backends.local.old_store import make_old
from backends.local.open_store import create, empty_database, open_database, open_store
from fixed_clock import NOW, FixedClock
from taskhand.backends.local.backend import LocalBackend
from taskhand.backends.local.task_import import Line
from taskhand.domain.edit import Edit
from taskhand.domain.task import StatusChoice

if TYPE_CHECKING:
    from postgres_server import TestDatabase

CALL = Edit(title="Call Acme", priority=1)


async def begin(backend: LocalBackend, *, looks: bool = True) -> Feed:
    source = backend.event_source
    assert source is not None
    feed = Feed(source, await source.begin(NOW))
    if looks:
        await feed.look()
    return feed


async def new_events(feed: Feed) -> list[tuple[str, list[tuple[str, object, object]], str | None]]:
    """The kind of each new event, its fields, and who."""
    return [
        (event.kind, [(one.field, one.before, one.after) for one in event.changed], event.by)
        for event in await feed.look()
    ]


async def test_a_change_of_several_fields_and_people_is_one_event(opens: Opener) -> None:
    async with opens() as backend:
        [me] = await backend.account.members()
        ana = await backend.edit(lambda directory: directory.add_member("Ana"))
        task = await create(backend, CALL)
        feed = await begin(backend)
        done = StatusChoice.of((await backend.statuses()).statuses[-1])
        await backend.update_task(
            task, Edit(title="Call", description="Soon", status=done, responsible_ids=(ana, me.id))
        )
        [event] = await new_events(feed)
        assert event == (
            "completed",
            [
                ("title", "Call Acme", "Call"),
                ("description", None, "Soon"),
                ("responsibles", (), (ana, me.id)),
                ("status", "Pendiente", "Completado"),
            ],
            me.id,
        )


async def test_a_change_of_people_has_the_title_that_the_task_had_then(opens: Opener) -> None:
    async with opens() as backend:
        [me] = await backend.account.members()
        task, gone = await create(backend, CALL), await create(backend, CALL)
        feed = await begin(backend)
        for people in ((me.id,), ()):
            task = (await backend.update_task(task, Edit(responsible_ids=people))).task
        for title in ("Pay Acme", "Pay"):
            task = (await backend.update_task(task, Edit(title=title))).task
        await backend.delete_task((await backend.update_task(gone, Edit(responsible_ids=(me.id,)))).task)
        titles = [(event.kind, event.title) for event in await feed.look()]
        assert titles == [
            *[("reassigned", "Call Acme")] * 2,
            *[("updated", "Pay Acme"), ("updated", "Pay")],
            *[("reassigned", "Call Acme"), ("deleted", "Call Acme")],
        ]
        await backend.update_task((await backend.update_task(task, Edit(responsible_ids=(me.id,)))).task, CALL)
        assert [event.title for event in await feed.look()] == ["Pay", "Call Acme"]


async def test_reports_each_task_of_a_bulk_write_and_no_event_for_a_rolled_back_import(opens: Opener) -> None:
    async with opens() as backend:
        feed = await begin(backend)
        made = await backend.create_tasks([CALL, CALL])
        tasks = [one.written.task for one in made if one.written]
        await backend.update_tasks([(task, Edit(title="Call Acme")) for task in tasks])
        await backend.import_lines([Line(1, "task", tasks[0].model_dump() | {"id": "abcdef01"})], commit=False)
        new = [("priority", None, 1), ("status", None, "Pendiente")]
        assert await new_events(feed) == [("created", new, (await backend.account.me()))] * 2
        await backend.delete_tasks(tasks)
        assert [kind for kind, _, _ in await new_events(feed)] == ["deleted", "deleted"]


async def test_reports_rows_that_were_written_by_hand_in_a_file(store_file: Path) -> None:
    async with open_store(store_file) as backend:
        [me] = await backend.account.members()
        task = await create(backend, CALL)
        feed = await begin(backend)
        with closing(sqlite3.connect(store_file)) as connection:
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("UPDATE task SET title = 'By hand', priority = 2 WHERE id = ?", (task.id,))
            connection.execute(
                "INSERT INTO task_responsible SELECT id, ?, 0, due_key, status_id, created_at, priority FROM task",
                (me.id,),
            )
            connection.execute("UPDATE task SET title = 'By hand'")
            connection.execute("DELETE FROM task")
            connection.commit()
        assert await new_events(feed) == [
            ("updated", [("title", "Call Acme", "By hand"), ("priority", 1, 2)], None),
            ("reassigned", [("responsibles", (), (me.id,))], None),
            ("deleted", [], None),
        ]


async def test_reports_rows_that_were_written_by_hand_in_a_database_after_the_commit(
    postgres_database: "TestDatabase",
) -> None:
    empty_database(postgres_database)
    async with open_database(postgres_database.url) as backend:
        [me] = await backend.account.members()
        task = await create(backend, CALL)
        feed = await begin(backend)
        with psycopg.connect(postgres_database.url) as connection:
            connection.execute("UPDATE taskhand_tasks.task SET title = 'By hand', due_at = '2026-03-09T00:00:00.000Z'")
            await create(backend, CALL)  # it has a higher number, and is committed first
            early = await new_events(feed)
            connection.execute("UPDATE taskhand_tasks.task SET is_all_day = 1, title = 'We' WHERE title <> 'Call Acme'")
        events = early + await new_events(feed)
        new = [("priority", None, 1), ("status", None, "Pendiente")]
        assert [event for event in events if event[0] == "created"] == [("created", new, me.id)]
        [(kind, changed, by)] = [event for event in events if event[0] != "created"]
        assert (kind, [name for name, _, _ in changed], by) == ("updated", ["title", "due"], None)
        assert [event.task_id for event in feed.events.values() if event.kind == "updated"] == [task.id]


async def test_a_write_that_runs_when_the_feed_begins_is_reported_later(
    postgres_database: "TestDatabase",
) -> None:
    empty_database(postgres_database)
    async with open_database(postgres_database.url) as backend:
        task = await create(backend, CALL)
        with psycopg.connect(postgres_database.url) as connection:
            connection.execute("UPDATE taskhand_tasks.task SET title = 'By hand'")
            await create(backend, CALL)
            feed = await begin(backend)
        events = await feed.look()
        assert [event.task_id for event in events if event.kind == "updated"] == [task.id]


async def test_reports_a_gap_after_the_database_was_moved_to_another_server(postgres_database: "TestDatabase") -> None:
    empty_database(postgres_database)
    async with open_database(postgres_database.url) as backend:
        await create(backend, CALL)
        feed = await begin(backend)
        position = json.loads(feed.position)
        feed.position = json.dumps(position | {"xact": position["xact"] + 1_000_000})  # which had counted further
        await create(backend, CALL)
        assert (await feed.look(), len(feed.gaps)) == ([], 1)
        await create(backend, CALL)
        assert [event.kind for event in await feed.look()] == ["created"]


async def test_reports_changes_since_a_moment_after_many_older_changes(store_file: Path) -> None:
    clock = FixedClock()
    async with open_store(store_file, clock) as backend:
        source = backend.event_source
        assert source is not None
        feed = Feed(source, await source.begin(clock() + timedelta(minutes=10)))
        await backend.create_tasks([CALL] * 600)
        clock.move(minutes=10)
        new = await create(backend, CALL)
        looks = [await feed.glance()]
        feed.keep(looks[0])
        assert (looks[0].events, looks[0].is_behind) == ((), True)
        assert [(event.task_id, event.at) for event in await feed.look()] == [(new.id, clock())]
        clock.move(minutes=-5)  # another process, whose clock is behind
        late = await create(backend, CALL)
        assert [event.task_id for event in await feed.look()] == [late.id]


async def test_a_partial_poll_ends_with_a_whole_change(store_file: Path) -> None:
    async with open_store(store_file) as backend:
        [me] = await backend.account.members()
        feed = await begin(backend)
        await backend.create_tasks([CALL] * 498)
        await backend.create_tasks([replace(CALL, responsible_ids=(me.id,))] * 3)  # each a row, and one of its person
        events = await feed.look()
        assert {(event.kind, event.responsible_ids) for event in events[-3:]} == {("created", (me.id,))}
        assert len(events) == 501


async def test_a_change_with_more_rows_than_a_poll_reads_is_reported_and_the_poll_goes_on(store_file: Path) -> None:
    async with open_store(store_file) as backend:
        feed = await begin(backend)
        people = tuple(f"p-{number}" for number in range(501))
        sql, rows = "INSERT INTO member (id, name) VALUES (?, ?)", [(one, one) for one in people]
        await backend.edit(lambda directory: directory.connection.executemany(sql, rows))
        made = await create(backend, replace(CALL, responsible_ids=people))
        await create(backend, replace(CALL, title="Next"))
        assert {event.title for event in await feed.look()} >= {"Next"}
    assert made.id in {event.task_id for event in feed.events.values()}


async def test_only_changes_written_by_hand_are_certainly_by_others(store_file: Path) -> None:
    async with open_store(store_file) as backend:
        task, feed = await create(backend, CALL), await begin(backend)
        with closing(sqlite3.connect(store_file)) as connection:
            connection.execute("UPDATE task SET title = 'By hand'")
            connection.commit()
        await backend.update_task(await backend.get_task(task.id), Edit(title="By us"))
        assert [(event.is_others, event.title) for event in await feed.look()] == [(True, "By hand"), (False, "By us")]


async def test_reports_a_gap_after_the_file_was_restored_from_a_copy(store_file: Path, tmp_path: Path) -> None:
    clock = FixedClock()
    async with open_store(store_file, clock) as backend:
        await create(backend, CALL)
    copyfile(store_file, tmp_path / "copy.sqlite")
    async with open_store(store_file, clock) as backend:
        feed = await begin(backend)
        await create(backend, CALL)
        assert len(await feed.look()) == 1
    copyfile(tmp_path / "copy.sqlite", store_file)
    async with open_store(store_file, clock) as backend:
        clock.move(minutes=1)
        await create(backend, CALL)
        assert backend.event_source is not None
        feed.source = backend.event_source
        assert await feed.look() == []
        assert feed.gaps == [
            "The store was restored to an earlier state or replaced; changes by that are not reported."
        ]
        await create(backend, CALL)
        assert len(await feed.look()) == 1


async def test_the_change_log_is_pruned_and_reports_the_pruned_part_as_a_gap(store_file: Path) -> None:
    async with open_store(store_file) as backend:
        for _ in range(3):
            await create(backend, CALL)
        feed = await begin(backend)
        with closing(sqlite3.connect(store_file)) as connection:
            connection.execute("UPDATE change SET made_at = '2020-01-01'")
            connection.commit()
        await backend.create_tasks([CALL] * 70)
        with closing(sqlite3.connect(store_file)) as connection:
            assert connection.execute("SELECT min(number) FROM change").fetchone() == (4,)
        assert (len(await feed.look()), feed.gaps) == (70, [])
        with closing(sqlite3.connect(store_file)) as connection:
            connection.execute("UPDATE change SET made_at = '2020-01-01'")
            connection.execute(
                "INSERT INTO change (number, task_id, made_at, new_row) VALUES (100000, 'x', '2026', '{}')"
            )
            connection.commit()
        await create(backend, CALL)
        feed.position = feed.position.replace('"number": 73', '"number": 70')
        await backend.create_tasks([CALL] * 64)
        await feed.look()
        assert [gap.partition(":")[0] for gap in feed.gaps] == ["The store keeps its last 50,000 changes of 30 days"]
        with closing(sqlite3.connect(store_file)) as connection:
            [pruned] = connection.execute("SELECT pruned FROM change_log").fetchone()
        for number, is_told in ((pruned - 1, True), (pruned, False)):
            feed.position = json.dumps(json.loads(feed.position) | {"number": number})
            assert ((await feed.glance()).gap is not None) == is_told


async def test_a_store_of_an_earlier_version_reports_the_start_of_its_change_log(store_file: Path) -> None:
    make_old(
        store_file,
        1,
        "INSERT INTO status VALUES ('s-1', 'Pendiente', 'pendiente', NULL, 'initial', 1)",
        """INSERT INTO task VALUES ('aaaaaaaa', 'Call Acme', NULL, NULL, NULL, 0, '~', '2026-01-01T00:00:00.000Z', NULL,
        NULL, 's-1', 1, NULL, 'call acme')""",
    )
    clock = FixedClock()
    async with open_store(store_file, clock) as backend:
        assert (await backend.get_task("aaaaaaaa")).title == "Call Acme"
        clock.move(days=1)
        feed = await begin(backend)
        assert [gap.startswith("The store has changes since 2") for gap in feed.gaps] == [True]
