"""The notes on days in words that were counted in UTC, and on a time zone that a CRM does not keep."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from behaviour.world import NOW
from file_stores import journal_in, store_in
from taskhand.domain.name_matching import Match
from taskhand.service.app_context import AppContext
from taskhand.service.date_notes import note_on_words, note_on_zone
from taskhand.service.lazy import Lazy

NIGHT = datetime(2026, 3, 2, 23, 30, tzinfo=UTC)
IN_CHILE = NIGHT.astimezone(timezone(timedelta(hours=-3)))
LIMA, SANTIAGO = {"timezone": "America/Lima"}, {"timezone": " america/santiago "}


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


@pytest.mark.parametrize(
    ("keeps", "own", "arguments", "is_noted"),
    [
        (False, "America/Santiago", LIMA, True),
        (False, "America/Santiago", SANTIAGO, False),
        (False, "America/Santiago", {"tasks": [SANTIAGO, {"changes": LIMA}]}, True),
        (False, "America/Santiago", {"title": "America/Lima", "timezone": " "}, False),
        (False, None, {"timezone": "utc"}, False),
        (False, None, LIMA, True),
        (True, "America/Santiago", LIMA, False),
    ],
)
async def test_another_time_zone_than_the_stored_one_is_noted_wherever_it_is_sent(
    own: str | None, arguments: dict[str, Any], tmp_path: Path, *, keeps: bool, is_noted: bool
) -> None:
    app = AppContext(store_in(tmp_path), Lazy(lambda: journal_in(tmp_path)), lambda: NOW, timezone=own)
    app.backend.capabilities = replace(app.backend.capabilities, keeps_timezone=keeps)
    note = note_on_zone(app, arguments)
    assert ("a time in America/Lima is stored" in (note or "")) is is_noted
    await app.aclose()
