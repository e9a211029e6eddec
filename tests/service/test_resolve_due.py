"""The due date of an edit that keeps or shifts the one that a task has."""

from dataclasses import dataclass
from datetime import date, time
from pathlib import Path

import pytest

from behaviour.world import NOW
from builders import refused, task
from file_stores import journal_in, store_in
from taskhand.domain.due import at_wall
from taskhand.domain.due_request import DueRequest
from taskhand.domain.task import Task
from taskhand.service.app_context import AppContext
from taskhand.service.forwarding_backend import ForwardingBackend
from taskhand.service.lazy import Lazy
from taskhand.service.resolve_due import resolve_due

SANTIAGO = "America/Santiago"
LATE = task(due_at="2026-03-02T01:00:00.000Z")
"""Due on the evening of March 1 in Santiago; the task has no zone."""


@dataclass
class Certainty:
    """What a backend is certain of: the moment of a due date, and its day."""

    of_moment: bool = True
    of_day: bool = True

    def __call__(self, _: Task, *, of_day: bool = False) -> bool:
        return self.of_day if of_day else self.of_moment


@pytest.fixture
def sure() -> Certainty:
    return Certainty()


@pytest.fixture
def app(tmp_path: Path, sure: Certainty) -> AppContext:
    class Backend(ForwardingBackend):
        """A backend that is certain of so much."""

        def sure_of_due(self, task: Task, *, of_day: bool = False) -> bool:
            return sure(task, of_day=of_day)

    return AppContext(Backend(store_in(tmp_path)), Lazy(lambda: journal_in(tmp_path)), lambda: NOW, timezone=SANTIAGO)


def test_a_shifted_due_date_counts_from_its_day_in_the_zone_of_the_account(app: AppContext) -> None:
    at_ten = DueRequest(due_time=time(10))
    for request, clock in ((DueRequest(), time(22)), (at_ten, time(10))):
        due = resolve_due(app, request, LATE, 1)
        assert getattr(due, "at", None) == at_wall(date(2026, 3, 2), clock, SANTIAGO)


def test_a_due_date_whose_day_is_uncertain_is_neither_shifted_nor_kept_without_its_time(
    app: AppContext, sure: Certainty
) -> None:
    sure.of_day = False
    for request, days in ((DueRequest(), 1), (DueRequest(due_time=time(10)), 1), (DueRequest(due_time=None), None)):
        with refused("due_unsure"):
            resolve_due(app, request, LATE, days)
    assert resolve_due(app, DueRequest(due_date=date(2026, 3, 5), due_time=None), LATE, None) is not None
    sure.of_day, sure.of_moment = True, False
    assert resolve_due(app, DueRequest(), LATE, 1) is not None
