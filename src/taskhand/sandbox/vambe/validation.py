"""The request bodies of create-task and update-task: their fields and the allowed values.

Nothing here depends on stored data. The pages are https://docs.vambe.me/reference/tasks/create-task and update-task.
"""

from __future__ import annotations

import datetime as dt
import re
import zoneinfo
from typing import TYPE_CHECKING, Any

from taskhand.sandbox.messages import read_json
from taskhand.sandbox.vambe.errors import Issue, validation_error

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from taskhand.sandbox.messages import ReceivedRequest
    from taskhand.sandbox.vambe.spec_variant import SpecVariant

    Check = Callable[[Any], tuple[str, str] | None]  # zod's code and the message of a wrong value

# zod v4 accepts versions 1 to 8 of the RFC 9562 variant, and the nil UUID.
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}|0{8}(-0{4}){3}-0{12}")
DATE = re.compile(r"\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:\d{2})?)?", re.ASCII)
TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d", re.ASCII)
PRIORITIES = ("0", "1", "2")


def is_uuid(text: str) -> bool:
    """Whether the text is a well-formed UUID, in either case."""
    return UUID.fullmatch(text.lower()) is not None


def _expect(test: Callable[[Any], bool], code: str, message: str) -> Check:
    return lambda value: None if test(value) else (code, message)


def _expect_text(test: Callable[[str], object], code: str, message: str) -> Check:
    return _expect(lambda value: isinstance(value, str) and bool(test(value)), code, message)


def _nullable(check: Check) -> Check:
    return lambda value: None if value is None else check(value)


def _is_date(text: str) -> bool:
    if not DATE.fullmatch(text):
        return False
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        return False
    return dt.MINYEAR < moment.year < dt.MAXYEAR  # a time zone may move it by a day


def _is_zone(name: str) -> bool:
    try:
        zoneinfo.ZoneInfo(name)
    except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
        return False
    return True


def _title(value: object) -> tuple[str, str] | None:
    return ("too_small", "Title must have at least 1 character") if value == "" else _text(value)


def _uuids(value: object) -> tuple[str, str] | None:
    if not isinstance(value, list):
        return "invalid_type", "Expected array"
    fine = all(isinstance(item, str) and is_uuid(item) for item in value)
    return None if fine else ("invalid_format", "Expected an array of UUIDs")


_text = _expect(lambda value: isinstance(value, str), "invalid_type", "Expected string")
_uuid = _expect_text(is_uuid, "invalid_format", "Expected a UUID")
_date = _expect_text(_is_date, "invalid_format", "Expected YYYY-MM-DD or an ISO 8601 datetime")
_time = _expect_text(TIME.fullmatch, "invalid_format", "Expected HH:mm")
_zone = _expect_text(_is_zone, "invalid_value", "Expected an IANA timezone")
_priority = _expect_text(PRIORITIES.__contains__, "invalid_value", 'Invalid option: expected one of "0"|"1"|"2"')
_number = _expect(
    lambda value: isinstance(value, int | float) and not isinstance(value, bool), "invalid_type", "Expected number"
)

SHARED: dict[str, Check] = {
    "title": _title,
    "description": _nullable(_text),
    "dueDate": _nullable(_date),
    "dueTime": _nullable(_time),
    "timezone": _nullable(_zone),
    "responsibleIds": _uuids,
    "aiContactId": _nullable(_text),
    "aiCustomerId": _nullable(_text),
    "priority": _priority,
}
ON_CREATE = SHARED | {"aiContactId": _nullable(_uuid)}  # as in the newer version of create-task
ON_UPDATE = SHARED | {"newStatusName": _text, "newStatusPosition": _number}
REQUIRED = ("title", "responsibleIds", "priority")


def read_create(request: ReceivedRequest, spec_variant: SpecVariant) -> dict[str, Any]:
    """Read the body of POST; a validation error lists all issues."""
    body = read_object(request)
    has_opaque_ids = spec_variant.contact_ids == "opaque"
    issues = [*_issues(body, SHARED if has_opaque_ids else ON_CREATE, spec_variant), *_missing(body)]
    if body.get("dueTime") is not None and body.get("timezone") is None:
        # documented by the newer version of create-task only
        issues.append(Issue("timezone", "custom", "timezone is required when dueTime is specified"))
    return _valid(body, issues)


def read_update(request: ReceivedRequest, spec_variant: SpecVariant) -> dict[str, Any]:
    """Read the body of PUT; a validation error lists all issues."""
    body = read_object(request)
    issues = [*_issues(body, ON_UPDATE, spec_variant)]
    if "newStatusName" in body and "newStatusPosition" in body:
        issues.append(Issue("newStatusName", "custom", "Use newStatusName or newStatusPosition, not both"))
    if not body and spec_variant.empty_body == "rejected":
        issues.append(Issue("body", "custom", "Expected at least one field"))
    return _valid(body, issues)


def read_object(request: ReceivedRequest) -> dict[str, Any]:
    """Read a JSON object; another content type or shape is a 400, as with Express's parser."""
    if not request.has_json_type:
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
        elif spec_variant.unknown_fields == "rejected":  # immutable fields such as `id` are unknown here
            yield Issue(name, "unrecognized_keys", f"Unrecognized key: {name}")
    if body.get("responsibleIds") == [] and spec_variant.empty_responsibles == "rejected":
        yield Issue("responsibleIds", "too_small", "Expected at least 1 responsible")


def _missing(body: Mapping[str, Any]) -> Iterator[Issue]:
    for name in REQUIRED:
        if name not in body:
            yield Issue(name, "invalid_type", f"{name} is required")


def _valid(body: dict[str, Any], issues: list[Issue]) -> dict[str, Any]:
    if issues:
        raise validation_error(*issues)
    return body
