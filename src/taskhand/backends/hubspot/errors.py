"""Reads HubSpot's error bodies, waits and limits, and names them as the contract does; pure.

https://developers.hubspot.com/docs/developer-tooling/platform/error-handling: every field of an error is optional.
HubSpot's text is never repeated, except scopes that have the form of one.
"""

import json as jsonlib
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from taskhand.backends.hubspot.properties.definitions import ARGUMENTS
from taskhand.backends.remote.parsing import JsonObject, objects, value_at
from taskhand.backends.remote.write_messages import Messages
from taskhand.backends.remote.write_refusals import UnknownLink
from taskhand.domain.errors import CallerError, Explanation, NotFound, TaskhandError, UpstreamError
from taskhand.domain.properties import property_field
from taskhand.http.errors import CredentialRefused, refused_values_error
from taskhand.http.rate_headers import RateHeaders
from taskhand.http.response_body import Json

__all__ = [
    "ALL_DAY",
    "ERROR_FORMS",
    "MESSAGES",
    "NO_ALL_DAY",
    "LackingScopes",
    "explain",
    "ids_in_error",
    "read_limits",
    "read_wait",
    "refusal_of_new_task",
    "to_error",
]

ERROR_FORMS: Final = tuple(frozenset({"message", name}) for name in ("category", "correlationId", "errorType"))
"""The fields that tell an error body of HubSpot, where each may be missing, from that of a proxy."""
MESSAGES: Final = Messages("HubSpot", searches_lag=True)
ALL_DAY: Final = "hs_task_is_all_day"
"""The property that an account may refuse."""

_STATUS: Final = "newStatusName"
_MEANINGS: Final[Mapping[str, str]] = {
    "INVALID_OPTION": "HubSpot does not have that value among its options",
    "INVALID_OWNER_ID": "HubSpot does not accept that person as an owner",
    "INVALID_DATE": "HubSpot does not accept the value as a date",
    "INVALID_LONG": "HubSpot does not accept the value as a date",
    "READ_ONLY_VALUE": "HubSpot does not let it be set",
    "PROPERTY_DOESNT_EXIST": "this HubSpot account does not have it",
    "REQUIRED": "HubSpot requires it",
    "INVALID_INTEGER": "HubSpot does not accept the value as a number",
    "CONFLICTING_UNIQUE_VALUE": "another task in HubSpot has that value, and it is unique",
}
_UNKNOWN: Final = "HubSpot does not accept that value"
_NOT_SET: Final = frozenset({"READ_ONLY_VALUE", "PROPERTY_DOESNT_EXIST"})
NO_ALL_DAY: Final = Explanation(
    "HubSpot refused dueDate: this HubSpot account does not let a task be marked as all day."
)
_NO_RECORD: Final = UnknownLink("HubSpot does not have the record to link the task to.")
_EXPIRED: Final = Explanation("HubSpot says that the access token is expired or invalid.")
_WRONG_FORM: Final = CredentialRefused(
    "HubSpot says that the access token has the wrong form: it is not one of HubSpot's tokens."
)
_PROPERTY: Final = re.compile(r"[a-z][a-z0-9_]{0,99}")
_SCOPE: Final = re.compile(r"[a-z][a-z0-9_-]{1,40}(\.[a-z0-9_-]{1,40}){0,6}")
_VALUES: Final = "Property values were not valid: "
_DAILY_S: Final = 3600.0
_LIMITS: Final[Mapping[str, tuple[float, str]]] = {
    "SECONDLY": (1.0, "The limit of searches per second at HubSpot is reached."),
    "TEN_SECONDLY_ROLLING": (10.0, "The limit of requests in ten seconds at HubSpot is reached."),
    "DAILY": (_DAILY_S, "The daily limit of requests to HubSpot is used up until midnight in the account's zone."),
}
"""The seconds to wait and the sentence, by `policyName`. The daily wait is longer than any call, so it is reported."""


@dataclass(frozen=True, slots=True)
class LackingScopes(Explanation):
    """The access token lacks these scopes, or one of them."""

    scopes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RefusedValues(Explanation):
    """HubSpot refused these arguments, each for a reason."""

    reasons: tuple[tuple[str, str], ...] = ()


def explain(status: int, json: Json) -> Explanation | None:
    """Taskhand's explanation of a refusal; None if the body adds nothing to the status."""
    if not isinstance(json, dict):
        return None
    match status:
        case 530:  # reported for a malformed token, and not documented; the CDN answers it for failures of its own
            return _WRONG_FORM if json.get("category") == "INVALID_AUTHENTICATION" else None
        case 401:
            return _EXPIRED if json.get("category") == "EXPIRED_AUTHENTICATION" else None
        case 403:
            return _explain_scopes(json)
        case 429:
            _, sentence = _LIMITS.get(str(json.get("policyName")), (None, None))
            return Explanation(sentence) if sentence else None
    return _explain_values(json)


