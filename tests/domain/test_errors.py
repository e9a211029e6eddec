"""The default code and retryability of each class of error."""

import pytest

from taskhand.domain import errors
from taskhand.domain.errors import Candidate, TaskhandError

DEFAULTS = {
    errors.CallerError: ("invalid_arguments", False),
    errors.NotFound: ("not_found", False),
    errors.Ambiguous: ("ambiguous", False),
    errors.NotAttempted: ("not_attempted", True),
    errors.OperatorError: ("configuration", False),
    errors.NotAllowed: ("not_allowed", False),
    errors.LinkRequired: ("link_required", False),
    errors.LinkBroken: ("link_broken", False),
    errors.UpstreamError: ("upstream_error", False),
    errors.InvalidAnswer: ("upstream_invalid", False),
    errors.UpstreamFailed: ("upstream_error", True),
    errors.RateLimited: ("rate_limited", True),
    errors.OutcomeUnknown: ("outcome_unknown", False),
    errors.NoAnswer: ("outcome_unknown", False),
}


@pytest.mark.parametrize("kind", DEFAULTS)
def test_an_error_has_the_code_and_the_retryability_of_its_class(kind: type[TaskhandError]) -> None:
    error = kind("Something is wrong.")
    assert (error.code, error.retryable) == DEFAULTS[kind]
    assert kind("Something is wrong.", retryable=not error.retryable).retryable is not error.retryable


def test_a_copy_of_an_error_has_what_a_border_adds_and_leaves_the_error_as_it_was() -> None:
    error = errors.NotFound("No task has this id.", code="task_not_found", next_step="List them.", details={"id": "t"})
    copied = error.but(message="No task has it.", connection="north")
    assert isinstance(copied, errors.NotFound)
    assert (str(copied), copied.message, copied.connection) == ("No task has it.", "No task has it.", "north")
    assert (copied.code, copied.next_step, copied.details) == ("task_not_found", "List them.", {"id": "t"})
    assert (str(error), error.message, error.connection) == ("No task has this id.", "No task has this id.", None)
    others = {"next_step": "Send one.", "candidates": [Candidate("t-1")], "private_step": "Look in the log."}
    more = error.but(**others)  # type: ignore[arg-type]  # each as its argument has it
    assert (more.message, more.next_step, more.private_step) == (error.message, "Send one.", "Look in the log.")
    assert more.candidates == (Candidate("t-1"),)
    assert (error.next_step, error.candidates, error.private_step) == ("List them.", (), None)
