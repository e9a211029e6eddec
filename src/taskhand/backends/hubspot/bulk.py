"""Many tasks at once, HubSpot's own way: batches of a hundred, each taken apart.

An answer to a batch that shows every value that was sent is believed; the rest is read back, a hundred a request. So a
change of a thousand tasks takes ten requests, and with reading them before not more than thirty.
"""

from collections.abc import Callable, Iterable, Sequence
from copy import copy
from dataclasses import replace
from typing import Final

import anyio

from taskhand.backends.base import BulkProgress, ItemResult
from taskhand.backends.hubspot.account import Account
from taskhand.backends.hubspot.batch import MOST_INPUTS, Input, Parted, body_of, chunks, parted
from taskhand.backends.hubspot.client import HubSpotClient
from taskhand.backends.hubspot.confirmed import is_complete
from taskhand.backends.hubspot.doubt import HUBSPOT
from taskhand.backends.hubspot.job import Job, Terms
from taskhand.backends.hubspot.links import changes_links
from taskhand.backends.hubspot.mapping import Record, properties_of
from taskhand.backends.hubspot.raw_values import stage_after
from taskhand.backends.hubspot.reader import Reader, gone
from taskhand.backends.hubspot.relink import Relink
from taskhand.backends.hubspot.restage import UNSTAGED, restaged_many
from taskhand.backends.hubspot.together import heed, side_by_side
from taskhand.backends.hubspot.update import checked
from taskhand.domain.edit import Edit
from taskhand.domain.errors import (
    CallerError,
    NotAttempted,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    TaskhandError,
    UpstreamFailed,
)
from taskhand.domain.task import Task

__all__ = ["Bulk"]

_AT_ONCE: Final = 4
"""Batches under way at once: what a stop comes too late for, which is why these are fewer than there might be."""


