"""The page of the board is one small document that asks no other for anything."""

import re

from taskhand.server.board.page import board_page

MAX_BYTES = 20_000


def test_the_board_is_one_small_document() -> None:
    page = board_page()
    assert len(page.encode()) <= MAX_BYTES
    assert page.startswith("<!doctype html>\n<html")
    assert "<!--" not in page
    assert [len(re.findall(rf"<{name}\b", page)) for name in ("style", "script", "link", "img")] == [1, 1, 0, 0]


def test_the_page_refers_to_nothing_outside_itself() -> None:
    assert not re.search(
        r"""https?://|\b(src|href|import|fetch|XMLHttpRequest|WebSocket|eval|Function|innerHTML)\b""", board_page()
    )
