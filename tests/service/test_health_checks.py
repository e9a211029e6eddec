"""The health checks of the clock, of the statuses and of the team."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from backends.local.open_store import open_store
from builders import CLOSED, DONE, PENDING, status_list
from file_stores import journal_in
from fixed_clock import NOW
from taskhand.domain.check_result import CheckResult
from taskhand.domain.task import Member, Status, StatusList
from taskhand.service.app_context import AppContext
from taskhand.service.forwarding_backend import ForwardingAccount, ForwardingBackend
from taskhand.service.health_checks import check_health
from taskhand.service.lazy import Lazy


async def _check_with(account: type[ForwardingAccount], folder: Path) -> dict[str, CheckResult]:
    """The results of a store with such an account, by their subjects."""
    async with open_store(folder / "tasks.sqlite") as store:
        backend = ForwardingBackend(store)
        backend.account = account(store.account)
        app = AppContext(backend, Lazy(lambda: journal_in(folder)), lambda: NOW)
        found = {one.subject: one for one in await check_health(app)}
        await app.journal.aclose()
    return found


@pytest.mark.parametrize(("apart_s", "outcome"), [(3, "ok"), (-3, "ok"), (900, "warning"), (-900, "warning")])
async def test_a_clock_that_is_ahead_of_the_crm_s_is_reported_as_one_that_is_behind_is(
    apart_s: int, outcome: str, tmp_path: Path
) -> None:
    class Account(ForwardingAccount):
        """An account whose CRM has a clock of its own."""

        async def upstream_time(self) -> datetime:
            return NOW + timedelta(seconds=apart_s)

    found = (await _check_with(Account, tmp_path))["clock"]
    assert (found.outcome, f"{abs(apart_s)} s" in found.found) == (outcome, True)


@pytest.mark.parametrize(
    ("statuses", "complete", "outcome"),
    [
        ((PENDING, DONE), True, "ok"),
        ((PENDING, CLOSED), True, "ok"),
        ((PENDING, DONE), False, "warning"),
        ((PENDING,), True, "warning"),
        ((), True, "warning"),
    ],
)
async def test_statuses_without_a_finished_one_or_perhaps_without_some_are_reported(
    statuses: tuple[Status, ...], outcome: str, tmp_path: Path, *, complete: bool
) -> None:
    class StatusesBackend(ForwardingBackend):
        """A backend with these statuses."""

        async def statuses(self) -> StatusList:
            return status_list(*statuses, complete=complete)

    async with open_store(tmp_path / "tasks.sqlite") as store:
        app = AppContext(StatusesBackend(store), Lazy(lambda: journal_in(tmp_path)), lambda: NOW)
        found = {one.subject: one for one in await check_health(app)}["statuses"]
        await app.journal.aclose()
    assert found.outcome == outcome


@pytest.mark.parametrize(("subject", "outcome"), [("scopes", "ok"), ("credential", "unknown")])
async def test_missing_scopes_prevent_no_other_check(subject: str, outcome: str, tmp_path: Path) -> None:
    class Account(ForwardingAccount):
        """An account of which one check fails."""

        async def check_health(self, *, writes: bool) -> tuple[CheckResult, ...]:
            assert writes
            return (CheckResult(subject, "failed", "It fails.", "Repair it."),)

    async with open_store(tmp_path / "tasks.sqlite") as store:
        backend = ForwardingBackend(store)
        backend.account = Account(store.account)
        app = AppContext(backend, Lazy(lambda: journal_in(tmp_path)), lambda: NOW)
        found = {one.subject: one.outcome for one in await check_health(app)}
        await app.journal.aclose()
    assert [found[one] for one in ("clock", "team", "statuses")] == [outcome] * 3


async def test_a_team_without_members_is_reported_since_nobody_can_be_responsible(tmp_path: Path) -> None:
    class Account(ForwardingAccount):
        """An account of nobody."""

        async def members(self) -> tuple[Member, ...]:
            return ()

    found = (await _check_with(Account, tmp_path))["team"]
    assert (found.outcome, found.found) == ("failed", "The team has no members.")
