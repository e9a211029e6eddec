"""The raw values that an undo writes, without masked keys."""

from pathlib import Path

from behaviour.world import NOW
from builders import TASK_ID, refused, task
from file_stores import journal_in, store_in
from taskhand.domain.edit import Edit
from taskhand.domain.snapshot import Snapshot
from taskhand.journal.journal import MASK, Intent, Result
from taskhand.service.app_context import AppContext
from taskhand.service.inverse_write import invert
from taskhand.service.lazy import Lazy
from taskhand.service.masked_text import refuse_masked, with_keys_of

HIGH = Edit(priority=2)


async def test_a_value_that_the_journal_kept_without_a_key_is_not_written_back(tmp_path: Path) -> None:
    app = AppContext(store_in(tmp_path), Lazy(lambda: journal_in(tmp_path)), lambda: NOW)
    before = Snapshot(task(priority=0), native={"priority": "NONE", "body": f"as {MASK} says"})
    after = task(priority=2)
    undo = await invert(
        app, Intent("update", before, HIGH, HIGH), Result(0, "applied", TASK_ID, after), Snapshot(after), frozenset()
    )
    assert undo is not None
    assert undo.intent.edit is not None
    assert (undo.intent.edit, undo.intent.edit.native) == (Edit(priority=0), {"priority": "NONE"})

    deleted = Snapshot(task(), native={"priority": "NONE", "body": MASK, "links": {"note": MASK, "lead": "1"}})
    again = await invert(app, Intent("delete", deleted), Result(0, "applied", TASK_ID), None, frozenset())
    assert again is not None
    assert again.intent.edit is not None
    assert again.intent.edit.native == {"priority": "NONE", "links": {"lead": "1"}}
    await app.aclose()


async def test_an_unknown_earlier_value_is_noted_unless_its_field_is_left_as_it_is(tmp_path: Path) -> None:
    app = AppContext(store_in(tmp_path), Lazy(lambda: journal_in(tmp_path)), lambda: NOW)
    edit = Edit(title="New", priority=2)
    before, after = Snapshot(task(), unknown=frozenset({"priority"})), task(title="New", priority=2)
    written = Intent("update", before, edit, edit), Result(0, "applied", TASK_ID, after)
    notes = {}
    for left_out in ((), ("priority",)):
        undo = await invert(app, *written, Snapshot(after), left_out)
        assert undo is not None
        assert undo.intent.edit == Edit(title="Call back")
        notes[left_out] = undo.note
    assert notes == {(): "Not restored, because the earlier value is unknown: priority.", ("priority",): None}
    await app.aclose()


def test_an_edit_that_would_write_a_mask_is_refused() -> None:
    for edit in (Edit(title=MASK), Edit(description="x", native={"body": f"as {MASK} says"})):
        with refused("key_not_kept"):
            refuse_masked(edit, "The text of this plan")
    refuse_masked(Edit(title="Call", native={"priority": "NONE"}), "The text of this plan")


def test_a_journaled_task_has_the_keys_of_equal_texts_and_keeps_all_else() -> None:
    kept = task(title=f"Use {MASK}", description=f"as {MASK} says", properties={"code": f"{MASK}!", "team": "North"})
    now = task(title="Use sk-1", description="changed", properties={"code": "sk-2!", "team": "South"})
    found = with_keys_of(kept, now)
    assert (found.title, found.description) == ("Use sk-1", f"as {MASK} says")
    assert found.properties == {"code": "sk-2!", "team": "North"}
