"""The description of a CRM's sandbox for `taskhand sandbox`: its key, its variants, and how it is made."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from taskhand.sandbox.emulator import Emulator
from taskhand.sandbox.spec_variant import Switches

__all__ = ["CrmSandbox"]


@dataclass(frozen=True, slots=True)
class CrmSandbox:
    """A CRM's sandbox.

    `key` is the key that it accepts by default. `make` makes one from a key, a clock and the options of a sandbox.
    `path` is the path of the API below the address. `app` are further settings of a connection to it, those of the app
    that owns the webhooks.
    """

    key: str
    make: Callable[..., Emulator]
    spec_variant: type[Switches]
    path: str = ""
    app: Mapping[str, str] = field(default_factory=dict)

    def open(self, key: str, **options: Any) -> Emulator:
        """A sandbox that accepts the key, in the time of this machine."""
        return self.make(key, clock=lambda: datetime.now(UTC), **options)
