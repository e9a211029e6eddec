"""Conversion between the journal's values and JSON; pure.

A field that is *not given* is left out, one that is null is null: the two differ in an edit.
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from taskhand.domain.due import Due
from taskhand.domain.edit import Edit, edit_of
from taskhand.domain.name_matching import Match
from taskhand.domain.snapshot import Snapshot
from taskhand.domain.task import StatusChoice, Task
from taskhand.journal.journal import Caller, Claim, Ending, Intent, Opening, Result
from taskhand.sql.connection import stored_instant

__all__ = [
    "ending_from",
    "ending_json",
    "intent_from",
    "intent_json",
    "opening_from",
    "opening_json",
    "result_from",
    "result_json",
]

_Json = dict[str, Any]

_TUPLES = frozenset({"responsible_ids"})
"""Fields of an edit that are lists in JSON."""


def opening_json(opening: Opening) -> _Json:
    """An opening without its time and tool, which are fields of the entry."""
    further: _Json = {} if opening.connection is None else {"connection": opening.connection}
    further |= {"second_person": True} if opening.second_person else {}
    further |= {"own_credential": True} if opening.own_credential else {}
    further |= {"by_filter": opening.by_filter} if opening.by_filter or "filter" in opening.arguments else {}
    further |= {} if opening.caller.email is None else {"email": opening.caller.email}
    return further | {
        "caller": {name: part for name, part in _fields_json(opening.caller).items() if name != "email"},
        "arguments": opening.arguments,
        "reason": opening.reason,
        "matched": [_fields_json(match) for match in opening.matched],
        "plan_id": opening.plan_id,
        "undoes": opening.undoes,
        "claims": [_claim_json(claim) for claim in opening.claims],
    }


def opening_from(value: Mapping[str, Any], tool: str, at: str) -> Opening:
    """The opening that `opening_json` converted."""
    return Opening(
        tool=tool,
        caller=Caller(**value["caller"], email=value.get("email")),  # earlier versions know no such field
        at=datetime.fromisoformat(at),
        arguments=value["arguments"],
        reason=value["reason"],
        matched=tuple(Match(**match) for match in value["matched"]),
        plan_id=value["plan_id"],
        undoes=value["undoes"],
        claims=tuple(map(_claim_from, value["claims"])),
        connection=value.get("connection"),  # not in journals of earlier versions, as the next three
        second_person=value.get("second_person", False),
        own_credential=value.get("own_credential", False),
        by_filter=value.get("by_filter", "filter" in value["arguments"]),
    )


def intent_json(intent: Intent) -> _Json:
    """An intent; `asked` is left out if it equals the edit."""
    value: _Json = {
        "verb": intent.verb,
        "before": intent.before and _snapshot_json(intent.before),
        "edit": intent.edit and _edit_json(intent.edit),
    }
    if intent.asked is intent.edit:
        return value
    asked = intent.asked and _edit_json(intent.asked)
    return value if asked == value["edit"] else value | {"asked": asked}


def intent_from(value: Mapping[str, Any]) -> Intent:
    """The intent that `intent_json` converted."""
    before, edit, asked = value["before"], value["edit"], value.get("asked", value["edit"])
    return Intent(
        value["verb"],
        before=None if before is None else _snapshot_from(before),
        edit=None if edit is None else _edit_from(edit),
        asked=None if asked is None else _edit_from(asked),
    )


def result_json(result: Result) -> _Json:
    """A result without its outcome and task id, which are fields of the entry."""
    value = {
        "place": result.index,
        "after": result.after and result.after.model_dump(),
        "code": result.code,
        "note": result.note,
    }
    more = {"title": result.title, "passing": result.is_passing}
    return value | {name: field for name, field in more.items() if field is not None}


def result_from(value: Mapping[str, Any], outcome: Any, task_id: str | None) -> Result:
    """The result that `result_json` converted."""
    after = value["after"]
    return Result(
        value["place"],
        outcome,
        task_id=task_id,
        after=None if after is None else Task.model_validate(after),
        code=value["code"],
        note=value["note"],
        title=value.get("title"),  # this and the next one are not in journals of earlier versions
        is_passing=value.get("passing"),
    )


def ending_json(ending: Ending) -> _Json:
    """An ending without its outcome, which is a field of the entry."""
    return {"code": ending.code, "requests": ending.requests, "took_s": ending.took_s}


def ending_from(value: Mapping[str, Any], outcome: Any) -> Ending:
    """The ending that `ending_json` converted."""
    return Ending(outcome, code=value["code"], requests=tuple(value["requests"]), took_s=value["took_s"])


def _fields_json(value: Caller | Match | StatusChoice) -> _Json:
    """A dataclass whose fields are JSON as they are."""
    return {name: getattr(value, name) for name in value.__dataclass_fields__}


def _claim_json(claim: Claim) -> _Json:
    return {
        "scope": claim.scope,
        "payload": claim.payload,
        "since": claim.since and stored_instant(claim.since),
    }


def _claim_from(value: Mapping[str, Any]) -> Claim:
    since = value["since"]
    return Claim(value["scope"], value["payload"], since and datetime.fromisoformat(since))


def _snapshot_json(snapshot: Snapshot) -> _Json:
    value = {
        "task": snapshot.task.model_dump(),
        "native": dict(snapshot.native),
        "unknown": sorted(snapshot.unknown),
    }
    if snapshot.lost:
        value["lost"] = list(snapshot.lost)
    return value | ({"cannot_recreate": snapshot.cannot_recreate} if snapshot.cannot_recreate else {})


def _snapshot_from(value: Mapping[str, Any]) -> Snapshot:
    return Snapshot(
        Task.model_validate(value["task"]),
        native=value["native"],
        unknown=frozenset(value["unknown"]),
        lost=tuple(value.get("lost", ())),  # not in journals of earlier versions
        cannot_recreate=value.get("cannot_recreate"),
    )


def _edit_json(edit: Edit) -> _Json:
    value: _Json = {name: _field_json(given) for name, given in edit.given_fields()}
    return value if edit.native is None else value | {"native": dict(edit.native)}


def _edit_from(value: Mapping[str, Any]) -> Edit:
    given = {name: part for name, part in value.items() if name != "native"}
    return edit_of(((name, _field_from(name, part)) for name, part in given.items()), value.get("native"))


def _field_json(value: object) -> object:
    match value:
        case Due():
            return {"day": value.day.isoformat(), "at": value.at and stored_instant(value.at), "zone": value.zone}
        case StatusChoice():
            return _fields_json(value)
        case _:
            return value


def _field_from(name: str, value: Any) -> Any:
    match name, value:
        case "due", {"day": day, "at": at, "zone": zone}:
            return Due(date.fromisoformat(day), at and datetime.fromisoformat(at), zone)
        case "status", dict():
            return StatusChoice(**value)
        case _ if name in _TUPLES:
            return tuple(value)
        case _:
            return value
