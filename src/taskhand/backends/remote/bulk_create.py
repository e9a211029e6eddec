"""Creates one or many tasks. If the response to a create is lost, the task is searched for and not sent again.

Some batches are sent at the same time. All lost creates are searched for together, after all batches were sent: by then
the tasks of the other creates are known, and none of them is taken for a lost one.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from pydantic import MISSING

from taskhand.backends.base import BulkProgress, ItemResult
from taskhand.backends.remote.bulk_item import Applied, BatchAnswer, Lost, NewTask, State
from taskhand.backends.remote.timing import SEARCH_WAITS_S
from taskhand.backends.remote.write_refusals import explain_refusal, is_doubtful
from taskhand.call.parallel_work import for_each
from taskhand.call.request_log import recorded_requests
from taskhand.domain.chunks import chunks
from taskhand.domain.create_matching import SEARCHED_BEFORE, CreateCandidates, is_created_since
from taskhand.domain.edit import Edit, without
from taskhand.domain.errors import CallerError, Candidate, OutcomeUnknown, RateLimited, TaskhandError, UpstreamFailed
from taskhand.http.rate_headers import MAX_WAIT_S
from taskhand.http.rate_limiter import without_pauses

if TYPE_CHECKING:
    from taskhand.backends.remote.adapter import Creator

__all__ = ["BulkCreate"]

_Row = TypeVar("_Row")

_REPEAT_WAITS_S: Final = (0.5, 1.0, 2.0)
"""Seconds before each repetition of a request that the CRM asked to wait with."""


class BulkCreate(Generic[_Row]):
    """The creates of one call: `run` it once. Without `progress` it is a single create, which keeps its own error."""

    def __init__(self, adapter: "Creator[_Row]", progress: BulkProgress | None = None) -> None:
        self._adapter = adapter
        self._messages = adapter.messages
        self._lost_creates = adapter.lost_creates
        self._is_alone = progress is None
        self._progress = progress or BulkProgress()
        self._known: frozenset[str] = frozenset()

    async def run(self, edits: Sequence[Edit]) -> tuple[ItemResult, ...]:
        """Create a task for each edit: one result for each, in their order."""
        items = [NewTask[_Row](index, edit, self._adapter.timing.clock()) for index, edit in enumerate(edits)]
        try:
            await self._adapter.prepare()
        except TaskhandError as error:
            self._fail(items, error)
        self._known = self._adapter.recent.known_ids
        to_send = _open_items(items)
        with self._lost_creates.under_way(to_send):
            await self._send_all(chunks(to_send, self._adapter.max_creates))
            await self._find([item for item in items if isinstance(item.state, Lost)])
        self._report(items)
        return tuple(self._progress.results[index] for index in range(len(edits)))

    async def _send_all(self, batches: Sequence[Sequence[NewTask[_Row]]]) -> None:
        """Send the batches, some at the same time; the rate budget sets the speed."""
        is_single = all(len(batch) == 1 for batch in batches)
        at_once = self._adapter.singles_at_once if is_single else self._adapter.batches_at_once
        await for_each(batches, self._send, at_once=at_once)

    async def _send(self, items: Sequence[NewTask[_Row]]) -> None:
        """Send one request for these items, and repeat it if the CRM asks to wait.

        The tasks are searched for before each repetition, and before the first one again after the wait: the CRM may
        have made them all the same, and its list may be behind. If the search fails, it is done once more after the
        wait, and nothing is repeated if it fails again.
        """
        throttled = await self._send_once(items)
        for repetition, wait_s in enumerate(_REPEAT_WAITS_S):
            items = _open_items(items)
            if throttled is None or not items:
                return
            if not await self._wait_to_repeat(throttled, wait_s):
                break
            if repetition == 0 or any(item.may_be_made for item in items):
                await self._search_for_refused(items, throttled, at_once=False)
                items = _open_items(items)
                if not items or any(item.may_be_made for item in items):
                    break
            throttled = await self._send_once(items)
        if throttled is not None and (items := _open_items(items)):
            for item in items:
                if item.may_be_made:
                    item.state = Lost()
            self._fail(_open_items(items), throttled)

    async def _send_once(self, items: Sequence[NewTask[_Row]]) -> RateLimited | None:
        """Send one request and enter its results; returns the error if the CRM asks to wait."""
        if self._progress.stopped is not None:
            self._fail(items, self._progress.stopped)
            return None
        for item in items:
            item.sent_at = self._adapter.timing.clock()
        with recorded_requests() as sent:
            try:
                answer = await self._create(items)
            except RateLimited as throttled:
                if sent.has_write_left:
                    await self._search_for_refused(items, throttled)
                elif self._progress.stopped is not None:  # they waited until another request was throttled
                    self._fail(items, self._progress.stopped)
                    return None
                return throttled
            except (OutcomeUnknown, UpstreamFailed):
                answer = dict.fromkeys((item.index for item in items), Lost())
            except TaskhandError as refused:
                may_lag = is_doubtful(sent, refused)
                if may_lag or (len(items) > 1 and isinstance(refused, CallerError)):  # a refused batch is split
                    await self._search_for_refused(items, refused, may_lag=may_lag)
                await self._after_refusal(_open_items(items), refused)
                return None
        await self._enter(items, answer)
        return None

    async def _wait_to_repeat(self, throttled: RateLimited, wait_s: float) -> bool:
        """Wait before a throttled request is sent again; False if it is not to be sent again.

        `wait_s` is the wait if the CRM named none. If it named one of up to `MAX_WAIT_S`, the rate limiter waits; after
        a longer one the request is not repeated.
        """
        if (throttled.retry_after_s or 0.0) > MAX_WAIT_S:
            return False
        if throttled.retry_after_s is None:
            await self._adapter.timing.sleep(wait_s)
        return True

    async def _search_for_refused(
        self, items: Sequence[NewTask[_Row]], refused: TaskhandError, *, may_lag: bool = False, at_once: bool = True
    ) -> None:
        """Search for refused items before they are sent again, and finish those that were made all the same.

        `may_lag`: lists may not show yet that they were made. `at_once`: even while the CRM asks to wait. An item whose
        candidate may be the task of another create is searched for again at the end, and so are all items if this
        search fails; after a request to wait only if nothing is sent again.
        """
        is_throttled = isinstance(refused, RateLimited)
        with without_pauses(when=at_once):
            found = await self._search_long(items, may_lag=may_lag, searches=1 if is_throttled else None)
        for item in items:
            item.may_be_made = found is None
            if item.state is State.OPEN and (not is_throttled if found is None else _has_candidate(item, found)):
                item.state = Lost()

    async def _create(self, items: Sequence[NewTask[_Row]]) -> BatchAnswer[_Row]:
        if len(items) > 1:
            return await self._adapter.create_many(items)
        return {items[0].index: Applied(await self._adapter.create(items[0].edit))}

    async def _after_refusal(self, items: Sequence[NewTask[_Row]], refused: TaskhandError) -> None:
        """Send each task of a refused batch alone that a search did not find; end the item of a single refusal."""
        if not isinstance(refused, CallerError):
            self._fail(items, refused)
        elif len(items) == 1:
            self._fail(items, explain_refusal(refused, self._messages.name, items[0].edit, None))
        else:
            await self._send_all([[item] for item in items])

    async def _enter(self, items: Sequence[NewTask[_Row]], answer: BatchAnswer[_Row]) -> None:
        """Enter the result of each item; an item without a new task in the response is lost.

        An item is also lost if the response has another task: it belongs to another request.
        """
        for item in items:
            match answer[item.index]:
                case TaskhandError() as error:
                    self._fail([item], explain_refusal(error, self._messages.name, item.edit, None))
                case Applied(row=row) as made if not (self._is_known(row) or self._is_other(row, item)):
                    item.state = made
                case _:
                    item.state = Lost()
        await self._finish(items)

    def _is_known(self, row: _Row) -> bool:
        """Whether a task existed before the creates of this call, or was made by another create."""
        task_id = self._adapter.to_task(row).id
        return task_id in self._known or task_id in self._lost_creates.made

    def _is_other(self, row: _Row, item: NewTask[_Row]) -> bool:
        """Whether a task is not the new one: it has another title, and is older or shows nothing else that was sent."""
        task, rest = self._adapter.to_task(row), without(item.edit, "title")
        if item.edit.title in (task.title, MISSING):
            return False
        is_new = is_created_since(task, item.sent_at - SEARCHED_BEFORE)
        return not is_new or not rest.given_fields() or self._adapter.disproves(row, rest)

    async def _find(self, lost: Sequence[NewTask[_Row]]) -> None:
        """Search for lost creates; a create whose task is not certain fails as unknown."""
        found = await self._search_long(lost, may_lag=True) or {}
        for item in lost:
            if isinstance(item.state, Lost):
                tasks = found[item.index].tasks if item.index in found else ()
                item.state = self._messages.unknown_create(Candidate(task.id, task.title) for task in tasks)

    async def _search_long(
        self, items: Sequence[NewTask[_Row]], *, may_lag: bool, searches: int | None = None
    ) -> dict[int, CreateCandidates] | None:
        """Search for items until one of `searches` succeeds (None: as many as there are waits); None if all fail.

        Items without a candidate are searched for again after a search that succeeded if lists `may_lag`.
        """
        found: dict[int, CreateCandidates] | None = None
        for wait_s in SEARCH_WAITS_S[:searches]:
            left = [item for item in items if not (item.is_made or _has_candidate(item, found or {}))]
            if not left or (wait_s and not await self._adapter.timing.sleep_if_time(wait_s)):
                break
            with suppress(TaskhandError):
                found = (found or {}) | await self._search(left)
            if found is not None and not may_lag:
                break
        return found

    async def _search(self, items: Sequence[NewTask[_Row]]) -> dict[int, CreateCandidates]:
        """Search once for items that may have been made, and finish the found ones; returns candidates by index.

        It waits for no pause that another create was asked for: nothing more is sent after that.
        """
        with without_pauses(when=self._progress.stopped is not None and not self._is_alone):
            candidates = await self._lost_creates.find(items, self._known)
        await self._finish(items)
        return {item.index: found_candidates for item, found_candidates in zip(items, candidates, strict=True)}

    async def _finish(self, items: Sequence[NewTask[_Row]]) -> None:
        """Complete the new tasks of items, reading them back if their rows are incomplete, and report them.

        An item whose task turns out to be another one is lost, as in `_enter`.
        """
        made = [(item, item.state.row) for item in items if isinstance(item.state, Applied)]
        self._lost_creates.made.update(self._adapter.to_task(row).id for _, row in made)
        if made:
            await self._adapter.complete_creates([item for item, _ in made])
        for item, _ in made:
            if isinstance(item.state, Applied) and self._is_other(item.state.row, item):
                item.state = Lost()
        self._report(items)

    def _fail(self, items: Sequence[NewTask[_Row]], error: TaskhandError) -> None:
        """End items with an error; all items that a stop left unsent get the same error."""
        reason = self._progress.heed(error)
        for item in items:
            item.state = error if self._is_alone else reason
        self._report(items)

    def _report(self, items: Sequence[NewTask[_Row]]) -> None:
        """Report the items that are over, once each."""
        for item in items:
            if item.index in self._progress.results:
                continue
            if isinstance(item.state, TaskhandError):
                self._progress.report(item.index, ItemResult("", error=item.state))
            elif isinstance(item.state, Applied):
                written = self._adapter.to_written(item.state.row, item.edit, item.state.note)
                self._lost_creates.made.add(written.task.id)
                self._progress.report(item.index, ItemResult(written.task.id, written))


def _open_items(items: Sequence[NewTask[_Row]]) -> list[NewTask[_Row]]:
    """The items that were not sent, or whose last request was refused and which were not found."""
    return [item for item in items if item.state is State.OPEN]


def _has_candidate(item: NewTask[_Row], candidates: Mapping[int, CreateCandidates]) -> bool:
    """Whether a search has found a task that the create may have made: another search would find no more."""
    return item.index in candidates and bool(candidates[item.index].recent)
