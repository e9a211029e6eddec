"""Notes beside tasks: one of another person is not the caller's own, and a list may lack a new one for a minute."""

from collections.abc import Collection, Sequence
from contextlib import nullcontext
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from behaviour.world import NOW
from builders import TASK_ID, refused, task
from file_stores import journal_in, store_in
from fixed_clock import FixedClock
from journals import numbered
from taskhand.domain.edit import Edit
from taskhand.domain.outcome import Outcome
from taskhand.domain.principal import Person, Principal
from taskhand.domain.snapshot import Snapshot
from taskhand.domain.task import Task
from taskhand.journal.journal import Caller, Change, Ending, Intent, Opening, Result
from taskhand.journal.journal_owner import AccountOwner
from taskhand.journal.sqlite import SqliteJournal
from taskhand.service.app_context import AppContext
from taskhand.service.lazy import Lazy
from taskhand.service.unlisted_notes import check_no_rival_note, find_own_notes, find_sent_notes

if TYPE_CHECKING:
    from taskhand.backends.base import Backend

NOTED = task().with_note("called", "note-1")


class NotedBackend:
    """A backend with one note."""

    async def find_notes(
        self, tasks: Sequence[Task], text: str, since: datetime, but: Collection[str] = ()
    ) -> dict[str, str]:
        """The note, unless it is left out."""
        assert ([one.id for one in tasks], text, since) == ([TASK_ID], "called", NOW)
        return {} if "note-1" in but else {TASK_ID: "note-1"}


async def test_a_note_of_another_person_is_recognised_however_many_changes_were_made_since(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    app = AppContext(store, Lazy(lambda: journal_in(tmp_path)), lambda: NOW)
    for subject, number in (("ben@x.test", 1), ("ana@x.test", 50)):
        opening = Opening("update_task", Caller(subject=subject), NOW)
        intents, results = [Intent("update")], [Result(0, "applied", TASK_ID, NOTED if number == 1 else None)]
        for _ in range(number):
            await app.journal.record(opening, Ending("applied"), intents, results)
    for name, found in (("ana@x.test", {}), ("ben@x.test", {TASK_ID: "note-1"})):
        hers = replace(app, backend=cast("Backend", NotedBackend()), principal=Principal(Person.parse(name)))
        assert await find_own_notes(hers, [task()], "called", NOW) == found
    await app.aclose()


async def test_a_note_may_be_unlisted_for_a_minute_after_the_call_that_wrote_it_however_long_that_was(
    tmp_path: Path,
) -> None:
    clock, lead = FixedClock(), "lead_1"
    noted = task(ai_customer_id=lead)
    edit, result = Edit(note="called"), Result(0, "applied", TASK_ID, noted.with_note("called", "note-1"))
    first = SqliteJournal(AccountOwner(tmp_path / "journal.sqlite", "test"), clock=clock, new_id=numbered)
    opening = Opening("update_task", Caller(), clock())
    change, _ = await first.begin(opening, [Intent("update", Snapshot(noted), edit, edit)])
    clock.move(seconds=90)
    await first.settle(change.id, [result], Ending("applied"))
    await first.aclose()
    found, app = [], AppContext(store_in(tmp_path), Lazy(lambda: journal_in(tmp_path)), clock)
    for seconds in (59, 1):
        clock.move(seconds=seconds)
        found.append({*await find_sent_notes(app, "called")})
    assert found == [{lead}, set()]
    await app.aclose()


@pytest.mark.parametrize(
    ("note_id", "outcome", "found"),
    [
        ("note-1", "applied", []),
        ("note-1", "refused", ["note-1"]),
        ("note-1", "unknown", ["note-1"]),
        ("note-2", "applied", ["note-1"]),
    ],
)
async def test_a_note_counts_as_sent_until_a_change_has_certainly_deleted_it(
    tmp_path: Path, note_id: str, outcome: Outcome, found: list[str]
) -> None:
    clock, noted, edit, deletion = FixedClock(), task(ai_customer_id="lead_1"), Edit(note="called"), Edit(note=None)
    first = SqliteJournal(AccountOwner(tmp_path / "journal.sqlite", "test"), clock=clock, new_id=numbered)
    opening = Opening("update_task", Caller(), clock())
    result = Result(0, "applied", TASK_ID, noted.with_note("called", "note-1"))
    await first.record(opening, Ending("applied"), [Intent("update", Snapshot(noted), edit, edit)], [result])
    before = Snapshot(noted.with_note("called", note_id))
    intents, results = [Intent("update", before, deletion, deletion)], [Result(0, outcome, TASK_ID, noted)]
    await first.record(opening, Ending(outcome), intents, results)
    await first.aclose()
    app = AppContext(store_in(tmp_path), Lazy(lambda: journal_in(tmp_path)), clock)
    assert [sent.id for sent in (await find_sent_notes(app, "called")).values()] == found
    await app.aclose()


@pytest.mark.parametrize(
    ("outcome", "found", "as_a_whole"),
    [
        ("applied", ["note-1"], False),
        ("unknown", [None], False),
        ("unknown", [None], True),
        ("unchanged", [], False),
        ("refused", [], False),
        ("refused", [], True),
        ("not_applied", [], False),
        ("not_attempted", [], False),
    ],
)
async def test_a_note_counts_as_sent_unless_its_change_has_certainly_not_written_it(
    tmp_path: Path, outcome: Outcome, found: list[str | None], *, as_a_whole: bool
) -> None:
    clock, noted, edit = FixedClock(), task(ai_customer_id="lead_1"), Edit(note="called")
    first = SqliteJournal(AccountOwner(tmp_path / "journal.sqlite", "test"), clock=clock, new_id=numbered)
    intents = [Intent("update", Snapshot(noted), edit, edit)]
    change, _ = await first.begin(Opening("update_task", Caller(), clock()), intents)
    result = Result(0, outcome, TASK_ID, noted.with_note("called", "note-1"))
    await first.settle(change.id, [] if as_a_whole else [result], Ending(outcome))
    await first.aclose()
    app = AppContext(store_in(tmp_path), Lazy(lambda: journal_in(tmp_path)), clock)
    assert [sent.id for sent in (await find_sent_notes(app, "called")).values()] == found
    await app.aclose()


@pytest.mark.parametrize(("lead", "is_rival"), [("lead_1", True), ("lead_2", False)])
async def test_only_the_same_note_for_the_same_customer_is_a_rival(
    tmp_path: Path, lead: str, *, is_rival: bool
) -> None:
    async def begin(journal: SqliteJournal, *notes: tuple[str, str]) -> Change:
        """A change that writes these notes, each for a customer."""
        intents = [
            Intent("update", Snapshot(task(ai_customer_id=customer)), edit, edit)
            for text, customer in notes
            for edit in [Edit(note=text)]
        ]
        return (await journal.begin(Opening("update_task", Caller(), clock()), intents))[0]

    clock = FixedClock()
    other = SqliteJournal(AccountOwner(tmp_path / "journal.sqlite", "test"), clock=clock, new_id=numbered)
    ours = SqliteJournal(AccountOwner(tmp_path / "journal.sqlite", "test"), clock=clock, new_id=numbered)
    app = AppContext(store_in(tmp_path), Lazy(lambda: ours), clock)
    await begin(other, ("one", lead))
    mine = await begin(ours, ("one", "lead_1"), ("two", "lead_2"))
    with refused("in_progress") if is_rival else nullcontext():
        await check_no_rival_note(app, mine)
    await other.aclose()
    await app.aclose()
