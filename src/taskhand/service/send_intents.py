"""Send the intents of a change of many tasks in the backend's own way: all of them create, update or delete."""

from collections.abc import Sequence

from taskhand.backends.base import BulkProgress, ItemResult, Written
from taskhand.call.deadline import end_of_call
from taskhand.domain.edit import Edit, after_creation, only_on_creation
from taskhand.journal.journal import Intent
from taskhand.service.app_context import AppContext

__all__ = ["send_intents"]


async def send_intents(app: AppContext, intents: Sequence[Intent], progress: BulkProgress) -> tuple[ItemResult, ...]:
    """One result for each intent, in their order; never raises."""
    if not intents:
        return ()
    if intents[0].verb == "create":
        return await _create(app, [intent.edit or Edit() for intent in intents], progress)
    if intents[0].verb == "delete":
        return await app.backend.delete_tasks([intent.before.task for intent in intents if intent.before], progress)
    edits = [(intent.before.task, intent.edit or Edit()) for intent in intents if intent.before]
    return await app.backend.update_tasks(edits, progress)


async def _create(app: AppContext, edits: Sequence[Edit], progress: BulkProgress) -> tuple[ItemResult, ...]:
    """Create tasks in the initial status, then move them to the requested ones.

    A status that could not be set becomes a note, since the task exists.
    """
    results = list(await app.backend.create_tasks([only_on_creation(edit) for edit in edits], progress))
    late = {
        index: (item.written, rest)
        for index, (item, edit) in enumerate(zip(results, edits, strict=True))
        if item.written is not None and not (rest := after_creation(edit).unmet_by(item.written.task)).is_empty
    }
    if late:
        with end_of_call():
            moved = await app.backend.update_tasks([(written.task, rest) for written, rest in late.values()])
        for (index, (written, _)), item in zip(late.items(), moved, strict=True):
            note = f"The task was made; its status could not be set: {item.error.message}" if item.error else None
            results[index] = ItemResult(written.task.id, item.written or Written(written.task, note))
    return tuple(results)
