"""Search for words: the index finds the same tasks as a scan of every text, whatever program wrote them."""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backends.local.open_store import create, empty_database, open_database, update
from fixed_clock import NOW
from taskhand.backends.local.health_checks import describe_search
from taskhand.backends.local.mapping import searchable
from taskhand.backends.local.query import StoreState, build_select_among
from taskhand.backends.local.query_plan import find_rows
from taskhand.backends.local.sqlite import TASK_STORE
from taskhand.backends.local.text_index import find_candidates, has_text_index, prepare_text_index
from taskhand.domain.edit import Edit
from taskhand.domain.name_matching import fold
from taskhand.domain.task_query import Order, TaskQuery, text_words
from taskhand.sqlite.connection import open_sqlite

if TYPE_CHECKING:
    from postgres_server import TestDatabase

Change = tuple[str, int, str, str]
STATE = StoreState(("new",), NOW)
SIGNS = [
    *"aábßIİ'\"%_*-^~()\\0 中\n",
    "\u200b",
    "e\u0301",
    "\ufb01",
    "\u00ad",
    "\U0001f600",
    "\u2019",
    "\ud7ff",
    "NEAR",
    "OR ",
]
"""Letters that fold to others or to nothing, and signs with a meaning in SQL and in its text index."""
texts = st.lists(st.sampled_from(SIGNS), max_size=8).map("".join)
changes = st.tuples(st.sampled_from(["add", "add", "change", "remove"]), st.integers(0, 9), texts, texts)
ADD = """
INSERT INTO task (id, title, description, is_all_day, due_key, created_at, status_id, priority, searchable)
VALUES (?, ?, ?, 0, ?, ?, 'new', ?, ?)
"""


@contextmanager
def open_texts(path: Path, *, without_fts: bool = False) -> Iterator[sqlite3.Connection]:
    """A store with a status; with `without_fts`, as a SQLite without FTS5 opens it."""
    with closing(open_sqlite(path, TASK_STORE)) as connection:
        if without_fts:
            connection.execute("CREATE TEMP TABLE pragma_module_list (name)")
        prepare_text_index(connection)
        connection.execute("INSERT OR IGNORE INTO status VALUES ('new', 'New', 'new', NULL, 'initial', 1)")
        yield connection


def write(connection: sqlite3.Connection, change: Change) -> None:
    """Make one change: the task of this number is added, gets another text or is removed."""
    kind, number, title, description = change
    text = searchable(title, description)
    connection.execute("BEGIN")
    if kind == "add":
        count = connection.execute("SELECT count(*) FROM task").fetchone()[0]
        row = (
            f"{number}-{count}",
            title,
            description,
            f"2026-03-{number + 10}",
            f"2026-0{9 - number // 2}",
            number % 3,
        )
        connection.execute("DELETE FROM task WHERE id = ?", row[:1])
        connection.execute(ADD, (*row, text))
    elif kind == "change":
        texts = (title, description, text, f"{number}-%")
        connection.execute("UPDATE task SET title = ?, description = ?, searchable = ? WHERE id LIKE ?", texts)
    else:
        connection.execute("DELETE FROM task WHERE id LIKE ?", (f"{number}-%",))
    connection.execute("COMMIT")


def check_searches(connection: sqlite3.Connection, wanted: Sequence[str], order: Order = "due") -> None:
    """Each search finds the tasks whose text has every word of it, by walks and by the index alike."""
    rows = connection.execute("SELECT id, title, description FROM task").fetchall()
    for text in wanted:
        words = text_words(text)
        having = {row["id"] for row in rows if all(one in fold(f"{row[1]} {row[2] or ''}") for one in words)}
        query = TaskQuery(text=text, limit=100, order=order)
        for reach in (1, 1_000):
            assert {task_id for _, task_id in find_rows(connection, query, STATE, reach)} == having
        if words and has_text_index(connection):
            numbers = find_candidates(connection, words, 100) or []
            asked = "SELECT id FROM task WHERE number IN (SELECT value FROM json_each(?))"
            assert having <= {row["id"] for row in connection.execute(asked, (json.dumps(numbers),))}


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(
    written=st.tuples(*(st.lists(changes, max_size=most) for most in (6, 3, 6))),
    wanted=st.lists(texts, min_size=8, max_size=8),
    order=st.sampled_from(["due", "created", "oldest", "priority"]),
)
def test_a_text_search_finds_the_same_tasks_as_a_scan_of_every_text(
    tmp_path_factory: pytest.TempPathFactory,
    written: tuple[list[Change], list[Change], list[Change]],
    wanted: list[str],
    order: Order,
) -> None:
    path = tmp_path_factory.getbasetemp() / "texts.sqlite"
    before, without, after = written
    parts = [part for _, _, *both in (*before, *without, *after) for text in both for part in (text[:2], text[1:5])]
    with open_texts(path) as connection:
        connection.execute("DELETE FROM task")
        for change in before:
            write(connection, change)
        check_searches(connection, [*wanted, *parts], order)
    if without:
        with open_texts(path, without_fts=True) as connection:
            assert not has_text_index(connection)
            for change in without:
                write(connection, change)
            check_searches(connection, [*wanted, *parts], order)
    with open_texts(path) as connection:
        assert has_text_index(connection)
        for change in after:
            write(connection, change)
        check_searches(connection, [*wanted, *parts], order)
        connection.execute("INSERT INTO task_fts (task_fts, rank) VALUES ('integrity-check', 1)")


