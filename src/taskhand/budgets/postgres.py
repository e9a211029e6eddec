"""Rate budgets in the PostgreSQL database that replicas share.

Each reservation is one short transaction, on disk before a request leaves: slots that a crash of the database forgot
would be granted twice in one window.
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

from taskhand.budgets.reservation import BudgetState, Replica, ReservationRequest, reserve
from taskhand.budgets.shared_limiter import Reservation, SharedRateLimiter
from taskhand.domain.errors import OperatorError
from taskhand.http.rate_limiter import Rate, RateState
from taskhand.http.upstream import Runtime
from taskhand.postgres.database import Database
from taskhand.postgres.migrations import PostgresKind
from taskhand.postgres.store import PostgresStore
from taskhand.sql.connection import SqlConnection

__all__ = ["BUDGETS", "PostgresBudget", "PostgresBudgets"]

_log = logging.getLogger(__name__)

BUDGETS: Final = PostgresKind("list of rate budgets", "budgets", "taskhand.budgets")

_ANSWER_S: Final = 3.0
"""Seconds that a request waits for the database before this process goes on alone: longer than a busy machine takes to
answer, since the others do not know what is sent alone meanwhile."""
_RETRY_ANSWER_S: Final = 1.0
"""Seconds that it waits once the database is known to be away."""
_RETRY_AFTER_S: Final = 2.0
"""Seconds until a database that did not answer is asked again."""
_MAX_THREADS: Final = 2
"""Maximum threads of this process that reserve at the same time."""

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
    """The budgets of one connection; `account` names its CRM account, the same in every replica.

    `whose` is the person whose own credential the requests carry; None for the connection's shared credential.
    """

    store: PostgresStore
    account: str
    whose: str | None = None
    _limiter: anyio.CapacityLimiter = field(default_factory=lambda: anyio.CapacityLimiter(_MAX_THREADS))

    @classmethod
    def of(cls, database: Database, account: str) -> "PostgresBudgets":
        """The budgets of a connection's shared credential in this database."""
        return cls(PostgresStore(database, BUDGETS), account)

    async def aclose(self) -> None:
        """Close the connections to the database."""
        await self.store.aclose()

    def of_person(self, whose: str) -> "PostgresBudgets":
        """The budgets of requests with this person's own credential."""
        return replace(self, whose=whose)

    def open_limiter(self, rate: Rate, in_flight: int, runtime: Runtime, *, of_account: bool) -> SharedRateLimiter:
        """The rate limiter of one budget: that of one credential, or of all together if `of_account`."""
        whose = "account" if of_account else f"credential {self.whose or ''}"
        name = sha256(f"{self.account}\n{whose}\n{rate.per_s}".encode()).hexdigest()
        budget = PostgresBudget(self.store, name, rate, monotonic=runtime.monotonic, limiter=self._limiter)
        return SharedRateLimiter(rate, in_flight, budget, monotonic=runtime.monotonic, sleep=runtime.sleep)


