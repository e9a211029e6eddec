import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import MISSING

from builders import CLOSED, DONE, PENDING, STARTED, candidate_values, only_refuses, refused, status_list
from taskhand.domain import status_lookup
from taskhand.domain.display_text import one_line, plain
from taskhand.domain.errors import Ambiguous, NotFound
from taskhand.domain.name_matching import Match
from taskhand.domain.task import Status, StatusChoice, StatusList
from taskhand.domain.truncation import truncate

ALL = status_list(PENDING, STARTED, DONE)
SEEN = status_list(PENDING, complete=False)
ARCHIVED = Status(id="s-9", name="Archivado", color=None, type="done", order=9)
TWIN = Status(id="s-8", name="PENDIENTE", color=None, type="in_progress", order=0)


@pytest.mark.parametrize("name", ["En Progreso", "en progreso", " EN  PROGRESÓ ", "EN_PROGRESO"])
def test_a_status_is_found_by_name_and_the_match_is_reported(name: str) -> None:
    choice, matched = status_lookup.resolve_status(name, ALL)
    assert choice == StatusChoice.of(STARTED)
    assert matched == (Match("newStatusName", name, "s-1", STARTED.name),)


def test_an_unknown_name_is_refused_with_the_nearest_first() -> None:
    with refused("unknown_status", NotFound) as caught:
        status_lookup.resolve_status("Completo", ALL)
    assert candidate_values(caught.value)[0] == "Completado"
    assert sorted(candidate_values(caught.value)) == ["Completado", "En Progreso", "Pendiente"]


def test_a_status_of_which_a_word_was_typed_comes_first() -> None:
    with refused("unknown_status", NotFound) as caught:
        status_lookup.resolve_status("progres", ALL)
    assert candidate_values(caught.value)[0] == "En Progreso"
    assert [(one.name, one.is_free_text) for one in caught.value.candidates][:2] == [
        ("position 1, in_progress", True),
        ("position 0, initial", True),
    ]


def test_of_an_unknown_name_that_resembles_none_the_candidates_are_in_their_order() -> None:
    with refused("unknown_status", NotFound) as caught:
        status_lookup.resolve_status("Cerrada", status_list(PENDING, STARTED))
    assert candidate_values(caught.value) == ["Pendiente", "En Progreso"]


@pytest.mark.parametrize("complete", [True, False])
def test_a_name_that_two_statuses_share_is_refused_with_both(complete: bool) -> None:  # noqa: FBT001  a parameter
    with refused("ambiguous_status", Ambiguous) as caught:
        status_lookup.resolve_status("pendiente", status_list(PENDING, TWIN, complete=complete))
    assert candidate_values(caught.value) == ["Pendiente", "PENDIENTE"]


def test_the_exact_name_decides_between_two_statuses_that_differ_in_case() -> None:
    for status in (PENDING, TWIN):
        assert status_lookup.resolve_status(f" {status.name} ", status_list(PENDING, TWIN))[0] == StatusChoice.of(
            status
        )


LISTO = Status(id="s-5", name="\u2714\ufe0f Listo\u200b", color=None, type="done", order=5)
IN_PERSIAN = Status(
    id="s-6", name="\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", color=None, type="in_progress", order=6
)


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("\u2714\ufe0f Listo", LISTO),
        ("\u2714 Listo", LISTO),
        ("\u2714 listo\u200d", LISTO),
        (LISTO.name, LISTO),
        (IN_PERSIAN.name, IN_PERSIAN),
        ("\u0645\u06cc\u062e\u0648\u0627\u0647\u0645", IN_PERSIAN),
        ("S-6", IN_PERSIAN),
    ],
)
@pytest.mark.parametrize("complete", [True, False])
def test_hidden_characters_in_a_status_name_are_ignored(name: str, status: Status, complete: bool) -> None:  # noqa: FBT001
    some = status_list(PENDING, LISTO, IN_PERSIAN, complete=complete)
    assert status_lookup.resolve_status(name, some)[0] == StatusChoice.of(status)
    assert status_lookup.resolve_filter_statuses([name], some)[0] == (StatusChoice.of(status),)


def test_statuses_that_look_alike_are_distinguished_by_id() -> None:
    twins = status_list(DONE, DONE.model_copy(update={"id": "twin", "name": "Comple\u200btado"}))
    with refused("ambiguous_status", Ambiguous) as caught:
        status_lookup.resolve_status("Completado", twins)
    assert candidate_values(caught.value) == [DONE.id, "twin"]
    assert [(one.name, one.is_free_text) for one in caught.value.candidates] == [
        ("Completado, position 2, done", False),
        ("Comple\u200btado, position 2, done", False),
    ]
    assert status_lookup.resolve_status("twin", twins)[0] == StatusChoice.of(twins.statuses[1])


