"""A CRM that the doctor looks at."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from taskhand.backends.registry import find_factory
from taskhand.cli.sandbox import CRMS as SANDBOXES
from taskhand.config.settings import Settings
from taskhand.sandbox.emulator import Emulator

__all__ = ["DoctorCrm"]


@dataclass(frozen=True)
class DoctorCrm:
    """A sandbox with the small world; `tasks` is the route that lists tasks.

    `more` are the variables that a user would set, besides the credential and the base URL. `untold` are the subjects
    of the health checks that the CRM tells nothing about.
    """

    name: str
    sandbox: Callable[[], Emulator]
    tasks: str
    more: Mapping[str, str] = field(default_factory=dict)
    untold: frozenset[str] = frozenset()

    @property
    def key(self) -> str:
        """The variable of the credential."""
        return Settings.variable(find_factory(self.name).credentials[0])

    @property
    def base(self) -> str:
        """The variable of the base URL."""
        return f"{self.name.upper()}_BASE_URL"

    def environment(self, url: str) -> dict[str, str]:
        """What a user would set."""
        sandboxed = next(one for one in SANDBOXES if one.name == self.name).served
        return {self.key: sandboxed.key, self.base: f"{url}{sandboxed.path}", **self.more}
