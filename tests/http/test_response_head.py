"""Lines of a response's head that are no header fields are left out, however the bytes arrive."""

from itertools import pairwise

import pytest

from taskhand.http.response_head import HeadReader

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"
JUNK = (
    b"X-Caf\xc3\xa9: 1",
    b"X-Caf\xe9: 1",
    b"no colon at all",
    b"X-Note : spaced",
    b"X-\x00-Note: NUL",
    b"X-Note: NUL\x00",
    b"X-Note: bare\rCR",
    b"\x1b[31mX: escape",
    b": without a name",
    b"(X): 1",
    b"X-Note : folded\r\n  twice\r\n\tand again",
)
KEPT = (
    b"X-Note: caf\xe9",
    b"X-Note:",
    b"X-Note: one\r\n two",
    b"x!#$%&'*+.^_`|~9: 1",
    b"X-Long: " + b"x" * 50_000,
    b"Content-Length : 2",
    b"X\xe9-Content-Length: 2",
    b" Transfer-Encoding: chunked",
)
"""Header fields, and junk that speaks of framing, which the parser has to refuse."""


def read_heads(*chunks: bytes) -> bytes:
    reader = HeadReader()
    reader.expect()
    return b"".join(passed for chunk in chunks if (passed := reader.feed(chunk)) is not None)


def with_line(line: bytes) -> bytes:
    return HEAD.replace(b"\r\n", b"\r\n" + line + b"\r\n", 1)


@pytest.mark.parametrize("line", JUNK)
def test_removes_lines_that_are_not_header_fields(line: bytes) -> None:
    assert read_heads(with_line(line) + b"{}") == HEAD + b"{}"


@pytest.mark.parametrize("line", KEPT, ids=lambda line: line[:20])
def test_keeps_header_fields_and_whatever_speaks_of_framing(line: bytes) -> None:
    assert read_heads(with_line(line) + b"{}") == with_line(line) + b"{}"


def test_reads_a_head_that_arrives_byte_by_byte_and_in_halves() -> None:
    whole = with_line(JUNK[0]) + b"{}"
    assert read_heads(*(whole[at : at + 1] for at in range(len(whole)))) == HEAD + b"{}"
    for first, second in pairwise(range(1, len(whole), 7)):
        assert read_heads(whole[:first], whole[first:second], whole[second:]) == HEAD + b"{}"


def test_takes_lines_that_end_with_a_line_feed_alone() -> None:
    assert read_heads(with_line(JUNK[0]).replace(b"\r\n", b"\n")) == HEAD.replace(b"\r\n", b"\n")


def test_cleans_the_head_after_an_informational_one() -> None:
    early = b"HTTP/1.1 103 Early Hints\r\nX-\xe9: 1\r\n\r\n"
    assert read_heads(early, with_line(JUNK[0])) == b"HTTP/1.1 103 Early Hints\r\n\r\n" + HEAD
    assert read_heads(early + with_line(JUNK[0])) == b"HTTP/1.1 103 Early Hints\r\n\r\n" + HEAD


def test_a_body_that_looks_like_a_head_is_passed_on_unchanged() -> None:
    body = with_line(JUNK[0])
    assert read_heads(HEAD, body) == HEAD + body
    assert read_heads(HEAD + body) == HEAD + body


def test_an_incomplete_or_endless_head_is_passed_on_unchanged() -> None:
    cut, endless = with_line(JUNK[0])[:-2], b"HTTP/1.1 200 OK\r\n" + b"X-\xe9: 1\r\n" * 20_000
    assert read_heads(cut, b"") == cut
    assert read_heads(endless) == endless


def test_only_bytes_that_follow_a_request_are_read_as_a_head() -> None:
    reader = HeadReader()
    assert reader.feed(with_line(JUNK[0])) == with_line(JUNK[0])
    reader.expect()
    reader.expect()
    assert reader.feed(with_line(JUNK[0])) == HEAD
    assert reader.feed(b"X-\xe9") == b"X-\xe9"