@pytest.mark.parametrize("name", ["", " ", "\u200b", "\ufe0f"])
@pytest.mark.parametrize("complete", [True, False])
def test_a_name_that_shows_nothing_is_refused(name: str, complete: bool) -> None:  # noqa: FBT001
    with refused("unknown_status", NotFound):
        status_lookup.resolve_status(name, status_list(PENDING, LISTO, complete=complete))


@given(
    st.text(
        st.characters(exclude_categories=["Cs"])
        | st.sampled_from("\u200b\u200c\u200d\ufe0e\ufe0f\u202e\ufeff\r\n\x0b\x1b \u2714\U0001f469\u0645\u0915\u094d"),
        max_size=300,
    )
)
def test_a_status_is_understood_as_shown_in_any_answer(name: str) -> None:
    strange = Status(id="strange", name=name, color=None, type="done", order=7)
    for form in (plain(name), one_line(name), plain(truncate(name, 60)), plain(truncate(name, 200))):
        assume(one_line(form))
        assert status_lookup.resolve_status(form, status_list(PENDING, strange))[0] == StatusChoice.of(strange)
        assert status_lookup.resolve_filter_statuses([form], status_list(PENDING, strange))[0][0] == StatusChoice.of(
            strange
        )


@pytest.mark.parametrize(
    ("typed", "available", "expected"),
    [
        ("done", ALL, DONE),
        ("DONE", ALL, DONE),
        ("in_progress", ALL, STARTED),
        ("in progress", ALL, STARTED),
        ("In-Progress", ALL, STARTED),
        ("initial", ALL, PENDING),
        ("master_done", status_list(PENDING, DONE, CLOSED), CLOSED),
        ("done", status_list(PENDING, DONE, CLOSED), DONE),
        ("done", status_list(PENDING, CLOSED), CLOSED),
        ("done", status_list(DONE, Status(id="s-7", name="done", color=None, type="initial", order=7)), None),
        ("done", status_list(PENDING, DONE, complete=False), DONE),
    ],
)
def test_a_type_is_taken_for_the_only_status_of_that_type_unless_a_status_has_that_name(
    typed: str, available: StatusList, expected: Status | None
) -> None:
    wanted = expected or available.statuses[1]
    choice, matched = status_lookup.resolve_status(typed, available)
    assert choice == StatusChoice.of(wanted)
    assert matched == (Match("newStatusName", typed, str(wanted.id), wanted.name),)
    assert status_lookup.resolve_filter_statuses([typed], available)[0] in ((StatusChoice.of(wanted),), ())


def test_a_type_of_several_statuses_is_refused_with_them() -> None:
    with refused("ambiguous_status", Ambiguous) as caught:
        status_lookup.resolve_status("done", status_list(PENDING, DONE, ARCHIVED))
    assert candidate_values(caught.value) == ["Completado", "Archivado"]


@pytest.mark.parametrize("name", ["Completo", "master_done"])
def test_the_error_for_an_unknown_status_says_whether_the_candidates_are_all(name: str) -> None:
    for argument in ("newStatusName", "status"):
        error = status_lookup.unknown_status_error(name, ALL, argument)
        assert name in error.message
        assert "all there are" in error.message
        assert f"Send {argument} with the candidate" in str(error.next_step)
        error = status_lookup.unknown_status_error(name, SEEN, argument)
        assert "there may be others" in error.message
        assert "or the name exactly as the CRM shows it" in str(error.next_step)
        assert "STATUSES" not in f"{error.message}{error.next_step}"
        assert candidate_values(error) == ["Pendiente"]


def test_of_more_than_twenty_statuses_the_error_for_an_unknown_one_has_twenty_candidates() -> None:
    many = status_list(
        *(
            Status(id=f"s-{number}", name=f"Stage {number}", color=None, type="initial", order=number)
            for number in range(21)
        )
    )
    error = status_lookup.unknown_status_error("Completo", many)
    assert len(error.candidates) == 20
    assert error.message.endswith("The candidates are 20 of 21; list_statuses has them all.")


def test_the_error_for_an_unknown_status_offers_no_type_where_no_status_was_seen() -> None:
    error = status_lookup.unknown_status_error("Completo", status_list(complete=False))
    assert error.next_step == (
        "Send newStatusName with the candidate that is meant, or the name exactly as the CRM shows it."
    )


