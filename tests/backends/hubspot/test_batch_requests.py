"""An answer about many, taken apart: whatever its order, every input is done, refused, or unknown."""

import random
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskhand.backends.hubspot.batch_requests import BatchRequests, TaskInput, resend_part, split_answer
from taskhand.backends.hubspot.fields.due import AllDayFlag
from taskhand.backends.hubspot.task_reader import unmentioned_ids
from taskhand.backends.remote.bulk_item import BatchAnswer
from taskhand.backends.remote.parsing import JsonObject
from taskhand.domain.errors import CallerError, OutcomeUnknown, TaskhandError

INPUTS = [TaskInput(index, str(1000 + index), {"hs_task_subject": "x"}, trace=f"t-{index}") for index in range(6)]


def result(one: TaskInput, *, traced: bool = True) -> dict[str, Any]:
    trace = {"objectWriteTraceId": one.trace} if traced else {}
    return {"id": one.task_id, "properties": {}} | trace


def error(*inputs: TaskInput, by: str = "objectWriteTraceId") -> dict[str, Any]:
    named = [one.trace if by == "objectWriteTraceId" else one.task_id for one in inputs]
    return {"category": "OBJECT_NOT_FOUND", "context": {by: named}}


@given(
    st.lists(st.sampled_from(["done", "untraced", "refused", "by ids", "by id", "silent"]), min_size=6, max_size=6),
    st.randoms(use_true_random=False),
)
def test_every_input_has_one_result_whatever_the_order(fates: list[str], order: random.Random) -> None:
    pairs = list(zip(INPUTS, fates, strict=True))
    results = [result(one, traced=fate == "done") for one, fate in pairs if fate in {"done", "untraced"}]
    together = [one for one, fate in pairs if fate == "by ids"]
    errors = [error(one) for one, fate in pairs if fate == "refused"]
    errors += [error(*together, by="ids")] if together else []
    errors += [error(one, by="id") for one, fate in pairs if fate == "by id"]
    order.shuffle(results)
    order.shuffle(errors)
    part = split_answer(INPUTS, {"results": results, "errors": errors, "numErrors": 1}, None)
    assert part.rows.keys() == {one.index for one, fate in pairs if fate in {"done", "untraced"}}
    assert part.refused.keys() == {one.index for one, fate in pairs if fate in {"refused", "by ids", "by id"}}
    assert part.lost.keys() == {one.index for one, fate in pairs if fate == "silent"}


def test_a_task_reported_as_both_done_and_refused_has_an_unknown_outcome() -> None:
    part = split_answer(INPUTS, {"results": [result(INPUTS[0])], "errors": [error(INPUTS[0])]}, None)
    assert (part.rows, part.refused) == ({}, {})


def test_an_empty_answer_leaves_every_outcome_unknown() -> None:
    for answer in ({}, {"results": None, "errors": "none"}, {"results": [None, 5], "errors": [{"context": 5}]}):
        part = split_answer(INPUTS, answer, None)
        assert (part.rows, part.refused) == ({}, {})


def test_a_result_with_a_foreign_trace_id_is_ignored() -> None:
    stranger = {"id": INPUTS[0].task_id, "objectWriteTraceId": "somebody else's"}
    assert split_answer(INPUTS, {"results": [stranger]}, None).rows == {}


def test_results_are_matched_by_the_configured_id_property() -> None:
    shown = {"id": "9", "properties": {"ref": INPUTS[2].task_id}}
    assert split_answer(INPUTS, {"results": [shown]}, "ref").rows.keys() == {2}


def test_an_id_neither_returned_nor_refused_by_a_read_is_unmentioned() -> None:
    answer = {"errors": [{"context": {"ids": ["2"]}}]}
    assert unmentioned_ids(["1", "2", "3"], answer, {"1"}) == ["3"]


def test_an_error_without_an_id_applies_to_all_unmatched_inputs() -> None:
    nameless = {"category": "VALIDATION_ERROR", "message": "no"}
    rows = [result(one) for one in INPUTS[:4]]
    part = split_answer(INPUTS, {"results": rows, "errors": [nameless]}, None)
    assert part.refused == {}
    assert {index: error and error.code for index, error in part.lost.items()} == {
        4: "upstream_refused",
        5: "upstream_refused",
    }


def test_the_first_of_several_nameless_errors_belongs_to_a_single_missing_input() -> None:
    nameless = [{"category": "CONFLICT"}, {"category": "VALIDATION_ERROR"}]
    part = split_answer(INPUTS, {"results": [result(one) for one in INPUTS[:5]], "errors": nameless}, None)
    assert [error and error.code for error in part.lost.values()] == ["conflict"]
    part = split_answer(INPUTS, {"results": [result(INPUTS[0])], "errors": nameless}, None)
    assert part.lost == dict.fromkeys(range(1, 6))


@pytest.mark.parametrize(
    ("status", "rows", "pending"),
    [
        ("COMPLETE", {0, 1}, set()),
        ("PENDING", set(), {0, 1}),
        ("PROCESSING", set(), {0, 1}),
        ("CANCELED", set(), set()),
    ],
)
async def test_only_the_results_of_a_complete_batch_are_those_of_its_tasks(
    status: str, rows: set[int], pending: set[int]
) -> None:
    async def post(inputs: list[JsonObject]) -> JsonObject:
        return {"status": status, "results": [{name: one[name] for name in ("id", "properties")} for one in inputs]}

    answer = await BatchRequests(None, AllDayFlag()).send(INPUTS[:2], post)
    assert ({*answer.rows}, {*answer.pending}) == (rows, pending)


REFUSED, OTHER, LOST = CallerError("No."), CallerError("Other."), OutcomeUnknown("Lost.")


@pytest.mark.parametrize(
    ("again", "expected"),
    [
        (
            BatchAnswer({1: "again"}, {2: OTHER}, {3: LOST}, frozenset({3})),
            BatchAnswer({0: "row", 1: "again"}, {2: OTHER, 4: REFUSED}, {5: None, 3: LOST}, frozenset({3, 5})),
        ),
        (OTHER, BatchAnswer({0: "row"}, {4: REFUSED} | dict.fromkeys((1, 2, 3), OTHER), {5: None}, frozenset({5}))),
        (LOST, BatchAnswer({0: "row"}, {4: REFUSED}, {5: None} | dict.fromkeys((1, 2, 3), LOST), frozenset({5}))),
    ],
)
async def test_inputs_that_are_sent_again_have_their_second_outcome_and_the_others_their_first(
    again: BatchAnswer[str] | TaskhandError, expected: BatchAnswer[str]
) -> None:
    async def send(part: Sequence[TaskInput]) -> BatchAnswer[str]:
        assert [item.index for item in part] == [1, 2, 3]
        if isinstance(again, TaskhandError):
            raise again
        return again

    first = BatchAnswer({0: "row"}, dict.fromkeys(range(1, 5), REFUSED), {5: None}, frozenset({5}))
    assert await resend_part(first, INPUTS[1:4], send) == expected
