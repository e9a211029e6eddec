"""Stores tasks, with the completion activities and events of each write."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from taskhand.sandbox.close import completions, event
from taskhand.sandbox.close.lead import render_lead_without_tasks
from taskhand.sandbox.close.task import render_task

if TYPE_CHECKING:
    from typing import Any

    from taskhand.sandbox.close.context import RequestContext
    from taskhand.sandbox.close.task import Task

COMPLETED = "taskcompleted"  # the object type of a completed task


def add_task(ctx: RequestContext, task: Task) -> Task:
    """Store a new task; a complete one gets its completion activity at once."""
    made = _record_completion(ctx, task) if task.is_complete else task
    ctx.store.put(made)
    event.emit(ctx, event.ObjectChange(_type(made), "created", made.id, made.lead_id, _data(made, ctx)))
    if made.is_complete:
        _emit_completed(ctx, made)
    return made


def change(ctx: RequestContext, before: Task, edited: Task) -> Task:
    """Store an edited task; an edit without effect leaves `date_updated` and the event log unchanged."""
    if edited == before:
        return before
    after = replace(edited, date_updated=ctx.now, updated_by=ctx.user_id)
    if after.is_complete and not before.is_complete:
        after = _record_completion(ctx, after)
    elif before.is_complete and not after.is_complete:
        after = _remove_completion(ctx, after)
    ctx.store.put(after)
    _emit_updated(ctx, before, after)
    return after


def remove(ctx: RequestContext, task: Task) -> None:
    """Delete a task for good."""
    ctx.store.drop(task.id)
    gone = _data(task, ctx)
    event.emit(ctx, event.ObjectChange(_type(task), "deleted", task.id, task.lead_id, None, gone))


def _record_completion(ctx: RequestContext, task: Task) -> Task:
    if not task.type.is_completion_recorded:
        return task
    made = completions.record_completion(ctx, task)
    return replace(task, object_type=COMPLETED, object_id=made.id)


def _remove_completion(ctx: RequestContext, task: Task) -> Task:
    if task.object_type != COMPLETED:
        return task
    gone = ctx.store.completions.pop(task.object_id or "", None)
    if gone is not None:  # the activity is deleted
        data = completions.render_completion(gone, ctx)
        event.emit(ctx, event.ObjectChange(completions.OBJECT, "deleted", gone.id, gone.lead_id, None, data))
    return replace(task, object_type=task.type.object_type, object_id=None)


def _emit_updated(ctx: RequestContext, before: Task, after: Task) -> None:
    old, new = _data(before, ctx), _data(after, ctx)
    changed = {name: old.get(name) for name in new if new[name] != old.get(name)}
    completes = after.is_complete and not before.is_complete
    if not completes or ctx.spec_variant.completion_events != "completed":
        event.emit(ctx, event.ObjectChange(_type(after), "updated", after.id, after.lead_id, new, changed))
    if completes:
        _emit_completed(ctx, after)


def _emit_completed(ctx: RequestContext, task: Task) -> None:
    """Emit the events of a completion, of the task, the activity and the lead."""
    if ctx.spec_variant.completion_events != "updated":
        event.emit(ctx, event.ObjectChange(_type(task), "completed", task.id, task.lead_id, _data(task, ctx)))
    made = ctx.store.completions.get(task.object_id or "")
    if made is not None:
        data = completions.render_completion(made, ctx)
        event.emit(ctx, event.ObjectChange(completions.OBJECT, "created", made.id, made.lead_id, data))
    lead = ctx.store.leads.get(task.lead_id or "")
    if lead is not None:
        event.emit(ctx, event.ObjectChange("lead", "updated", lead.id, lead.id, render_lead_without_tasks(lead, ctx)))


def _type(task: Task) -> str:
    return f"task.{task.type.name}"  # recorded for `task.lead`, assumed for the others


def _data(task: Task, ctx: RequestContext) -> dict[str, Any]:
    return render_task(task, ctx) | {"view": None}  # no view in events
