"""The input of an endpoint: one request and the state of the sandbox."""

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
    """The spec variant, the store, the time, the caller's UTC offset as `zone`, and the parts of the request.

    `params` are the query parameters or the body's `_params`, `body` is the rest of the JSON object, and `values` are
    the path parameters. With `is_stale`, lists are as they were before the last write. `signed_in` is the user of an
    OAuth token.
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
    signed_in: str | None = None

    @property
    def user_id(self) -> str:
        """The user to whom actions are attributed: the signed-in user, or the owner of the key."""
        return self.signed_in or self.store.key_owner

    @property
    def listed_tasks(self) -> list[Task]:
        """The tasks in lists: present, before the last write, or delayed by the spec variant's `list_lag`."""
        if self.is_stale:
            return list(self.store.before().values())
        if self.spec_variant.list_lag:
            return list(self.store.as_of(self.now - dt.timedelta(seconds=self.spec_variant.list_lag)).values())
        return list(self.store.tasks.values())

    @property
    def today(self) -> dt.date:
        """Today's date in the caller's zone."""
        return self.now.astimezone(self.zone).date()
