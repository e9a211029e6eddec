"""Putting tasks back into a stage that no status stands for, once their status is written."""

from collections.abc import Mapping, Sequence
from typing import Final

from taskhand.backends.base import BulkProgress
from taskhand.backends.hubspot.batch import Input, body_of, chunks, parted
from taskhand.backends.hubspot.client import HubSpotClient
from taskhand.backends.hubspot.raw_values import STAGE, stage_after
from taskhand.backends.hubspot.together import heed
from taskhand.backends.remote.parsing import JsonObject
from taskhand.domain.edit import Edit
from taskhand.domain.errors import TaskhandError

__all__ = ["UNSTAGED", "restaged", "restaged_many"]

UNSTAGED: Final = "HubSpot did not confirm that the task is in the stage again that it was in; look at it there."


async def restaged(wire: HubSpotClient, task_id: str, edit: Edit, *, new: bool = False) -> str | None:
    """Put a task back into its stage where that has to be written by itself; what is to be said if it failed.

    A `new` task goes by HubSpot's own id.
    """
    stage = stage_after(edit, new=new)
    if stage is None:
        return None
    try:
        await wire.update(task_id, {STAGE: stage}, by_property=not new)
    except TaskhandError:
        return UNSTAGED
    return None


async def restaged_many(
    wire: HubSpotClient, edits: Mapping[int, tuple[str, Edit]], call: str, watch: BulkProgress
) -> dict[int, JsonObject]:
    """The same for many, by place: the answers of those that HubSpot confirmed. `call` begins their trace ids."""
    rows: dict[int, JsonObject] = {}
    stages = {place: (task_id, stage_after(edit)) for place, (task_id, edit) in edits.items()}
    inputs = [
        Input(place, f"{call}-{place}-stage", task_id, {STAGE: stage})
        for place, (task_id, stage) in stages.items()
        if stage is not None
    ]
    for batch in chunks(inputs):
        rows |= await _answers(wire, batch, watch)
    return rows


async def _answers(wire: HubSpotClient, batch: Sequence[Input], watch: BulkProgress) -> Mapping[int, JsonObject]:
    if watch.stopped is not None:
        return {}
    try:
        answer = await wire.update_many(body_of(batch, wire.id_property))
    except TaskhandError as error:
        heed(watch, error)
        return {}
    return parted(batch, answer, wire.id_property).rows
