"""The batch endpoints (§2, §2.4, §3.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from taskhand.sandbox.hubspot.batch_body import Input, answered, is_partial, one_record_each, read_inputs
from taskhand.sandbox.hubspot.errors import RefusedError, invalid, listed, missing_many
from taskhand.sandbox.hubspot.objects import find
from taskhand.sandbox.hubspot.rendering import asked, changed, created
from taskhand.sandbox.hubspot.reply import NOTHING, Reply
from taskhand.sandbox.hubspot.writes import archive, create, plan_create, plan_update, update

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from taskhand.sandbox.hubspot.context import Desk
    from taskhand.sandbox.hubspot.record import Record

Planned = TypeVar("Planned")


def batch_read(desk: Desk) -> Reply:
    """`POST /batch/read`: ids that are not there are one error together (§3.1 CAP)."""
    body = desk.object()
    names, histories = _names(body, "properties"), _names(body, "propertiesWithHistory")
    inputs = read_inputs(desk, body)
    pairs = [(one, _found(desk, one, body.get("idProperty"))) for one in inputs]
    results = [
        asked(desk, record, names, histories) for one, record in pairs if record is not None and not one.is_lost(desk)
    ]
    return answered(desk, 200, results, _missing(desk, [one for one, record in pairs if record is None]))


def batch_create(desk: Desk) -> Reply:
    """`POST /batch/create`: in part when every input has a trace id, else all or nothing."""
    inputs = read_inputs(desk, desk.object())
    plans, errors = _planned(desk, inputs, lambda one: plan_create(desk, desk.kind, one.body))
    results = [one.traced(created(desk, create(desk, draft))) for one, draft in plans if not one.is_skipped(desk)]
    return answered(desk, 201, _kept(desk, [one for one, _ in plans], results), errors)


def batch_update(desk: Desk) -> Reply:
    """`POST /batch/update`: ids that are not there never fail the others (§3.1 CAP)."""
    inputs = read_inputs(desk, desk.object())
    pairs = [(one, _found(desk, one, one.body.get("idProperty"))) for one in inputs]
    there = [(one, record) for one, record in pairs if record is not None]
    one_record_each(desk, [record.id for _, record in there])
    records = {one.number: record for one, record in there}
    found = [one for one, _ in there]
    plans, errors = _planned(desk, found, lambda one: plan_update(desk, desk.kind, one.body.get("properties")))
    results = [one.traced(_updated(desk, records[one.number], sent)) for one, sent in plans if not one.is_skipped(desk)]
    lost = _missing(desk, [one for one, record in pairs if record is None])
    return answered(desk, 200, _kept(desk, [one for one, _ in plans], results), errors + lost)


def batch_upsert(desk: Desk) -> Reply:
    """`POST /batch/upsert`: by a unique property, of which tasks have none by default (§2 INF)."""
    inputs = read_inputs(desk, desk.object())
    if any(not one.body.get("idProperty") for one in inputs):
        raise invalid("idProperty is required")
    pairs = {one.number: _found(desk, one, one.body["idProperty"]) for one in inputs}
    plans, errors = _planned(desk, inputs, lambda one: _upsert_plan(desk, one, pairs[one.number]))
    results = [one.traced(_upserted(desk, pairs[one.number], sent)) for one, sent in plans]
    return answered(desk, 200, results, errors)


def batch_archive(desk: Desk) -> Reply:
    """`POST /batch/archive`: 204, also for ids that are not there (§12.6 MEM)."""
    for one in read_inputs(desk, desk.object()):
        record = find(desk, desk.kind, one.id)
        if record is not None:
            archive(desk, record)
    return NOTHING


def _names(body: Mapping[str, Any], key: str) -> list[str]:
    return [str(name) for name in listed(body, key)]


def _planned(
    desk: Desk, inputs: list[Input], plan: Callable[[Input], Planned]
) -> tuple[list[tuple[Input, Planned]], list[dict[str, Any]]]:
    """Plan every input before any is written; one that is refused fails all of them, or itself alone."""
    plans: list[tuple[Input, Planned]] = []
    errors: list[dict[str, Any]] = []
    partial = is_partial(desk, inputs)
    for one in inputs:
        try:
            plans.append((one, plan(one)))
        except RefusedError as refused:
            if not partial:  # §3.1 CAP: the first offender alone is named
                raise
            errors.append(refused.part(one.context, desk.reading))
    return plans, errors


def _found(desk: Desk, one: Input, id_property: object) -> Record | None:
    archived = desk.call.path.endswith("/batch/read") and desk.flag("archived")
    return find(desk, desk.kind, one.id, id_property, archived=archived)


def _missing(desk: Desk, inputs: list[Input]) -> list[dict[str, Any]]:
    """Make the one error for all that is not there, with the trace ids (§3.1 CAP, 3P)."""
    told = [one for one in inputs if not one.is_lost(desk)]
    if not told:
        return []
    traces = [one.trace for one in told if one.trace is not None]
    context = {"objectWriteTraceId": traces} if traces else {}
    return [missing_many(desk.kind.label, [one.id for one in told]).part(context, desk.reading)]


def _kept(desk: Desk, done: list[Input], results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Leave out what the reading loses; an input that was skipped has no result already."""
    told = [one for one in done if not one.is_skipped(desk)]
    return [result for one, result in zip(told, results, strict=True) if not one.is_lost(desk)]


def _updated(desk: Desk, record: Record, sent: dict[str, str]) -> dict[str, Any]:
    return changed(desk, record, update(desk, record, sent), sent)


def _upsert_plan(desk: Desk, one: Input, record: Record | None) -> dict[str, str]:
    if record is not None:
        return plan_update(desk, desk.kind, one.body.get("properties"))
    sent = one.body.get("properties") or {}
    properties = {**sent, one.body["idProperty"]: one.id} if isinstance(sent, dict) else sent
    return dict(plan_create(desk, desk.kind, {"properties": properties}).properties)


def _upserted(desk: Desk, record: Record | None, sent: dict[str, str]) -> dict[str, Any]:
    if record is not None:
        return _updated(desk, record, sent) | {"new": False}
    draft = plan_create(desk, desk.kind, {"properties": sent})
    return created(desk, create(desk, draft)) | {"new": True}
