"""Stop at a plan: what would be done is written down with the values it was seen on, and shown."""

from collections.abc import Mapping, Sequence

from taskhand.domain.errors import TaskhandError
from taskhand.domain.names import Match
from taskhand.domain.plan import Difference, Plan, difference
from taskhand.journal.journal import Change, Claim, Intent, Result
from taskhand.service.app_context import AppContext
from taskhand.service.call import Call

__all__ = ["make_plan", "to_plan"]


async def make_plan(
    call: Call,
    intents: Sequence[Intent],
    matched: tuple[Match, ...] = (),
    *,
    undoes: str | None = None,
    claims: tuple[Claim, ...] = (),
    guard: str | None = None,
    note: str | None = None,
    unchanged: Sequence[str] = (),
    refused: Mapping[str, TaskhandError] | None = None,
) -> Plan:
    """A plan of these intents, in the journal; nothing is sent. `claims` are made when it is carried out."""
    refused = refused or {}
    opening = call.opening(matched=matched, undoes=undoes, claims=claims)
    results = [
        Result(len(intents) + n, "refused", one, code=error.code) for n, (one, error) in enumerate(refused.items())
    ]
    change = await call.record("planned", opening, intents, results)
    return to_plan(change, call.app, guard=guard, note=note, unchanged=tuple(unchanged), refused=tuple(refused.items()))


def to_plan(
    change: Change,
    app: AppContext,
    *,
    guard: str | None = None,
    note: str | None = None,
    unchanged: tuple[str, ...] = (),
    refused: tuple[tuple[str, TaskhandError], ...] = (),
) -> Plan:
    """The plan that a change of the journal is."""
    return Plan(
        id=change.id,
        tool=change.opening.tool,
        differences=tuple(map(_difference, change.intents)),
        expires_at=change.opening.at + app.policy.plan_for,
        guard=guard,
        matched=change.opening.matched,
        note=note,
        unchanged=unchanged,
        refused=refused,
    )


def _difference(intent: Intent) -> Difference:
    return difference(intent.verb, intent.before.task if intent.before else None, intent.edit)
