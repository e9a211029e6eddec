"""The CRMs that the doctor looks at: each sandbox with the small world, and what a user configures for it."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from behaviour.arms import PEOPLE, SANTIAGO, close_sandbox, hubspot_sandbox, vambe_sandbox
from passing import Time
from taskhand.config.settings import Settings
from taskhand.domain.check_result import CheckResult
from taskhand.http.upstream import Runtime
from taskhand.sandbox.emulator import Emulator
from taskhand.sandbox.server import serve
from taskhand.service.health_checks import check_health
from taskhand.wiring import open_app

__all__ = ["CRMS", "NOWHERE", "Crm", "looked_at"]

NOWHERE = "http://127.0.0.1:9"
"""An address where nobody listens."""


@dataclass(frozen=True)
class Crm:
    """A sandbox, the variables of its credential and its base URL, and `tasks`, the route that lists tasks.

    `untold` are the subjects of the health checks that the CRM tells nothing about.
    """

    name: str
    sandbox: Callable[[], Emulator]
    key: str
    right_key: str
    path: str
    tasks: str
    more: Mapping[str, str]
    untold: frozenset[str]

    @property
    def base(self) -> str:
        """The variable of the base URL."""
        return f"{self.name.upper()}_BASE_URL"

    def environment(self, url: str) -> dict[str, str]:
        """What a user would set."""
        return {self.key: self.right_key, self.base: f"{url}{self.path}", **self.more}


_STATUSES = "Pendiente:initial,En Progreso:in_progress,Completado:done"
_ZONE = {"TASKHAND_TIMEZONE": SANTIAGO}

CRMS = (
    Crm(
        "vambe",
        vambe_sandbox,
        "VAMBE_API_KEY",
        "vambe-sandbox-key",
        "",
        "GET /api/public/tasks",
        _ZONE | {"VAMBE_USER_ID": str(PEOPLE[0]["id"]), "VAMBE_STATUSES": _STATUSES},
        frozenset({"scopes", "rate"}),
    ),
    Crm(
        "close",
        close_sandbox,
        "CLOSE_API_KEY",
        "api_close-sandbox-key",
        "/api/v1",
        "GET /api/v1/task",
        _ZONE,
        frozenset({"scopes"}),
    ),
    Crm(
        "hubspot",
        hubspot_sandbox,
        "HUBSPOT_ACCESS_TOKEN",
        "pat-na1-sandbox",
        "",
        "GET /crm/v3/objects/tasks",
        _ZONE | {"HUBSPOT_USER_ID": "elena@example.com"},
        frozenset({"rate"}),
    ),
)


@asynccontextmanager
async def _served(there: Emulator | None) -> AsyncIterator[str]:
    if there is None:
        yield NOWHERE
        return
    async with serve(there) as url:
        yield url


async def looked_at(
    crm: Crm,
    folder: Path,
    there: Emulator | None,
    changed: Mapping[str, str] | None = None,
    *,
    ahead: timedelta = timedelta(),
) -> dict[str, CheckResult]:
    """The findings on this sandbox, or on nothing, by subject; time passes while somebody sleeps.

    `ahead` is how far this machine's clock is ahead of the sandbox's; `changed` are variables.
    """
    time = Time()
    runtime = Runtime(clock=time.clock, wall=time.wall, sleep=time.sleep, jitter=lambda: 0.5)
    async with _served(there) as url:
        settings = Settings.from_env(crm.environment(url) | dict(changed or {}), journal=folder / "journal.sqlite")
        async with open_app(settings, lambda: time.moment() + ahead, runtime) as at:
            findings = await check_health(at)
    by_subject = {finding.subject: finding for finding in findings}
    assert len(by_subject) == len(findings)
    return by_subject