@pytest.mark.parametrize(
    ("name", "available", "wrong"),
    [
        ("Completo", ALL, "There is no status named 'Completo'."),
        ("Master Done", ALL, "There is no status of type 'master_done'."),
        ("Completo", SEEN, "No status named 'Completo' is known."),
        ("x" * 70, SEEN, f"No status named '{'x' * 60}' is known."),
        ("in progress", SEEN, "No status of type 'in_progress' is known."),
        ("x", status_list(complete=False), "No status named 'x' is known. None was seen yet."),
    ],
)
def test_the_error_for_an_unknown_status_names_the_requested_status(
    name: str, available: StatusList, wrong: str
) -> None:
    assert status_lookup.unknown_status_error(name, available).message.startswith(wrong)
    better = status_lookup.unknown_status_error(name, available, message="That is gone.")
    assert better.message.startswith("That is gone. ")


def test_a_status_filter_is_checked_only_against_an_incomplete_list() -> None:
    status_lookup.check_filter_statuses(["done", "Pendiente"], SEEN)
    status_lookup.check_filter_statuses(["Nuevo"], ALL)
    with refused("unknown_status", NotFound):
        status_lookup.check_filter_statuses(["Pendiente", "Nuevo"], SEEN)


@pytest.mark.parametrize(
    ("names", "available", "note"),
    [
        (["in_progress"], ALL, None),
        (["Nuevo"], ALL, None),
        (["master_done", "Pendiente"], ALL, None),
        (
            ["master_done"],
            status_list(),
            "No status here has the type master_done, so no task matches. Types here: none.",
        ),
        (
            ["master_done", "In progress", "in_progress"],
            status_list(PENDING, DONE),
            "No status here has the type master_done or in_progress, so no task matches. Types here: initial, done.",
        ),
        (["master_done"], SEEN, "No status of the type master_done was seen here yet, so no task was looked for. "),
        (["Pendiente", "master_done"], SEEN, "No status of the type master_done was seen here yet. Seen types: "),
        (["Pendiente", "Nuevo"], SEEN, "No status named 'Nuevo' was seen here yet. list_statuses has "),
        (["Pendiente", "initial"], SEEN, None),
        (["Nuevo", "initial", "done"], SEEN, "No status named 'Nuevo' or of the type done was seen here yet."),
    ],
)
def test_a_filter_by_statuses_that_are_absent_or_unseen_is_described(
    names: list[str], available: StatusList, note: str | None
) -> None:
    described = status_lookup.describe_absent_statuses(names, available)
    assert described is None if note is None else (described or "").startswith(note)


def test_an_incomplete_list_passes_a_name_on_as_typed() -> None:
    assert status_lookup.resolve_status(" Nuevo ", SEEN) == (StatusChoice(name="Nuevo"), ())
    assert status_lookup.resolve_status("pendiente", SEEN)[0] == StatusChoice.of(PENDING)


def test_a_status_is_found_by_position() -> None:
    choice, matched = status_lookup.status_at_position(2, ALL)
    assert choice == StatusChoice.of(DONE)
    assert matched == (Match("newStatusPosition", "2", "s-2", DONE.name),)


@pytest.mark.parametrize("position", [3, -1, 10**30, 10**5000], ids=["next", "negative", "large", "huge"])
def test_an_unknown_position_is_refused_with_the_list(position: int) -> None:
    with refused("unknown_status", NotFound) as caught:
        status_lookup.status_at_position(position, ALL)
    shown = position if position < 10 else "of that size"
    assert caught.value.message == f"There is no status at position {shown}. The positions are 0, 1, 2."
    assert candidate_values(caught.value) == ["Pendiente", "En Progreso", "Completado"]


def test_an_incomplete_list_passes_a_position_on() -> None:
    assert status_lookup.status_at_position(7, SEEN) == (StatusChoice(position=7), ())


def test_a_position_that_two_statuses_share_is_refused_with_both() -> None:
    with refused("ambiguous_status", Ambiguous) as caught:
        status_lookup.status_at_position(0, status_list(PENDING, TWIN, DONE))
    assert candidate_values(caught.value) == ["Pendiente", "PENDIENTE"]


@pytest.mark.parametrize(
    ("available", "expected"),
    [
        (ALL, DONE),
        (status_list(PENDING, DONE, CLOSED), DONE),
        (status_list(PENDING, CLOSED), CLOSED),
        (status_list(PENDING, DONE, complete=False), DONE),
    ],
)
def test_the_finished_status_is_the_only_done_else_the_only_master_done(
    available: StatusList, expected: Status
) -> None:
    choice, matched = status_lookup.finished_status(MISSING, available)
    assert choice == StatusChoice.of(expected)
    assert [(match.argument, match.given, match.name) for match in matched] == [
        ("status", expected.type, expected.name)
    ]