def to_error(json: JsonObject) -> TaskhandError:
    """The error for one input of a batch (`errors[]` of a 207)."""
    category = json.get("category")
    if category == "OBJECT_NOT_FOUND":
        return NotFound(
            "There is no such task in HubSpot.", code="task_not_found", next_step="Call list_tasks for the task's id."
        )
    explained = _explain_values(json)
    if explained or category == "VALIDATION_ERROR":
        return refused_values_error("HubSpot", explained)
    if category == "CONFLICT":
        return CallerError(
            "HubSpot says that the change conflicts with the task as it is now.",
            code="conflict",
            next_step="Read the task with get_task, then decide again.",
        )
    return UpstreamError("HubSpot refused this task.", next_step="Read the task with get_task, then decide again.")


def refusal_of_new_task(error: TaskhandError) -> TaskhandError:
    """The refusal of a new task: callers do not choose its status, so a refused status is not named as an argument."""
    explained = error.explanation
    if not isinstance(explained, RefusedValues) or _STATUS not in explained.arguments:
        return error
    names = {_STATUS: "the status that the task would get"}
    return CallerError(
        _describe_refused([(names.get(name, name), reason) for name, reason in explained.reasons]),
        code=error.code,
        next_step="Ask a HubSpot administrator to check the stages of the task pipeline, then send the call again.",
    )


def read_wait(json: Json) -> float | None:
    """Seconds to wait after a 429, by its `policyName`: HubSpot documents no `Retry-After`."""
    return _LIMITS.get(str(json.get("policyName")), (None, None))[0] if isinstance(json, dict) else None


def read_limits(headers: Mapping[str, str]) -> RateHeaders | None:
    """The rest of the ten-second window, or 0 if the daily limit is used up; None if the headers have neither.

    https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines; responses to searches have neither.
    """
    if _number(headers, "x-hubspot-ratelimit-daily-remaining") == 0:
        return RateHeaders(remaining=0, reset_s=_DAILY_S)
    remaining = _number(headers, "x-hubspot-ratelimit-remaining")
    window_ms = _number(headers, "x-hubspot-ratelimit-interval-milliseconds")
    if remaining is None:
        return None
    return RateHeaders(remaining, (window_ms or 10_000) / 1000, _number(headers, "x-hubspot-ratelimit-max"))


def _number(headers: Mapping[str, str], name: str) -> int | None:
    text = headers.get(name, "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < len("9999999999") else None


def _context_values(error: JsonObject, *names: str) -> list[str]:
    """The texts and numbers in these lists of an error's `context`."""
    lists = [value_at(error, "context", name) for name in names]
    return [
        str(value) for values in lists if isinstance(values, list) for value in values if isinstance(value, str | int)
    ]


def ids_in_error(error: JsonObject) -> list[str]:
    """The trace ids or task ids of the inputs of a batch that an error is about."""
    return _context_values(error, "objectWriteTraceId", "ids", "id")


def _explain_scopes(json: JsonObject) -> Explanation | None:
    names = ("requiredGranularScopes", "requiredScopes")
    lacking = [scope for part in (json, *objects(json.get("errors"))) for scope in _context_values(part, *names)]
    scopes = list(dict.fromkeys(filter(_SCOPE.fullmatch, lacking)))[:5]
    if not scopes:
        return None
    one_of = "the scope" if len(scopes) == 1 else "one of the scopes"
    lacks = f"HubSpot does not allow this to the access token, which lacks {one_of} {', '.join(scopes)}."
    return LackingScopes(lacks, scopes=tuple(scopes))


def _describe_refused(reasons: Iterable[tuple[str, str]]) -> str:
    return f"HubSpot refused {'; '.join(f'{name}: {reason}' for name, reason in dict.fromkeys(reasons))}."


def _explain_values(json: JsonObject) -> Explanation | None:
    """A sentence with a clause for each refused field; the all-day flag is named only if nothing else was refused."""
    refused = list(_refused_properties(json))
    others = [(name, code) for name, code in refused if name != ALL_DAY or code not in _NOT_SET]
    if refused and not others:
        return NO_ALL_DAY
    known = [(property_name, code) for property_name, code in others if _PROPERTY.fullmatch(property_name)]
    reasons = tuple(
        (ARGUMENTS.get(property_name, property_field(property_name)), _MEANINGS.get(code, _UNKNOWN))
        for property_name, code in known
    )
    if reasons:
        return RefusedValues(_describe_refused(reasons), frozenset(name for name, _ in reasons), reasons)
    is_link = str(json.get("message")).startswith("One or more associations are")
    if is_link or any(_context_values(part, "INVALID_OBJECT_IDS") for part in (json, *objects(json.get("errors")))):
        return _NO_RECORD
    return None


def _refused_properties(json: JsonObject) -> Iterator[tuple[str, str]]:
    """Property names with HubSpot's code: from `errors`, from the JSON inside the message, and from `context`."""
    for error in objects(json.get("errors")):
        for name in _context_values(error, "propertyName"):
            yield name, str(error.get("code"))
    message = str(json.get("message"))
    if message.startswith(_VALUES):
        with suppress(ValueError, RecursionError):
            rows = objects(jsonlib.loads(message.removeprefix(_VALUES)))
            yield from ((str(row.get("name")), str(row.get("error"))) for row in rows)
    yield from ((name, "REQUIRED") for name in _context_values(json, "properties"))
