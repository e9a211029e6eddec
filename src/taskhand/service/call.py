"""One call of a tool that writes, and its page in the journal: intent before anything is sent, outcome after."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Any

import anyio
from pydantic import MISSING, Field

from taskhand.domain.errors import OperatorError, OutcomeUnknown, TaskhandError
from taskhand.domain.names import Match
from taskhand.domain.outcome import Outcome
from taskhand.domain.task import Body
from taskhand.journal.journal import Caller, Change, Claim, Ending, Intent, Opening, Result
from taskhand.service.app_context import AppContext
from taskhand.service.recovery import recover_abandoned

__all__ = ["AlreadyClaimed", "Call", "Options", "RepeatableOptions"]

_log = logging.getLogger(__name__)


class Options(Body):
    """What can be said about any write."""

    dry_run: (
        Annotated[bool, Field(description="true: only plan it; answers the difference and a planId.")] | MISSING
    ) = MISSING
    reason: Annotated[str, Field(description="Why, for the journal.")] | MISSING = MISSING


class RepeatableOptions(Options):
    """And about one that must not be done twice."""

    idempotency_key: (
        Annotated[str, Field(description="Any text; a repetition with the same key is answered, not done again.")]
        | MISSING
    ) = MISSING


class AlreadyClaimed(Exception):
    """An earlier change has the claim: what is asked for was done, or is being done. No caller sees it."""

    def __init__(self, change: Change) -> None:
        super().__init__(f"held by {change.id}")
        self.change = change


def _all_offered(_tool: str) -> TaskhandError | None:
    """Every tool may be used."""
    return None


async def _silent(done: int, total: int) -> None:
    """Nobody listens to the progress."""


@dataclass(slots=True)
class Call:
    """Who calls which tool with what; `progress` is told how many of how many tasks are done.

    `asks` is whether a person can be asked through the client before something is done; `refused` says why a tool,
    and so a plan that it made, may not be used; `began` is when, in seconds of a clock that only runs forward,
    `requests` what was sent since.
    """

    app: AppContext
    tool: str
    caller: Caller = field(default_factory=Caller)
    arguments: dict[str, Any] = field(default_factory=dict)
    options: Options = field(default_factory=Options)
    progress: Callable[[int, int], Awaitable[None]] = _silent
    asks: bool = False
    refused: Callable[[str], TaskhandError | None] = _all_offered
    requests: list[str] = field(default_factory=list)
    began: float = field(default_factory=anyio.current_time)
    change: Change | None = None
    is_open: bool = False
    _was_revised: bool = False
    _told: set[int] = field(default_factory=set)

    @property
    def is_dry(self) -> bool:
        """Whether nothing may be sent but reads."""
        return self.options.dry_run is True

    @property
    def key(self) -> str | None:
        """The idempotency key, where one was given."""
        given = getattr(self.options, "idempotency_key", MISSING)
        return None if given is MISSING else given

    def opening(
        self,
        *,
        matched: tuple[Match, ...] = (),
        plan_id: str | None = None,
        undoes: str | None = None,
        claims: tuple[Claim, ...] = (),
    ) -> Opening:
        """What the journal is told first."""
        reason = None if self.options.reason is MISSING else self.options.reason
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
        )

    async def begin(self, opening: Opening, intents: Sequence[Intent]) -> None:
        """Write down what is about to be done; Held where an earlier change has one of the claims."""
        await recover_abandoned(self.app)
        change, is_new = await self.app.journal.begin(opening, intents)
        if not is_new:
            raise AlreadyClaimed(change)
        self.change, self.is_open = change, True

    async def revise(self, intents: Sequence[Intent]) -> None:
        """What is about to be done is something else by now; something may have been written already."""
        if self.change is not None:
            self._was_revised = True
            await self.app.journal.revise(self.change.id, intents)
            self.change = replace(self.change, intents=tuple(intents))

    async def settle(self, results: Sequence[Result], outcome: Outcome, code: str | None = None) -> None:
        """Write down what came of it."""
        if self.change is not None:
            self.is_open = False
            await self.app.journal.settle(self.change.id, results, self._ending(outcome, code))

    async def settle_some(self, results: Sequence[Result]) -> None:
        """Write down what came of some of many; the change stays open."""
        if self.change is not None:
            await self.app.journal.settle(self.change.id, results)
            self._told.update(result.index for result in results)

    async def record(
        self,
        outcome: Outcome,
        opening: Opening | None = None,
        intents: Sequence[Intent] = (),
        results: Sequence[Result] = (),
        code: str | None = None,
    ) -> Change:
        """Write down a call that is over already, or that is only a plan."""
        ending = self._ending(outcome, code)
        self.change = await self.app.journal.record(opening or self.opening(), ending, intents, results)
        return self.change

    async def failed(self, error: TaskhandError) -> None:
        """Write down that the call failed: of what was begun, all that has no result yet."""
        if self.is_open and self.change is not None:
            # After a crash of ours nobody knows how far it went: what is not known is not done again.
            in_doubt = self._was_revised or isinstance(error, OutcomeUnknown) or error.code == "internal_error"
            outcome: Outcome = "unknown" if in_doubt else "refused"
            intents = enumerate(self.change.intents)
            untold = ((place, one) for place, one in intents if place not in self._told)
            rest = [Result(place, outcome, one.task_id, code=error.code) for place, one in untold]
            await self.settle(rest, outcome, error.code)
        elif self.change is None:
            try:
                await self.record("refused", code=error.code)
            except OperatorError:
                _log.exception("a refused call of %s could not be written to the journal", self.tool)

    def _ending(self, outcome: Outcome, code: str | None) -> Ending:
        return Ending(outcome, code, tuple(self.requests), round(anyio.current_time() - self.began, 6))