def test_several_finished_statuses_are_candidates_and_none_is_chosen() -> None:
    with refused("ambiguous_status", Ambiguous) as caught:
        status_lookup.finished_status(MISSING, status_list(PENDING, DONE, ARCHIVED, CLOSED))
    assert candidate_values(caught.value) == ["Completado", "Archivado"]


@pytest.mark.parametrize(
    "available", [status_list(PENDING, STARTED), status_list(), SEEN], ids=["none", "empty", "incomplete"]
)
def test_a_missing_finished_status_is_refused_with_the_available_statuses(available: StatusList) -> None:
    with refused("unknown_status", NotFound) as caught:
        status_lookup.finished_status(MISSING, available)
    assert candidate_values(caught.value) == [status.name for status in available.statuses]


def test_a_finished_status_may_be_named_among_several() -> None:
    choice, _ = status_lookup.finished_status("archivado", status_list(PENDING, DONE, ARCHIVED))
    assert choice == StatusChoice.of(ARCHIVED)


def test_a_named_status_that_is_not_finished_is_refused_with_those_that_are() -> None:
    with refused("not_finished", NotFound) as caught:
        status_lookup.finished_status("Pendiente", status_list(PENDING, DONE, CLOSED))
    assert candidate_values(caught.value) == ["Completado", "Cerrado"]


def test_an_incomplete_list_passes_a_finished_status_on_as_typed() -> None:
    assert status_lookup.finished_status("Listo", SEEN) == (StatusChoice(name="Listo"), ())


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["Pendiente"], [PENDING]),
        (["done"], [DONE, ARCHIVED]),
        (["IN_PROGRESS", "pendiente", "En Progreso"], [STARTED, PENDING]),
    ],
)
def test_a_filter_takes_names_and_types_each_status_once(texts: list[str], expected: list[Status]) -> None:
    found = status_lookup.resolve_filter_statuses(texts, status_list(PENDING, STARTED, DONE, ARCHIVED))
    assert found == (tuple(map(StatusChoice.of, expected)), ())


def test_a_filter_takes_all_statuses_of_a_name_or_only_an_exact_match() -> None:
    both = status_list(PENDING, TWIN, DONE)
    found = [status_lookup.resolve_filter_statuses([name], both)[0] for name in ("pendiente", "PENDIENTE")]
    assert found == [tuple(map(StatusChoice.of, (PENDING, TWIN))), (StatusChoice.of(TWIN),)]


def test_a_filter_prefers_a_name_to_a_type() -> None:
    named_done = Status(id="s-7", name="done", color=None, type="in_progress", order=7)
    assert status_lookup.resolve_filter_statuses(["done"], status_list(DONE, named_done)) == (
        (StatusChoice.of(named_done),),
        (),
    )


def test_a_filter_by_an_unknown_status_is_refused() -> None:
    with refused("unknown_status", NotFound):
        status_lookup.resolve_filter_statuses(["Nuevo"], ALL)


def test_a_filter_over_an_incomplete_list_passes_a_name_on_as_typed() -> None:
    for name in ("Nuevo", "open"):
        assert status_lookup.resolve_filter_statuses([f" {name} "], SEEN) == ((StatusChoice(name=name),), ())


@pytest.mark.parametrize(
    ("word", "known", "expected"),
    [
        ("open", ALL, [PENDING, STARTED]),
        ("Abiertas", ALL, [PENDING, STARTED]),
        ("not done", ALL, [PENDING, STARTED]),
        ("sin terminar", ALL, [PENDING, STARTED]),
        ("terminadas", status_list(PENDING, DONE, CLOSED), [DONE, CLOSED]),
        ("completadas", ALL, [DONE]),
        ("pending", status_list(STARTED, DONE), [STARTED]),
        ("en curso", ALL, [STARTED]),
        ("not started", ALL, [PENDING]),
    ],
)
def test_a_filter_takes_an_everyday_word_for_unfinished_or_finished_tasks(
    word: str, known: StatusList, expected: list[Status]
) -> None:
    found, matched = status_lookup.resolve_filter_statuses([word], known)
    assert found == tuple(map(StatusChoice.of, expected))
    assert matched == tuple(Match("status", word, one.id or "", one.name) for one in expected)


