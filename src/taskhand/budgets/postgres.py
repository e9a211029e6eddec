"""Rate budgets in the PostgreSQL database that replicas share.

A portion is taken in one short transaction. It is on the disk before anything is sent: what a crash of the database
forgot would be sent twice within one window.
"""

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from hashlib import sha256
from typing import Any, Final

import anyio
from anyio import to_thread

from taskhand.budgets.limiter import SharedRateLimiter, Taken
from taskhand.budgets.shares import Ask, Shares, Taker, take
from taskhand.domain.errors import OperatorError
from taskhand.http.rate_limiter import Rate, RateState
from taskhand.http.upstream import Runtime
from taskhand.postgres.database import Database
from taskhand.postgres.migrations import PostgresKind
from taskhand.postgres.store import Store
from taskhand.sql.connection import SqlConnection

__all__ = ["BUDGETS", "PostgresBudget", "PostgresBudgets"]

_log = logging.getLogger(__name__)

BUDGETS: Final = PostgresKind("list of rate budgets", "budgets", "taskhand.budgets")

_ANSWER_S: Final = 3.0
"""Seconds that a request waits for the database before this process goes on alone: longer than a busy machine takes to
answer, since the others do not know what is sent alone meanwhile."""
_AGAIN_S: Final = 1.0
"""Seconds that it waits while the database is away."""
_ALONE_S: Final = 2.0
"""Seconds until the database is asked again that did not answer."""
_AT_ONCE: Final = 2
"""Threads of this process that take from budgets at the same time."""

_READ: Final = """
SELECT state, CAST(extract(epoch FROM clock_timestamp()) AS double precision) AS now,
    set_config('idle_in_transaction_session_timeout', '1s', true)
FROM budget WHERE name = ? FOR UPDATE
"""
_BEGIN: Final = "INSERT INTO budget VALUES (?, ?, clock_timestamp()) ON CONFLICT (name) DO NOTHING"
_FORGET_OLD: Final = "DELETE FROM budget WHERE used_at < clock_timestamp() - interval '7 days'"
_WRITE: Final = "UPDATE budget SET state = ?, used_at = clock_timestamp() WHERE name = ?"


@dataclass(frozen=True, slots=True)
class PostgresBudgets:
    """The budgets of one connection: `account` says which account it is, in every replica alike.

    `whose` is the person whose own credential requests bear; None where they bear the connection's own.
    """

    store: Store
    account: str
    whose: str | None = None
    _limiter: anyio.CapacityLimiter = field(default_factory=lambda: anyio.CapacityLimiter(_AT_ONCE))

    @classmethod
    def of(cls, database: Database, account: str) -> "PostgresBudgets":
        """The budgets in this database of a connection's own credential."""
        return cls(Store(database, BUDGETS), account)

    async def aclose(self) -> None:
        """Close the connections to the database."""
        await self.store.aclose()

    def of_person(self, whose: str) -> "PostgresBudgets":
        """The budgets of requests that bear a credential of this person's own."""
        return replace(self, whose=whose)

    def open_limiter(self, rate: Rate, in_flight: int, runtime: Runtime, *, of_account: bool) -> SharedRateLimiter:
        """The queue that spends from one budget; `of_account`: it is that of all credentials together."""
        whose = "account" if of_account else f"credential {self.whose or ''}"
        name = sha256(f"{self.account}\n{whose}\n{rate.per_s}".encode()).hexdigest()
        budget = PostgresBudget(self.store, name, rate, clock=runtime.clock, limiter=self._limiter)
        return SharedRateLimiter(rate, in_flight, budget, clock=runtime.clock, sleep=runtime.sleep)


