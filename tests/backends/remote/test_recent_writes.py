"""What is remembered of writes and deletions, and for how long."""

from passing import Time
from taskhand.backends.remote.recent_writes import RecentWrites


def test_a_deletion_is_remembered_while_lists_lag_and_while_what_they_showed_is_kept() -> None:
    time = Time()
    recent = RecentWrites[str](30.0, time.clock)
    recent.deleted("1", lag_s=60.0)
    time.now += 89.0
    assert recent.is_deleted("1")
    time.now += 2.0
    assert not recent.is_deleted("1")


def test_a_deletion_ends_what_was_remembered_of_a_write() -> None:
    recent = RecentWrites[str](30.0, Time().clock, str.casefold)
    recent.wrote("a", "row")
    assert recent.get("A") is not None
    recent.deleted("A")
    assert recent.get("a") is None
    assert list(recent.all()) == []