@pytest.mark.parametrize(
    ("word", "known"),
    [
        ("pendientes", ALL),
        ("pending", ALL),
        ("cerradas", status_list(PENDING, DONE, CLOSED)),
        ("open", status_list(DONE)),
        ("doing", status_list(PENDING, STARTED, TWIN)),
    ],
)
def test_a_filter_refuses_an_everyday_word_that_may_mean_one_status_of_several_or_means_none(
    word: str, known: StatusList
) -> None:
    with refused("unknown_status", NotFound):
        status_lookup.resolve_filter_statuses([word], known)


@pytest.mark.parametrize(("word", "status"), [("hecho", DONE), ("Doing", STARTED), ("no iniciada", PENDING)])
def test_a_write_takes_an_everyday_word_that_means_one_status(word: str, status: Status) -> None:
    choice, matched = status_lookup.resolve_status(word, ALL)
    assert choice == StatusChoice.of(status)
    assert matched == (Match("newStatusName", word, status.id or "", status.name),)


def test_a_write_refuses_an_everyday_word_that_means_several_statuses_with_these() -> None:
    with refused("ambiguous_status", Ambiguous) as caught:
        status_lookup.resolve_status("abierto", ALL)
    assert candidate_values(caught.value) == ["Pendiente", "En Progreso"]


def test_a_write_over_an_incomplete_list_passes_an_everyday_word_on_as_typed() -> None:
    assert status_lookup.resolve_status("open", SEEN) == (StatusChoice(name="open"), ())


@pytest.mark.parametrize("word", ["overdue", "Vencidas"])
def test_a_filter_by_overdue_as_a_status_is_answered_with_the_argument_for_it(word: str) -> None:
    with refused("unknown_status", NotFound) as caught:
        status_lookup.resolve_filter_statuses([word], ALL)
    assert caught.value.next_step == "Send overdue true in its place; status may be left out."
    with refused("unknown_status", NotFound) as caught:
        status_lookup.resolve_status(word, ALL)
    assert str(caught.value.next_step).startswith("Send newStatusName ")


def test_a_filter_prefers_a_status_of_that_name_to_an_everyday_word() -> None:
    named_open = Status(id="s-7", name="Open", color=None, type="initial", order=7)
    assert status_lookup.resolve_filter_statuses(["open"], status_list(named_open, STARTED)) == (
        (StatusChoice.of(named_open),),
        (),
    )


def test_a_status_without_a_known_id_is_chosen_and_reported_by_name() -> None:
    configured = Status(id=None, name="Listo", color=None, type="done", order=4)
    choice, matched = status_lookup.finished_status(MISSING, status_list(PENDING, configured))
    assert choice == StatusChoice("Listo", 4)
    assert matched == (Match("status", "done", "Listo", "Listo"),)
    assert choice.met_by(configured.model_copy(update={"id": "s-4", "order": 7}))
    assert not choice.met_by(DONE)


def test_a_named_status_without_a_known_id_must_be_finished_too() -> None:
    configured = Status(id=None, name="Nuevo", color=None, type="initial", order=4)
    with refused("not_finished", NotFound):
        status_lookup.finished_status("Nuevo", status_list(configured, DONE.model_copy(update={"id": None})))


def test_the_named_one_of_two_statuses_without_known_ids_is_chosen() -> None:
    nameless_ids = [status.model_copy(update={"id": None}) for status in (PENDING, DONE)]
    assert status_lookup.finished_status("Completado", status_list(*nameless_ids))[0] == StatusChoice("Completado", 2)


@given(st.text(), st.integers(), st.booleans())
def test_any_text_for_a_status_is_resolved_or_refused(text: str, position: int, complete: bool) -> None:  # noqa: FBT001
    available = status_list(PENDING, TWIN, DONE, complete=complete)
    only_refuses(lambda: status_lookup.resolve_status(text, available))
    only_refuses(lambda: status_lookup.status_at_position(position, available))
    only_refuses(lambda: status_lookup.finished_status(text, available))
    only_refuses(lambda: status_lookup.resolve_filter_statuses([text], available))


def test_of_several_finished_statuses_the_crms_own_completes_a_task() -> None:
    choice, _ = status_lookup.finished_status(MISSING, StatusList((PENDING, DONE, ARCHIVED), True, "", ARCHIVED.id))  # noqa: FBT003
    assert choice == StatusChoice.of(ARCHIVED)
    with refused("ambiguous_status", Ambiguous):
        status_lookup.finished_status(MISSING, status_list(PENDING, DONE, ARCHIVED))