class PostgresBudget:
    """One budget. Times that come in and go out are by `clock`, those in the database by its own."""

    def __init__(
        self,
        store: Store,
        name: str,
        rate: Rate,
        *,
        clock: Callable[[], float],
        limiter: anyio.CapacityLimiter | None = None,
        answer_s: float = _ANSWER_S,
    ) -> None:
        """`limiter` is how many threads ask at the same time; `answer_s` how many seconds an answer is waited for."""
        self._store = store
        self._name = name
        self._rate = rate
        self._clock = clock
        self._limiter = limiter or anyio.CapacityLimiter(1)
        self._answer_s = answer_s
        self._alone_until: float | None = None
        self._ahead_s: float | None = None
        """How far the clock of the database is ahead of ours."""

    async def take(self, ask: Ask) -> Taken | None:
        """Take a portion; None where the database does not answer soon: it is asked again after a while."""
        if self._alone_until is not None and self._clock() < self._alone_until:
            return None
        answer_s = self._answer_s if self._alone_until is None else min(self._answer_s, _AGAIN_S)
        why = f"no answer in {answer_s:g} s"
        try:
            with anyio.move_on_after(answer_s):
                taken = await to_thread.run_sync(
                    partial(self._store.write_now, partial(self._take_now, ask)),
                    abandon_on_cancel=True,
                    limiter=self._limiter,
                )
                self._alone_until = None
                return taken
        except OperatorError as error:
            why = error.message
        if self._alone_until is None:
            _log.warning("the shared rate budget cannot be asked, only a share of it is used meanwhile: %s", why)
        self._alone_until = self._clock() + _ALONE_S
        return None

    def _take_now(self, ask: Ask, connection: SqlConnection) -> Taken:
        asked = self._clock()
        row = connection.execute(_READ, (self._name,)).fetchone()
        if row is None:
            connection.execute(_FORGET_OLD)
            connection.execute(_BEGIN, (self._name, _encode(Shares())))
            asked = self._clock()
            row = connection.execute(_READ, (self._name,)).fetchone()
        now = float(row["now"])
        ahead_s = self._compare_clocks(asked, now)
        shares, portion = take(self._rate, _decode(str(row["state"])), _moved(ask, ahead_s), now)
        connection.execute(_WRITE, (_encode(shares), self._name))
        moments = tuple(at - ahead_s for at in portion.moments)
        return Taken(moments, portion.again_s, portion.takers, _moved_state(shares.state, -ahead_s), shares.limit)

    def _compare_clocks(self, asked: float, now: float) -> float:
        """How far the database's clock is ahead; what was found before holds as long as it is possible."""
        answered = self._clock()
        possible = now - answered, now - asked
        if self._ahead_s is None or not possible[0] <= self._ahead_s <= possible[1]:
            self._ahead_s = sum(possible) / 2
        return self._ahead_s


def _moved(ask: Ask, by_s: float) -> Ask:
    """What is asked, by a clock that is so many seconds ahead."""
    seen = ask.seen and replace(ask.seen, left_at=ask.seen.left_at + by_s, seen_at=ask.seen.seen_at + by_s)
    return replace(
        ask,
        sent=tuple(at + by_s for at in ask.sent),
        unused=tuple(at + by_s for at in ask.unused),
        late=tuple((moment + by_s, counted_at + by_s) for moment, counted_at in ask.late),
        seen=seen,
        paused_until=ask.paused_until + by_s if ask.paused_until else 0.0,
    )


def _moved_state(state: RateState, by_s: float) -> RateState:
    until, paused_until, reset_at = (
        at + by_s if at else 0.0 for at in (state.until, state.paused_until, state.reset_at)
    )
    sent = tuple(at + by_s for at in state.sent)
    return replace(state, sent=sent, until=until, paused_until=paused_until, reset_at=reset_at)


def _encode(shares: Shares) -> str:
    state = shares.state
    takers = {
        name: [one.waiting, one.since, one.until, one.asked_at, one.under_way, one.had, one.counted_from]
        for name, one in shares.takers.items()
    }
    values: dict[str, Any] = {
        "sent": state.sent,
        "allowance": state.allowance,
        "until": state.until,
        "paused_until": state.paused_until,
        "reset_at": state.reset_at,
        "at_first": state.limit,
        "limit": shares.limit,
        "counted_at": shares.counted_at,
        "takers": takers,
    }
    return json.dumps(values, separators=(",", ":"))


def _decode(text: str) -> Shares:
    values = json.loads(text)
    at_first = values.get("at_first")  # a replica of an older version does not know it
    state = RateState(
        tuple(values["sent"]),
        values["allowance"],
        values["until"],
        values["paused_until"],
        values["reset_at"],
        at_first,
    )
    takers = {name: Taker(*one) for name, one in values["takers"].items()}
    return Shares(state, values["limit"], values["counted_at"], takers)
