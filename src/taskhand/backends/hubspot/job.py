"""A call of many edits while it is under way: what was asked for, and what has become of each place so far."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from taskhand.backends.base import BulkProgress, ItemResult, Written
from taskhand.backends.hubspot.confirmed import shows
from taskhand.backends.hubspot.doubt import HUBSPOT, is_untouched, not_applied
from taskhand.backends.hubspot.due import Zones
from taskhand.backends.hubspot.links import changes_links
from taskhand.backends.hubspot.mapping import Record, record_of
from taskhand.backends.hubspot.raw_values import stage_after
from taskhand.backends.hubspot.reader import View
from taskhand.backends.hubspot.relink import linked_as
from taskhand.backends.hubspot.update import unlinked, wanted_link
from taskhand.backends.remote.parsing import JsonObject, parse
from taskhand.domain.edit import Edit
from taskhand.domain.errors import TaskhandError, UpstreamError
from taskhand.domain.task import Task

__all__ = ["Job", "Terms"]


@dataclass(frozen=True, slots=True)
class Terms:
    """How records are read for a call: all of it is asked for before anything is sent.

    `view` makes tasks of them, `unmet` says whether a task is not as an edit makes it, `note` adds what is to be said
    of a task with its edit; `id_property` is what tasks go by.
    """

    zones: Zones
    view: View
    unmet: Callable[[Edit, Task, Zones], bool]
    note: Callable[[Edit, Task, str | None], str | None]
    id_property: str | None


@dataclass(slots=True)
class Job:
    """Everything is by place. `call` begins the trace ids of this call.

    `sent` are the properties that left, `told` HubSpot's answers about them. `unknown` are places whose answer was
    lost or says nothing of them, `resent` those sent a second time, `failures` why an unknown one is not. `now` is the
    task as it is, `accepted` where only HubSpot's confirmation says so. `remarks` are worth saying besides. `outcomes`
    are final, and were told.
    """

    edits: list[tuple[Task, Edit]]
    terms: Terms
    watch: BulkProgress
    call: str
    errors: dict[int, TaskhandError] = field(default_factory=dict)
    sent: dict[int, Mapping[str, str]] = field(default_factory=dict)
    told: dict[int, JsonObject] = field(default_factory=dict)
    unknown: set[int] = field(default_factory=set)
    resent: set[int] = field(default_factory=set)
    failures: dict[int, TaskhandError] = field(default_factory=dict)
    now: dict[int, Record] = field(default_factory=dict)
    accepted: set[int] = field(default_factory=set)
    remarks: dict[int, str] = field(default_factory=dict)
    outcomes: dict[int, ItemResult] = field(default_factory=dict)

    def places(self) -> range:
        """All of them."""
        return range(len(self.edits))

    def is_each_once(self) -> bool:
        """Whether no task is named twice: then an answer is about one edit alone."""
        return len({before.id for before, _ in self.edits}) == len(self.edits)

    def open(self) -> list[int]:
        """The places that nothing has gone wrong with."""
        return [place for place in self.places() if place not in self.errors]

    def unread(self) -> list[int]:
        """The open places of which it is not known yet how the task is."""
        return [place for place in self.open() if place not in self.now]

    def fail(self, places: Iterable[int], error: TaskhandError) -> None:
        """Enter the same error for several places."""
        self.errors |= dict.fromkeys(places, error)

    def enter(self, place: int, record: Record) -> None:
        """The task is so now; an error where it cannot be read."""
        try:
            self.terms.view(linked_as(self.edits[place][0], record), None)
        except TaskhandError as error:
            self.errors[place] = error
        else:
            self.now[place] = record

    def believe(self, place: int) -> bool:
        """Take HubSpot's answer for how the task is now, where it says everything that was sent; whether it does.

        What was not sent is as it was read before; links, which no answer shows, are read by themselves.
        """
        before = self.edits[place][0]
        row, sent = self.told.get(place), self.sent.get(place)
        if row is None or sent is None or place in self.unknown:
            return False
        try:
            answer = parse("HubSpot", Record.from_json, row)
            record = record_of(before, answer, self.terms.zones, id_property=self.terms.id_property)
            if not self._is_of(answer, before) or not shows(answer.properties, sent):
                return False
            self.terms.view(record, None)
        except UpstreamError:
            return False
        self.now[place] = record
        return True

    def shows(self, place: int) -> bool:
        """Whether the task is as its edit asked for, links aside; HubSpot's own values have to be as they were sent."""
        edit = self.edits[place][1]
        if edit.native is not None and not shows(self.now[place].properties, self.sent.get(place, {})):
            return False
        return not self.terms.unmet(unlinked(edit), self._seen(place), self.terms.zones)

    def unsettled(self, place: int) -> TaskhandError:
        """The error for what was lost and is not there: known not to be, where all is as it was."""
        before, edit = self.edits[place]
        return not_applied() if is_untouched(self._seen(place), before, unlinked(edit)) else HUBSPOT.of_task(before.id)

    def tell(self, places: Iterable[int], *, last: bool = False) -> list[Record]:
        """Tell what nothing more will happen to, and the records of it.

        What waits for its links or its stage is told at the `last`.
        """
        ripe = [place for place in places if place not in self.outcomes and self._is_ripe(place, last=last)]
        for place in ripe:
            outcome = self.outcomes[place] = self._outcome(place)
            self.watch.tell(place, outcome)
        return [self.now[place] for place in ripe if place in self.now]

    def _is_ripe(self, place: int, *, last: bool) -> bool:
        edit = self.edits[place][1]
        if last:
            return True
        if changes_links(edit) or stage_after(edit) is not None:
            return False
        return place in self.errors or (place in self.now and (place not in self.unknown or self.shows(place)))

    def _outcome(self, place: int) -> ItemResult:
        before, edit = self.edits[place]
        if place in self.errors or place not in self.now:
            return ItemResult(before.id, error=self.errors.get(place) or HUBSPOT.of_task(before.id))
        try:
            task = self.terms.view(self._linked(place), wanted_link(edit))
        except TaskhandError as error:
            return ItemResult(before.id, error=error)
        note = HUBSPOT.applied if place in self.unknown else HUBSPOT.sent_again if place in self.resent else None
        note = HUBSPOT.accepted if place in self.accepted else note
        said = " ".join(filter(None, (note, self.remarks.get(place)))) or None
        return ItemResult(before.id, Written(task, self.terms.note(edit, task, said)))

    def _linked(self, place: int) -> Record:
        """The task with its links: those it had, but where they were to change."""
        before, edit = self.edits[place]
        return self.now[place] if changes_links(edit) else linked_as(before, self.now[place])

    def _seen(self, place: int) -> Task:
        return self.terms.view(linked_as(self.edits[place][0], self.now[place]), None)

    def _is_of(self, answer: Record, before: Task) -> bool:
        """Whether an answer is about that very task: one that was merged goes on under another id."""
        by_id = self.terms.id_property is None
        return answer.json.get("archived") is not True and (not by_id or answer.id == before.id)