class Bulk:
    """Changes many tasks: one batch update for every hundred of them, and a batch read for what it leaves open."""

    def __init__(self, wire: HubSpotClient, reader: Reader, portal: Account, new_id: Callable[[], str]) -> None:
        """`new_id` makes the part of the trace ids that no other call has."""
        self._wire = wire
        self._reader = reader
        self._portal = portal
        self._new_id = new_id

    async def __call__(
        self, edits: Sequence[tuple[Task, Edit]], watch: BulkProgress | None = None
    ) -> tuple[ItemResult, ...]:
        """One outcome for each, in the order given; never raises TaskhandError.

        `watch` is told of a batch once it is answered, or read back; of a change of links at the end.
        """
        watch = watch or BulkProgress()
        if not edits:
            return ()
        try:
            job = Job(list(edits), await self._terms(), watch, self._new_id())
            await self._check(job)
            relink = Relink(self._wire, self._reader, dict(enumerate(job.edits)), watch)
            job.errors |= await relink.link(job.open())
        except TaskhandError as error:
            return _all_failed(edits, error, watch)
        self._tell(job, job.errors)
        await self._send(job, job.open())
        await self._read(job, job.unread())
        await self._send_again(job)
        await self._restage(job)
        await self._relink(job, relink)
        self._tell(job, job.places(), last=True)
        return tuple(job.outcomes[place] for place in job.places())

    async def _terms(self) -> Terms:
        """Ask for what is needed to read an answer now: afterwards, a failure would hide what was written."""
        all_day = self._portal.all_day
        view, zones = await self._reader.view(), await self._portal.zones()
        return Terms(zones, view, all_day.is_unmet, all_day.add_note, self._wire.id_property)

    def _tell(self, job: Job, places: Iterable[int], *, last: bool = False) -> None:
        self._reader.wrote(*(record.id for record in job.tell(list(places), last=last)))

    async def _check(self, job: Job) -> None:
        for place, (before, edit) in enumerate(job.edits):
            try:
                job.edits[place] = before, await checked(self._portal, edit)
            except CallerError as error:
                job.errors[place] = error

    async def _send(self, job: Job, places: Sequence[int]) -> None:
        """Batches side by side, unless a task occurs twice: then its edits keep their order."""
        inputs: list[Input] = []
        for place in places:
            before, edit = job.edits[place]
            if properties := properties_of(edit, before, job.terms.zones):
                inputs.append(Input(place, f"{job.call}-{place}", before.id, properties))
        turns = anyio.Semaphore(_AT_ONCE)

        async def send(batch: Sequence[Input]) -> None:
            async with turns:
                await self._send_batch(job, batch)

        batches = chunks(inputs)
        if job.is_each_once():
            await side_by_side(send, batches)
        else:
            for batch in batches:
                await send(batch)

    async def _send_batch(self, job: Job, batch: Sequence[Input]) -> None:
        """Send one batch, unless the call was stopped; what is heard of each input goes into the job."""
        places, sent = {one.place for one in batch}, self._flagless(batch)
        if job.watch.stopped is not None:
            job.unknown |= places & job.resent
            job.fail(places - job.resent, job.watch.stopped)
            self._tell(job, places)
            return
        job.sent |= {one.place: one.properties for one in sent}
        try:
            answer = await self._wire.update_many(body_of(sent, self._wire.id_property))
        except OutcomeUnknown:
            job.unknown |= places
        except UpstreamFailed as failure:
            job.unknown |= places
            job.failures |= dict.fromkeys(places, failure)
        except CallerError as refused:
            if self._is_of_flag(refused, batch):
                await self._send_batch(job, self._flagless(batch))
            else:
                await self._send_parts(job, sent, refused)
        except TaskhandError as error:
            job.fail(places, error)
            heed(job.watch, error)
        else:
            part = parted(batch, answer, self._wire.id_property)
            job.told |= part.rows if is_complete(answer) else {}
            await self._take(job, batch, part)
        self._tell(job, places)

    async def _take(self, job: Job, batch: Sequence[Input], part: Parted) -> None:
        """Enter what came of a batch; what only the all-day flag was refused of is sent again without it."""
        again = [one for one in batch if one.place in part.refused and self._is_of_flag(part.refused[one.place], [one])]
        places = {one.place for one in again}
        job.errors |= {place: error for place, error in part.refused.items() if place not in places}
        job.unknown |= {one.place for one in batch} - part.done - part.refused.keys()
        job.failures |= part.reasons
        if job.is_each_once():
            for place in part.done:
                job.believe(place)
        if again:
            await self._send_batch(job, self._flagless(again))

    def _is_of_flag(self, error: TaskhandError, batch: Sequence[Input]) -> bool:
        return any(self._portal.all_day.note_refusal(error, one.properties) for one in batch)

    def _flagless(self, batch: Sequence[Input]) -> list[Input]:
        """The inputs as this account takes them."""
        return [replace(one, properties=self._portal.all_day.strip(one.properties)) for one in batch]

    async def _send_parts(self, job: Job, batch: Sequence[Input], refused: CallerError) -> None:
        """A batch refused whole: its first input by itself, then the others in halves.

        Inputs with the very properties that were refused alone are not sent again: the refusal was about them too.
        """
        first, *others = batch
        if not others:
            job.errors[first.place] = refused
            return
        await self._send_batch(job, [first])
        own = job.errors.get(first.place)
        if own is not None and not isinstance(own, NotFound | NotAttempted | RateLimited):
            job.fail((one.place for one in others if one.properties == first.properties), own)
            others = [one for one in others if one.properties != first.properties]
        middle = (len(others) + 1) // 2
        for half in (others[:middle], others[middle:]):
            if half:
                await self._send_batch(job, half)

    async def _read(self, job: Job, places: Sequence[int]) -> None:
        """The tasks as they are now; what is there no more is an error, and so is what cannot be read."""

        async def read(part: Sequence[int]) -> None:
            ids = {place: job.edits[place][0].id for place in part}
            try:
                found = await self._reader.many(list(ids.values()), by_property=True)
            except TaskhandError:
                self._accept(job, part)
            else:
                for place, task_id in ids.items():
                    if task_id in found:
                        job.enter(place, found[task_id])
                    else:
                        job.errors[place] = gone(task_id)
            self._tell(job, part)

        await side_by_side(read, [places[at : at + MOST_INPUTS] for at in range(0, len(places), MOST_INPUTS)])

    def _accept(self, job: Job, places: Iterable[int]) -> None:
        """Tasks that cannot be read back are as HubSpot confirmed them, where that answer says all that was asked."""
        for place in places:
            if job.believe(place):
                job.accepted.add(place)
            else:
                job.errors[place] = HUBSPOT.of_task(job.edits[place][0].id)

    async def _send_again(self, job: Job) -> None:
        """What was lost and is not so, once more; and read once more, as far as the answer does not say it."""
        lost = [place for place in job.open() if place in job.unknown and not job.shows(place)]
        job.errors |= {place: job.failures[place] for place in lost if place in job.failures}
        lost = [place for place in lost if place not in job.failures]
        if not lost:
            return
        job.resent.update(lost)
        for place in lost:
            job.unknown.discard(place)
            del job.now[place]
        await self._send(job, lost)
        await self._read(job, [place for place in lost if place not in job.errors and place not in job.now])
        for place in lost:
            if place in job.unknown and place not in job.errors and not job.shows(place):
                job.errors[place] = job.failures.get(place) or job.unsettled(place)

    async def _restage(self, job: Job) -> None:
        """Put what needs it back into its stage; what HubSpot says of a task then counts as well."""
        wanted = {place: job.edits[place] for place in job.open() if stage_after(job.edits[place][1]) is not None}
        tasks = {place: (before.id, edit) for place, (before, edit) in wanted.items()}
        rows = await restaged_many(self._wire, tasks, job.call, job.watch)
        for place in wanted:
            properties = rows[place].get("properties") if place in rows else None
            if not isinstance(properties, dict):
                job.remarks[place] = UNSTAGED
                continue
            was = job.now[place]
            job.enter(place, Record(was.json | {"properties": was.properties | properties}, was.links))

    async def _relink(self, job: Job, relink: Relink) -> None:
        """End what was begun with links, and read the tasks with them."""
        if job.watch.stopped is not None:
            unsent = [place for place in job.open() if relink.is_wanted(place) and place not in job.sent]
            job.fail([place for place in unsent if not relink.is_begun(place)], job.watch.stopped)
        for place, left in (await relink.finish(refused=job.errors.keys())).items():
            job.errors[place] = _also(job.errors[place], left, job.edits[place][0].id)
        relinked = [place for place in job.open() if changes_links(job.edits[place][1])]
        records, unread = await relink.read({place: job.now[place] for place in relinked})
        job.now |= records
        job.errors |= unread
        notes = {place: relink.note(place, record) for place, record in records.items()}
        job.remarks |= {place: note for place, note in notes.items() if note}


def _also(error: TaskhandError, said: str, task_id: str) -> TaskhandError:
    """The same error with something more to do about it; of what may have been changed it is not said: not sent."""
    told = HUBSPOT.of_task(task_id) if isinstance(error, NotAttempted) else copy(error)
    told.next_step = f"{told.next_step or ''} {said}".strip()
    return told


def _all_failed(
    edits: Sequence[tuple[Task, Edit]], error: TaskhandError, watch: BulkProgress
) -> tuple[ItemResult, ...]:
    """The same error for everything: nothing was written."""
    outcomes = tuple(ItemResult(before.id, error=error) for before, _ in edits)
    for place, outcome in enumerate(outcomes):
        watch.tell(place, outcome)
    return outcomes
