"""The inputs and the response of a batch request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from taskhand.sandbox.hubspot.dates import format_instant
from taskhand.sandbox.hubspot.errors import validation_error
from taskhand.sandbox.hubspot.reply import JsonResponse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from taskhand.sandbox.hubspot.context import RequestContext

MAX_INPUTS = 100
MULTI_STATUS = 207


@dataclass(frozen=True)
class Input:
    """One input: its number, counted from 1, and its body."""

    number: int
    body: Mapping[str, Any]

    @property
    def id(self) -> str:
        """The id or the unique value, as text."""
        return str(self.body.get("id", ""))

    @property
    def trace(self) -> str | None:
        """The caller's name for this input; it is not an idempotency key."""
        trace = self.body.get("objectWriteTraceId")
        return None if trace is None else str(trace)

    @property
    def context(self) -> dict[str, list[str]]:
        """The context of its error."""
        return {} if self.trace is None else {"objectWriteTraceId": [self.trace]}

    def traced(self, result: dict[str, Any]) -> dict[str, Any]:
        """Return the result with the trace id."""
        return result if self.trace is None else result | {"objectWriteTraceId": self.trace}

    def is_lost(self, ctx: RequestContext) -> bool:
        """Whether the spec variant omits this input from the response."""
        return self.number == ctx.spec_variant.lost_input

    def is_skipped(self, ctx: RequestContext) -> bool:
        """Whether the spec variant also does not write this input."""
        return self.is_lost(ctx) and ctx.spec_variant.lost_effect == "undone"


def read_inputs(ctx: RequestContext, body: Mapping[str, Any], most: int = MAX_INPUTS) -> list[Input]:
    """Read the inputs of a batch; the error texts are assumed."""
    rows = body.get("inputs")
    if rows is None and ctx.spec_variant.no_inputs == "empty":
        return []
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise validation_error("inputs must be a list of objects")
    if len(rows) > most:
        raise validation_error(f"The number of inputs must be at most {most}", inputs=[str(len(rows))])
    return [Input(number, row) for number, row in enumerate(rows, start=1)]


def is_partial(ctx: RequestContext, inputs: list[Input]) -> bool:
    """Whether an invalid input fails alone, as it does if every input has a trace id."""
    traced = [item for item in inputs if item.trace is not None]
    if not traced:
        return ctx.request.path.endswith("/update") and ctx.spec_variant.untraced_update == "partial"
    return len(traced) == len(inputs) or ctx.spec_variant.some_traces == "partial"


def check_distinct_records(ctx: RequestContext, ids: list[str]) -> None:
    """Refuse two inputs for one record: 400. The text is assumed."""
    doubled = sorted({item_id for item_id in ids if ids.count(item_id) > 1})
    if doubled and ctx.spec_variant.duplicate_ids == "rejected":
        raise validation_error("Duplicate IDs found in batch input", ids=doubled)


def batch_reply(
    ctx: RequestContext, status: int, results: list[dict[str, Any]], errors: list[dict[str, Any]]
) -> JsonResponse:
    """Return the results in the spec variant's order; with errors, the status is 207."""
    shuffled = results[1::2] + results[::2] if ctx.spec_variant.results_order == "shuffled" else results
    now = format_instant(ctx.now)
    body: dict[str, Any] = {"status": "COMPLETE", "results": shuffled}
    body |= {"numErrors": len(errors), "errors": errors} if errors else {}
    return JsonResponse(MULTI_STATUS if errors else status, body | {"startedAt": now, "completedAt": now})
