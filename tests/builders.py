"""The small world of the contract's tests, and how a refusal is expected."""

from collections.abc import Callable
from typing import Any

import pytest

from taskhand.domain.errors import CallerError, TaskhandError
from taskhand.domain.task import Member, Responsible, Status, StatusList, Task

ANA = Member(id="228d7a0d-9072-4ca8-939b-959b75cc606a", name="Ana Pérez", email="ana@example.cl")
BEN = Member(id="338e8b1e-8183-4db9-a4ab-a6ab86dd717b", name="Ben Núñez", email="ben@example.cl")
JUAN = Member(id="00000000-0000-4000-8000-000000000001", name="Juan Soto", email="juan@example.cl")
JUAN_TOO = Member(id="00000000-0000-4000-8000-000000000002", name="juan  soto", email=None)
MEMBERS = (ANA, BEN, JUAN, JUAN_TOO)

PENDING = Status(id="s-0", name="Pendiente", color="#60a5fa", type="initial", order=0)
STARTED = Status(id="s-1", name="En Progreso", color=None, type="in_progress", order=1)
DONE = Status(id="s-2", name="Completado", color="#22c55e", type="done", order=2)
CLOSED = Status(id="s-3", name="Cerrado", color=None, type="master_done", order=3)

TASK_ID = "123e4567-e89b-42d3-a456-426614174000"


def status_list(*statuses: Status, complete: bool = True) -> StatusList:
    return StatusList(statuses, complete=complete, source="a test")


def task(**fields: Any) -> Task:
    plain: dict[str, Any] = {
        "id": TASK_ID,
        "title": "Call back",
        "description": None,
        "due_timezone": None,
        "due_at": None,
        "is_all_day": False,
        "created_at": "2026-03-01T10:00:00.000Z",
        "ai_contact_id": None,
        "ai_customer_id": None,
        "task_status_config_id": PENDING.id,
        "priority": 1,
        "creator_id": ANA.id,
        "task_responsibles": (),
        "status_config": PENDING,
    }
    return Task.model_validate(plain | fields)


def on_people(*ids: str) -> tuple[Responsible, ...]:
    return tuple(Responsible(responsible_id=person) for person in ids)


def refused(code: str, kind: type[TaskhandError] = CallerError) -> pytest.RaisesExc[TaskhandError]:
    return pytest.raises(kind, check=lambda error: error.code == code)


def only_refuses(act: Callable[[], object]) -> None:
    """Run `act`; whatever it raises must be a refusal that says what to do next."""
    said: tuple[object, ...] = ()
    try:
        act()
    except CallerError as error:
        said = (error.code, error.message, error.next_step)
    assert all(said)


def candidate_values(error: TaskhandError) -> list[str]:
    """The values that an error offers as candidates."""
    return [candidate.value for candidate in error.candidates]
