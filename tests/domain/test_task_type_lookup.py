"""Which type of task a text means."""

import pytest

from builders import refused
from taskhand.domain.errors import Ambiguous, CallerError
from taskhand.domain.name_matching import Match
from taskhand.domain.task_type_lookup import KnownType, match_task_type

KNOWN = [
    KnownType("CALL", "Call"),
    KnownType("TODO", "To-do"),
    KnownType("FOLLOW_UP_CALL", "Follow-up"),
    KnownType("custom_1", "Site visit"),
    KnownType("custom_2", "Second visit"),
]


@pytest.mark.parametrize(
    ("given", "value"),
    [
        ("todo", "TODO"),
        ("To Do", "TODO"),
        ("call", "CALL"),
        ("follow up call", "FOLLOW_UP_CALL"),
        ("Follow-Up", "FOLLOW_UP_CALL"),
        ("follow", "FOLLOW_UP_CALL"),
        ("SITE", "custom_1"),
        ("visit, second", "custom_2"),
    ],
)
def test_a_type_is_found_by_its_value_its_label_or_whole_words_of_one(given: str, value: str) -> None:
    label = next(one.label for one in KNOWN if one.value == value)
    assert match_task_type(given, KNOWN) == (value, (Match("taskType", given, value, label),))


def test_a_task_type_given_by_its_value_or_without_known_types_is_not_a_match() -> None:
    assert match_task_type(" TODO ", KNOWN) == ("TODO", ())
    assert match_task_type(" whatever ", ()) == ("whatever", ())


def test_words_of_several_types_are_refused_with_these() -> None:
    with refused("ambiguous_task_type", Ambiguous) as caught:
        match_task_type("visit", KNOWN)
    assert [(one.value, one.name) for one in caught.value.candidates] == [
        ("custom_1", "Site visit"),
        ("custom_2", "Second visit"),
    ]
    assert caught.value.message == "2 types match taskType 'visit'."


@pytest.mark.parametrize("given", ["vis", "email", "!", "", "site call"])
def test_an_unknown_type_is_refused_with_all_the_nearest_first(given: str) -> None:
    with refused("unknown_task_type", CallerError) as caught:
        match_task_type(given, KNOWN)
    assert len(caught.value.candidates) == len(KNOWN)
    with refused("unknown_task_type", CallerError) as caught:
        match_task_type("Site vizit", KNOWN)
    assert caught.value.candidates[0].value == "custom_1"
