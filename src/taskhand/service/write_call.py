"""One call of a tool that writes, and its change in the journal: the intents before sending, the results after."""

import logging
import re
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final

from pydantic import MISSING

from taskhand.call.change_ownership import own_writes
from taskhand.domain.errors import OperatorError, OutcomeUnknown, TaskhandError
from taskhand.domain.name_matching import Match
from taskhand.domain.outcome import Outcome, overall_outcome
from taskhand.domain.task import or_none
from taskhand.journal.journal import Caller, Change, Claim, Ending, Intent, Opening, Result
from taskhand.service.app_context import AppContext
from taskhand.service.call_options import Options
from taskhand.service.crash_recovery import recover_abandoned
from taskhand.service.unlisted_notes import check_no_rival_note

__all__ = ["AlreadyClaimed", "Call"]

_log = logging.getLogger(__name__)

_TASK_IDS: Final = ("id", "ids", "taskIds")
_MAX_REFUSED: Final = 100
"""Maximum number of tasks by which the journal finds a refused call."""
_NO_OPTIONS: Final = Options()


class AlreadyClaimed(Exception):
    """The earlier `change` holds one of the claims: it made the same request, or is making it.

    The service handles this error.
    """

    def __init__(self, change: Change) -> None:
        super().__init__(f"claimed by {change.id}")
        self.change = change


async def _ignore_progress(done: int, total: int) -> None:
    pass


