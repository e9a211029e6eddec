"""The filters of one date field: the bare name for equality, and `__lt`, `__lte`, `__gt`, `__gte`."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from taskhand.sandbox.close.dates import parse_date, to_instant
from taskhand.sandbox.close.errors import validation_error

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable

    from taskhand.sandbox.close.context import RequestContext

COMPARISONS: dict[str, Callable[[dt.datetime, dt.datetime], bool]] = {
    "": operator.eq,
    "__lt": operator.lt,
    "__lte": operator.le,
    "__gt": operator.gt,
    "__gte": operator.ge,
}


@dataclass(frozen=True)
class DateRange:
    """The bounds of a date filter; without bounds every date matches, and so does a missing one."""

    zone: dt.timezone
    bounds: tuple[tuple[str, dt.datetime], ...]

    @classmethod
    def read(cls, ctx: RequestContext, name: str, without: frozenset[str] = frozenset()) -> DateRange:
        """Read the parameters of this field, except those in `without`."""
        names = {name + suffix: suffix for suffix in COMPARISONS if name + suffix not in without}
        bounds = [(suffix, _bound(ctx, key)) for key, suffix in names.items() if ctx.params.get(key)]
        return cls(ctx.zone, tuple(bounds))

    def contains(self, date: dt.date | None) -> bool:
        """Whether a date is within all bounds; a date without time counts as its midnight in `zone`."""
        if date is None:
            return not self.bounds
        instant = to_instant(date, self.zone)
        return all(COMPARISONS[suffix](instant, bound) for suffix, bound in self.bounds)


def _bound(ctx: RequestContext, key: str) -> dt.datetime:
    try:
        # an unencoded plus sign arrives as a blank
        return to_instant(parse_date(ctx.params[key].replace(" ", "+"), ctx.zone, ctx.spec_variant), ctx.zone)
    except ValueError:
        raise validation_error(**{key: "Value must be a valid date or date-time."}) from None