@settings(max_examples=12, deadline=None, derandomize=True, database=None)
@given(written=st.lists(st.tuples(texts, texts), max_size=8), wanted=st.lists(texts, min_size=4, max_size=4))
def test_a_database_finds_the_same_tasks_as_a_file(
    postgres_database: "TestDatabase", written: list[tuple[str, str]], wanted: list[str]
) -> None:
    async def search() -> None:
        async with open_database(postgres_database.url) as backend:
            tasks = [await create(backend, Edit(title=one, description=two, priority=0)) for one, two in written]
            tasks += [await update(backend, task, Edit(title=f"{task.description} {task.title}")) for task in tasks[:2]]
            shown = {task.id: fold(f"{task.title} {task.description or ''}") for task in tasks}
            parts = [part for both in written for text in both for part in (text[:2], text[1:5])]
            for text in (*wanted, *parts):
                having = {one for one, folded in shown.items() if all(word in folded for word in text_words(text))}
                query = TaskQuery(text=text)
                assert {task.id for task in (await backend.list_tasks(query)).tasks} == having
                by_index = await store.read(partial(find_rows, query=query, state=state, reach=1))
                assert {task_id for _, task_id in by_index} == having
        await store.aclose()

    from taskhand.backends.local.postgres import POSTGRES, TASKS  # noqa: PLC0415  few tests want them
    from taskhand.postgres.database import Database  # noqa: PLC0415
    from taskhand.postgres.store import PostgresStore  # noqa: PLC0415

    store, state = PostgresStore(Database(postgres_database.url), TASKS), replace(STATE, dialect=POSTGRES)
    empty_database(postgres_database)
    anyio.run(search)


async def test_a_search_reports_that_more_tasks_match_than_it_reads(postgres_database: "TestDatabase") -> None:
    from taskhand.backends.local.postgres import POSTGRES, TASKS  # noqa: PLC0415  as above
    from taskhand.postgres.database import Database  # noqa: PLC0415
    from taskhand.postgres.store import PostgresStore  # noqa: PLC0415

    empty_database(postgres_database)
    async with open_database(postgres_database.url) as backend:
        for number in range(3):
            await create(backend, Edit(title=f"Call {number}", priority=0))
    store, words = (
        PostgresStore(Database(postgres_database.url), TASKS),
        ("text_groups(t.searchable) @> ARRAY['cal']", ()),
    )
    for most, is_marked in ((3, False), (2, True)):
        select = build_select_among(TaskQuery(text="call"), replace(STATE, dialect=POSTGRES), words, most)
        rows = await store.read(
            lambda connection, select=select: connection.execute(select.sql, select.parameters).fetchall()  # type: ignore[misc]
        )
        assert (rows[-1][1] is None) == is_marked
    await store.aclose()


def test_a_search_of_many_or_long_words_finds_its_tasks(tmp_path: Path) -> None:
    with open_texts(tmp_path / "tasks.sqlite") as connection:
        long = "".join(chr(0x4E00 + number) for number in range(300))
        write(connection, ("add", 1, f"{long} {' '.join(f'word{one}' for one in range(90))}", ""))
        write(connection, ("add", 2, long[:-1], ""))
        check_searches(connection, [long, long[:-1], f"{long[5:]} word89", " ".join(long), "word1 word2 word90"])


def test_a_store_that_was_rewritten_keeps_its_index(tmp_path: Path) -> None:
    with open_texts(tmp_path / "tasks.sqlite") as connection:
        for number in range(9):
            write(connection, ("add", number, f"Call Acme {number}", ""))
        write(connection, ("remove", 3, "", ""))
        connection.execute("VACUUM")
        write(connection, ("add", 4, "Call Globex", ""))
        check_searches(connection, ["acme 7", "acme 3", "globex", "call"])


def test_the_index_follows_a_transaction_that_is_rolled_back(tmp_path: Path) -> None:
    with open_texts(tmp_path / "tasks.sqlite") as connection:
        write(connection, ("add", 1, "Call Acme", ""))
        connection.execute("BEGIN")
        connection.execute("UPDATE task SET title = 'Call Globex', searchable = 'call globex'")
        connection.execute("ROLLBACK")
        check_searches(connection, ["acme", "globex"])


def test_doctor_reports_if_a_search_reads_every_text(tmp_path: Path) -> None:
    with open_texts(tmp_path / "tasks.sqlite") as connection:
        assert describe_search(connection) == ""
    with open_texts(tmp_path / "tasks.sqlite", without_fts=True) as connection:
        assert "has no FTS5" in describe_search(connection)
