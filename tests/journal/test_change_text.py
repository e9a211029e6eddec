"""The rendering of a change for a terminal, without control characters."""

from datetime import UTC, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import DONE, TASK_ID, on_people, task
from journal.open_journal import delete_intent, make_opening, rename_intent
from taskhand.domain.edit import Edit
from taskhand.domain.outcome import Outcome
from taskhand.domain.snapshot import Snapshot
from taskhand.journal.change_text import render_change
from taskhand.journal.journal import Caller, Change, Ending, Intent, Result


def ended_change(*parts: tuple[Intent, Result | None], outcome: Outcome = "applied", code: str | None = None) -> Change:
    """A change that is over."""
    results = {account_name: result for account_name, (_, result) in enumerate(parts) if result}
    return Change("chg_1", make_opening(), tuple(intent for intent, _ in parts), results, Ending(outcome, code))


def lines(change: Change, task_id: str | None = None) -> list[str]:
    """What is read, in UTC."""
    return render_change(change, UTC, task_id).split("\n")


def test_renders_time_tool_caller_and_fields_of_a_change_of_one_task() -> None:
    after = task(
        title="New title",
        due_at="2026-03-05T00:00:00.000Z",
        is_all_day=True,
        task_responsibles=on_people("p-1", "p-2"),
        status_config=DONE,
    )
    change = ended_change((rename_intent(TASK_ID), Result(0, "applied", TASK_ID, after)))
    assert lines(change) == [
        "2026-03-04T15:30+00:00 Wed  update_task  applied  by Claude 1.0  chg_1",
        f'  update: "New title" ({TASK_ID})',
        '    title: "Call back" -> "New title"',
        "    due: none -> 2026-03-05",
        "    responsibles: nobody -> p-1, p-2",
        '    status: "Pendiente" -> "Completado"',
    ]


@pytest.mark.parametrize(
    ("caller", "connection", "shown"),
    [
        (Caller("Claude", "1.0", "ana@x.test"), "north", "by ana@x.test with Claude 1.0 on north"),
        (Caller(subject="ana@x.test"), None, "by ana@x.test with an unknown client"),
        (Caller(subject="u-7", email="ana@x.test"), None, "by ana@x.test with an unknown client (u-7)"),
        (Caller("x for boss@x.test"), "north", "by x for boss@x.test on north"),
        (Caller(), None, "by an unknown client"),
    ],
)
def test_a_rendered_change_names_the_known_person_client_and_connection(
    caller: Caller, connection: str | None, shown: str
) -> None:
    change = Change("chg_1", make_opening(caller=caller, connection=connection), ending=Ending("applied"))
    assert lines(change) == [f"2026-03-04T15:30+00:00 Wed  update_task  applied  {shown}  chg_1"]


def test_times_are_on_the_clock_of_the_person() -> None:
    assert render_change(ended_change(), timezone(timedelta(hours=-3))).startswith("2026-03-04T12:30-03:00 Wed  ")


def test_a_rendered_change_has_its_reason_its_plan_and_the_undone_change() -> None:
    opening = make_opening("undo_change", reason="a mistake", plan_id="plan_1", undoes="chg_0")
    assert lines(Change("chg_1", opening, ending=Ending("applied")))[1:] == [
        "  reason: a mistake",
        "  carries out: plan_1",
        "  takes back: chg_0",
    ]


def test_the_rendering_of_a_refused_call_has_its_arguments() -> None:
    opening = make_opening(arguments={"id": "t-1", "priority": "Ñandú"})
    assert lines(Change("chg_1", opening, ending=Ending("refused", "invalid_priority"))) == [
        "2026-03-04T15:30+00:00 Wed  update_task  refused (invalid_priority)  by Claude 1.0  chg_1",
        '  sent: {"id": "t-1", "priority": "Ñandú"}',
    ]


def test_the_rendering_of_a_plan_or_an_open_change_has_the_intended_values() -> None:
    for ending in (Ending("planned"), None):
        change = Change("plan_1", make_opening(), (rename_intent(),), ending=ending)
        assert lines(change)[1:] == ['  update: "Call back" (t-1)', '    title: "Call back" -> "New title"']
    assert "  open  " in lines(Change("chg_1", make_opening(), (rename_intent(),)))[0]


def test_renders_the_titles_of_created_and_deleted_tasks() -> None:
    new = Intent("create", edit=Edit(title="One", priority=1))
    assert lines(ended_change((new, Result(0, "unknown"))))[1:] == [
        '  create: "One", unknown',
        '    title: none -> "One"',
        "    priority: none -> 1",
    ]
    made = Result(0, "applied", "t-9", task(id="t-9", title="One"))
    assert lines(ended_change((new, made)))[1] == '  create: "One" (t-9)'
    assert lines(ended_change((delete_intent(), Result(0, "applied", "t-1"))))[1:] == ['  delete: "Call back" (t-1)']


def test_counts_the_outcomes_of_many_tasks_and_renders_those_that_differ() -> None:
    change = ended_change(
        (rename_intent("t-1"), Result(0, "applied", "t-1", task(title="New title"))),
        (rename_intent("t-2"), Result(1, "refused", "t-2", code="conflict", note="it was moved")),
    )
    head, *rest = lines(change)
    assert "applied: 1 applied, 1 refused" in head
    assert '  update: "Call back" (t-2), refused, conflict, it was moved' in rest


def test_renders_ten_tasks_and_counts_the_others() -> None:
    parts = [(delete_intent(f"t-{n}"), Result(n, "applied", f"t-{n}")) for n in range(14)]
    rest = lines(ended_change(*parts))[1:]
    assert len(rest) == 11
    assert rest[-1] == "  … and 4 tasks more"
    assert lines(ended_change(*parts[:10]))[1:] == rest[:10]
    assert lines(ended_change(*parts), "t-13")[1:] == ['  delete: "Call back" (t-13)']


def test_renders_a_task_that_was_refused_before_it_became_an_intent() -> None:
    change = Change(
        "plan_1", make_opening(), (rename_intent(),), {1: Result(1, "refused", "t-2", code="gone")}, Ending("planned")
    )
    assert "  (t-2), refused, gone" in lines(change)


@pytest.mark.parametrize(("length", "mark"), [(80, ""), (81, "…")])
def test_a_text_of_more_than_eighty_characters_is_cut(length: int, mark: str) -> None:
    before = Snapshot(task(title="x" * length))
    assert f'"{"x" * 80}{mark}"' in lines(ended_change((Intent("delete", before), None)))[1]


@given(st.text(st.characters(exclude_categories=())))
def test_no_control_and_no_hidden_character_reaches_the_terminal(text: str) -> None:
    written = f"\x1b[31m\x9b\u202e\u2066\x07\r\n{text}\u2028"
    opening = make_opening(
        f"tool{written}",
        reason=f"r{written}",
        caller=Caller(written, written, written),
        arguments={"a": written},
        connection=written,
    )
    edit = Edit(title=f"{written}!", responsible_ids=(written,))
    intents = (Intent("update", Snapshot(task(id=f"i{written}", title=written)), edit),)
    results = {0: Result(0, "refused", "t", code=f"c{written}", note=written)}
    for change in (
        Change("chg_1", opening, intents, results, Ending("applied", written)),
        Change("chg_1", opening, ending=Ending("refused", written)),
    ):
        shown = render_change(change, UTC)
        assert not set(shown) & set("\x1b\x9b\u202e\u2066\x07\r\u2028\ud800\x00")
        assert all(line.startswith(("2026", "  ")) for line in shown.split("\n"))
