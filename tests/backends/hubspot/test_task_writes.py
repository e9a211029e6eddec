"""An answer about many, taken apart: whatever its order, every input is done, refused, or unknown."""

import random
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskhand.backends.hubspot.mapping import Record
from taskhand.backends.hubspot.task_reader import unmentioned_ids
from taskhand.backends.hubspot.task_writes import TaskInput, read_answer, send_again
from taskhand.backends.remote.bulk_item import Applied, BatchAnswer, Lost, State, WriteState
from taskhand.backends.remote.parsing import JsonObject
from taskhand.domain.errors import CallerError, NotFound, OutcomeUnknown, TaskhandError

INPUTS = [TaskInput(index, str(1000 + index), {"hs_task_subject": "x"}, trace=f"t-{index}") for index in range(6)]


def result(one: TaskInput, *, traced: bool = True) -> dict[str, Any]:
    trace = {"objectWriteTraceId": one.trace} if traced else {}
    return {"id": one.task_id, "properties": {}} | trace


def error(*inputs: TaskInput, by: str = "objectWriteTraceId") -> dict[str, Any]:
    named = [one.trace if by == "objectWriteTraceId" else one.task_id for one in inputs]
    return {"category": "OBJECT_NOT_FOUND", "context": {by: named}}


def read_states(answer: JsonObject, id_property: str | None = None) -> list[WriteState[Record]]:
    """The states of the inputs in the answer to a batch that is complete."""
    states = read_answer(INPUTS, {"status": "COMPLETE", **answer}, id_property)
    return [states[one.index] for one in INPUTS]


def lost_by(state: WriteState[Record]) -> str | None:
    """The code of the error that an input was lost by."""
    if isinstance(state, Applied):
        return "applied"
    assert isinstance(state, Lost)
    return None if state.fault is None else state.fault.code


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
    states = read_states({"results": results, "errors": errors, "numErrors": 1})
    kinds = {"done": Applied, "untraced": Applied, "silent": Lost}
    assert [type(state) for state in states] == [kinds.get(fate, NotFound) for fate in fates]


def test_a_task_reported_as_both_done_and_refused_has_an_unknown_outcome() -> None:
    states = read_states({"results": [result(INPUTS[0])], "errors": [error(INPUTS[0])]})
    assert states == [Lost()] * 6


def test_an_empty_answer_leaves_every_outcome_unknown() -> None:
    for answer in ({}, {"results": None, "errors": "none"}, {"results": [None, 5], "errors": [{"context": 5}]}):
        assert all(isinstance(state, Lost) for state in read_states(answer))


def test_a_result_with_a_foreign_trace_id_is_ignored() -> None:
    stranger = {"id": INPUTS[0].task_id, "objectWriteTraceId": "somebody else's"}
    assert read_states({"results": [stranger]}) == [Lost()] * 6


def test_results_are_matched_by_the_configured_id_property() -> None:
    shown = {"id": "9", "properties": {"ref": INPUTS[2].task_id}}
    states = read_states({"results": [shown]}, "ref")
    assert [isinstance(state, Applied) for state in states] == [index == 2 for index in range(6)]


def test_an_id_neither_returned_nor_refused_by_a_read_is_unmentioned() -> None:
    answer = {"errors": [{"context": {"ids": ["2"]}}]}
    assert unmentioned_ids(["1", "2", "3"], answer, {"1"}) == ["3"]


def test_an_error_without_an_id_applies_to_all_unmatched_inputs() -> None:
    nameless = {"category": "VALIDATION_ERROR", "message": "no"}
    rows = [result(one) for one in INPUTS[:4]]
    states = read_states({"results": rows, "errors": [nameless]})
    assert [lost_by(state) for state in states] == ["applied"] * 4 + ["upstream_refused"] * 2


def test_the_first_of_several_nameless_errors_belongs_to_a_single_missing_input() -> None:
    nameless = [{"category": "CONFLICT"}, {"category": "VALIDATION_ERROR"}]
    states = read_states({"results": [result(one) for one in INPUTS[:5]], "errors": nameless})
    assert [lost_by(state) for state in states] == ["applied"] * 5 + ["conflict"]
    states = read_states({"results": [result(INPUTS[0])], "errors": nameless})
    assert [lost_by(state) for state in states] == ["applied"] + [None] * 5


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("COMPLETE", Applied),
        ("PENDING", State.PENDING),
        ("PROCESSING", State.PENDING),
        ("CANCELED", State.CONFIRMED),
    ],
)
def test_only_the_results_of_a_complete_batch_are_those_of_its_tasks(status: str, state: object) -> None:
    found = read_states({"status": status, "results": [result(one) for one in INPUTS]})
    assert all(state in (one, type(one)) for one in found)


REFUSED, LOST = CallerError("No."), OutcomeUnknown("Lost.")


@pytest.mark.parametrize(("error", "state"), [(None, State.PENDING), (REFUSED, REFUSED), (LOST, Lost(LOST))])
async def test_inputs_that_are_sent_again_have_their_second_outcome(error: TaskhandError | None, state: object) -> None:
    async def send(part: Sequence[TaskInput]) -> BatchAnswer[Record]:
        if error is not None:
            raise error
        return dict.fromkeys((item.index for item in part), State.PENDING)

    assert await send_again(INPUTS[1:4], send) == dict.fromkeys((1, 2, 3), state)
    assert await send_again([], send) == {}
