"""What an undo restores."""

from pathlib import Path

from behaviour.arms import NOW
from builders import PENDING, TASK_ID, task
from safety.victim import journal_in, store_in
from taskhand.domain.plan import Plan
from taskhand.domain.snapshot import Snapshot
from taskhand.journal.journal import Ending, Intent, Result
from taskhand.service.app_context import AppContext
from taskhand.service.call import Call, Options
from taskhand.service.undo_change import undo_change


async def test_a_deleted_task_is_made_again_without_the_fields_that_were_not_certain(tmp_path: Path) -> None:
    app = AppContext(store_in(tmp_path), journal_in(tmp_path), lambda: NOW)
    deleted = Snapshot(
        task(due_at="2026-03-10T00:00:00.000Z", is_all_day=True, status_config=PENDING), unknown=frozenset({"due"})
    )
    opening = Call(app, "delete_task", arguments={}).new_opening()
    change = await app.journal.record(
        opening, Ending("applied"), [Intent("delete", deleted)], [Result(0, "applied", TASK_ID)]
    )
    plan = await undo_change(Call(app, "undo_change", arguments={}, options=Options(dry_run=True)), change.id)
    assert isinstance(plan, Plan)
    assert [one.field for one in plan.differences[0].changed] == ["title", "priority", "status_config"]
    assert plan.note == "Made again as a new task; not restored: id, created_at, creator_id, due."
    await app.aclose()
