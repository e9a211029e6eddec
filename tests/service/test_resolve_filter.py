"""The days of a filter, which are of the due date or of another moment of a task."""

from pathlib import Path

import pytest
from pydantic import MISSING

from behaviour.world import NOW
from file_stores import journal_in, store_in
from taskhand.domain.task_query import DateField, TaskFilter
from taskhand.service.app_context import AppContext
from taskhand.service.lazy import Lazy
from taskhand.service.resolve_filter import resolve_filter

DAYS = ("2026-03-01", "2026-03-08")


@pytest.mark.parametrize("date_field", [MISSING, "due", "created", "updated", "completed"])
async def test_days_limit_the_due_date_or_the_named_moment_and_never_both(
    tmp_path: Path, date_field: DateField | MISSING
) -> None:
    app = AppContext(store_in(tmp_path), Lazy(lambda: journal_in(tmp_path)), lambda: NOW)
    days = TaskFilter(from_date=DAYS[0], to_date=DAYS[1], date_field=date_field, include_tasks_without_dates=False)
    query = await resolve_filter(app, days)
    moment = None if date_field in (MISSING, "due") else date_field
    assert (query.from_date, query.to_date) == ((None, None) if moment else DAYS)
    assert (query.period.moment if query.period else None) == moment
    assert query.include_tasks_without_dates == (moment is not None)
    await app.aclose()
