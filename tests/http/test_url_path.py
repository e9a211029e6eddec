from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskhand.domain.errors import CallerError
from taskhand.http.url_path import Path

if TYPE_CHECKING:
    from http.conftest import Clients, Server


def test_a_path_has_its_encoded_form_and_its_template_for_logs() -> None:
    path = Path.of("/api/public/tasks/{id}", id="a b")
    assert (path.raw, path.template) == ("/api/public/tasks/a%20b", "/api/public/tasks/{id}")


def test_a_trailing_slash_and_several_segments_are_kept() -> None:
    assert Path.of("/task/{id}/note/{note_id}/", id="1", note_id="2").raw == "/task/1/note/2/"


@pytest.mark.parametrize("value", ["", ".", "..", "a\nb", "a\0", "\x7f", "\x85", "\ud800", "x" * 257])
def test_an_id_that_could_not_be_one_segment_is_refused_and_not_quoted(value: str) -> None:
    with pytest.raises(CallerError) as caught:
        Path.of("/tasks/{id}", id=value)
    assert caught.value.code == "invalid_id"
    assert not value.strip(".") or value not in str(caught.value)


@pytest.mark.parametrize(
    "value",
    [
        "../org/9",
        "a/../9",
        "a/..",
        "%2e%2e",
        "%2E%2e%2f9",
        "..%2f9",
        "%252e%252e%252f9",
        "..\\..",
        "..;/9",
        "./9",
        "a/./9",
    ],
)
def test_an_id_that_becomes_a_path_when_it_is_decoded_again_is_refused(value: str) -> None:
    with pytest.raises(CallerError, match="is not an id"):
        Path.of("/tasks/{id}", id=value)


@pytest.mark.parametrize("template", ["tasks", "/tasks/../{id}", "/tasks/x{id}", "//{id}", "/tasks?x={id}", "/{id}#"])
def test_a_template_that_is_not_made_of_segments_is_a_bug(template: str) -> None:
    with pytest.raises(ValueError, match="does not take"):
        Path.of(template, id="1")


def test_missing_and_surplus_values_are_bugs() -> None:
    with pytest.raises(ValueError, match="does not take"):
        Path.of("/tasks/{id}")
    with pytest.raises(ValueError, match="does not take"):
        Path.of("/tasks", id="1")


def test_takes_an_id_of_256_characters() -> None:
    assert Path.of("/tasks/{id}", id="x" * 256).raw == "/tasks/" + "x" * 256


@given(st.text(min_size=1, max_size=256))
def test_any_accepted_id_stays_one_segment_and_is_decoded_unchanged(value: str) -> None:
    try:
        raw = Path.of("/tasks/{id}", id=value).raw
    except CallerError:
        return
    head, _, last = raw.rpartition("/")
    assert head == "/tasks"
    assert unquote(last) == value
    assert last.isascii()
    assert not set("?#;\\ \r\n") & set(last)
    assert last not in {".", ".."}


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        ("org/9", "/api/tasks/org%2F9"),
        ("%2f", "/api/tasks/%252f"),
        ("a..b", "/api/tasks/a..b"),
        ("...", "/api/tasks/..."),
        ("a?b#c;d", "/api/tasks/a%3Fb%23c%3Bd"),
        ("ñ@:", "/api/tasks/%C3%B1%40%3A"),
    ],
)
async def test_a_path_is_sent_exactly_as_it_was_encoded(
    clients: Clients, server: Server, value: str, sent: str
) -> None:
    client = await clients(server.url + "/api/")
    await client.get(Path.of("/tasks/{id}", id=value))
    assert server.received[0].line == f"GET {sent} HTTP/1.1"
