"""The batch endpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from taskhand.sandbox.hubspot.batch_body import Input, batch_reply, check_distinct_records, is_partial, read_inputs
from taskhand.sandbox.hubspot.errors import ApiError, not_found_many, read_list, validation_error
from taskhand.sandbox.hubspot.objects import find
from taskhand.sandbox.hubspot.rendering import render_changed, render_created, render_requested
from taskhand.sandbox.hubspot.reply import NOTHING, Reply
from taskhand.sandbox.hubspot.writes import archive, create, plan_create, plan_update, update

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from taskhand.sandbox.hubspot.context import RequestContext
    from taskhand.sandbox.hubspot.record import Record

Planned = TypeVar("Planned")


def batch_read(ctx: RequestContext) -> Reply:
    """`POST /batch/read`: ids that are not there are one error together."""
    body = ctx.object()
    names, histories = _names(body, "properties"), _names(body, "propertiesWithHistory")
    inputs = read_inputs(ctx, body)
    pairs = [(one, _found(ctx, one, body.get("idProperty"))) for one in inputs]
    results = [
        render_requested(ctx, record, names, histories)
        for one, record in pairs
        if record is not None and not one.is_lost(ctx)
    ]
    return batch_reply(ctx, 200, results, _missing(ctx, [one for one, record in pairs if record is None]))


def batch_create(ctx: RequestContext) -> Reply:
    """`POST /batch/create`: in part when every input has a trace id, else all or nothing."""
    inputs = read_inputs(ctx, ctx.object())
    plans, errors = _planned(ctx, inputs, lambda one: plan_create(ctx, ctx.kind, one.body))
    results = [one.traced(render_created(ctx, create(ctx, draft))) for one, draft in plans if not one.is_skipped(ctx)]
    return batch_reply(ctx, 201, _kept(ctx, [one for one, _ in plans], results), errors)


def batch_update(ctx: RequestContext) -> Reply:
    """`POST /batch/update`: ids that are not there never fail the others."""
    inputs = read_inputs(ctx, ctx.object())
    pairs = [(one, _found(ctx, one, one.body.get("idProperty"))) for one in inputs]
    there = [(one, record) for one, record in pairs if record is not None]
    check_distinct_records(ctx, [record.id for _, record in there])
    records = {one.number: record for one, record in there}
    found = [one for one, _ in there]
    plans, errors = _planned(ctx, found, lambda one: plan_update(ctx, ctx.kind, one.body.get("properties")))
    results = [one.traced(_updated(ctx, records[one.number], sent)) for one, sent in plans if not one.is_skipped(ctx)]
    lost = _missing(ctx, [one for one, record in pairs if record is None])
    return batch_reply(ctx, 200, _kept(ctx, [one for one, _ in plans], results), errors + lost)


def batch_upsert(ctx: RequestContext) -> Reply:
    """`POST /batch/upsert`: by a unique property, of which tasks have none by default."""
    inputs = read_inputs(ctx, ctx.object())
    if any(not one.body.get("idProperty") for one in inputs):
        raise validation_error("idProperty is required")
    pairs = {one.number: _found(ctx, one, one.body["idProperty"]) for one in inputs}
    plans, errors = _planned(ctx, inputs, lambda one: _upsert_plan(ctx, one, pairs[one.number]))
    results = [one.traced(_upserted(ctx, pairs[one.number], sent)) for one, sent in plans]
    return batch_reply(ctx, 200, results, errors)


def batch_archive(ctx: RequestContext) -> Reply:
    """`POST /batch/archive`: 204, also for ids that are not there."""
    for one in read_inputs(ctx, ctx.object()):
        record = find(ctx, ctx.kind, one.id)
        if record is not None:
            archive(ctx, record)
    return NOTHING


def _names(body: Mapping[str, Any], key: str) -> list[str]:
    return [str(name) for name in read_list(body, key)]


def _planned(
    ctx: RequestContext, inputs: list[Input], plan: Callable[[Input], Planned]
) -> tuple[list[tuple[Input, Planned]], list[dict[str, Any]]]:
    """Plan every input before any is written; one that is refused fails all of them, or itself alone."""
    plans: list[tuple[Input, Planned]] = []
    errors: list[dict[str, Any]] = []
    partial = is_partial(ctx, inputs)
    for one in inputs:
        try:
            plans.append((one, plan(one)))
        except ApiError as refused:
            if not partial:  # the first offender alone is named
                raise
            errors.append(refused.part(one.context, ctx.spec_variant))
    return plans, errors


def _found(ctx: RequestContext, one: Input, id_property: object) -> Record | None:
    archived = ctx.request.path.endswith("/batch/read") and ctx.flag("archived")
    return find(ctx, ctx.kind, one.id, id_property, archived=archived)


def _missing(ctx: RequestContext, inputs: list[Input]) -> list[dict[str, Any]]:
    """Make the one error for all that is not there, with the trace ids."""
    told = [one for one in inputs if not one.is_lost(ctx)]
    if not told:
        return []
    traces = [one.trace for one in told if one.trace is not None]
    context = {"objectWriteTraceId": traces} if traces else {}
    return [not_found_many(ctx.kind.label, [one.id for one in told]).part(context, ctx.spec_variant)]


def _kept(ctx: RequestContext, done: list[Input], results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Leave out what the reading loses; an input that was skipped has no result already."""
    told = [one for one in done if not one.is_skipped(ctx)]
    return [result for one, result in zip(told, results, strict=True) if not one.is_lost(ctx)]


def _updated(ctx: RequestContext, record: Record, sent: dict[str, str]) -> dict[str, Any]:
    return render_changed(ctx, record, update(ctx, record, sent), sent)


def _upsert_plan(ctx: RequestContext, one: Input, record: Record | None) -> dict[str, str]:
    if record is not None:
        return plan_update(ctx, ctx.kind, one.body.get("properties"))
    sent = one.body.get("properties") or {}
    properties = {**sent, one.body["idProperty"]: one.id} if isinstance(sent, dict) else sent
    return dict(plan_create(ctx, ctx.kind, {"properties": properties}).properties)


def _upserted(ctx: RequestContext, record: Record | None, sent: dict[str, str]) -> dict[str, Any]:
    if record is not None:
        return _updated(ctx, record, sent) | {"new": False}
    draft = plan_create(ctx, ctx.kind, {"properties": sent})
    return render_created(ctx, create(ctx, draft)) | {"new": True}
