"""Counts: the largest groups first, in words, within a budget on the wire."""

import json
from dataclasses import replace

import pytest

from taskhand.domain.errors import Ambiguous, CallerError, Candidate
from taskhand.domain.name_matching import Match
from taskhand.domain.task import Member
from taskhand.domain.task_groups import NOBODY, CountBy, TaskCount
from taskhand.server.render.counts import render_counts
from taskhand.server.render.rendered_answer import render_answer
from taskhand.server.render.several_connections import render_counts_everywhere
from taskhand.service.ask_connections import ConnectionAnswers
from taskhand.service.count_tasks import Counted
from taskhand.service.partly_known_names import PartialAnswer

WORDS = tuple(Match(name, "two weeks ago", "2026-03-01", "2026-03-01 Sun") for name in ("fromDate", "toDate"))
BUDGET = 400
"""Tokens, at four characters each."""


def make_count(
    groups: dict[str, int], *, total: int | None = None, why: str | None = None, unreadable: int = 0
) -> Counted:
    """A count of a team whose members have their ids as names."""
    members = {one: Member(id=one, name=one, email=None) for one in groups if one}
    count = TaskCount(groups, sum(groups.values()) if total is None else total, unreadable, why)
    return Counted(count, members, {}, WORDS if why else ())


@pytest.mark.parametrize("by", ["responsible", "status", "priority", "dueDay", "completedDay"])
@pytest.mark.parametrize(
    "name", ["2026-03-{:02} Mon", "{} Ana", "Maria de los \u00c1ngeles Rodr\u00edguez {}", '"{}" {{}}', "{}" + "x" * 90]
)
def test_an_answer_takes_at_most_400_tokens_on_the_wire(by: CountBy, name: str) -> None:
    groups = {name.format(number): 10_000 + number for number in range(60)}
    for why in (None, "x" * 500):
        answer = render_answer(render_counts(make_count(groups, why=why, unreadable=1_234), by))
        result = {
            "content": [{"type": "text", "text": answer.text}],
            "structuredContent": answer.value,
            "isError": False,
        }
        message = {"jsonrpc": "2.0", "id": 1, "result": result}
        assert len(json.dumps(message, ensure_ascii=False, separators=(",", ":"))) / 4 <= BUDGET
        value = answer.value
        assert value["counts"]
        assert len(value["counts"]) <= 30
        assert len(value["counts"]) + value["others"]["groups"] == 60
        assert sum(value["counts"].values()) + value["others"]["count"] == value["total"]


def test_the_largest_groups_come_first_and_tasks_of_nobody_are_labelled() -> None:
    answer = render_answer(render_counts(make_count({"Ana": 1, NOBODY: 3, "Luis": 2}), "responsible"))
    assert list(answer.value["counts"].items()) == [("nobody", 3), ("Luis", 2), ("Ana", 1)]
    equal = render_answer(render_counts(make_count({"Luis": 1, "Ana": 1}), "responsible"))
    assert list(equal.value["counts"]) == ["Ana", "Luis"]


def test_groups_that_are_shown_by_one_name_are_added_up() -> None:
    answer = render_answer(render_counts(make_count({"x" * 70 + end: 2 for end in "ab"}), "status"))
    assert list(answer.value["counts"].values()) == [4]


def test_days_come_in_their_order_and_tasks_without_one_last() -> None:
    days = {"no date": 5, "2026-03-10 Tue": 1, "2026-03-02 Mon": 1, "2026-03-09 Mon": 3}
    answer = render_answer(render_counts(make_count(days), "dueDay")).value
    assert list(answer["counts"].items()) == sorted(days.items())


def test_a_count_with_tasks_of_several_people_says_why_it_adds_up_to_more() -> None:
    value = render_answer(render_counts(make_count({"Ana": 2, "Luis": 1}, total=2), "responsible")).value
    assert value["note"] == "A task of several people counts for each of them."
    assert "note" not in render_answer(render_counts(make_count({"Ana": 2, "Luis": 1}), "responsible")).value


def test_how_many_have_nobody_is_shown_however_many_people_have_more() -> None:
    groups = {f"Somebody with quite a long name {number:03}": 9 for number in range(80)}
    value = render_answer(render_counts(make_count(groups | {NOBODY: 1}), "responsible")).value
    assert value["counts"]["nobody"] == 1
    assert len(value["counts"]) + value["others"]["groups"] == 81
    short = render_answer(render_counts(make_count({f"{n}": 9 for n in range(80)} | {NOBODY: 1}), "responsible")).value
    assert (len(short["counts"]), short["counts"]["nobody"], short["others"]) == (30, 1, {"groups": 51, "count": 459})


def test_a_comparison_of_ten_people_shows_each_of_them() -> None:
    people = [f"Mercedes Fernández {number}" for number in range(10)]
    names = tuple(Match("responsibleIds", f"Mercedes {number}", name, name) for number, name in enumerate(people))
    counted = replace(make_count(dict.fromkeys(people, 2)), matched=WORDS + names)
    value = render_answer(render_counts(counted, "responsible")).value
    assert sorted(value["counts"]) == people
    assert len(value["matched"]) == 12


def test_an_incomplete_count_has_its_reason_and_a_next_step() -> None:
    value = render_answer(render_counts(make_count({"Ana": 1}, why="The call's time ran out."), "responsible")).value
    assert value["partial"] == (
        "Only the newest tasks were counted, not all. The call's time ran out. Narrow the filter for exact counts."
    )
    assert [row["argument"] for row in value["matched"]] == ["fromDate", "toDate"]


@pytest.mark.parametrize("first", [0, 1])
def test_tasks_in_several_groups_of_one_connection_are_noted(first: int) -> None:
    counts = [make_count({"Ana": 2, "Luis": 2}, total=total) for total in (4, 3)]
    answers = {name: PartialAnswer(counts[place]) for name, place in (("north", first), ("south", 1 - first))}
    note = render_answer(render_counts_everywhere(ConnectionAnswers(answers), "responsible")).value["note"]
    assert note == render_answer(render_counts(counts[1], "responsible")).value["note"]


def test_candidates_of_one_connection_that_is_left_out_are_marked_as_text_of_others() -> None:
    unclear = Ambiguous("2 people match.", candidates=[Candidate("1", "Ana")])
    for left_out in ({"south": unclear}, {"south": unclear, "home": CallerError("No.")}):
        counted = {"north": PartialAnswer(make_count({"1": 2}))}
        answer = render_counts_everywhere(ConnectionAnswers(counted, left_out=left_out), "priority")
        assert "leftOut.candidates.name" in render_answer(answer).value["untrusted"]["fields"]
