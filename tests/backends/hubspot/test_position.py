"""The position in HubSpot's changes: new changes, the start of the next search, and forgotten ones."""

from dataclasses import replace

import pytest

from builders import refused
from taskhand.backends.hubspot.events.position import POSITION, Bin, Position
from taskhand.domain.errors import OperatorError

DAY_MS, LAG_MS = 86_400_000, 300_000
AT = 10 * DAY_MS


def test_a_position_is_read_as_it_was_written_and_a_damaged_one_is_refused() -> None:
    position = replace(
        Position.at(AT).with_seen({"1": AT + 5}, {"2": AT + 6}, floor=7), bin=Bin(1, 2, 3, "x", {"4": 5})
    )
    assert POSITION.read(POSITION.write(position)) == position
    for damaged in ("", "[]", "{}", POSITION.write(position).replace('"bin"', '"box"')):
        with refused("configuration", OperatorError):
            POSITION.read(damaged)


def test_a_search_begins_some_time_before_the_newest_change_but_not_before_its_floor() -> None:
    begun = Position.at(AT)
    assert begun.search_from == AT - LAG_MS
    later = begun.with_seen({"1": AT + DAY_MS}, {})
    assert later.search_from == AT + DAY_MS - LAG_MS
    assert later.with_seen({}, {}, floor=AT + DAY_MS).search_from == AT + DAY_MS
    assert later.with_seen({}, {}, floor=AT + DAY_MS).with_seen({}, {}).search_from == AT + DAY_MS
    assert [begun.looks, later.looks] == [0, 1]


def test_a_change_is_new_after_the_last_seen_one_and_old_ones_are_forgotten() -> None:
    begun = Position.at(AT)
    position = begun.with_seen({"1": AT, "2": AT + 1}, {"1": AT + 2})
    assert begun.is_new("1", 0)
    assert [position.is_new("1", at) for at in (AT + 2, AT + 3)] == [False, True]
    later = position.with_seen({"3": AT + 1 + LAG_MS}, {})
    assert later.seen == {"2": AT + 1, "1": AT + 2, "3": AT + 1 + LAG_MS}
    assert later.with_seen({"4": AT + 2 + LAG_MS}, {}).seen.keys() == {"1", "3", "4"}


def test_the_search_begins_a_day_before_the_newest_seen_change_but_not_before_the_start() -> None:
    begun = Position.at(AT)
    assert begun.since == AT
    week = begun.with_seen({"1": AT + 7 * DAY_MS}, {})
    assert week.since == AT + 6 * DAY_MS
    behind = begun.with_seen({"1": AT + 7 * DAY_MS}, {}, is_behind=True)
    assert behind.since == AT
    assert behind.with_seen({}, {}).since == AT + 6 * DAY_MS


@pytest.mark.parametrize(("at", "is_new"), [(AT - LAG_MS - 1, False), (AT - LAG_MS, True), (AT + 5, True)])
def test_a_deletion_is_reported_unless_it_precedes_the_position_that_was_read(at: int, *, is_new: bool) -> None:
    assert Position.at(AT).bin.is_new("1", at) is is_new


def test_a_deletion_is_seen_once_though_the_list_is_read_again_and_again() -> None:
    first = Position.at(AT).bin.with_seen({"1": AT + 10}, "page 2")
    assert (first.after, first.newest, first.last, first.since) == ("page 2", AT + 10, AT, AT)
    whole = first.with_seen({"2": AT + 5}, None)
    assert (whole.after, whole.newest, whole.last, whole.since) == (None, AT + 10, AT + 10, AT)
    assert not whole.is_new("1", AT + 10)
    assert not whole.is_new("2", AT + 5)
    assert whole.is_new("2", AT + 6)  # deleted again, after it was put back


def test_seen_deletions_are_forgotten_once_the_list_was_read_from_its_beginning_twice_since() -> None:
    late = AT + 10 + LAG_MS + 1
    once = Position.at(AT).bin.with_seen({"1": AT + 10, "2": late, "3": AT + 11}, None)
    assert once.seen.keys() == {"1", "2", "3"}
    twice = once.with_seen({}, None)
    assert twice.since == late
    assert twice.seen == {"2": late, "3": AT + 11}
    assert not twice.is_new("1", AT + 10)
    assert not twice.is_new("3", AT + 11)
