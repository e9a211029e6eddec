"""The faults that an evaluation finds, and the runs that pass."""

from dataclasses import replace
from typing import Any

import pytest

from taskhand.testing.evaluation import RunRecord, unmet_reasons
from taskhand.testing.recorded_calls import Called
from taskhand.testing.scenario import Scenario
from taskhand.testing.stored_task import StoredTask

CALL = StoredTask(
    id="1",
    title="Call Acme",
    description=None,
    status="Pendiente",
    status_type="initial",
    due="2026-03-03T15:00-03:00",
    responsibles=("Ana Soto", "Luis Pereira"),
    priority=1,
    contact=None,
    customer=None,
)
OTHER = replace(CALL, id="2", title="Book the room")
WRONG = {"because": "x"}


def _scenario(**said: Any) -> Scenario:
    fixed = {"name": "one", "about": "x", "task": "x", "backends": ["local"], "solution": {}, "wrong": [WRONG]}
    return Scenario.model_validate(fixed | said)


def _run_record(*after: StoredTask, calls: tuple[Called, ...] = (), answer: str = "") -> RunRecord:
    return RunRecord((CALL, OTHER), after, calls, (), (), answer, None)


@pytest.mark.parametrize(
    ("expected", "after"),
    [
        ({"due": "2026-03-03T18:00+00:00"}, CALL),
        ({"responsibles": ["Luis Pereira", "Ana Soto"]}, CALL),
        ({"status": "initial"}, CALL),
        ({"status": "Pendiente"}, CALL),
        ({"description": ""}, CALL),
        ({"due": ""}, replace(CALL, due=None)),
        ({"mentions": ["tax"]}, replace(CALL, description="the new TAX id")),
        ({"native": {"state": "NONE"}}, replace(CALL, native={"state": "NONE", "else": 1})),
    ],
)
def test_a_met_expectation_gives_no_reason(expected: dict[str, Any], after: StoredTask) -> None:
    assert unmet_reasons(_scenario(expect=[{"title": "Call Acme"} | expected]), _run_record(after, OTHER)) == ()


@pytest.mark.parametrize(
    ("expected", "after", "said"),
    [
        ({"due": "2026-03-03"}, CALL, "Call Acme: due is 2026-03-03T15:00-03:00, expected 2026-03-03"),
        ({"due": ""}, CALL, "Call Acme: due is 2026-03-03T15:00-03:00, expected nothing"),
        ({"responsibles": []}, CALL, "Call Acme: responsibles is Ana Soto, Luis Pereira, expected nobody"),
        ({"status": "done"}, CALL, "Call Acme: status is Pendiente, expected done"),
        ({"priority": 2}, replace(CALL, priority=2, due=None), "Call Acme: due is nothing, and was 2026-03-03T15"),
        ({"mentions": ["tax"]}, CALL, "Call Acme: description does not mention 'tax'"),
        ({"native": {"state": "NONE"}}, CALL, "Call Acme: state is nothing, expected NONE"),
        ({"count": 0}, CALL, "Call Acme: 1 tasks, expected 0"),
        ({}, replace(CALL, id="9", due=None), "Call Acme: due is nothing, and was 2026-03-03T15"),  # created again
    ],
)
def test_an_unmet_expectation_gives_its_reason(expected: dict[str, Any], after: StoredTask, said: str) -> None:
    (reason,) = unmet_reasons(_scenario(expect=[{"title": "Call Acme"} | expected]), _run_record(after, OTHER))
    assert reason.startswith(said)


def test_an_expected_deletion_is_no_unexpected_change() -> None:
    assert unmet_reasons(_scenario(expect=[{"title": "Call Acme", "count": 0}]), _run_record(OTHER)) == ()


def test_an_unexpected_change_is_a_reason() -> None:
    late, new = replace(OTHER, due="2026-03-04"), replace(CALL, id="3", title="New")
    assert unmet_reasons(_scenario(), _run_record(late, new)) == (
        "New: was added",
        "Call Acme: is gone",
        "Book the room: due is 2026-03-04, and was 2026-03-03T15:00-03:00",
    )
    assert unmet_reasons(_scenario(unchanged=False), _run_record(late, new)) == ()


def test_calls_are_allowed_forbidden_needed_and_counted() -> None:
    looked = Called("list_tasks", {"text": "x"}, "{}")
    wrote = Called("bulk_update_tasks", {"filter": {"overdue": True}, "dryRun": False}, "{}")
    refused = Called("complete_task", {"id": "1"}, "{}", "task_not_found")
    rules = {
        "allowed": ["reads", "bulk_update_tasks filter.overdue=true"],
        "forbidden": ["writes dryRun=false"],
        "needed": ["list_tasks text=x", "bulk_update_tasks filter.overdue", "complete_task"],
        "at_most": 2,
    }
    seen = _run_record(CALL, OTHER, calls=(looked, wrote, refused))
    assert unmet_reasons(_scenario(calls=rules), seen) == (
        'forbidden call (writes dryRun=false): bulk_update_tasks {"filter": {"overdue": true}, "dryRun": false}',
        'call that is not allowed: complete_task {"id": "1"} → task_not_found',
        "needed call is missing: complete_task",
        "too many calls: 3, at most 2",
    )


def test_the_final_message_is_matched_without_case_and_accents() -> None:
    asked = {"mentions": ["María"], "omits": ["secret"], "asks": True}
    assert unmet_reasons(_scenario(answer=asked), _run_record(CALL, OTHER, answer="Which MARIA?")) == ()
    assert unmet_reasons(_scenario(answer=asked), _run_record(CALL, OTHER, answer="A Secret.")) == (
        "the answer does not mention 'María'",
        "the answer mentions 'secret'",
        "the answer asks nothing",
    )
