"""The bulk update `PUT /task/`: https://developer.close.com/api/resources/tasks/bulk-update."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taskhand.sandbox.close import task_types, validation, writes
from taskhand.sandbox.close.edits import apply_edit
from taskhand.sandbox.close.errors import ApiError, validation_error
from taskhand.sandbox.close.filters import filter_tasks, sort_tasks

if TYPE_CHECKING:
    from taskhand.sandbox.close.context import RequestContext
    from taskhand.sandbox.close.task import Task

EXCLUDED = "This field cannot be updated in bulk."  # the wording is assumed


def update_tasks(ctx: RequestContext) -> dict[str, Any]:
    """Change all tasks that match the filters and answer `{"ok": true}`, even if none matches.

    Without a filter, every task of the default type matches.
    """
    validation.check_update(ctx.body, ctx, validation.IN_BULK | validation.BULK_EXTRAS)
    body = _applicable_fields(ctx)
    default_type = "all" if ctx.spec_variant.bulk_types == "all" else task_types.LEAD
    found = sort_tasks(filter_tasks(ctx.store.tasks.values(), ctx, default_type), ctx)
    if len(found) >= ctx.spec_variant.bulk_limit:
        sentence = f"It's not allowed to update more than {ctx.spec_variant.bulk_limit} objects at once"
        raise ApiError(400, {"errors": [sentence]})
    _change(found, body, ctx)
    return {"ok": True}


def _applicable_fields(ctx: RequestContext) -> dict[str, Any]:
    extras = [name for name in ctx.body if name in validation.BULK_EXTRAS]
    if extras and ctx.spec_variant.bulk_extras == "rejected":
        raise validation_error(**dict.fromkeys(extras, EXCLUDED))
    taken = validation.IN_BULK | (validation.BULK_EXTRAS if ctx.spec_variant.bulk_extras == "applied" else set())
    return {name: value for name, value in ctx.body.items() if name in taken}


def _change(tasks: list[Task], body: dict[str, Any], ctx: RequestContext) -> None:
    """Change one task after the other; a failure midway leaves the earlier tasks changed."""
    stop = ctx.spec_variant.bulk_fails_after
    for count, task in enumerate(tasks):
        if stop and count == stop:
            raise ApiError(400, {"errors": ["The update could not be completed."], "count": count})
        writes.change(ctx, task, apply_edit(task, body, ctx))
