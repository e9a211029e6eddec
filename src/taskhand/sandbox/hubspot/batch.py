"""The batch endpoints: https://developers.hubspot.com/docs/api-reference/crm-tasks-v3/batch/update-tasks."""

from __future__ import annotations

import datetime as dt
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from taskhand.sandbox.hubspot.batch_body import (
    MAX_INPUTS,
    Input,
    batch_reply,
    check_distinct_records,
    is_partial,
    read_inputs,
)
from taskhand.sandbox.hubspot.dates import format_instant
from taskhand.sandbox.hubspot.errors import (
    ApiError,
    Complaint,
    invalid_values,
    not_found_many,
    read_list,
    validation_error,
)
from taskhand.sandbox.hubspot.objects import MAX_WITH_HISTORY, find
from taskhand.sandbox.hubspot.rendering import (
    property_definitions,
    render_created,
    render_requested,
    render_updated_record,
)
from taskhand.sandbox.hubspot.reply import NO_CONTENT, JsonResponse
from taskhand.sandbox.hubspot.writes import archive, create_record, plan_create, plan_update, update_record

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from taskhand.sandbox.hubspot.context import RequestContext
    from taskhand.sandbox.hubspot.record import RecordVersion

Plan = TypeVar("Plan")
PENDING_FOR = dt.timedelta(seconds=2)


def batch_read(ctx: RequestContext) -> JsonResponse:
    """`POST /batch/read`: unknown ids make one error together."""
    body = ctx.object()
    names, histories = _names(body, "properties"), _names(body, "propertiesWithHistory")
    inputs = read_inputs(ctx, body, MAX_WITH_HISTORY if histories else MAX_INPUTS)
    pairs = [(item, _find_input(ctx, item, body.get("idProperty"))) for item in inputs]
    results = [
        render_requested(ctx, record, names, histories)
        for item, record in pairs
        if record is not None and not item.is_lost(ctx)
    ]
    return batch_reply(ctx, 200, results, _missing(ctx, [item for item, record in pairs if record is None]))


def batch_create(ctx: RequestContext) -> JsonResponse:
    """`POST /batch/create`: may succeed partially if every input has a trace id, else it is atomic."""
    inputs = read_inputs(ctx, ctx.object())
    plans, errors = _plan_all(ctx, inputs, lambda item: plan_create(ctx, ctx.object_type, item.body))
    if ctx.spec_variant.batch_create != "complete":
        return _pending_reply(
            ctx, ctx.spec_variant.batch_create, [partial(create_record, ctx, draft) for _, draft in plans]
        )
    results = [
        item.traced(render_created(ctx, create_record(ctx, draft))) for item, draft in plans if not item.is_skipped(ctx)
    ]
    return batch_reply(ctx, 201, _without_lost(ctx, [item for item, _ in plans], results), errors)


def batch_update(ctx: RequestContext) -> JsonResponse:
    """`POST /batch/update`: unknown ids do not fail the other inputs."""
    inputs = read_inputs(ctx, ctx.object())
    pairs = [(item, _find_input(ctx, item, item.body.get("idProperty"))) for item in inputs]
    known = [(item, record) for item, record in pairs if record is not None]
    check_distinct_records(ctx, [record.id for _, record in known])
    records = {item.number: record for item, record in known}
    found = [item for item, _ in known]

    def plan(item: Input) -> dict[str, str]:
        return plan_update(ctx, ctx.object_type, item.body.get("properties"), records[item.number].id)

    plans, errors = _plan_all(ctx, found, plan)
    if ctx.spec_variant.batch_update != "complete":
        work = [partial(update_record, ctx, records[item.number], sent) for item, sent in plans]
        return _pending_reply(ctx, ctx.spec_variant.batch_update, work)
    results = [
        item.traced(_update(ctx, records[item.number], sent)) for item, sent in plans if not item.is_skipped(ctx)
    ]
    lost = _missing(ctx, [item for item, record in pairs if record is None])
    return batch_reply(ctx, 200, _without_lost(ctx, [item for item, _ in plans], results), errors + lost)


def _pending_reply(ctx: RequestContext, when: str, work: Sequence[Callable[[], object]]) -> JsonResponse:
    """Accept a batch without results: a documented state, never recorded."""

    def carry_out() -> None:
        for step in work:
            step()

    if when == "pending_done":
        carry_out()
    elif when == "pending_later":
        ctx.store.defer(ctx.now + PENDING_FOR, carry_out)
    now = format_instant(ctx.now)
    status = "CANCELED" if when == "canceled" else "PENDING"
    return JsonResponse(
        200, {"status": status, "results": [], "requestedAt": now, "startedAt": now, "completedAt": now}
    )