@dataclass(slots=True)
class _ChangeProgress:
    """How far the change of a call is; `settled` are the indexes of the intents with a result."""

    change: Change | None = None
    is_open: bool = False
    was_revised: bool = False
    former_ending: Ending | None = None
    settled: set[int] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a tool: the caller, the arguments as sent, and its change in the journal, which copies share.

    `progress` receives the number of finished tasks and of all tasks. `asks` is whether a person can be asked through
    the client. `refused` returns the error for a tool that this caller may not use; a plan is refused by its tool.
    `requests` are the upstream requests so far. `began` is in seconds of the monotonic clock.
    """

    app: AppContext
    tool: str
    caller: Caller = field(default_factory=Caller)
    arguments: dict[str, Any] = field(default_factory=dict)
    options: Options = _NO_OPTIONS
    progress: Callable[[int, int], Awaitable[None]] = _ignore_progress
    asks: bool = False
    refused: Callable[[str], TaskhandError | None] = lambda _: None
    requests: list[str] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)
    _state: _ChangeProgress = field(default_factory=_ChangeProgress, repr=False)

    @property
    def change(self) -> Change | None:
        """The change or plan that this call has written into the journal; None before."""
        return self._state.change

    @property
    def is_open(self) -> bool:
        """Whether the change has begun and not ended."""
        return self._state.is_open

    def forget_plan(self) -> None:
        """Forget the journaled plan, so that it does not count as the change of this call."""
        self._state.change = None

    @property
    def is_dry(self) -> bool:
        """Whether only reads may be sent."""
        return self.options.dry_run is True

    @property
    def key(self) -> str | None:
        """The idempotency key, None if none was given."""
        given = getattr(self.options, "idempotency_key", MISSING)
        return or_none(given)

    def new_opening(
        self,
        *,
        matched: tuple[Match, ...] = (),
        plan_id: str | None = None,
        undoes: str | None = None,
        claims: tuple[Claim, ...] = (),
    ) -> Opening:
        """The opening of this call's change in the journal."""
        reason = or_none(self.options.reason)
        return Opening(
            tool=self.tool,
            caller=self.caller,
            at=self.app.clock(),
            arguments=self.arguments,
            reason=reason,
            matched=matched,
            plan_id=plan_id,
            undoes=undoes,
            claims=claims,
            connection=self.app.connection.name,
        )

    async def begin(self, opening: Opening, intents: Sequence[Intent]) -> None:
        """Record the intents before anything is sent; AlreadyClaimed if an earlier change has one of the claims.

        CallerError if another process is writing one of their notes. NotAllowed for more tasks than one change of
        the caller may have.
        """
        self.app.principal.rules.check_number(len(intents))
        await recover_abandoned(self.app)
        if await self.app.uses_own_credential():
            opening = replace(opening, own_credential=True)
        change, is_new = await self.app.journal.begin(opening, intents)
        if not is_new:
            raise AlreadyClaimed(change)
        self._state.change, self._state.is_open = change, True
        self._own_writes()
        await check_no_rival_note(self.app, change)

    async def resume(self, change: Change, indexes: Collection[int]) -> None:
        """Resume an ended change with these intents; AlreadyClaimed if another call has resumed one of them."""
        resumed, is_ours = await self.app.journal.resume(change, indexes)
        if not is_ours:
            raise AlreadyClaimed(resumed)
        state = self._state
        state.change, state.is_open, state.former_ending = resumed, True, change.ending
        state.settled = set(range(len(resumed.intents))) - set(indexes)
        self._own_writes()

    async def revise(self, intents: Sequence[Intent]) -> None:
        """Replace the intents of the open change, which may have been written in part."""
        if self.change is not None:
            self._state.was_revised = True
            await self.app.journal.revise(self.change.id, intents)
            self._state.change = replace(self.change, intents=tuple(intents))

    async def settle(self, results: Sequence[Result], outcome: Outcome, code: str | None = None) -> None:
        """Record the results and end the change with its overall outcome."""
        if self.change is not None:
            self._state.is_open = False
            await self.app.journal.settle(self.change.id, results, self._new_ending(outcome, code))
            self.app.updates.publish(results)

    async def settle_some(self, results: Sequence[Result]) -> None:
        """Record the results of some tasks; the change stays open."""
        if self.change is not None:
            await self.app.journal.settle(self.change.id, results)
            self.app.updates.publish(results)
            self._state.settled.update(result.index for result in results)

    async def record(
        self,
        outcome: Outcome,
        opening: Opening | None = None,
        intents: Sequence[Intent] = (),
        results: Sequence[Result] = (),
        code: str | None = None,
    ) -> Change:
        """Record a change that has already ended, or a plan."""
        ending = self._new_ending(outcome, code)
        change = await self.app.journal.record(opening or self.new_opening(), ending, intents, results)
        self._state.change = change
        return change

    async def record_failure(self, error: TaskhandError) -> None:
        """Record that the call failed: every intent without a result ends as refused, or as unknown."""
        if self.is_open and self.change is not None:
            # After a bug of ours nobody knows what was sent, and a revised write may have been sent in part. Such a
            # change is unknown, so that it is not repeated blindly.
            in_doubt = self._state.was_revised or isinstance(error, OutcomeUnknown) or error.code == "internal_error"
            outcome: Outcome = "unknown" if in_doubt else "refused"
            results = [
                Result(index, outcome, intent.task_id, code=error.code)
                for index, intent in enumerate(self.change.intents)
                if index not in self._state.settled
            ]
            outcomes = {result.outcome for result in (*self.change.results.values(), *results)}
            await self.settle(results, overall_outcome(outcomes) if self._state.former_ending else outcome, error.code)
        elif self.change is None:
            try:
                await self.record("refused", results=self._refused_tasks(error), code=error.code)
            except OperatorError as unwritable:
                _log.warning(
                    "a refused call of %s could not be written to the journal: %s", self.tool, unwritable.message
                )

    def _own_writes(self) -> None:
        """Prevent further writes of the change after another process has ended it."""
        if self.change is not None and (session := self.change.session) is not None:
            own_writes(partial(self.app.journal.is_held, session))

    def _refused_tasks(self, error: TaskhandError) -> list[Result]:
        """A refused result for each task in the arguments, so that the journal finds the call by its tasks."""
        if self.arguments.get("idProperty") is not None:
            return []
        named = [self.arguments.get(name) for name in _TASK_IDS]
        flat = [item for value in named for item in (value if isinstance(value, list) else [value])]
        pattern = self.app.backend.capabilities.id_pattern
        ids = dict.fromkeys(item for item in flat if isinstance(item, str) and re.fullmatch(pattern, item))
        return [
            Result(index, "refused", task_id, code=error.code) for index, task_id in enumerate([*ids][:_MAX_REFUSED])
        ]

    def _new_ending(self, outcome: Outcome, code: str | None) -> Ending:
        """The ending of the change; its request count includes those sent before it was resumed."""
        former, took_s = self._state.former_ending, time.monotonic() - self.began
        if former is None:
            return Ending(outcome, code, tuple(self.requests), round(took_s, 6))
        return Ending(outcome, code, (*former.requests, *self.requests), round(former.took_s + took_s, 6))
