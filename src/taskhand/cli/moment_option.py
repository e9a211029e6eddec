"""The type of command-line options for moments."""

from datetime import UTC, date, datetime, time
from typing import Any, Literal

import click

from taskhand.domain.errors import CallerError

__all__ = ["Moment", "check_window"]


def check_window(since: datetime | None, until: datetime | None) -> None:
    """UsageError for a period that ends before it begins."""
    if since and until and since > until:
        raise click.UsageError(f"--since {since.isoformat()} is after --until {until.isoformat()}.")


class Moment(click.ParamType["datetime"]):
    """A day or a time, also in words; in this machine's time zone if it has no offset."""

    name = "time"

    def __init__(self, of_day: time) -> None:
        self._of_day = of_day

    def _in_words(self, text: str, clock: datetime | None) -> datetime:
        """The moment at which a day in words begins or ends; CallerError for anything but one day."""
        from taskhand.domain.date_words.date_arguments import read_edge_of_time
        from taskhand.domain.reference_time import Reference

        edge: Literal["from", "to"] = "from" if self._of_day == time.min else "to"
        now = (clock or datetime.now(UTC)).astimezone()
        return read_edge_of_time("time", text, edge, Reference(now))[0]

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """The aware datetime of the text."""
        try:
            if len(value) <= len("YYYY-MM-DD"):
                return datetime.combine(date.fromisoformat(value), self._of_day).astimezone()
            at = datetime.fromisoformat(value)
            return at if at.tzinfo else at.astimezone()
        except (ValueError, OverflowError):
            pass
        try:
            return self._in_words(value, ctx.obj.clock if ctx and ctx.obj else None)
        except CallerError:
            self.fail(f"{value!r} is neither a day (YYYY-MM-DD or words) nor an ISO 8601 time.", param, ctx)
