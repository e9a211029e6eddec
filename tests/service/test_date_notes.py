"""The note on days in words that were counted in UTC."""

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from file_stores import journal_in, store_in
from taskhand.domain.name_matching import Match
from taskhand.service.app_context import AppContext
from taskhand.service.date_notes import note_on_words
from taskhand.service.lazy import Lazy

NIGHT = datetime(2026, 3, 2, 23, 30, tzinfo=UTC)
IN_CHILE = NIGHT.astimezone(timezone(timedelta(hours=-3)))


@pytest.mark.parametrize(
    ("now", "zone", "argument", "is_noted"),
    [
        (NIGHT, None, "dueDate", True),
        (NIGHT, None, "responsibleIds", False),
        (NIGHT, "America/Santiago", "dueDate", False),
        (IN_CHILE, None, "dueDate", False),
    ],
)
def test_words_are_noted_if_neither_the_settings_nor_the_machine_have_a_zone(
    now: datetime, zone: str | None, argument: str, tmp_path: Path, *, is_noted: bool
) -> None:
    app = AppContext(store_in(tmp_path), Lazy(lambda: journal_in(tmp_path)), lambda: now, timezone=zone)
    note = note_on_words(app, [Match(argument, "tomorrow", "2026-03-03", "2026-03-03")])
    assert (note is not None) is is_noted
