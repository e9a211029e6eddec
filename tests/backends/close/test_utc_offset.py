"""The UTC offset that a request to Close carries."""

from datetime import date

import pytest

from taskhand.backends.close.client import offset_on


@pytest.mark.parametrize(
    ("zone", "offset"),
    [(None, "0"), ("UTC", "0"), ("Asia/Kathmandu", "5.75"), ("America/St_Johns", "-3.5"), ("Pacific/Kiritimati", "14")],
)
def test_an_offset_is_in_decimal_hours(zone: str | None, offset: str) -> None:
    assert offset_on(date(2026, 1, 10), zone) == offset


@pytest.mark.parametrize(("day", "offset"), [(date(2026, 3, 28), "1"), (date(2026, 3, 29), "2")])
def test_the_offset_of_a_day_on_which_the_clocks_change_is_that_after_the_change(day: date, offset: str) -> None:
    assert offset_on(day, "Europe/Madrid") == offset
