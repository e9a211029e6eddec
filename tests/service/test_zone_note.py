"""The note on a time zone that a CRM does not keep."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from behaviour.world import NOW
from builders import task
from file_stores import journal_in, store_in
from taskhand.domain.receipt import Receipt
from taskhand.service.app_context import AppContext
from taskhand.service.lazy import Lazy
from taskhand.service.zone_note import with_zone_note

LIMA, SANTIAGO = {"timezone": "America/Lima"}, {"timezone": " america/santiago "}


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
    note = with_zone_note(app, arguments, Receipt(task(), note="Done.")).note
    assert note is not None
    assert note.startswith("Done.")
    assert ("a time in America/Lima is stored" in note) is is_noted
    await app.aclose()
