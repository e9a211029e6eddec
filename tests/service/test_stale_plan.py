"""Whether a task has changed since a plan was made, also where only its HTML tells."""

from dataclasses import replace

import pytest

from behaviour.world import NOW
from builders import TASK_ID, task
from taskhand.backends.local.backend import LocalBackend
from taskhand.domain.edit import Edit
from taskhand.domain.plan import Difference
from taskhand.domain.snapshot import Snapshot
from taskhand.journal.journal import MASK, Caller, Change, Ending, Intent, Opening
from taskhand.service.stale_plan import difference_since, stale_plan_error

HTML = "<p>Call <b>Ana</b></p>"
WRITES_HTML = Edit(description="Pay", native={"body": "<p>Pay</p>"})


def is_stale(
    edit: Edit, html_now: str | None, title: str = "Call", undoes: str | None = None, html: str = HTML
) -> bool:
    """Whether a plan with this edit is stale for a task with this HTML, whose text is the same, and this title."""
    before = Snapshot(task(title="Call", description="Call Ana"), native={"body": html})
    now = Snapshot(task(title=title, description="Call Ana"), native={"body": html_now})
    intent = Intent("update", before, edit, edit)
    opening = Opening("update_task", Caller(), NOW, undoes=undoes)
    change = Change("plan_1", opening, (intent,), {}, Ending("planned"))
    capabilities = replace(LocalBackend.capabilities, html_description="body")
    found = difference_since(change, intent, now, capabilities)
    assert found is None or found.id == TASK_ID
    return found is not None


@pytest.mark.parametrize(
    ("edit", "html", "title", "undoes", "stale"),
    [
        (WRITES_HTML, HTML, "Call", None, False),
        (WRITES_HTML, "<p>Call <i>Ana</i></p>", "Call", None, True),
        (WRITES_HTML, None, "Call", None, True),
        (WRITES_HTML, HTML, "Visit", None, True),
        (WRITES_HTML, HTML, "Visit", "chg_1", False),
        (WRITES_HTML, "<p>Call <i>Ana</i></p>", "Visit", "chg_1", True),
        (Edit(description="Pay"), "<p>Call <i>Ana</i></p>", "Call", None, False),
        (Edit(title="Pay"), "<p>Call <i>Ana</i></p>", "Call", None, False),
        (Edit(title="Pay"), HTML, "Visit", "chg_1", True),
    ],
)
def test_changed_html_conflicts_with_a_description_edit_and_an_undo_checks_only_its_own_fields(
    edit: Edit, html: str | None, title: str, undoes: str | None, *, stale: bool
) -> None:
    assert is_stale(edit, html, title, undoes) is stale


def test_a_key_that_the_journal_has_masked_in_the_html_is_no_change() -> None:
    assert not is_stale(WRITES_HTML, "<p>Call <b>sk-4711</b></p>", html=f"<p>Call <b>{MASK}</b></p>")
    assert is_stale(WRITES_HTML, "<p>Call <i>sk-4711</i></p>", html=f"<p>Call <b>{MASK}</b></p>")


@pytest.mark.parametrize(("asked", "stale"), [(Edit(title="Call", priority=2), True), (Edit(priority=2), False)])
def test_an_undo_checks_a_field_that_matched_when_it_was_planned_too(asked: Edit, *, stale: bool) -> None:
    intent = Intent("update", Snapshot(task(title="Call")), Edit(priority=2), asked)
    change = Change("plan_1", Opening("undo_change", Caller(), NOW, undoes="chg_1"), (intent,), {}, Ending("planned"))
    found = difference_since(change, intent, Snapshot(task(title="Visit")), LocalBackend.capabilities)
    assert (found is not None) is stale


def test_three_changed_tasks_are_named_and_a_fourth_is_counted() -> None:
    moved = [Difference(TASK_ID, "Call", "update")] * 4
    ends = [stale_plan_error(moved[:count], total=9).message.partition("; and ")[2] for count in (3, 4)]
    assert ends == ["", "1 more."]
