"""Many tasks at once, HubSpot's own way: batches of a hundred, each taken apart, and everything read back."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from taskhand.backend import Outcome, Written
from taskhand.backends.hubspot.batch import MOST_INPUTS, Input, Parted, body_of, chunks, parted
from taskhand.backends.hubspot.doubt import HUBSPOT, is_untouched, not_applied
from taskhand.backends.hubspot.links import changes_links
from taskhand.backends.hubspot.mapping import properties_of, record_of
from taskhand.backends.hubspot.portal import Portal
from taskhand.backends.hubspot.portal import read as read_as
from taskhand.backends.hubspot.reader import Reader, gone
from taskhand.backends.hubspot.record import JsonObject, Record
from taskhand.backends.hubspot.relink import Relink, linked_as
from taskhand.backends.hubspot.together import side_by_side
from taskhand.backends.hubspot.update import checked, unlinked, wanted_link
from taskhand.backends.hubspot.wire import HubSpotWire
from taskhand.edit import Edit
from taskhand.errors import CallerError, NotFound, OutcomeUnknown, TaskhandError, UpstreamFailed
from taskhand.task import Task

__all__ = ["Bulk"]


@dataclass(slots=True)
class _Job:
    """What was asked for, by place, and what has become of each place so far.

    `unknown` are places whose answer was lost or says nothing of them, `resent` those sent a second time, `failures`
    why a place is unknown that need not be sent again, `told` what HubSpot confirmed, `accepted` the places of which
    nothing else could be read.
    """

    edits: list[tuple[Task, Edit]]
    errors: dict[int, TaskhandError] = field(default_factory=dict)
    unknown: set[int] = field(default_factory=set)
    resent: set[int] = field(default_factory=set)
    failures: dict[int, TaskhandError] = field(default_factory=dict)
    told: dict[int, JsonObject] = field(default_factory=dict)
    accepted: set[int] = field(default_factory=set)
    now: dict[int, Record] = field(default_factory=dict)

    def open(self) -> list[int]:
        """The places that nothing has gone wrong with."""
        return [place for place in range(len(self.edits)) if place not in self.errors]

    def fail(self, places: Iterable[int], error: TaskhandError) -> None:
        """Enter the same error for several places."""
        self.errors |= dict.fromkeys(places, error)


class Bulk:
    """Changes many tasks: one batch update and one batch read for every hundred of them."""

    def __init__(self, wire: HubSpotWire, reader: Reader, portal: Portal, new_id: Callable[[], str]) -> None:
        """`new_id` makes the part of the trace ids that no other call has."""
        self._wire = wire
        self._reader = reader
        self._portal = portal
        self._new_id = new_id

    async def __call__(self, edits: Sequence[tuple[Task, Edit]]) -> tuple[Outcome, ...]:
        """One outcome for each, in the order given; never raises TaskhandError."""
        if not edits:
            return ()
        job = _Job(list(edits))
        try:
            await self._check(job)
            await self._portal.zones()
            relink = Relink(self._wire, self._reader, dict(enumerate(job.edits)))
            job.errors |= await relink.link(job.open())
        except TaskhandError as error:
            return tuple(Outcome(before.id, error=error) for before, _ in job.edits)
        await self._send(job, job.open())
        await self._read(job, job.open())
        await self._send_again(job)
        await relink.finish(refused=job.errors.keys())
        job.now, unread = await relink.read({place: job.now[place] for place in job.open()})
        job.errors |= unread
        return await self._outcomes(job)

    async def _check(self, job: _Job) -> None:
        for place, (before, edit) in enumerate(job.edits):
            try:
                job.edits[place] = before, await checked(self._portal, edit)
            except CallerError as error:
                job.errors[place] = error

    async def _send(self, job: _Job, places: Sequence[int]) -> None:
        """Batches side by side, unless a task occurs twice: then its edits keep their order."""
        zones, call = await self._portal.zones(), self._new_id()
        inputs: list[Input] = []
        for place in places:
            before, edit = job.edits[place]
            if properties := properties_of(edit, before, zones):
                inputs.append(Input(place, f"{call}-{place}", before.id, properties))

        async def send(batch: Sequence[Input]) -> None:
            await self._send_batch(job, batch)

        batches = chunks(inputs)
        if len({one.task_id for one in inputs}) == len(inputs):
            await side_by_side(send, batches)
        else:
            for batch in batches:
                await send(batch)

    async def _send_batch(self, job: _Job, batch: Sequence[Input]) -> None:
        """Send one batch; what is heard of each input goes into the job."""
        places, sent = {one.place for one in batch}, self._flagless(batch)
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
        else:
            await self._take(job, batch, parted(batch, answer, self._wire.id_property))

    async def _take(self, job: _Job, batch: Sequence[Input], part: Parted) -> None:
        """Enter what came of a batch; what only the all-day flag was refused of is sent again without it."""
        again = [one for one in batch if one.place in part.refused and self._is_of_flag(part.refused[one.place], [one])]
        places = {one.place for one in again}
        job.told |= part.rows
        job.errors |= {place: error for place, error in part.refused.items() if place not in places}
        job.unknown |= {one.place for one in batch} - part.done - part.refused.keys()
        job.failures |= part.reasons
        if again:
            await self._send_batch(job, self._flagless(again))

    def _is_of_flag(self, error: TaskhandError, batch: Sequence[Input]) -> bool:
        return any(self._portal.all_day.refused(error, one.properties) for one in batch)

    def _flagless(self, batch: Sequence[Input]) -> list[Input]:
        """The inputs as this account takes them."""
        return [replace(one, properties=self._portal.all_day.of(one.properties)) for one in batch]

    async def _send_parts(self, job: _Job, batch: Sequence[Input], refused: CallerError) -> None:
        """A batch refused whole: its first input by itself, then the others in halves.

        Inputs with the very properties that were refused alone are not sent again: the refusal was about them too.
        """
        first, *others = batch
        if not others:
            job.errors[first.place] = refused
            return
        await self._send_batch(job, [first])
        if (own := job.errors.get(first.place)) is not None and not isinstance(own, NotFound):
            job.fail((one.place for one in others if one.properties == first.properties), own)
            others = [one for one in others if one.properties != first.properties]
        middle = (len(others) + 1) // 2
        for half in (others[:middle], others[middle:]):
            if half:
                await self._send_batch(job, half)

    async def _read(self, job: _Job, places: Sequence[int]) -> None:
        """The tasks as they are now; what is there no more is an error, and so is what cannot be read."""

        async def read(part: Sequence[int]) -> None:
            ids = {place: job.edits[place][0].id for place in part}
            try:
                found = await self._reader.many(list(ids.values()), by_property=True)
            except TaskhandError:
                for place in part:
                    await self._believe(job, place)
                return
            job.now |= {place: found[task_id] for place, task_id in ids.items() if task_id in found}
            job.errors |= {place: gone(task_id) for place, task_id in ids.items() if task_id not in found}

        await side_by_side(read, [places[at : at + MOST_INPUTS] for at in range(0, len(places), MOST_INPUTS)])

    async def _believe(self, job: _Job, place: int) -> None:
        """A task that cannot be read back is as HubSpot confirmed it, where that answer says all that was asked."""
        before, edit = job.edits[place]
        if place not in job.told or place in job.unknown or changes_links(edit):
            job.errors[place] = HUBSPOT.of_task(before.id)
            return
        answer = read_as(Record.from_json, job.told[place])
        job.now[place] = record_of(before, answer, await self._portal.zones())
        job.accepted.add(place)

    async def _send_again(self, job: _Job) -> None:
        """What was lost and is not so, once more; and read once more."""
        lost = [place for place in sorted(job.unknown) if place in job.now and not await self._shows(job, place)]
        job.errors |= {place: job.failures[place] for place in lost if place in job.failures}
        lost = [place for place in lost if place not in job.failures]
        if not lost:
            return
        job.resent.update(lost)
        job.unknown.difference_update(lost)
        await self._send(job, lost)
        await self._read(job, [place for place in lost if place not in job.errors])
        for place in lost:
            if place in job.unknown and place not in job.errors and not await self._shows(job, place):
                job.errors[place] = job.failures.get(place) or await self._unsettled(job, place)

    async def _unsettled(self, job: _Job, place: int) -> TaskhandError:
        """The error for what was lost twice and is not there: known not to be, where all is as it was."""
        before, edit = job.edits[place]
        task = await self._reader.task(linked_as(before, job.now[place]))
        return not_applied() if is_untouched(task, before, unlinked(edit)) else HUBSPOT.of_task(before.id)

    async def _shows(self, job: _Job, place: int) -> bool:
        """Whether a task is as its edit asked for, links aside."""
        before, edit = job.edits[place]
        task = await self._reader.task(linked_as(before, job.now[place]))
        return not self._portal.all_day.unmet(unlinked(edit), task, await self._portal.zones())

    async def _outcomes(self, job: _Job) -> tuple[Outcome, ...]:
        self._reader.wrote(*(record.id for record in job.now.values()))
        written: dict[int, Written] = {}
        for place in job.open():
            try:
                written[place] = await self._written(job, place)
            except TaskhandError as error:
                job.errors[place] = error
        return tuple(
            Outcome(before.id, written.get(place), job.errors.get(place)) for place, (before, _) in enumerate(job.edits)
        )

    async def _written(self, job: _Job, place: int) -> Written:
        _, edit = job.edits[place]
        note = HUBSPOT.applied if place in job.unknown else HUBSPOT.sent_again if place in job.resent else None
        note = HUBSPOT.accepted if place in job.accepted else note
        task = await self._reader.task(job.now[place], wanted_link(edit))
        return Written(task, self._portal.all_day.note(edit, task, note))
