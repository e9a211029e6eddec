"""The fields of the task bodies: what each may be. No rule here knows what is stored."""

from __future__ import annotations

import datetime as dt
import re
import zoneinfo
from typing import TYPE_CHECKING, Any, NamedTuple

from taskhand.sandbox.messages import read_json
from taskhand.sandbox.vambe.errors import Issue, validation_error

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from taskhand.sandbox.messages import Request
    from taskhand.sandbox.vambe.spec_variant import SpecVariant


class Complaint(NamedTuple):
    """What is wrong with a value: zod's code, and words."""

    code: str
    message: str


if TYPE_CHECKING:
    Check = Callable[[Any], Complaint | None]

# zod v4's pattern: a version from 1 to 8 and the RFC variant, or all zeros
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}|0{8}(-0{4}){3}-0{12}")
DATE = re.compile(r"\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:\d{2})?)?", re.ASCII)
TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d", re.ASCII)
PRIORITIES = ("0", "1", "2")


def is_uuid(text: str) -> bool:
    """Whether this is a well-formed UUID, in either case."""
    return UUID.fullmatch(text.lower()) is not None


def _text(value: object) -> Complaint | None:
    return None if isinstance(value, str) else Complaint("invalid_type", "Expected string")


def _title(value: object) -> Complaint | None:
    # minimum length 1
    return Complaint("too_small", "Title must have at least 1 character") if value == "" else _text(value)


def _nullable(check: Check) -> Check:
    return lambda value: None if value is None else check(value)


def _due_date(value: object) -> Complaint | None:
    # YYYY-MM-DD or a full ISO 8601 datetime
    if isinstance(value, str) and DATE.fullmatch(value) and _is_real(value):
        return None
    return Complaint("invalid_format", "Expected YYYY-MM-DD or an ISO 8601 datetime")


def _is_real(text: str) -> bool:
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        return False
    return dt.MINYEAR < moment.year < dt.MAXYEAR  # a zone may move it by a day


def _due_time(value: object) -> Complaint | None:
    # HH:MM, 24 hours
    fine = isinstance(value, str) and TIME.fullmatch(value)
    return None if fine else Complaint("invalid_format", "Expected HH:mm")


def _zone(value: object) -> Complaint | None:
    # an IANA name
    fine = isinstance(value, str) and _is_zone(value)
    return None if fine else Complaint("invalid_value", "Expected an IANA timezone")


def _is_zone(name: str) -> bool:
    try:
        zoneinfo.ZoneInfo(name)
    except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
        return False
    return True


def _uuids(value: object) -> Complaint | None:
    # an array of UUID strings
    if not isinstance(value, list):
        return Complaint("invalid_type", "Expected array")
    fine = all(isinstance(item, str) and is_uuid(item) for item in value)
    return None if fine else Complaint("invalid_format", "Expected an array of UUIDs")


def _uuid(value: object) -> Complaint | None:
    fine = isinstance(value, str) and is_uuid(value)
    return None if fine else Complaint("invalid_format", "Expected a UUID")


def _priority(value: object) -> Complaint | None:
    # one of the strings "0", "1", "2"; the number 2 is none of them
    fine = isinstance(value, str) and value in PRIORITIES
    return None if fine else Complaint("invalid_value", 'Invalid option: expected one of "0"|"1"|"2"')


def _number(value: object) -> Complaint | None:
    # number; JSON's true is none
    fine = isinstance(value, (int, float)) and not isinstance(value, bool)
    return None if fine else Complaint("invalid_type", "Expected number")


SHARED: dict[str, Check] = {  # names, types, and which may be null
    "title": _title,
    "description": _nullable(_text),
    "dueDate": _nullable(_due_date),
    "dueTime": _nullable(_due_time),
    "timezone": _nullable(_zone),
    "responsibleIds": _uuids,
    "aiContactId": _nullable(_text),
    "aiCustomerId": _nullable(_text),
    "priority": _priority,
}
ON_CREATE = SHARED | {"aiContactId": _nullable(_uuid)}  # the newer POST page types it as a UUID
ON_UPDATE = SHARED | {"newStatusName": _text, "newStatusPosition": _number}
REQUIRED = ("title", "responsibleIds", "priority")


def read_create(request: Request, spec_variant: SpecVariant) -> dict[str, Any]:
    """Read and check the body of POST; every complaint at once, as a refusal."""
    body = read_object(request)
    opaque = spec_variant.contact_ids == "opaque"  # then ids cannot be checked for being UUIDs
    issues = [*_issues(body, SHARED if opaque else ON_CREATE, spec_variant), *_missing(body)]
    if body.get("dueTime") is not None and body.get("timezone") is None:
        # the newer POST page requires a timezone with a time
        issues.append(Issue("timezone", "custom", "timezone is required when dueTime is specified"))
    _raise(issues)
    return body


def read_update(request: Request, spec_variant: SpecVariant) -> dict[str, Any]:
    """Read and check the body of PUT; every complaint at once, as a refusal."""
    body = read_object(request)
    issues = [*_issues(body, ON_UPDATE, spec_variant)]
    if "newStatusName" in body and "newStatusPosition" in body:
        # never both; §10: answered 400
        issues.append(Issue("newStatusName", "custom", "Use newStatusName or newStatusPosition, not both"))
    if not body and spec_variant.empty_body == "rejected":
        issues.append(Issue("body", "custom", "Expected at least one field"))
    _raise(issues)
    return body


def read_object(request: Request) -> dict[str, Any]:
    """Read a JSON object; another content type or shape is refused with 400 (Express's parser)."""
    kind = (request.header("content-type") or "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise validation_error(Issue("body", "invalid_type", "Expected Content-Type: application/json"))
    try:
        body = read_json(request.body)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise validation_error(Issue("body", "invalid_type", "Expected a JSON object"))
    return body


def _issues(body: Mapping[str, Any], checks: Mapping[str, Check], spec_variant: SpecVariant) -> Iterator[Issue]:
    for name, value in body.items():
        if name in checks:
            complaint = checks[name](value)
            if complaint:
                yield Issue(name, *complaint)
        elif spec_variant.unknown_fields == "rejected":  # id, created_at, creator_id are such fields
            yield Issue(name, "unrecognized_keys", f"Unrecognized key: {name}")
    if body.get("responsibleIds") == [] and spec_variant.empty_responsibles == "rejected":
        yield Issue("responsibleIds", "too_small", "Expected at least 1 responsible")


def _missing(body: Mapping[str, Any]) -> Iterator[Issue]:
    for name in REQUIRED:
        if name not in body:
            yield Issue(name, "invalid_type", f"{name} is required")


def _raise(issues: list[Issue]) -> None:
    if issues:
        raise validation_error(*issues)