def batch_upsert(ctx: RequestContext) -> JsonResponse:
    """`POST /batch/upsert`: by a unique property; tasks have none by default."""
    inputs = read_inputs(ctx, ctx.object())
    if any(not item.body.get("idProperty") for item in inputs):
        raise validation_error("idProperty is required")
    pairs = {item.number: _find_input(ctx, item, item.body["idProperty"]) for item in inputs}
    plans, errors = _plan_all(ctx, inputs, lambda item: _upsert_plan(ctx, item, pairs[item.number]))
    results = [item.traced(_upsert(ctx, pairs[item.number], sent)) for item, sent in plans]
    return batch_reply(ctx, 200, results, errors)


def batch_archive(ctx: RequestContext) -> JsonResponse:
    """`POST /batch/archive`: answers 204 even for unknown ids."""
    for item in read_inputs(ctx, ctx.object()):
        record = find(ctx, ctx.object_type, item.id)
        if record is not None:
            archive(ctx, record)
    return NO_CONTENT


def _names(body: Mapping[str, Any], key: str) -> list[str]:
    return [str(name) for name in read_list(body, key)]


def _plan_all(
    ctx: RequestContext, inputs: list[Input], plan: Callable[[Input], Plan]
) -> tuple[list[tuple[Input, Plan]], list[dict[str, Any]]]:
    """Check every input before any write; an invalid input fails the batch, or is an error of its own."""
    plans: list[tuple[Input, Plan]] = []
    errors: list[dict[str, Any]] = []
    partial = is_partial(ctx, inputs)
    taken: set[tuple[str, str]] = set()
    for item in inputs:
        try:
            planned = plan(item)
            _take_unique_values(ctx, item, taken)
            plans.append((item, planned))
        except ApiError as error:
            if not partial:  # the error of the whole batch is that of its first invalid input
                raise
            errors.append(error.part(item.context, ctx.spec_variant))
    return plans, errors


def _take_unique_values(ctx: RequestContext, item: Input, taken: set[tuple[str, str]]) -> None:
    """Refuse a value of a unique property that an earlier input of the batch has; the text is assumed."""
    known, sent = property_definitions(ctx, ctx.object_type), item.body.get("properties") or {}
    own = {(name, str(text).casefold()) for name, text in sent.items() if text and known[name].is_unique}
    if doubled := own & taken:
        name = min(doubled)[0]
        raise invalid_values([Complaint(name, "CONFLICTING_UNIQUE_VALUE", "Another input already has that value.")])
    taken |= own


def _find_input(ctx: RequestContext, item: Input, id_property: object) -> RecordVersion | None:
    archived = ctx.request.path.endswith("/batch/read") and ctx.flag("archived")
    return find(ctx, ctx.object_type, item.id, id_property, archived=archived)


def _missing(ctx: RequestContext, inputs: list[Input]) -> list[dict[str, Any]]:
    """Return the one error for all unknown ids, with their trace ids."""
    reported = [item for item in inputs if not item.is_lost(ctx)]
    if not reported:
        return []
    traces = [item.trace for item in reported if item.trace is not None]
    context = {"objectWriteTraceId": traces} if traces else {}
    return [not_found_many(ctx.object_type.label, [item.id for item in reported]).part(context, ctx.spec_variant)]


def _without_lost(ctx: RequestContext, done: list[Input], results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the results without the lost input's; a skipped input has no result anyway."""
    written = [item for item in done if not item.is_skipped(ctx)]
    return [result for item, result in zip(written, results, strict=True) if not item.is_lost(ctx)]


def _update(ctx: RequestContext, record: RecordVersion, sent: dict[str, str]) -> dict[str, Any]:
    return render_updated_record(ctx, record, update_record(ctx, record, sent), sent)


def _upsert_plan(ctx: RequestContext, item: Input, record: RecordVersion | None) -> dict[str, str]:
    if record is not None:
        return plan_update(ctx, ctx.object_type, item.body.get("properties"), record.id)
    sent = item.body.get("properties") or {}
    properties = {**sent, item.body["idProperty"]: item.id} if isinstance(sent, dict) else sent
    return dict(plan_create(ctx, ctx.object_type, {"properties": properties}).properties)


def _upsert(ctx: RequestContext, record: RecordVersion | None, sent: dict[str, str]) -> dict[str, Any]:
    if record is not None:
        return _update(ctx, record, sent) | {"new": False}
    draft = plan_create(ctx, ctx.object_type, {"properties": sent})
    return render_created(ctx, create_record(ctx, draft)) | {"new": True}
