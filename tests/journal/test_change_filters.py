"""Lists of changes are the same whichever index they are found by, in every kind of store."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import product
from pathlib import Path
from typing import Final

import pytest

from fixed_clock import NOW, FixedClock
from journal.conftest import Opener
from journal.open_journal import PLACE, begin, make_opening, rename_intent, settle
from taskhand.domain.outcome import Outcome
from taskhand.journal.change_filters import find_positions
from taskhand.journal.journal import Caller, Change, ChangeQuery, Ending
from taskhand.journal.sqlite import JOURNAL
from taskhand.sql.connection import SqlConnection
from taskhand.sql.store import SqlStore
from taskhand.sqlite.store import SqliteStore

OUTCOMES: Final[tuple[Outcome, ...]] = ("applied", "unknown", "applied", "applied")
TOOLS: Final = ("update_task", "update_task", "delete_task")
PLAN, APPLIES_PLAN = 5, 8
ASKED_OUTCOMES: Final[tuple[Outcome | None, ...]] = (None, "applied", "unknown", "open", "refused")
ASKED: Final = [
    ChangeQuery(tool=tool, outcome=outcome, subject=subject, since=since, until=until, limit=3)
    for tool, outcome, subject, (since, until) in product(
        (None, "delete_task", "none"),
        ASKED_OUTCOMES,
        (None, "ana", "eve"),
        ((None, None), (NOW, None), (None, NOW + timedelta(minutes=3))),
    )
] + [
    ChangeQuery(person=person, limit=3, since=since) for person in ("ana", "bo@x.test", "eve") for since in (None, NOW)
]


async def test_a_list_has_the_same_changes_whether_the_newest_or_few_are_looked_at(
    opens: Opener, request: pytest.FixtureRequest, clock: FixedClock, journal_file: Path
) -> None:
    changes = list[Change]()
    async with opens() as journal:
        for number in range(12):
            clock.move(minutes=-5 if number == 7 else 1)
            caller = Caller("Claude", "1", ("ana", "bob", None)[number // 2 % 3], email=("bo@x.test", None)[number % 2])
            opening = make_opening(TOOLS[number % 3], at=clock(), caller=caller)
            if number == APPLIES_PLAN:
                opening = replace(opening, tool="apply_plan", plan_id=changes[PLAN].id)
            if number in {3, 11}:
                made = (await begin(journal, opening)).id
            elif number == PLAN:
                made = (await journal.record(opening, Ending("planned"), [rename_intent()])).id
            else:
                made = await settle(journal, opening, OUTCOMES[number % 4])
            if change := await journal.find(made):
                changes.append(change)
        store = open_rows(request, journal_file)
        found = await store.read(lambda connection: [[*pages(connection, one)] for one in ASKED])
        await store.aclose()
    for query, ways in zip(ASKED, found, strict=True):
        assert ways == [expected_ids(changes, query)] * 3, query


def open_rows(request: pytest.FixtureRequest, file: Path) -> SqlStore:
    """The rows of the journal of this test."""
    if "sqlite" in request.node.callspec.id:
        return SqliteStore(file, JOURNAL)
    from taskhand.journal.postgres import JOURNAL as IN_DATABASE  # noqa: PLC0415  half of the tests want them
    from taskhand.postgres.database import Database  # noqa: PLC0415
    from taskhand.postgres.store import PostgresStore as DatabaseStore  # noqa: PLC0415

    return DatabaseStore(Database(request.getfixturevalue("postgres").url), IN_DATABASE)


def pages(connection: SqlConnection, query: ChangeQuery) -> Iterator[list[str]]:
    """The ids of all pages: as few are found, as they are if there are too many of them, and as the newest are."""
    for reach, most in ((1, 1_000), (1, 0), (1_000, 1_000)):
        ids: list[str] = []
        after: str | None = None
        while True:
            rows = find_positions(connection, [PLACE], replace(query, after=after), reach, most)
            ids += [row["change_id"] for row in rows[: query.limit]]
            if len(rows) <= query.limit:
                break
            after = str(rows[query.limit - 1]["seq"])
        yield ids


def expected_ids(changes: list[Change], query: ChangeQuery) -> list[str]:
    """The same, by a look at every change."""
    met = [
        (number, one)
        for number, one in enumerate(changes)
        if (query.tool in {None, one.opening.tool, changes[PLAN].opening.tool if number == APPLIES_PLAN else None})
        and (query.outcome in {None, one.outcome})
        and (query.subject in {None, one.opening.caller.subject})
        and (query.person in {None, one.opening.caller.subject, one.opening.caller.email})
        and (query.since is None or one.opening.at >= query.since)
        and (query.until is None or one.opening.at <= query.until)
    ]
    if query.since or query.until:
        met.sort(key=lambda one: (one[1].opening.at, one[0]))
    return [change.id for _, change in reversed(met)]
