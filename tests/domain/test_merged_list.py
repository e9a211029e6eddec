"""Lists over several connections, and cursors that belong to one list."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import refused
from taskhand.domain.cursor import bind_cursor, unbind_cursor
from taskhand.domain.merged_list import ConnectionPage, MergedCursor, merge_rows

NAMES = ["north", "south"]


def test_a_cursor_is_good_for_the_list_that_it_is_bound_to() -> None:
    bound = bind_cursor("abc", "north", "ana")
    assert unbind_cursor(bound, "north", "ana") == "abc"
    assert bind_cursor("abc") == bind_cursor("abc", None) == "abc"
    assert unbind_cursor("abc", None) == "abc"
    wrong: list[tuple[str, tuple[str | None, ...]]] = [
        (bound, ("south", "ana")),
        (bound, ("ana", "north")),
        (bound, ("north", None)),
        (bound, ()),
        ("abc", ("north", "ana")),
        ("abc.", ("north", "ana")),
    ]
    for cursor, of in wrong:
        with refused("invalid_cursor"):
            unbind_cursor(cursor, *of)


def test_rows_with_equal_keys_are_in_the_order_of_the_connections() -> None:
    rows = {"south": [1, 3], "north": [1, 2]}
    assert list(merge_rows(rows, lambda row: row)) == [("south", 1), ("north", 1), ("north", 2), ("south", 3)]
    falling = {name: own[::-1] for name, own in rows.items()}
    assert list(merge_rows(falling, lambda row: row, descends=True)) == [
        ("south", 3),
        ("north", 2),
        ("south", 1),
        ("north", 1),
    ]


@given(
    north=st.lists(st.integers(0, 9), max_size=8).map(sorted),
    south=st.lists(st.integers(0, 9), max_size=8).map(sorted),
    limit=st.integers(1, 5),
)
def test_the_pages_of_all_connections_have_every_row_once_and_in_order(
    north: list[int], south: list[int], limit: int
) -> None:
    rows = {"north": [("north", n, row) for n, row in enumerate(north)]}
    rows["south"] = [("south", n, row) for n, row in enumerate(south)]
    found: list[Any] = []
    cursor: str | None = None
    for _ in range(len(north) + len(south) + 1):
        positions = MergedCursor.of_list(NAMES, "asked", cursor)
        pages, parts = dict[str, list[Any]](), dict[str, ConnectionPage]()
        for name in positions.unfinished:
            position = positions.by_name[name] or ("-1",)
            rest = rows[name][int(position[0]) + 1 :]
            pages[name] = rest[:limit]
            parts[name] = ConnectionPage([(str(n),) for _, n, _ in pages[name]], len(rest) > limit)
        shown = list(merge_rows(pages, lambda one: one[2]))[:limit]
        found += [row for _, row in shown]
        cursor = positions.after([name for name, _ in shown], parts)
        if cursor is None:
            break
    assert cursor is None
    assert found == [row for _, row in merge_rows(rows, lambda one: one[2])]


def test_a_connection_without_a_part_stays_where_it_is() -> None:
    first = MergedCursor.of_list(NAMES, "asked", None)
    cursor = first.after(["north"], {"north": ConnectionPage([("1",)], more=False)}, may_be_back=True)
    later = MergedCursor.of_list(NAMES, "asked", cursor)
    assert dict(later.by_name) == {"north": None, "south": ()}
    assert (later.unfinished, later.others_ended, first.others_ended) == (("south",), True, False)
    assert first.after(["north"], {"north": ConnectionPage([("1",)], more=False)}) is None
    waiting = first.after(["north"], {"north": ConnectionPage([("1",), ("2",)], more=False)})
    assert dict(MergedCursor.of_list(NAMES[::-1], "asked", waiting).by_name) == {"south": (), "north": ("1",)}
    assert first.after([], {"north": ConnectionPage([], more=True)}) is None


def test_the_cursor_of_another_list_or_of_other_connections_is_refused() -> None:
    cursor = MergedCursor.of_list(NAMES, "asked", None).after(["north"], {"north": ConnectionPage([("1",)], more=True)})
    assert cursor is not None
    assert MergedCursor.of_list(NAMES, "asked", cursor).by_name["north"] == ("1",)
    ended = MergedCursor(MergedCursor.of_list(NAMES, "asked", None).of, {"north": None, "south": None}).cursor()
    for names, asked, wrong in (
        (NAMES, "other", cursor),
        (["north"], "asked", cursor),
        ([*NAMES, "west"], "asked", cursor),
        (NAMES, "asked", ended),
        (NAMES, "asked", "next"),
        (NAMES, "asked", ""),
    ):
        with refused("invalid_cursor"):
            MergedCursor.of_list(names, asked, wrong)


@pytest.mark.parametrize("position", [2, -1, [], [1], "a", None])
def test_a_cursor_with_a_forged_position_is_refused(position: object) -> None:
    sound = MergedCursor(MergedCursor.of_list(NAMES, "asked", None).of, {"north": ("1",), "south": ()})
    assert MergedCursor.of_list(NAMES, "asked", sound.cursor()) == sound
    forged = json.dumps([sound.of, {"north": position, "south": 1}]).encode()
    with refused("invalid_cursor"):
        MergedCursor.of_list(NAMES, "asked", base64.urlsafe_b64encode(forged).decode())
