"""The statuses of an organisation: configured, seen on tasks, or both."""

import pytest

from taskhand.backends.vambe.fields.statuses import StatusCatalogue, parse_statuses
from taskhand.domain.errors import OperatorError
from taskhand.domain.task import Status

VARIABLE = "GLOBEX_STATUSES"
PENDING = Status(id="s-1", name="Pendiente", color="#60a5fa", type="initial", order=1)
STARTED = Status(id="s-2", name="En Progreso", color="#f59e0b", type="in_progress", order=2)
DONE = Status(id="s-3", name="Completado", color="#22c55e", type="done", order=3)


@pytest.mark.parametrize(
    ("text", "statuses"),
    [
        ("Pendiente:initial,Completado:done", [("Pendiente", "initial"), ("Completado", "done")]),
        (" Pendiente : initial , Completado : done ,", [("Pendiente", "initial"), ("Completado", "done")]),
        ("A,B,C,D", [("A", "initial"), ("B", "in_progress"), ("C", "in_progress"), ("D", "done")]),
        ("A,B:done,C:master_done", [("A", "initial"), ("B", "done"), ("C", "master_done")]),
        ("A:,B", [("A", "initial"), ("B", "done")]),
        ("Sólo uno", [("Sólo uno", "initial")]),
    ],
)
def test_statuses_are_parsed_in_order_with_given_or_default_types(text: str, statuses: list[tuple[str, str]]) -> None:
    assert list(parse_statuses(text, VARIABLE)) == statuses


@pytest.mark.parametrize(
    "text", ["", " , ,", "A:finished", "A:Initial,B", "A,a", "Área,area", "A:done:initial", ":done", "A,:done"]
)
def test_an_invalid_list_of_statuses_is_an_operator_error(text: str) -> None:
    with pytest.raises(OperatorError, match="GLOBEX_STATUSES") as refused:
        parse_statuses(text, VARIABLE)
    assert "initial, in_progress, done, master_done" in str(refused.value.next_step)


def test_seen_statuses_are_partial_and_sorted_by_position() -> None:
    catalogue = StatusCatalogue()
    for status in (DONE, PENDING, None, DONE):
        catalogue.see(status)
    known = catalogue.known_statuses()
    assert known.statuses == (PENDING, DONE)
    assert known.complete is False
    assert "there may be others" in known.source


def test_without_seen_statuses_the_list_is_empty_and_partial() -> None:
    assert (StatusCatalogue().known_statuses().statuses, StatusCatalogue().known_statuses().complete) == ((), False)


def test_configured_statuses_are_complete_with_positions_from_one() -> None:
    known = StatusCatalogue(parse_statuses("Pendiente,En Progreso,Completado", VARIABLE)).known_statuses()
    assert known.complete is True
    assert [(status.id, status.name, status.type, status.order) for status in known.statuses] == [
        (None, "Pendiente", "initial", 1),
        (None, "En Progreso", "in_progress", 2),
        (None, "Completado", "done", 3),
    ]


@pytest.mark.parametrize(("order", "positions"), [(0, [-1, 0, 1]), (1, [0, 1, 2]), (2, [1, 2, 3]), (12, [11, 12, 13])])
def test_positions_count_from_where_a_seen_status_stands(order: int, positions: list[int]) -> None:
    catalogue = StatusCatalogue(parse_statuses("Pendiente,En Progreso,Completado", VARIABLE))
    catalogue.see(STARTED.model_copy(update={"order": order}))
    assert [status.order for status in catalogue.known_statuses().statuses] == positions


@pytest.mark.parametrize(
    ("seen", "positions"),
    [
        ({"Pendiente": 10, "Completado": 30}, [10, 11, 30]),
        ({"Pendiente": 10, "En Progreso": 20, "Completado": 30}, [10, 20, 30]),
        ({"Pendiente": 4, "Completado": 5}, [4, 5, 6]),
        ({"Pendiente": 3, "En Progreso": 2}, [3, 4, 5]),
    ],
)
def test_a_seen_status_has_the_position_that_its_tasks_show(seen: dict[str, int], positions: list[int]) -> None:
    catalogue = StatusCatalogue(parse_statuses("Pendiente,En Progreso,Completado", VARIABLE))
    for status in (PENDING, STARTED, DONE):
        if status.name in seen:
            catalogue.see(status.model_copy(update={"order": seen[status.name]}))
    assert [status.order for status in catalogue.known_statuses().statuses] == positions


def test_a_configured_status_that_was_seen_has_its_id_and_colour() -> None:
    catalogue = StatusCatalogue(parse_statuses("Pendiente,En Progreso,Completado", VARIABLE))
    for status in (PENDING, STARTED, DONE):
        catalogue.see(status)
    assert catalogue.known_statuses().statuses == (PENDING, STARTED, DONE)


@pytest.mark.parametrize("text", ["pendiente,COMPLETADO", "Pendiénte,completado"])
def test_a_seen_status_is_named_as_vambe_writes_it_however_it_was_configured(text: str) -> None:
    catalogue = StatusCatalogue(parse_statuses(text, VARIABLE))
    catalogue.see(PENDING)
    catalogue.see(DONE.model_copy(update={"order": 2}))
    assert [status.name for status in catalogue.known_statuses().statuses] == ["Pendiente", "Completado"]


def test_a_status_seen_again_is_as_it_was_seen_last() -> None:
    catalogue = StatusCatalogue()
    catalogue.see(PENDING)
    renamed = PENDING.model_copy(update={"name": "Por hacer"})
    catalogue.see(renamed)
    assert catalogue.known_statuses().statuses == (renamed,)
    assert catalogue.by_id == {"s-1": renamed}


def test_a_status_without_an_id_is_known_by_its_name() -> None:
    catalogue = StatusCatalogue()
    nameless = PENDING.model_copy(update={"id": None})
    catalogue.see(nameless)
    catalogue.see(nameless.model_copy(update={"name": "PENDIENTE"}))
    assert [status.name for status in catalogue.known_statuses().statuses] == ["PENDIENTE"]
    assert catalogue.by_id == {}


def test_the_name_of_a_status_that_was_seen_stays_though_another_was_asked_for() -> None:
    catalogue = StatusCatalogue()
    for status in (PENDING, DONE):
        catalogue.see(status)
    catalogue.name("s-1", "Completado")
    assert catalogue.known_statuses().statuses == (PENDING, DONE)
