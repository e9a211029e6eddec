"""Which tasks of a change share a note."""

import pytest

from behaviour.world import NOW
from builders import task
from taskhand.domain.edit import Edit
from taskhand.domain.outcome import Outcome
from taskhand.domain.snapshot import Snapshot
from taskhand.journal.journal import Caller, Change, Intent, Opening, Result
from taskhand.service.shared_notes import tasks_sharing


@pytest.mark.parametrize("outcome", ["applied", "refused", "unknown"])
def test_a_note_is_shared_by_every_task_of_its_change_that_shows_it_whatever_its_outcome(outcome: Outcome) -> None:
    ours, other, alone = (
        task(id=id_).with_note("Call again", note) for id_, note in (("1", "n"), ("2", "n"), ("3", "m"))
    )
    intents = tuple(
        Intent("update", Snapshot(task(id=after.id)), Edit(note="Call again")) for after in (ours, other, alone)
    )
    outcomes = zip((ours, other, alone), ("applied", outcome, "applied"), strict=True)
    results = {index: Result(index, told, after.id, after) for index, (after, told) in enumerate(outcomes)}
    change = Change("chg_1", Opening("bulk_update_tasks", Caller(), NOW), intents, results)
    assert tasks_sharing(change, [(intents[0], results[0])]) == {"1": (other,)}
    assert tasks_sharing(change, [(intents[2], results[2])]) == {}
