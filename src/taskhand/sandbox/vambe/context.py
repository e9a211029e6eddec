"""What an endpoint has on its desk while it works on one call."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Mapping

    from taskhand.sandbox.messages import Request
    from taskhand.sandbox.vambe.spec_variant import SpecVariant
    from taskhand.sandbox.vambe.store import Store


@dataclass(frozen=True)
class RequestContext:
    """The call, the values in its path, the reading in force, what is stored, the time, and fresh ids.

    With `is_stale`, lists are as they were before the last write.
    """

    request: Request
    spec_variant: SpecVariant
    store: Store
    now: dt.datetime
    fresh_id: Callable[[], str]
    values: Mapping[str, str] = field(default_factory=dict)
    is_stale: bool = False

    @property
    def query(self) -> dict[str, str]:
        """The query; of a repeated key, the last value."""
        return dict(self.request.pairs)
