"""Remembered writes and deletions, and for how long they are remembered."""

from taskhand.backends.remote.recent_writes import RecentWrites
from virtual_time import Time


def test_a_deletion_is_remembered_during_the_list_lag_plus_the_cache_lifetime() -> None:
    time = Time()
    recent = RecentWrites[str](30.0, time.clock)
    recent.note_deletion("1")
    time.now += 89.0
    recent.note_deletion("2")
    assert [recent.is_deleted(one) for one in "123"] == [True, True, False]
    time.now += 1.0
    assert [recent.is_deleted(one) for one in "12"] == [False, True]


def test_a_deletion_forgets_the_remembered_write_of_the_task() -> None:
    recent = RecentWrites[str](30.0, Time().clock, str.casefold)
    recent.note_write("a", "row")
    assert recent.get("A") is not None
    recent.note_deletion("A")
    assert recent.get("a") is None
    assert list(recent.all()) == []


def test_a_write_that_another_process_has_overtaken_is_forgotten_in_any_spelling_of_its_id() -> None:
    recent = RecentWrites[str](30.0, Time().clock)
    recent.note_write("task_Ab", "row")
    recent.note_write("task_Cd", "row")
    recent.forget_overtaken(["task_ab"])
    assert [one for one, _ in recent.all()] == ["task_Cd"]
    recent.forget_overtaken(None)
    assert [*recent.all()] == []


def test_a_write_is_remembered_for_a_while_and_its_id_for_ever() -> None:
    time = Time()
    recent = RecentWrites[str](30.0, time.clock)
    recent.note_write("a", "first")
    time.now += 10.0
    recent.note_write("b", "other")
    recent.note_write("a", "second", "first")
    assert [one for one, _ in recent.all()] == ["b", "a"]
    time.now += 29.0
    assert recent.get("a")
    time.now += 1.0
    assert recent.get("a") is None
    assert [*recent.all()] == []
    assert recent.known_ids == {"a", "b"}


def test_the_oldest_of_too_many_known_ids_are_forgotten() -> None:
    recent = RecentWrites[str](30.0, Time().clock)
    recent.note_read(map(str, range(200_001)))
    assert recent.known_ids == {str(one) for one in range(100_001, 200_001)}


def test_a_state_that_a_task_returned_to_is_not_a_former_one() -> None:
    recent = RecentWrites[str](30.0, Time().clock)
    recent.note_write("a", "second", "first")
    recent.note_write("a", "first", "second")
    written = recent.get("a")
    assert written is not None
    assert set(written.former) == {"second"}
    assert not written.is_shown


def test_a_list_may_show_any_state_before_the_recent_writes() -> None:
    recent = RecentWrites[str](30.0, Time().clock)
    recent.note_write("a", "second", "first")
    recent.note_write("a", "third", "second")
    recent.note_write("a", "fourth")
    written = recent.get("a")
    assert written is not None
    assert set(written.former) == {"first", "second", "third"}


def test_a_state_that_a_task_has_had_several_times_is_remembered_once() -> None:
    recent = RecentWrites[str](30.0, Time().clock)
    for _ in range(100):
        recent.note_write("a", "open", "done")
        recent.note_write("a", "done", "open")
    recent.note_write("a", "renamed", "done")
    written = recent.get("a")
    assert written is not None
    assert written.former == ("open", "done")


def test_a_state_is_forgotten_that_was_replaced_before_the_recent_writes() -> None:
    time = Time()
    recent = RecentWrites[int](30.0, time.clock)
    for state in range(1, 101):
        recent.note_write("a", state, state - 1)
        time.now += 10.0
    written = recent.get("a")
    assert written is not None
    assert written.former == (97, 98, 99)


def test_the_latest_fifty_former_states_of_a_task_are_kept() -> None:
    recent = RecentWrites[str](30.0, Time().clock)
    for number in range(60):
        recent.note_write("a", f"state {number}")
    written = recent.get("a")
    assert written is not None
    assert written.former == tuple(f"state {number}" for number in range(9, 59))