class PostgresBudget:
    """One budget. Its arguments and results are by `monotonic`, the stored times by the database's clock."""

    def __init__(
        self,
        store: PostgresStore,
        name: str,
        rate: Rate,
        *,
        monotonic: Callable[[], float],
        limiter: anyio.CapacityLimiter | None = None,
        answer_s: float = _ANSWER_S,
    ) -> None:
        """`limiter` bounds the threads that reserve at the same time; `answer_s` is the longest wait for an answer."""
        self._store = store
        self._name = name
        self._rate = rate
        self._monotonic = monotonic
        self._limiter = limiter or anyio.CapacityLimiter(1)
        self._answer_s = answer_s
        self._alone_until: float | None = None
        self._ahead_s: float | None = None
        """Seconds that the database's clock is ahead of ours."""

    async def reserve(self, request: ReservationRequest) -> Reservation | None:
        """Reserve slots; None if the database does not answer soon. It is asked again after a while."""
        if self._alone_until is not None and self._monotonic() < self._alone_until:
            return None
        answer_s = self._answer_s if self._alone_until is None else min(self._answer_s, _RETRY_ANSWER_S)
        why = f"no answer in {answer_s:g} s"
        try:
            with anyio.move_on_after(answer_s):
                reservation = await to_thread.run_sync(
                    partial(self._store.write_now, partial(self._reserve_now, request)),
                    abandon_on_cancel=True,
                    limiter=self._limiter,
                )
                self._alone_until = None
                return reservation
        except OperatorError as error:
            why = error.message
        if self._alone_until is None:
            _log.warning("the shared rate budget cannot be read; meanwhile only a share of it is used: %s", why)
        self._alone_until = self._monotonic() + _RETRY_AFTER_S
        return None

    def _reserve_now(self, request: ReservationRequest, connection: SqlConnection) -> Reservation:
        asked = self._monotonic()
        row = connection.execute(_READ, (self._name,)).fetchone()
        if row is None:
            connection.execute(_FORGET_OLD)
            connection.execute(_BEGIN, (self._name, _encode(BudgetState())))
            asked = self._monotonic()
            row = connection.execute(_READ, (self._name,)).fetchone()
        now = float(row["now"])
        ahead_s = self._compare_clocks(asked, now)
        budget, grant = reserve(self._rate, _decode(str(row["state"])), _shift_request(request, ahead_s), now)
        connection.execute(_WRITE, (_encode(budget), self._name))
        slots = tuple(at - ahead_s for at in grant.slots)
        return Reservation(slots, grant.again_s, grant.replicas, _shift_state(budget.state, -ahead_s), budget.limit)

    def _compare_clocks(self, asked_at: float, now: float) -> float:
        """Seconds that the database's clock is ahead. The earlier figure is kept while this answer allows it."""
        answered = self._monotonic()
        possible = now - answered, now - asked_at
        if self._ahead_s is None or not possible[0] <= self._ahead_s <= possible[1]:
            self._ahead_s = sum(possible) / 2
        return self._ahead_s


def _shift_request(request: ReservationRequest, by_s: float) -> ReservationRequest:
    """The request with its times by a clock that is `by_s` seconds ahead."""
    observed = request.observed and replace(
        request.observed, left_at=request.observed.left_at + by_s, seen_at=request.observed.seen_at + by_s
    )
    return replace(
        request,
        sent=tuple(at + by_s for at in request.sent),
        unused=tuple(at + by_s for at in request.unused),
        late=tuple((moment + by_s, counted_at + by_s) for moment, counted_at in request.late),
        observed=observed,
        paused_until=request.paused_until + by_s if request.paused_until else 0.0,
    )


def _shift_state(state: RateState, by_s: float) -> RateState:
    until, paused_until, reset_at = (
        at + by_s if at else 0.0 for at in (state.until, state.paused_until, state.reset_at)
    )
    sent = tuple(at + by_s for at in state.sent)
    return state._replace(sent=sent, until=until, paused_until=paused_until, reset_at=reset_at)


def _encode(budget: BudgetState) -> str:
    state = budget.state
    replicas = {
        name: [
            replica.waiting,
            replica.since,
            replica.until,
            replica.asked_at,
            replica.under_way,
            replica.recent,
            replica.counted_from,
        ]
        for name, replica in budget.replicas.items()
    }
    values: dict[str, Any] = {
        "sent": state.sent,
        "allowance": state.allowance,
        "until": state.until,
        "paused_until": state.paused_until,
        "reset_at": state.reset_at,
        "at_first": state.limit,
        "limit": budget.limit,
        "counted_at": budget.counted_at,
        "takers": replicas,
    }
    return json.dumps(values, separators=(",", ":"))


def _decode(text: str) -> BudgetState:
    values = json.loads(text)
    at_first = values.get("at_first")  # older versions did not write it
    state = RateState(
        tuple(values["sent"]),
        values["allowance"],
        values["until"],
        values["paused_until"],
        values["reset_at"],
        at_first,
    )
    replicas = {name: Replica(*fields) for name, fields in values["takers"].items()}
    return BudgetState(state, values["limit"], values["counted_at"], replicas)
