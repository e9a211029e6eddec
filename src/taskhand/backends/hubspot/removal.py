"""Removing a task: sent, and where the answer is lost, the task is looked for before anything is sent again."""

from contextlib import suppress

from taskhand.backends.hubspot.client import HubSpotClient
from taskhand.backends.hubspot.doubt import HUBSPOT, not_applied
from taskhand.backends.hubspot.reader import Reader
from taskhand.domain.errors import NotFound, OutcomeUnknown, UpstreamError, UpstreamFailed
from taskhand.domain.task import Task

__all__ = ["Removal"]


class Removal:
    """Moves tasks to HubSpot's recycling bin."""

    def __init__(self, wire: HubSpotClient, reader: Reader) -> None:
        self._wire = wire
        self._reader = reader

    async def __call__(self, before: Task) -> str | None:
        """DELETE; what is to be said where that was not confirmed and the task is gone.

        NotFound where it is not there, OutcomeUnknown where nobody can tell. An unknown id may be answered as a
        deletion (that is not documented): whoever calls has read the task just before.
        """
        record_id = await self._record_id(before)
        try:
            return await self._removed(before, record_id)
        finally:
            # A search still finds it for a while: what was written lately is read by id, which is never behind.
            self._reader.wrote(record_id)

    async def _record_id(self, before: Task) -> str:
        """HubSpot's own id, the only one that a deletion takes."""
        return before.id if self._wire.id_property is None else (await self._reader.one(before.id)).id

    async def _removed(self, before: Task, record_id: str) -> str | None:
        try:
            await self._wire.archive(record_id)
        except NotFound:
            with suppress(UpstreamError):
                await self._reader.one(record_id, by_property=False)
            raise
        except (OutcomeUnknown, UpstreamFailed) as lost:
            if await self._is_gone(before, record_id, lost):
                return HUBSPOT.removed
            if isinstance(lost, UpstreamFailed):
                raise
        else:
            return None
        return await self._sent_again(before, record_id)

    async def _sent_again(self, before: Task, record_id: str) -> str:
        try:
            await self._wire.archive(record_id)
        except NotFound:
            return HUBSPOT.removed
        except (OutcomeUnknown, UpstreamFailed) as lost:
            if await self._is_gone(before, record_id, lost):
                return HUBSPOT.removed
            if isinstance(lost, UpstreamFailed):
                raise
            raise not_applied() from None
        return HUBSPOT.sent_again

    async def _is_gone(self, before: Task, record_id: str, lost: UpstreamError) -> bool:
        """Whether the task is not there any more; the doubt stays where it cannot be looked for."""
        try:
            await self._reader.one(record_id, by_property=False)
        except NotFound:
            return True
        except UpstreamError:
            raise HUBSPOT.of_task(before.id) from lost
        return False
