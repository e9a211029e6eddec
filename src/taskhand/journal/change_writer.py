"""Writes of whole changes to the journal: each method returns the work for one transaction."""

import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from taskhand.call.change_ownership import taken_over_error
from taskhand.journal import change_lookup, row_writes
from taskhand.journal.change_rows import (
    Entry,
    ending_entry,
    late_entries,
    opening_entries,
    result_entries,
    resumed_entry,
    revised_entries,
    taken_over_entries,
)
from taskhand.journal.journal import Change, Ending, Intent, Opening, Result
from taskhand.journal.masking import Masking
from taskhand.sql.connection import SqlConnection

if TYPE_CHECKING:
    from taskhand.journal.storage import Processes

__all__ = ["ChangeWriter", "NewId"]

NewId = Callable[[str, int], str]
"""Makes the id of a new change from its prefix (`chg` or `plan`) and its number in the journal, from 1."""

_log = logging.getLogger(__name__)


class ChangeWriter(NamedTuple):
    """Writes changes of `account_names`, new ones under the first, in the name of this process."""

    account_names: tuple[str, ...]
    processes: "Processes"
    masking: Masking
    clock: Callable[[], datetime]
    new_id: NewId

    def begin(
        self, opening: Opening, intents: Sequence[Intent], begun: list[Change]
    ) -> Callable[[SqlConnection], tuple[Change, bool]]:
        """Begin a change, which is added to `begun`, unless one of its claims is held."""
        opening = self.masking.mask_opening(opening)

        def work(connection: SqlConnection) -> tuple[Change, bool]:
            held = change_lookup.find_claiming_change(connection, self.account_names, opening.claims)
            if held is not None:
                return held, False
            self.processes.acquire()
            change_id, session = self._unused_id(connection, "chg"), self.processes.session
            row_writes.begin_change(
                connection, self._opening_entries(change_id, opening, intents, session), opening, session
            )
            begun.append(Change(change_id, opening, tuple(intents), session=session))
            return begun[-1], True

        return work

    def end_unsent(self, change: Change) -> Callable[[SqlConnection], None]:
        """End a change whose begin may not have been stored, and for which nothing was sent."""

        def work(connection: SqlConnection) -> None:
            if change_lookup.find_session(connection, change.id) is not None:
                results = [
                    Result(index, "not_attempted", intent.task_id) for index, intent in enumerate(change.intents)
                ]
                ending = Ending("not_attempted", code="store_unavailable")
                row_writes.append(connection, self._outcome_entries(change.id, results, ending, self.clock()))
                row_writes.end_change(connection, change.id)

        return work

    def resume(self, seen: Change, indexes: Collection[int]) -> Callable[[SqlConnection], tuple[Change, bool]]:
        """Reopen a change to resume these of its intents, unless it is open or one of them has a newer result."""

        def work(connection: SqlConnection) -> tuple[Change, bool]:
            (current,) = change_lookup.load_changes(connection, [seen.id])
            if current.ending is None or any(
                current.results.get(index) != seen.results.get(index) for index in indexes
            ):
                return current, False
            self.processes.acquire()
            session = self.processes.session
            entry = resumed_entry(seen.id, self.account_names[0], self.clock(), indexes, session)
            row_writes.append_resumption(connection, entry, session)
            (resumed,) = change_lookup.load_changes(connection, [seen.id])
            return replace(resumed, session=session), True

        return work

    def revise(self, change_id: str, intents: Sequence[Intent]) -> Callable[[SqlConnection], None]:
        """Replace the intents of a change; NotAttempted if another process has ended it."""
        entries = self.masking.mask_entries(revised_entries(change_id, self.account_names[0], self.clock(), intents))

        def work(connection: SqlConnection) -> None:
            if change_lookup.find_session(connection, change_id) != self.processes.session:
                raise taken_over_error()
            row_writes.append(connection, entries)

        return work

    def settle(
        self, change_id: str, results: Sequence[Result], ending: Ending | None
    ) -> Callable[[SqlConnection], None]:
        """Write down results; as late ones if another process has resumed or ended the change."""
        entries = self._outcome_entries(change_id, results, ending, self.clock())

        def work(connection: SqlConnection) -> None:
            by, session = change_lookup.find_session(connection, change_id), self.processes.session
            if by is not None:
                is_late = by != session and by not in self.processes.taken_over
            else:
                is_late = change_lookup.find_ender(connection, change_id) != session
            is_own = by in {None, session}
            if is_late:
                row_writes.append(connection, late_entries(entries))
                _log.warning(
                    "the outcome of %s arrived late: another process has settled the change meanwhile", change_id
                )
            else:
                row_writes.append(connection, entries if is_own else taken_over_entries(entries, session))
                if ending is not None:
                    row_writes.end_change(connection, change_id)
            if is_late or not is_own:
                from taskhand.journal.corrected_ending import correct_ending  # noqa: PLC0415  no start waits for it

                correct_ending(connection, change_id, self.account_names[0], self.clock())

        return work

    def record(
        self, opening: Opening, ending: Ending, intents: Sequence[Intent], results: Sequence[Result]
    ) -> Callable[[SqlConnection], Change]:
        """Write down a change that has already ended, or a plan."""
        opening, now = self.masking.mask_opening(opening), self.clock()

        def work(connection: SqlConnection) -> Change:
            change_id = self._unused_id(connection, "plan" if ending.outcome == "planned" else "chg")
            first = self._opening_entries(change_id, opening, intents, None)
            row_writes.append(connection, [*first, *self._outcome_entries(change_id, results, ending, now)])
            return Change(change_id, opening, tuple(intents), {result.index: result for result in results}, ending, now)

        return work

    def _opening_entries(
        self, change_id: str, opening: Opening, intents: Sequence[Intent], session: str | None
    ) -> list[Entry]:
        return self.masking.mask_entries(opening_entries(change_id, self.account_names[0], opening, intents, session))

    def _outcome_entries(
        self, change_id: str, results: Sequence[Result], ending: Ending | None, now: datetime
    ) -> list[Entry]:
        masked = [self.masking.mask_result(result) for result in results]
        entries = self.masking.mask_entries(result_entries(change_id, self.account_names[0], now, masked))
        return entries if ending is None else [*entries, ending_entry(change_id, self.account_names[0], now, ending)]

    def _unused_id(self, connection: SqlConnection, prefix: str) -> str:
        while True:
            change_id = self.new_id(prefix, row_writes.count_change(connection))
            if not change_lookup.has_change(connection, change_id):
                return change_id
