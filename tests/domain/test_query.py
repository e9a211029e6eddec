"""A text filter finds a task by what an answer shows of it."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from builders import task
from taskhand.domain.names import fold
from taskhand.domain.query import TaskQuery, matcher
from taskhand.domain.task import Task
from taskhand.domain.text import one_line, plain, strip_hidden, truncate, without_cut

HIDING = st.text(
    st.characters(exclude_categories=["Cs"])
    | st.sampled_from("\u200b\u200c\u200d\ufe0f\u202e\ufeff\xad\r\n\x0b\x85\x1b ab\u2714\U0001f469\u0645\u0915\u094d"),
    max_size=300,
)


def never_late(_task: Task) -> bool:
    return False


@given(HIDING, HIDING)
def test_text_finds_a_task_by_its_shown_title_and_description(title: str, description: str) -> None:
    found = task(title=title, description=description)
    for text in (title, description):
        for shown in (plain(text), one_line(text), strip_hidden(text), *(plain(truncate(text, n)) for n in (100, 200))):
            assume(fold(shown))
            assert matcher(TaskQuery(text=without_cut(shown)), never_late)(found)


@pytest.mark.parametrize(
    "text",
    [
        "nin\u0303o",
        "NI\u00d1O",
        "ni\u200bño",
        "\uff2e\uff29\uff2e\uff2f",
        "el\u00a0nino",
        "\u2714 listo",
        "\u2714\ufe0f  Listo",
    ],
)
def test_text_is_found_however_its_letters_are_written(text: str) -> None:
    assert matcher(TaskQuery(text=text), never_late)(task(title="Llamar: el ni\u00f1o\u200d \u2714\ufe0e LISTO"))
