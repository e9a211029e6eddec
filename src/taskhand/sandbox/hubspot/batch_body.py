"""The envelope of a batch: its inputs, and its answer in whole or in part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from taskhand.sandbox.hubspot.dates import format_instant
from taskhand.sandbox.hubspot.errors import validation_error
from taskhand.sandbox.hubspot.reply import Reply

if TYPE_CHECKING:
    from collections.abc import Mapping

    from taskhand.sandbox.hubspot.context import RequestContext

MOST = 100  # inputs
MULTI_STATUS = 207


@dataclass(frozen=True)
class Input:
    """One input: its number from 1, and its body."""

    number: int
    body: Mapping[str, Any]

    @property
    def id(self) -> str:
        """The id, or the unique value, as text."""
        return str(self.body.get("id", ""))

    @property
    def trace(self) -> str | None:
        """The caller's own name for this input; no idempotency key."""
        trace = self.body.get("objectWriteTraceId")
        return None if trace is None else str(trace)

    @property
    def context(self) -> dict[str, list[str]]:
        """What its error says of it."""
        return {} if self.trace is None else {"objectWriteTraceId": [self.trace]}

    def traced(self, result: dict[str, Any]) -> dict[str, Any]:
        """Echo the trace id in a result."""
        return result if self.trace is None else result | {"objectWriteTraceId": self.trace}

    def is_lost(self, ctx: RequestContext) -> bool:
        """Whether the answer says nothing of it."""
        return self.number == ctx.spec_variant.lost_input

    def is_skipped(self, ctx: RequestContext) -> bool:
        """Whether it is not even done."""
        return self.is_lost(ctx) and ctx.spec_variant.lost_effect == "undone"


def read_inputs(ctx: RequestContext, body: Mapping[str, Any], most: int = MOST) -> list[Input]:
    """Read the inputs of a batch; the text for too many is not recorded."""
    rows = body.get("inputs")
    if rows is None and ctx.spec_variant.no_inputs == "empty":
        return []
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise validation_error("inputs must be a list of objects")
    if len(rows) > most:
        raise validation_error(f"The number of inputs must be at most {most}", inputs=[str(len(rows))])
    return [Input(number, row) for number, row in enumerate(rows, start=1)]


def is_partial(ctx: RequestContext, inputs: list[Input]) -> bool:
    """Whether a bad input fails alone: trace ids on every input turn that on."""
    traced = [one for one in inputs if one.trace is not None]
    if not traced:
        return ctx.request.path.endswith("/update") and ctx.spec_variant.untraced_update == "partial"
    return len(traced) == len(inputs) or ctx.spec_variant.some_traces == "partial"


def check_distinct_records(ctx: RequestContext, ids: list[str]) -> None:
    """Refuse two inputs for one record; the text is not recorded."""
    doubled = sorted({one for one in ids if ids.count(one) > 1})
    if doubled and ctx.spec_variant.duplicate_ids == "rejected":
        raise validation_error("Duplicate IDs found in batch input", ids=doubled)


def batch_reply(ctx: RequestContext, status: int, results: list[dict[str, Any]], errors: list[dict[str, Any]]) -> Reply:
    """Answer with the results in an order of their own, and 207 when there are errors."""
    shuffled = results[1::2] + results[::2] if ctx.spec_variant.results_order == "shuffled" else results
    now = format_instant(ctx.now)
    body: dict[str, Any] = {"status": "COMPLETE", "results": shuffled}
    body |= {"numErrors": len(errors), "errors": errors} if errors else {}
    return Reply(MULTI_STATUS if errors else status, body | {"startedAt": now, "completedAt": now})
