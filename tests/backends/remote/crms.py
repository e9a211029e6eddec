"""The CRMs that the doctor looks at, and its findings."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Final

from backends.crm_modules import CRM_MODULES
from backends.remote.doctor_crm import DoctorCrm
from taskhand.config.settings import Settings
from taskhand.domain.check_result import CheckResult
from taskhand.http.upstream import Runtime
from taskhand.sandbox.emulator import Emulator
from taskhand.sandbox.server import serve_sandbox
from taskhand.service.health_checks import check_health
from taskhand.wiring import open_app
from virtual_time import Time

__all__ = ["CLOSE", "CRMS", "HUBSPOT", "NOWHERE", "VAMBE", "DoctorCrm", "looked_at"]

NOWHERE = "http://127.0.0.1:9"
"""An address where nobody listens."""

CRMS: Final[tuple[DoctorCrm, ...]] = tuple(crm_module.DOCTOR_CRM for crm_module in CRM_MODULES.values())
VAMBE, CLOSE, HUBSPOT = (next(crm for crm in CRMS if crm.name == name) for name in ("vambe", "close", "hubspot"))


@asynccontextmanager
async def _served(sandbox: Emulator | None) -> AsyncIterator[str]:
    if sandbox is None:
        yield NOWHERE
        return
    async with serve_sandbox(sandbox) as url:
        yield url


async def looked_at(
    crm: DoctorCrm,
    folder: Path,
    sandbox: Emulator | None,
    changed: Mapping[str, str] | None = None,
    *,
    ahead: timedelta = timedelta(),
) -> dict[str, CheckResult]:
    """The findings on this sandbox, or on nothing, by subject; time passes while somebody sleeps.

    `ahead` is how far this machine's clock is ahead of the sandbox's; `changed` are variables.
    """
    time = Time()
    runtime = Runtime(monotonic=time.clock, wall=time.wall, sleep=time.sleep, jitter=lambda: 0.5)
    async with _served(sandbox) as url:
        settings = Settings.from_env(crm.environment(url) | dict(changed or {}), journal=folder / "journal.sqlite")
        async with open_app(settings, lambda: time.moment() + ahead, runtime) as at:
            findings = await check_health(at)
    by_subject = {finding.subject: finding for finding in findings}
    assert len(by_subject) == len(findings)
    return by_subject
