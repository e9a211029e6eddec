from typing import Any, Final, get_args

import pytest

from builders import candidate_values, refused
from taskhand.domain.priority import Priority, check_priority, filter_priority

DIGITS: Final = get_args(Priority)


@pytest.mark.parametrize("digit", ["0", "1", "2"])
def test_a_documented_digit_is_a_priority(digit: str) -> None:
    check_priority(digit, DIGITS)


@pytest.mark.parametrize(("word", "digit"), [("low", "0"), ("Medium", "1"), (" HIGH ", "2")])
def test_a_priority_word_is_refused_naming_its_digit(word: str, digit: str) -> None:
    with refused("invalid_priority") as caught:
        check_priority(word, DIGITS)
    assert f'send "{digit}"' in str(caught.value.next_step)
    assert candidate_values(caught.value) == ["0", "1", "2"]


@pytest.mark.parametrize("value", ["3", "-1", "", "1.0", "urgent", "٢", 2, 1.0, True, None])
def test_any_other_value_is_refused_as_a_priority(value: object) -> None:
    with refused("invalid_priority"):
        check_priority(value, DIGITS)


def test_a_priority_that_the_backend_lacks_is_refused_and_not_proposed() -> None:
    with refused("invalid_priority") as caught:
        check_priority("0", ("1", "2"))
    assert candidate_values(caught.value) == ["1", "2"]


@pytest.mark.parametrize(
    ("sent", "digits", "next_step"),
    [
        ("high", ("0", "1", "2"), 'For high send "2".'),
        ("Alta", ("0", "1", "2"), 'For alta send "2".'),
        ("urgent", ("0", "1", "2"), 'Send "0" or "1" or "2".'),
        ("low", ("1", "2"), 'Send "1" or "2".'),
        ("0", ("1", "2"), 'Send "1" or "2".'),
    ],
)
def test_a_wrong_priority_is_answered_with_one_that_the_backend_has(
    sent: str, digits: tuple[Any, ...], next_step: str
) -> None:
    with refused("invalid_priority") as caught:
        check_priority(sent, digits)
    assert caught.value.next_step == next_step


@pytest.mark.parametrize(("word", "digit"), [("HIGH", "2"), ("alta", "2"), ("normal", "1"), ("Baja", "0"), ("1", "1")])
def test_a_filter_takes_a_word_for_a_priority(word: str, digit: str) -> None:
    assert filter_priority(word, DIGITS) == digit


@pytest.mark.parametrize("word", ["low", "baja", "urgent", "0"])
def test_a_filter_refuses_a_priority_that_the_backend_lacks_or_that_is_not_certain(word: str) -> None:
    with refused("invalid_priority") as caught:
        filter_priority(word, ("1", "2"))
    assert repr(word) in caught.value.message
