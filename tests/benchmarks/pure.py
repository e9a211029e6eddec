"""Mapping, validation and rendering as pieces of work that are the same every time."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any, Final

from pydantic import MISSING, BaseModel

from taskhand.backends.close import mapping as close_mapping
from taskhand.backends.hubspot import mapping as hubspot_mapping
from taskhand.backends.hubspot.fields.due import Zones
from taskhand.backends.hubspot.fields.statuses import TaskStatuses
from taskhand.backends.hubspot.mapping import Record
from taskhand.backends.local.mapping import to_columns
from taskhand.backends.local.query import StoreState, build_selects
from taskhand.backends.vambe import mapping as vambe_mapping
from taskhand.domain import task_rules
from taskhand.domain.capabilities import Capabilities
from taskhand.domain.due import Due
from taskhand.domain.edit import Edit
from taskhand.domain.receipt import Receipt
from taskhand.domain.reference_time import Reference
from taskhand.domain.snapshot import Snapshot
from taskhand.domain.task import Member, Status, StatusChoice, Task, TaskPatch
from taskhand.domain.task_query import TaskQuery
from taskhand.domain.wording import Wording
from taskhand.journal.change_rows import ending_entry, opening_entries, result_entries
from taskhand.journal.hash_chain import START, next_link
from taskhand.journal.journal import Caller, Ending, Intent, Opening, Result
from taskhand.server.arguments.parsing import parse_arguments
from taskhand.server.render.read_answers import ListAnswer
from taskhand.server.render.rendered_answer import render_text
from taskhand.server.render.write_answer import render_write
from taskhand.server.schemas import narrowed
from taskhand.server.schemas.narrowed import input_schema
from taskhand.server.schemas.portable import output_schema
from taskhand.server.tools import TOOLS
from taskhand.service.list_tasks import TaskList

__all__ = ["PIECES"]

_ANY = Capabilities()
_NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
_ANA = "228d7a0d-9072-4ca8-939b-959b75cc606a"
_STATUS = {"id": "57a70000-0000-4000-8000-000000000001", "name": "Pendiente", "color": "#60a5fa", "type": "initial"}

_VAMBE_ROW: Final[dict[str, Any]] = {
    "id": "123e4567-e89b-42d3-a456-426614174000",
    "title": "Call Acme about the renewal",
    "description": "They asked for an offer: two years, monthly.",
    "due_timezone": "America/Santiago",
    "due_at": "2026-03-06T13:00:00.000Z",
    "is_all_day": False,
    "created_at": "2026-03-01T10:00:00.000Z",
    "ai_contact_id": None,
    "ai_customer_id": None,
    "task_status_config_id": _STATUS["id"],
    "priority": 1,
    "creator_id": _ANA,
    "task_responsibles": [{"responsible_id": _ANA}],
    "status_config": _STATUS | {"order": 1},
}
_CLOSE_ROW: Final[dict[str, Any]] = {
    "_type": "lead",
    "id": "task_1",
    "lead_id": "lead_1",
    "text": "Call Acme about the renewal",
    "date": "2026-03-06T13:00:00+00:00",
    "is_dateless": False,
    "is_complete": False,
    "assigned_to": "user_1",
    "contact_id": None,
    "created_by": "user_1",
    "date_created": "2026-03-01T10:00:00.000000+00:00",
}
_HUBSPOT_ROW: Final[dict[str, Any]] = {
    "id": "77597400001",
    "createdAt": "2026-03-01T10:00:00.000Z",
    "properties": {
        "hs_task_subject": "Call Acme about the renewal",
        "hs_task_body": "<p>They asked for an offer: two years, <b>monthly</b>.</p>",
        "hs_timestamp": "2026-03-06T13:00:00Z",
        "hs_task_status": "NOT_STARTED",
        "hs_task_priority": "MEDIUM",
        "hubspot_owner_id": "64492917",
    },
}
_DATA: Final = hubspot_mapping.AccountData(Zones("America/Santiago"), TaskStatuses({}))

TASK: Final = vambe_mapping.task_of(_VAMBE_ROW, "utc", "America/Santiago", {})
AFTER: Final = TASK.model_copy(update={"title": "Call Acme today", "priority": 2})
EDIT: Final = Edit(
    title="Call Acme today",
    due=Due(date(2026, 3, 9)),
    responsible_ids=(_ANA,),
    priority=2,
    status=StatusChoice.of(Status(**_STATUS, order=1)),
)
_PATCH: Final = {"title": "Call Acme today", "dueDate": "2026-03-09", "priority": "2", "responsibleIds": ["me", "Ana"]}
_TOOLS: Final = {tool.name: tool for tool in TOOLS}
_MODELS: Final[Mapping[str, type[BaseModel]]] = {tool.name: tool.arguments for tool in TOOLS}
_SCHEMAS: Final = {name: input_schema(model, _ANY) for name, model in _MODELS.items()}
_PAGE: Final = TaskList(
    tuple(TASK.model_copy(update={"id": f"123e4567-e89b-42d3-a456-{n:012}"}) for n in range(25)),
    TaskQuery(),
    more=True,
    members={_ANA: Member(id=_ANA, name="Ana Soto", email=None)},
    overdue=frozenset(),
    now=datetime(2026, 3, 2, 15, 0, tzinfo=UTC),
)
_OPENING: Final = Opening(tool="update_task", caller=Caller("bench", "1"), at=_NOW, arguments=dict(_PATCH))


def _understood(tool: str, **sent: Any) -> object:
    return parse_arguments(_MODELS[tool], _SCHEMAS[tool], sent, reads=_TOOLS[tool].kind == "read")


def _journalled() -> object:
    """The journal rows of one change, linked by hash."""
    intent = Intent("update", Snapshot(TASK), EDIT, EDIT)
    entries = [
        *opening_entries("chg_0001", "vambe", _OPENING, [intent], "session"),
        *result_entries("chg_0001", "vambe", _NOW, [Result(0, "applied", AFTER.id, AFTER)]),
        ending_entry("chg_0001", "vambe", _NOW, Ending("applied", None, ("PUT /tasks/{id} 200",), 0.1)),
    ]
    last = START
    for entry in entries:
        last = next_link(last, entry.body)
    return last


def _rules() -> object:
    patch = TaskPatch.model_validate({"title": "Call", "dueDate": "2026-03-09", "dueTime": "10:00", "priority": "2"})
    task_rules.check_patch(patch, _ANY)
    return task_rules.parse_due(patch, Reference(_NOW)).on(None, "America/Santiago")


def _hubspot() -> object:
    return hubspot_mapping.task_of(Record(_HUBSPOT_ROW, {}), _DATA)


def _schemas() -> object:
    """All schemas, as at start-up: the caches are emptied first."""
    narrowed._input_schema.cache_clear()  # noqa: SLF001  nobody else forgets
    output_schema.cache_clear()
    return [(input_schema(_MODELS[tool.name], _ANY), output_schema(tool.answer)) for tool in TOOLS]


def _whole(task: Task) -> object:
    return render_text(_TOOLS["get_task"].answer.of(task))  # type: ignore[attr-defined]  # an answer of its own


PIECES: Final[Mapping[str, Callable[[], object]]] = {
    "mapping: a task from Vambe": lambda: vambe_mapping.task_of(_VAMBE_ROW, "utc", "America/Santiago", {}),
    "mapping: a body for Vambe": lambda: vambe_mapping.body_of(EDIT, TASK),
    "mapping: a task from Close": lambda: close_mapping.task_of(_CLOSE_ROW, "America/Santiago"),
    "mapping: a body for Close": lambda: close_mapping.update_body(Edit(title="Call", priority=2), dateless=False),
    "mapping: a task from HubSpot": _hubspot,
    "mapping: properties for HubSpot": lambda: hubspot_mapping.properties_of(
        Edit(title="Call", due=Due(date(2026, 3, 9)), priority=2), None, _DATA
    ),
    "mapping: columns of the store": lambda: to_columns(EDIT),
    "mapping: the SQL of a list": lambda: build_selects(
        TaskQuery(responsible_ids=(_ANA,), to_date="2026-03-09"), StoreState((_STATUS["id"],), _NOW)
    ),
    "mapping: a change for the journal": _journalled,
    "validation: arguments of a write": lambda: _understood("update_task", id=TASK.id, **_PATCH),
    "validation: arguments of a list": lambda: _understood("list_tasks", responsibleIds=["me"], toDate="2026-03-09"),
    "validation: rules of a body": _rules,
    "validation: what an edit leaves to do": lambda: EDIT.unmet_by(TASK),
    "rendering: one whole task": lambda: _whole(TASK),
    "rendering: a page of 25": lambda: render_text(ListAnswer.of(_PAGE, MISSING)),
    "rendering: a write's answer": lambda: render_text(render_write(Receipt.of(TASK, AFTER, EDIT, ()), Wording())),
    "rendering: all schemas": _schemas,
}
"""Every piece returns a value; the assertion below finds a piece that no longer works."""

assert all(json.dumps(piece(), default=str) not in {"null", "[]"} for piece in PIECES.values())
