"""The task that a create of a dead process has made, and the share of a call's time for finding it."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import pytest

from behaviour.world import NOW
from file_stores import journal_in, store_in
from journals import numbered
from taskhand.call.deadline import call_deadline, time_left
from taskhand.domain.create_matching import CreateCandidates
from taskhand.domain.edit import Edit
from taskhand.domain.errors import CallerError
from taskhand.journal.journal import MASK, Change, Ending, Intent, Result
from taskhand.journal.journal_owner import AccountOwner
from taskhand.journal.sqlite import SqliteJournal
from taskhand.service.app_context import AppContext
from taskhand.service.crash_recovery import find_created, recover_abandoned
from taskhand.service.forwarding_backend import ForwardingBackend
from taskhand.service.lazy import Lazy
from taskhand.service.write_call import Call


class AskedJournal(SqliteJournal):
    """Notes how much time there is when it is asked for what dead processes have left."""

    left_s = 0.0

    async def abandoned_changes(self) -> tuple[Change, ...]:
        self.left_s = time_left()
        return ()


async def test_a_task_that_another_change_is_about_was_made_by_no_other(tmp_path: Path) -> None:
    app = AppContext(store_in(tmp_path), Lazy(lambda: journal_in(tmp_path)), lambda: NOW)
    edit = Edit(title="Call Acme", responsible_ids=(), priority=1)
    intent = Intent("create", edit=edit, asked=edit)
    change, _ = await app.journal.begin(Call(app, "create_task").new_opening(), [intent])
    made = (await app.backend.create_task(edit)).task
    assert [(one.outcome, one.task_id) for one in await find_created(app, change, [0])] == [("applied", made.id)]
    opening = Call(app, "create_task").new_opening()
    await app.journal.record(opening, Ending("applied"), [intent], [Result(0, "applied", made.id, made)])
    assert [(one.outcome, one.task_id) for one in await find_created(app, change, [0])] == [("not_applied", None)]
    await app.aclose()


class RefusingSearch(ForwardingBackend):
    """A store that refuses to search for new tasks."""

    async def find_created(self, edits: Sequence[Edit], sent_at: datetime) -> tuple[CreateCandidates, ...]:  # noqa: ARG002
        raise CallerError("No search is allowed.", code="not_allowed")


async def test_each_create_is_unknown_if_its_text_is_masked_or_the_search_is_refused(tmp_path: Path) -> None:
    backend = RefusingSearch(store_in(tmp_path))
    app = AppContext(backend, Lazy(lambda: journal_in(tmp_path)), lambda: NOW)
    edits = [Edit(title=title, responsible_ids=(), priority=1) for title in (f"Send {MASK}", "Call Acme")]
    intents = [Intent("create", edit=edit, asked=edit) for edit in edits]
    change, _ = await app.journal.begin(Call(app, "create_tasks").new_opening(), intents)
    results = await find_created(app, change, [0, 1])
    assert [(one.index, one.outcome, one.code) for one in results] == [
        (0, "unknown", None),
        (1, "unknown", "not_allowed"),
    ]
    await app.aclose()


async def test_recovery_takes_at_most_a_third_of_the_remaining_time_of_a_call(tmp_path: Path) -> None:
    journal = AskedJournal(AccountOwner(tmp_path / "journal.sqlite", "test"), clock=lambda: NOW, new_id=numbered)
    app = AppContext(store_in(tmp_path), Lazy(lambda: journal), lambda: NOW)
    with call_deadline(21.0, lambda: 0.0):
        await recover_abandoned(app)
    assert journal.left_s == pytest.approx(6.0)
    await app.aclose()
