"""The input of an endpoint: one request and the state of the sandbox."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Mapping

    from taskhand.sandbox.messages import ReceivedRequest
    from taskhand.sandbox.vambe.spec_variant import SpecVariant
    from taskhand.sandbox.vambe.store import Store


@dataclass(frozen=True)
class RequestContext:
    """The request, the spec variant, the store, the time, a source of ids, and the path parameters.

    With `is_stale`, lists are as they were before the last write.
    """

    request: ReceivedRequest
    spec_variant: SpecVariant
    store: Store
    now: dt.datetime
    fresh_id: Callable[[], str]
    values: Mapping[str, str] = field(default_factory=dict)
    is_stale: bool = False

    @property
    def query(self) -> dict[str, str]:
        """The query; a repeated key has its last value."""
        return dict(self.request.pairs)
