"""Matching of tasks by filters; a text filter finds the text that an answer shows."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from builders import ANA, BEN, DONE, on_people, task
from taskhand.domain.date_window import Period
from taskhand.domain.display_text import one_line, plain, strip_hidden
from taskhand.domain.name_matching import fold
from taskhand.domain.task import StatusChoice, Task
from taskhand.domain.task_query import TaskQuery, matcher
from taskhand.domain.task_times import TaskTimes
from taskhand.domain.truncation import truncate, without_cut

HIDING = st.text(
    st.characters(exclude_categories=["Cs"])
    | st.sampled_from("\u200b\u200c\u200d\ufe0f\u202e\ufeff\xad\r\n\x0b\x85\x1b ab\u2714\U0001f469\u0645\u0915\u094d"),
    max_size=300,
)


def never_late(_task: Task) -> bool:
    return False


@given(HIDING, HIDING)
def test_text_finds_a_task_by_its_shown_title_and_description(title: str, description: str) -> None:
    found = task(title=title, description=description)
    for text in (title, description):
        for shown in (plain(text), one_line(text), strip_hidden(text), *(plain(truncate(text, n)) for n in (100, 200))):
            assume(fold(shown))
            assert matcher(TaskQuery(text=without_cut(shown)), never_late)(found)


@pytest.mark.parametrize(
    "text",
    [
        "nin\u0303o",
        "NI\u00d1O",
        "ni\u200bño",
        "\uff2e\uff29\uff2e\uff2f",
        "el\u00a0nino",
        "\u2714 listo",
        "\u2714\ufe0f  Listo",
    ],
)
def test_text_is_found_however_its_letters_are_written(text: str) -> None:
    assert matcher(TaskQuery(text=text), never_late)(task(title="Llamar: el ni\u00f1o\u200d \u2714\ufe0e LISTO"))


LATE, SOON = datetime(2026, 3, 2, 9, tzinfo=UTC), datetime(2026, 3, 3, 9, tzinfo=UTC)
TASKS = {
    "bare": task(priority=None, created_at="2026-03-01T10:00:00.000Z"),
    "first": task(
        due_at="2026-03-04T00:00:00.000Z",
        is_all_day=True,
        task_responsibles=on_people(ANA.id, BEN.id),
        priority=2,
        ai_contact_id="c-1",
        created_at="2026-03-02T10:00:00.000Z",
    ),
    # In its own zone it is the day before.
    "last": task(
        due_at="2026-03-07T01:00:00.000Z",
        due_timezone="America/Santiago",
        task_responsibles=on_people(BEN.id),
        status_config=DONE,
        ai_customer_id="c-1",
        task_type="CALL",
        deal_id="d-1",
        created_at="2026-03-03T10:00:00.000Z",
    ),
}
EVERY = {"bare", "first", "last"}
TIMES = {"first": TaskTimes(updated=LATE), "last": TaskTimes(updated=SOON, completed=SOON)}


def among(tasks: dict[str, Task], query: TaskQuery) -> set[str]:
    """The names of the tasks that meet a query; the first is late."""
    named = {name: one.model_copy(update={"id": name}) for name, one in tasks.items()}
    matches = matcher(query, lambda one: one.id == "first", TIMES)
    return {name for name, one in named.items() if matches(one)}


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({}, EVERY),
        ({"responsible_ids": (ANA.id,)}, {"first"}),
        ({"responsible_ids": (BEN.id,)}, {"first", "last"}),
        ({"responsible_ids": (), "of_nobody": True}, {"bare"}),
        ({"responsible_ids": (ANA.id,), "of_nobody": True}, {"bare", "first"}),
        ({"responsible_ids": ()}, set()),
        ({"statuses": (StatusChoice.of(DONE),)}, {"last"}),
        ({"statuses": (StatusChoice.of(DONE), StatusChoice(name="pendiente"))}, EVERY),
        ({"statuses": ()}, set()),
        ({"priority": 0}, {"bare"}),
        ({"priority": 2}, {"first"}),
        ({"task_type": "CALL"}, {"last"}),
        ({"deal_id": "d-1"}, {"last"}),
        ({"contact": "c-1"}, {"first", "last"}),
        ({"contact": "c-2"}, set()),
        ({"overdue": True}, {"first"}),
        ({"overdue": False}, {"bare", "last"}),
        ({"from_date": "2026-03-04"}, EVERY),
        ({"from_date": "2026-03-05"}, {"bare", "last"}),
        ({"from_date": "2026-03-07"}, {"bare"}),
        ({"to_date": "2026-03-06"}, EVERY),
        ({"to_date": "2026-03-05"}, {"bare", "first"}),
        ({"to_date": "2026-03-03"}, {"bare"}),
        ({"from_date": "2026-03-05", "to_date": "2026-03-05"}, {"bare"}),
        ({"to_date": "2026-03-05", "include_tasks_without_dates": False}, {"first"}),
        ({"include_tasks_without_dates": False}, {"first", "last"}),
        ({"without_date": True}, {"bare"}),
        ({"without_date": True, "from_date": "2026-03-04"}, {"bare"}),
        ({"period": Period("created", LATE, SOON)}, {"first"}),
        ({"period": Period("updated", LATE, SOON)}, {"first"}),
        ({"period": Period("completed", LATE, None)}, {"last"}),
        ({"text": "back call"}, EVERY),
        ({"text": "back ring"}, set()),
        ({"responsible_ids": (BEN.id,), "priority": 2}, {"first"}),
    ],
)
def test_a_filter_is_met_by_these_tasks(filters: dict[str, Any], found: set[str]) -> None:
    assert among(TASKS, TaskQuery(**filters)) == found


@pytest.mark.parametrize(
    ("field", "filters"),
    [
        ("task_responsibles", {"responsible_ids": (ANA.id,)}),
        ("status_config", {"statuses": (StatusChoice.of(DONE),)}),
        ("status_config", {"overdue": True}),
        ("due_at", {"overdue": True}),
        ("due_at", {"from_date": "2026-03-04", "include_tasks_without_dates": False}),
        ("priority", {"priority": 2}),
        ("task_type", {"task_type": "CALL"}),
        ("deal_id", {"deal_id": "d-1"}),
        ("ai_contact_id", {"contact": "c-1"}),
        ("ai_customer_id", {"contact": "c-1"}),
        ("title", {"text": "none"}),
        ("description", {"text": "none"}),
        ("created_at", {"period": Period("created", LATE, SOON)}),
    ],
)
def test_a_task_may_match_a_filter_on_its_unreadable_field_and_on_no_other(field: str, filters: dict[str, Any]) -> None:
    unmet = task(due_at="2026-03-01T00:00:00.000Z", is_all_day=True)
    hidden = unmet.model_copy(update={"unreadable": (field,)})
    assert among({"plain": unmet, "hidden": hidden}, TaskQuery(**filters)) == {"hidden"}
    other = unmet.model_copy(update={"unreadable": ("color",)})
    assert among({"other": other}, TaskQuery(**filters)) == set()


def test_unfinished_tasks_without_a_date_are_wanted_unless_they_must_be_late() -> None:
    queries = [TaskQuery(), TaskQuery(overdue=False), TaskQuery(overdue=True), TaskQuery(without_date=True)]
    assert [(query.wants_dated, query.wants_dateless) for query in queries] == [
        (True, True),
        (True, True),
        (True, False),
        (False, True),
    ]
