"""What HubSpot's refusals mean, in the contract's names; pure.

https://developers.hubspot.com/docs/developer-tooling/platform/error-handling: every field of an error is optional.
Nothing of its text is repeated; scopes are, once they look like scopes.
"""

import json as jsonlib
import re
from collections.abc import Iterator, Mapping
from typing import Final

from taskhand.backends.hubspot.record import JsonObject, objects
from taskhand.domain.errors import CallerError, NotFound, TaskhandError, UpstreamError
from taskhand.http.rate_limiter import RateHeaders
from taskhand.http.reply import Json

__all__ = ["explain", "read_limits", "read_wait", "refuses_all_day", "to_error"]

_NAMES: Final[Mapping[str, str]] = {
    "hs_task_subject": "title",
    "hs_task_body": "description",
    "hs_timestamp": "dueDate",
    "hs_task_is_all_day": "dueDate",
    "hs_task_status": "newStatusName",
    "hs_pipeline_stage": "newStatusName",
    "hubspot_owner_id": "responsibleIds",
    "hs_task_priority": "priority",
}
_MEANINGS: Final[Mapping[str, str]] = {
    "INVALID_OPTION": "HubSpot does not have that value among its options",
    "INVALID_OWNER_ID": "HubSpot does not accept that person as an owner",
    "INVALID_DATE": "HubSpot does not take that as a date",
    "INVALID_LONG": "HubSpot does not take that as a date",
    "READ_ONLY_VALUE": "HubSpot does not let it be set",
    "PROPERTY_DOESNT_EXIST": "this HubSpot account does not have it",
    "REQUIRED": "HubSpot requires it",
}
_ALL_DAY: Final = "hs_task_is_all_day"
_NOT_SET: Final = frozenset({"READ_ONLY_VALUE", "PROPERTY_DOESNT_EXIST"})
_NO_ALL_DAY: Final = "HubSpot refused dueDate: this HubSpot account cannot be told that a task is all day."
_SCOPE: Final = re.compile(r"[a-z][a-z0-9_-]{1,40}(\.[a-z0-9_-]{1,40}){0,6}")
_MOST_SCOPES: Final = 5
_VALUES: Final = "Property values were not valid: "
_WAITS_S: Final = {"SECONDLY": 1.0, "TEN_SECONDLY_ROLLING": 10.0}
_DAILY_S: Final = 3600.0


def explain(status: int, json: Json) -> str | None:
    """A sentence of ours about a refusal, None where there is nothing to say beyond its status."""
    if not isinstance(json, dict):
        return None
    match status:
        case 401:
            return _of_credential(json)
        case 403:
            return _of_scopes(json)
        case 429:
            return _of_limit(json)
    return _of_values(json)


def to_error(json: JsonObject) -> TaskhandError:
    """The error for one input of a batch (`errors[]` of a 207)."""
    category = json.get("category")
    if category == "OBJECT_NOT_FOUND":
        return NotFound(
            "There is no such task in HubSpot.", code="task_not_found", next_step="Call list_tasks for the task's id."
        )
    said = _of_values(json)
    if said or category == "VALIDATION_ERROR":
        return CallerError(
            said or "HubSpot refused the values that were sent.",
            code="upstream_refused",
            next_step="Check each value that was sent, and send the call again with other values.",
        )
    if category == "CONFLICT":
        return CallerError(
            "HubSpot says that this conflicts with what is there.",
            code="conflict",
            next_step="Read what is there now, then decide again.",
        )
    return UpstreamError("HubSpot refused this task.", next_step="Read the task with get_task, then decide again.")


def refuses_all_day(error: TaskhandError) -> bool:
    """Whether nothing was refused but `hs_task_is_all_day`, which an account may not let be set."""
    return isinstance(error, CallerError) and error.message == _NO_ALL_DAY


def read_wait(json: Json) -> float | None:
    """Seconds that a 429 asks to wait: HubSpot documents no `Retry-After`, its `policyName` says which limit it is.

    An hour for the daily limit, which is longer than any call may take: it is reported, not waited for.
    """
    policy = json.get("policyName") if isinstance(json, dict) else None
    return _DAILY_S if policy == "DAILY" else _WAITS_S.get(str(policy))


