"""An import's records: which file it takes, and which statuses of a new store stay."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from backends.local.open_store import create, open_store
from taskhand.backends.local.backend import LocalBackend
from taskhand.backends.local.task_import import Line
from taskhand.domain.edit import Edit
from taskhand.domain.errors import CallerError
from taskhand.domain.task import STATUS_TYPES, Task
from taskhand.domain.task_query import TaskQuery


@pytest.fixture
async def backend(store_file: Path) -> AsyncIterator[LocalBackend]:
    async with open_store(store_file) as backend:
        yield backend


def status(name: str, kind: str, order: int) -> Mapping[str, Any]:
    return {"id": f"s-{name.casefold()}", "name": name, "color": None, "type": kind, "order": order}


def task(title: str, of_status: str) -> Mapping[str, Any]:
    named = {"id": None, "name": of_status, "color": None, "type": "unknown", "order": 0}
    empty = dict.fromkeys(name for name, one in Task.model_fields.items() if one.is_required())
    given = {"id": "t-1", "title": title, "is_all_day": False, "task_responsibles": (), "status_config": named}
    return empty | given | {"created_at": "2026-03-02T15:00:00Z"}


async def import_records(backend: LocalBackend, *records: tuple[str, Mapping[str, Any]]) -> None:
    await backend.import_lines([Line(number, kind, value) for number, (kind, value) in enumerate(records, 1)])


async def statuses(backend: LocalBackend) -> list[tuple[str, int]]:
    return [(one.name, one.order) for one in (await backend.statuses()).statuses]


@pytest.mark.parametrize("form", [{"format": 2}, {"format": 0}, {}])
async def test_a_file_of_another_format_is_not_imported(backend: LocalBackend, form: Mapping[str, int]) -> None:
    with pytest.raises(CallerError, match="line 1: the file was written by a newer Taskhand"):
        await import_records(backend, ("export", form), ("member", {"id": "m-1", "name": "Ana", "email": None}))
    assert "Ana" not in {one.name for one in await backend.account.members()}


async def test_the_statuses_of_a_file_replace_the_defaults_that_none_of_its_tasks_has(backend: LocalBackend) -> None:
    records = [("status", status("Nueva", "initial", 1)), ("status", status("Cerrada", "done", 5))]
    await import_records(backend, *records, ("task", task("Call", "En Progreso")))
    assert await statuses(backend) == [("Nueva", 1), ("En Progreso", 2), ("Cerrada", 5)]
    [read] = (await backend.list_tasks(TaskQuery())).tasks
    assert read.status_config is not None
    assert read.status_config.name == "En Progreso"


async def test_a_status_whose_position_is_taken_comes_last(backend: LocalBackend) -> None:
    await create(backend, Edit(title="Call", priority=1))
    await import_records(backend, ("status", status("Nueva", "initial", 1)), ("status", status("Cerrada", "done", 9)))
    assert (await statuses(backend))[3:] == [("Nueva", 4), ("Cerrada", 9)]


async def test_a_file_without_an_initial_status_leaves_the_default_ones(backend: LocalBackend) -> None:
    await import_records(backend, ("status", status("Cerrada", "done", 5)))
    assert await statuses(backend) == [("Pendiente", 1), ("En Progreso", 2), ("Completado", 3), ("Cerrada", 5)]


async def test_a_creator_who_is_no_member_of_the_file_is_kept(backend: LocalBackend) -> None:
    await import_records(backend, ("task", {**task("Call", "Pendiente"), "creator_id": "m-gone"}))
    [read] = (await backend.list_tasks(TaskQuery())).tasks
    assert read.creator_id == "m-gone"


CONTACT = dict.fromkeys(("phone", "email", "customer_id", "customer_name")) | {"id": "c-1", "name": "Rosa"}


@pytest.mark.parametrize(
    ("kind", "value", "problem"),
    [
        ("status", status(" ", "initial", 1), "a status needs a name"),
        ("status", status("Completado", "initial", 9), "the store has a status 'Completado' of another type, done"),
        ("member", {"id": "m-1", "name": " ME", "email": None}, "a member needs a name, and it may not be 'me'"),
        ("contact", CONTACT | {"id": None}, "a contact needs an id and a name"),
        ("contact", CONTACT | {"name": " "}, "a contact needs an id and a name"),
        (
            "task",
            {**task("Call", "Pendiente"), "created_at": "yesterday"},
            "created_at is not an ISO 8601 time with an offset",
        ),
    ],
)
async def test_a_wrong_record_is_refused_with_its_line_and_nothing_is_imported(
    backend: LocalBackend, kind: str, value: Mapping[str, Any], problem: str
) -> None:
    with pytest.raises(CallerError) as refused:
        await import_records(backend, ("contact", CONTACT), (kind, value))
    assert refused.value.message.endswith(f"line 2: {problem}.")
    assert await backend.account.find_contacts("Rosa", 9) == ()


async def test_a_responsible_without_a_record_is_a_former_member(backend: LocalBackend) -> None:
    people = [{"responsible_id": "m-gone"}]
    await import_records(backend, ("task", {**task("Call", "Pendiente"), "task_responsibles": people}))
    [read] = (await backend.list_tasks(TaskQuery())).tasks
    assert read.responsible_ids == ("m-gone",)
    assert [one.id for one in await backend.account.former_members()] == ["m-gone"]


async def test_ten_wrong_lines_are_named_and_of_the_others_the_number(backend: LocalBackend) -> None:
    wrong = ("status", status("Nueva", "odd", 1))
    for count, rest in ((10, ""), (11, "; and 1 more")):
        with pytest.raises(CallerError) as refused:
            await import_records(backend, *[wrong] * count)
        assert refused.value.message.endswith(f"line 10: the type of a status is one of {STATUS_TYPES}{rest}.")
