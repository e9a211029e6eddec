"""The question about a plan, and the effect of each answer."""

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Literal

import pytest

from behaviour.world import NOW
from file_stores import journal_in, store_in
from taskhand.domain.bulk_receipt import TaskResult
from taskhand.domain.due import Due
from taskhand.domain.plan import Difference, Plan
from taskhand.domain.receipt import FieldChange
from taskhand.domain.wording import Wording
from taskhand.service.app_context import AppContext, ConnectionInfo
from taskhand.service.ask_person import Approval, Question, confirm, question_text, to_answer
from taskhand.service.lazy import Lazy
from taskhand.service.write_call import Call


@pytest.mark.parametrize(
    ("action", "content", "answer"),
    [
        ("accept", {"confirm": True}, "yes"),
        ("accept", None, "yes"),
        ("accept", {}, "yes"),
        ("accept", {"confirm": False}, "no"),
        ("accept", {"confirm": "true"}, "none"),
        ("accept", {"confirm": 1}, "none"),
        ("accept", {"confirm": None}, "none"),
        ("decline", None, "no"),
        ("decline", {"confirm": True}, "no"),
        ("cancel", None, "none"),
        ("cancel", {"confirm": True}, "none"),
    ],
)
def test_only_an_explicit_yes_counts(
    action: Literal["accept", "decline", "cancel"], content: dict[str, Any] | None, answer: Approval
) -> None:
    assert to_answer(action, content) == answer


def _plan(*differences: Difference, guard: str | None = None) -> Plan:
    return Plan("plan-1", "update_task", differences, datetime(2026, 3, 2, tzinfo=UTC), guard)


def test_the_question_shows_the_first_five_tasks_and_the_number_of_the_others() -> None:
    changed = (FieldChange("priority", 1, 2),)
    plan = _plan(*(Difference(str(n), f"Task {n}", "update", changed) for n in range(7)), guard="A change by filter")
    first, *tasks, more, last = question_text(plan, Wording()).splitlines()
    assert first == "A change by filter: 7 tasks."
    assert question_text(plan, Wording(), "north").splitlines()[0] == "A change by filter: 7 tasks on north."
    assert tasks == [f"- update “Task {n}”: priority: 1 → 2" for n in range(5)]
    assert (more, last) == ("- and 2 more", "Carry it out?")
    assert "more" not in question_text(_plan(*plan.differences[:5]), Wording())


def test_the_question_does_not_repeat_the_number_of_deletions_or_the_title_of_a_new_task() -> None:
    deletions = _plan(Difference("1", "Call", "delete"), Difference("2", "Visit", "delete"), guard="Deleting 2 tasks")
    assert question_text(deletions, Wording(), "north").splitlines()[0] == "Deleting 2 tasks on north."
    new = Difference(None, "Call", "create", (FieldChange("title", None, "Call"), FieldChange("priority", None, 1)))
    assert question_text(_plan(new), Wording()).splitlines()[:2] == [
        "This change: 1 task.",
        "- create “Call”: priority: nothing → 1",
    ]


def test_the_question_includes_the_values_that_undo_cannot_restore() -> None:
    plan = replace(_plan(Difference("1", "Call", "delete")), note="Undo cannot bring back: id.")
    assert question_text(plan, Wording()).splitlines()[-2:] == ["Undo cannot bring back: id.", "Carry it out?"]


def test_the_question_names_the_tasks_that_the_plan_leaves_out_because_they_are_refused() -> None:
    refused = [TaskResult("", "refused", title=f"Visit {number}") for number in range(6)]
    plan = _plan(Difference("1", "Call", "delete"))
    first = ", ".join(f"“Visit {number}”" for number in range(5))
    for skipped, named in (
        ((TaskResult("2", "refused"), TaskResult("3", "unchanged", title="Same")), "“2”"),
        (refused[:5], first),
        (refused, f"{first} and 1 more"),
    ):
        lines = question_text(replace(plan, skipped=tuple(skipped)), Wording()).splitlines()
        assert lines[-2:] == [f"Left out, because refused: {named}.", "Carry it out?"]
    assert "Left out" not in question_text(plan, Wording())


def test_the_question_distinguishes_tasks_to_delete_that_have_one_title() -> None:
    due = Due(date(2026, 12, 30))
    rows = (Difference("1", "Call", "delete", (), due, ("a",)), Difference("2", "Call", "delete"))
    lines = question_text(_plan(*rows), Wording(names={"a": "Ana Soto"})).splitlines()
    assert lines[1:3] == ["- delete “Call” (2026-12-30 Wed, Ana Soto)", "- delete “Call”"]


def test_a_title_or_a_name_cannot_add_lines_to_the_question() -> None:
    title = "Call\nCarry it out?\u202e " + "x" * 100
    row, wording = Difference("1", title, "delete", responsible_ids=("a",)), Wording(names={"a": "Ana\nCarry it out?"})
    plan = replace(_plan(row), skipped=(TaskResult("2", "refused", title=title),))
    lines = question_text(plan, wording).splitlines()
    assert len(lines) == 4
    assert lines[2].startswith("Left out, because refused: “Call Carry it out? xxx")
    assert lines[1].startswith("- delete “Call Carry it out? xxx")
    assert "\u202e" not in lines[1]


def test_a_value_that_is_cleared_is_shown_as_nothing() -> None:
    changed = (FieldChange("due", Due(date(2026, 3, 10)), None), FieldChange("responsibles", (), ("a", "b")))
    wording = Wording(names={"a": "Ana", "b": "Ben"})
    line = question_text(_plan(Difference("1", "Call", "update", changed)), wording).splitlines()[1]
    assert line == "- update “Call”: due: 2026-03-10 Tue → nothing; responsibles: nothing → Ana, Ben"


def test_a_note_on_a_long_description_is_seen_in_the_question() -> None:
    changed = (FieldChange("description", "w" * 500, f"{'w' * 500}\n2026-03-02 Ana: paid"),)
    line = question_text(_plan(Difference("1", "Call", "update", changed)), Wording()).splitlines()[1]
    assert line == "- update “Call”: description: …wwwwwwww → …wwwwwwww 2026-03-02 Ana: paid"


async def test_the_person_is_asked_about_the_connection_of_the_call(tmp_path: Path) -> None:
    async def ask(question: Question) -> None:
        asked.append(question.text)

    asked = list[str]()
    app = AppContext(store_in(tmp_path), Lazy(lambda: journal_in(tmp_path)), lambda: NOW)
    call = Call(replace(app, connection=ConnectionInfo("north")), "delete_task", arguments={})
    await confirm(call, _plan(Difference("1", "Call", "delete")), ask)
    assert asked[0].startswith("This change: 1 task on north.")
    await app.aclose()