def read_limits(headers: Mapping[str, str]) -> RateHeaders | None:
    """What is left of the ten-second window, or that nothing is left of the day.

    https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines; searches carry none of these.
    """
    if _number(headers, "x-hubspot-ratelimit-daily-remaining") == 0:
        return RateHeaders(remaining=0, reset_s=_DAILY_S)
    remaining = _number(headers, "x-hubspot-ratelimit-remaining")
    window_ms = _number(headers, "x-hubspot-ratelimit-interval-milliseconds")
    return None if remaining is None else RateHeaders(remaining, (window_ms or 10_000) / 1000)


def _number(headers: Mapping[str, str], name: str) -> int | None:
    text = headers.get(name, "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < len("9999999999") else None


def _of_credential(json: JsonObject) -> str | None:
    if json.get("category") == "EXPIRED_AUTHENTICATION":
        return "HubSpot says that the access token has expired, or that it is none."
    return None


def _of_scopes(json: JsonObject) -> str | None:
    named = [
        scope
        for context in (_context(error) for error in [json, *objects(json.get("errors"))])
        for key in ("requiredGranularScopes", "requiredScopes")
        for scope in _texts(context.get(key))
        if _SCOPE.fullmatch(scope)
    ]
    scopes = list(dict.fromkeys(named))[:_MOST_SCOPES]
    if not scopes:
        return None
    one_of = "the scope" if len(scopes) == 1 else "one of the scopes"
    return f"HubSpot does not allow this to the access token, which lacks {one_of} {', '.join(scopes)}."


def _of_limit(json: JsonObject) -> str | None:
    match json.get("policyName"):
        case "DAILY":
            return (
                "The daily limit of requests to HubSpot is used up; it starts anew at midnight in the account's zone."
            )
        case "SECONDLY":
            return "HubSpot allows only so many searches a second, and asks to wait."
        case "TEN_SECONDLY_ROLLING":
            return "HubSpot allows only so many requests in ten seconds, and asks to wait."
    return None


def _of_values(json: JsonObject) -> str | None:
    """One clause for each field that a refusal names; that a task cannot be all day is said only by itself."""
    named = list(_named(json))
    others = [(name, code) for name, code in named if name != _ALL_DAY or code not in _NOT_SET]
    if named and not others:
        return _NO_ALL_DAY
    clauses = dict.fromkeys(f"{_NAMES[name]}: {_meaning(code)}" for name, code in others if name in _NAMES)
    if clauses:
        return f"HubSpot refused {'; '.join(clauses)}."
    if any("INVALID_OBJECT_IDS" in _context(error) for error in [json, *objects(json.get("errors"))]) or _is_link(json):
        return "HubSpot refused aiContactId or aiCustomerId: there is no such contact or company."
    return None


def _is_link(json: JsonObject) -> bool:
    return str(json.get("message")).startswith("One or more associations are")


def _meaning(code: str) -> str:
    return _MEANINGS.get(code, "HubSpot does not take that value")


def _named(json: JsonObject) -> Iterator[tuple[str, str]]:
    """Property names with HubSpot's code: from `errors`, from the JSON inside the message, and from `context`."""
    for error in objects(json.get("errors")):
        for name in _texts(_context(error).get("propertyName")):
            yield name, str(error.get("code"))
    for row in _rows(json.get("message")):
        yield str(row.get("name")), str(row.get("error"))
    for name in _texts(_context(json).get("properties")):
        yield name, "REQUIRED"


def _rows(message: object) -> list[JsonObject]:
    if not isinstance(message, str) or not message.startswith(_VALUES):
        return []
    try:
        return objects(jsonlib.loads(message.removeprefix(_VALUES)))
    except (ValueError, RecursionError):
        return []


def _context(error: JsonObject) -> JsonObject:
    context = error.get("context")
    return context if isinstance(context, dict) else {}


def _texts(value: object) -> list[str]:
    return [text for text in value if isinstance(text, str)] if isinstance(value, list) else []
