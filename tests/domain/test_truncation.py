import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskhand.domain.truncation import split_cut, truncate, truncate_change


@pytest.mark.parametrize(
    ("was", "now", "shown"),
    [
        ("short", "shorter", ("short", "shorter")),
        ("a" * 300, "b" * 300, (f"{'a' * 200}… (+100 characters)", f"{'b' * 200}… (+100 characters)")),
        ("a" * 300, f"{'a' * 300}\ncalled", (f"…{'a' * 40}", f"…{'a' * 40}\ncalled")),
        (f"{'a' * 300}b{'c' * 300}", f"{'a' * 300}{'c' * 300}", None),
    ],
)
def test_a_change_late_in_a_long_text_is_shown_where_it_is(was: str, now: str, shown: tuple[str, str] | None) -> None:
    first, second = truncate_change(was, now, 200)
    assert shown is None or (first, second) == shown
    assert first != second


@given(st.text(min_size=2), st.data())
def test_a_truncated_text_is_recognised_by_its_end(text: str, data: st.DataObject) -> None:
    longest = data.draw(st.integers(0, len(text) - 1))
    assert split_cut(truncate(text, longest)) == (text[:longest], len(text) - longest, "")


def test_a_text_of_the_greatest_length_is_shown_whole() -> None:
    assert (truncate("abc", 3), truncate("abcd", 3)) == ("abc", "abc… (+1 characters)")
