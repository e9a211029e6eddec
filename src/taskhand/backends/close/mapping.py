"""From Close's JSON to the contract; pure. `body` is the way back.

Answers are read more widely than they are documented (https://developer.close.com/api/resources/tasks): fields come
and go by type, `priority` and `due_date` are not in every sample, and what is dateless has a `date` all the same.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any, Final

from pydantic import ValidationError

from taskhand.backends.close.task_types import CALL, LEAD, label_of
from taskhand.backends.remote.parsing import Malformed
from taskhand.domain.due import Due
from taskhand.domain.task import Member, Responsible, Status, Task

__all__ = [
    "DONE",
    "OPEN",
    "PRIORITIES",
    "UNSAID",
    "created_at",
    "is_dateless",
    "member_of",
    "native_of",
    "said_priority",
    "task_of",
]

OPEN: Final = Status(id="open", name="Open", color=None, type="initial", order=0)
DONE: Final = Status(id="completed", name="Completed", color=None, type="done", order=1)

_MEDIUM: Final = 1
PRIORITIES: Final = {_MEDIUM: "medium", 2: "high"}
"""Close's words of the contract's numbers; for 0 it has none."""
UNSAID: Final = 0
"""The priority of a to-do of which Close does not say it: none that can be asked for equals it."""
_NUMBERS: Final = {word: number for number, word in PRIORITIES.items()}
_DETAILS: Final = ("subject", "text", "opportunity_note", "phone_formatted", "phone", "remote_phone_formatted")
_DAY_LENGTH: Final = len("2026-01-01")
_WRITTEN: Final = ("text", "date", "is_dateless", "due_date", "assigned_to", "priority", "is_complete")
_NATIVE: Final = (*_WRITTEN, "lead_id", "contact_id", "agent_config_id")


def task_of(json: Any, zone: str | None) -> Task:
    """A task; `zone` is the IANA zone that instants are shown in, a day has none."""
    if not isinstance(json, dict) or not isinstance(json.get("id"), str) or not json["id"]:
        raise Malformed("with a task without an id")
    try:
        due, status = _due(json, zone), DONE if json.get("is_complete") else OPEN
        assignee, lead_id = _text(json.get("assigned_to")), _text(json.get("lead_id"))
        return Task(
            id=json["id"],
            title=_title(json),
            description=None,
            due_timezone=due.zone if due else None,
            due_at=due.due_at if due else None,
            is_all_day=due is not None and due.at is None,
            created_at=_stamp(json.get("date_created")),
            ai_contact_id=_text(json.get("contact_id")),
            ai_customer_id=lead_id,
            task_status_config_id=status.id,
            priority=UNSAID if (said := said_priority(json)) is None else said,
            creator_id=_text(json.get("created_by")),
            task_responsibles=(Responsible(responsible_id=assignee),) if assignee else (),
            status_config=status,
            url=f"https://app.close.com/lead/{lead_id}/" if lead_id else None,
        )
    except (ValidationError, ValueError, TypeError, OverflowError):
        raise Malformed("with a task whose fields are not what they are documented to be") from None


def member_of(json: Any) -> Member | None:
    """A user of the organization (https://developer.close.com/api/resources/users); None for one who has left."""
    if not isinstance(json, dict) or not isinstance(json.get("id"), str):
        raise Malformed("with a user without an id")
    if json.get("organizations") == []:
        return None
    parts = (_text(json.get("first_name")), _text(json.get("last_name")))
    email = _text(json.get("email"))
    return Member(id=json["id"], name=" ".join(filter(None, parts)) or email or json["id"], email=email)


def said_priority(json: Mapping[str, Any]) -> int | None:
    """The priority that an answer says; None where it does not. Of the types but to-dos, which have none, medium."""
    number = _NUMBERS.get(str(json.get("priority")).casefold())
    return _MEDIUM if number is None and (json.get("_type") or LEAD) != LEAD else number


def created_at(json: Mapping[str, Any]) -> datetime | None:
    """When a task was created, None where its JSON does not say."""
    return _moment(json.get("date_created"))


def is_dateless(json: Mapping[str, Any]) -> bool:
    """What the task says; where it does not, its deprecated twin `due_date` is null while `date` is not."""
    told = json.get("is_dateless")
    return bool(told) if told is not None else "due_date" in json and json["due_date"] is None


def native_of(json: Mapping[str, Any]) -> dict[str, Any]:
    """What Close itself says of a task, as far as it can be written back, and its type."""
    return {"_type": json.get("_type") or LEAD} | {name: json[name] for name in _NATIVE if name in json}


def _due(json: Mapping[str, Any], zone: str | None) -> Due | None:
    raw = json.get("date")
    if raw is None or is_dateless(json):
        return None
    if len(raw) == _DAY_LENGTH:
        return Due(date.fromisoformat(raw))
    at = datetime.fromisoformat(raw)
    return Due.instant(at if at.tzinfo else at.replace(tzinfo=UTC), zone)


def _title(json: Mapping[str, Any]) -> str:
    """The text of what people wrote; of what happened by itself its kind, and what tells it from others."""
    kind, text = str(json.get("_type") or LEAD), _text(json.get("text"))
    if kind in {LEAD, CALL}:
        return text or (label_of(kind) if kind == CALL else "")
    detail = next((found for name in _DETAILS if (found := _text(json.get(name)))), None)
    return f"{label_of(kind)}: {detail}" if detail else label_of(kind)


def _stamp(raw: object) -> str:
    """A moment as the documented Task writes it; as it came where it is none."""
    at = _moment(raw)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z") if at else str(raw or "")


def _moment(raw: object) -> datetime | None:
    try:
        at = datetime.fromisoformat(raw) if isinstance(raw, str) else None
        return at and (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
