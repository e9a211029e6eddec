"""What an endpoint has on its desk while it works on one call."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from taskhand.sandbox.close.spec_variant import SpecVariant
    from taskhand.sandbox.close.store import Store
    from taskhand.sandbox.close.task import Task


@dataclass(frozen=True)
class RequestContext:
    """The reading in force, what is stored, the time and the caller's zone; then what the call brought.

    `params` are the query or what stands in its place, `body` is the JSON object without it, `values` are those
    in the path. With `is_stale`, lists are as they were before the last write.
    """

    spec_variant: SpecVariant
    store: Store
    now: dt.datetime
    zone: dt.timezone = dt.UTC
    method: str = "GET"
    path: str = ""
    params: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] = field(default_factory=dict)
    values: Mapping[str, str] = field(default_factory=dict)
    is_stale: bool = False

    @property
    def listed_tasks(self) -> list[Task]:
        """The tasks that lists are made of: those of now, of before, or of a while ago."""
        if self.is_stale:
            return list(self.store.before().values())
        if self.spec_variant.list_lag:
            return list(self.store.as_of(self.now - dt.timedelta(seconds=self.spec_variant.list_lag)).values())
        return list(self.store.tasks.values())

    @property
    def today(self) -> dt.date:
        """The day that the caller has."""
        return self.now.astimezone(self.zone).date()
