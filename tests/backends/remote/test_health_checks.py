"""The doctor on every CRM, healthy and not: each fault under its own subject, with a remedy."""

from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from backends.remote.crms import CLOSE, CRMS, HUBSPOT, VAMBE, DoctorCrm, looked_at
from taskhand.domain.check_result import CheckResult
from taskhand.domain.errors import Forbidden, TaskhandError, UpstreamFailed
from taskhand.http.health_checks import find_refused_reads
from taskhand.sandbox.emulator import Emulator
from taskhand.sandbox.faults import Fault
from taskhand.sandbox.hubspot import HubSpotSandbox

SUBJECTS = ["journal", "events", "reachability", "credential", "scopes", "rate"]
SUBJECTS += ["clock", "team", "me", "statuses", "due times", "time zone"]
WRONG = "wrong-key-4711"

Looked = dict[str, CheckResult]


@pytest.fixture(params=CRMS, ids=lambda crm: crm.name)
def crm(request: pytest.FixtureRequest) -> DoctorCrm:
    chosen: DoctorCrm = request.param
    return chosen


def outcomes(found: Looked) -> dict[str, str]:
    """How each subject is; what is well is left out."""
    return {subject: one.outcome for subject, one in found.items() if one.outcome != "ok"}


def check_remedies(found: Looked) -> None:
    """Whatever is not well says what to do, whatever is well does not."""
    for one in found.values():
        assert bool(one.remedy) == (one.outcome in {"warning", "failed"}), one


async def test_a_healthy_crm_passes_every_check(crm: DoctorCrm, tmp_path: Path) -> None:
    found = await looked_at(crm, tmp_path, crm.sandbox())
    assert list(found) == SUBJECTS
    assert outcomes(found) == dict.fromkeys(crm.untold, "unknown")
    check_remedies(found)
    assert "answers at http://127.0.0.1:" in found["reachability"].found
    assert crm.key in found["credential"].found
    assert "Elena" in found["me"].found
    assert "the first write creates it" in found["journal"].found


async def test_health_checks_write_nothing(crm: DoctorCrm, tmp_path: Path) -> None:
    sandbox = crm.sandbox()
    await looked_at(crm, tmp_path, sandbox)
    assert not [one for one in sandbox.requests if one.committed]
    assert len(sandbox.requests) <= 14


async def test_a_wrong_key_fails_the_credential_check(crm: DoctorCrm, tmp_path: Path) -> None:
    found = await looked_at(crm, tmp_path, crm.sandbox(), {crm.key: WRONG})
    assert list(found) == SUBJECTS
    assert (found["reachability"].outcome, found["credential"].outcome) == ("ok", "failed")
    assert crm.key in str(found["credential"].remedy)
    assert {found[subject].outcome for subject in ("scopes", "clock", "team", "statuses")} == {"unknown"}
    assert WRONG not in repr(found)
    check_remedies(found)


async def test_an_unreachable_address_is_named_with_its_route(crm: DoctorCrm, tmp_path: Path) -> None:
    found = await looked_at(crm, tmp_path, None)
    assert list(found) == SUBJECTS
    assert found["reachability"].outcome == "failed"
    assert found["reachability"].found.startswith("http://127.0.0.1:9 directly: ")
    assert crm.base in str(found["reachability"].remedy)
    assert {found[subject].outcome for subject in ("credential", "scopes", "rate", "clock", "me")} == {"unknown"}
    check_remedies(found)


@pytest.mark.parametrize(
    ("proxy", "found", "remedy"),
    [
        ("http://ana:s3cr3t@127.0.0.1:9", "through the proxy 127.0.0.1:9: ", "the proxy (HTTPS_PROXY, NO_PROXY)"),
        ("gopher://ana:s3cr3t@127.0.0.1:9", "cannot be used", "correct that environment variable"),
    ],
)
async def test_a_proxy_that_does_not_work_is_named_without_its_password(
    proxy: str, *, found: str, remedy: str, crm: DoctorCrm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("https_proxy", proxy)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    reach = (await looked_at(crm, tmp_path, None, {crm.base: "https://crm.example"}))["reachability"]
    assert reach.outcome == "failed"
    assert found in reach.found
    assert remedy in str(reach.remedy)
    assert "s3cr3t" not in repr(reach)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (Fault("status", "*", nth="every", status=500), "status page"),
        (Fault("html", "*", nth="every", status=200), "Something else may answer"),
        (Fault("redirect", "*", nth="every"), "Something else may answer"),
        (Fault("reset_before", "*", nth="every"), "the network"),
    ],
    ids=lambda value: value.kind if isinstance(value, Fault) else "",
)
async def test_an_unexpected_answer_fails_the_reachability_check(
    fault: Fault, said: str, crm: DoctorCrm, tmp_path: Path
) -> None:
    sandbox = crm.sandbox()
    sandbox.faults = (fault,)
    found = await looked_at(crm, tmp_path, sandbox)
    assert (found["reachability"].outcome, found["credential"].outcome) == ("failed", "unknown")
    assert said in str(found["reachability"].remedy)
    check_remedies(found)


async def test_a_refused_read_is_named(crm: DoctorCrm, tmp_path: Path) -> None:
    sandbox = crm.sandbox()
    sandbox.faults = (Fault("status", crm.tasks, nth="every", status=403),)
    found = await looked_at(crm, tmp_path, sandbox)
    assert (found["reachability"].outcome, found["credential"].outcome) == ("ok", "ok")
    assert found["scopes"].outcome == "failed"
    assert "Reading tasks" in found["scopes"].found
    assert found["team"].outcome == "ok"
    check_remedies(found)


async def test_a_credential_without_any_scope_is_still_valid(crm: DoctorCrm, tmp_path: Path) -> None:
    sandbox = crm.sandbox()
    sandbox.faults = (Fault("status", "*", nth="every", status=403),)
    found = await looked_at(crm, tmp_path, sandbox)
    assert (found["reachability"].outcome, found["credential"].outcome) == ("ok", "ok")
    assert "does not report how much may be sent" in found["rate"].found
    assert (found["scopes"].outcome, found["team"].outcome) == ("failed", "failed")
    check_remedies(found)


@pytest.mark.parametrize("ahead", [timedelta(minutes=10), timedelta(minutes=-10)])
async def test_a_clock_difference_is_reported(ahead: timedelta, crm: DoctorCrm, tmp_path: Path) -> None:
    found = await looked_at(crm, tmp_path, crm.sandbox(), ahead=ahead)
    assert found["clock"].outcome == "warning"
    assert "600 s" in found["clock"].found
    check_remedies(found)


async def test_a_used_up_rate_is_reported(crm: DoctorCrm, tmp_path: Path) -> None:
    sandbox = crm.sandbox()
    sandbox.faults = (Fault("status", "*", nth="every", status=429, retry_after=60),)
    found = await looked_at(crm, tmp_path, sandbox)
    assert (found["reachability"].outcome, found["rate"].outcome) == ("ok", "failed")
    assert {found[subject].outcome for subject in ("credential", "scopes", "team")} == {"unknown"}
    assert f"{crm.name.upper()}_RATE" in str(found["rate"].remedy)
    check_remedies(found)


async def test_incomplete_settings_are_a_warning(tmp_path: Path) -> None:
    blank = {"VAMBE_USER_ID": "", "VAMBE_STATUSES": "", "TASKHAND_TIMEZONE": ""}
    found = await looked_at(VAMBE, tmp_path, VAMBE.sandbox(), blank)
    assert {subject for subject, one in found.items() if one.outcome == "warning"} == {"me", "statuses", "time zone"}
    assert "VAMBE_USER_ID" in str(found["me"].remedy)
    assert "VAMBE_STATUSES" in str(found["statuses"].remedy)
    check_remedies(found)


def close_with(*spec_variant: str) -> Emulator:
    sandbox = CLOSE.sandbox()
    sandbox.set_spec_variant(spec_variant)
    return sandbox


@pytest.mark.parametrize(
    ("spec_variant", "outcome", "said"),
    [
        (("rate_limit=100",), "ok", "97 more requests in the next 8 s. If it reports no limit, at most 10 in 1 s"),
        (("rate_limit=1",), "warning", "Close allows 0 more requests"),
        (("rates=hidden",), "unknown", "Close does not report how much may be sent. At most 10 in 1 s are sent"),
    ],
)
async def test_the_rate_headers_of_close_are_reported(
    spec_variant: tuple[str, ...], outcome: str, said: str, tmp_path: Path
) -> None:
    found = (await looked_at(CLOSE, tmp_path, close_with(*spec_variant)))["rate"]
    assert found.outcome == outcome
    assert said in found.found


async def test_a_wait_that_close_asks_for_is_a_warning_though_it_reports_no_rate(tmp_path: Path) -> None:
    sandbox = close_with("rates=hidden")
    sandbox.faults = [Fault("status", "GET /api/v1/task", status=429, retry_after=50, nth="every")]
    found = (await looked_at(CRMS[1], tmp_path, sandbox))["rate"]
    assert found.outcome == "warning"
    assert str(found.remedy).startswith("Wait 50 s; if that persists, lower CLOSE_RATE")


QUIET = ("searches=0", "search_lag=0")
"""A HubSpot whose clock stands still."""


def hubspot_with(*spec_variant: str) -> HubSpotSandbox:
    sandbox = HUBSPOT.sandbox()
    assert isinstance(sandbox, HubSpotSandbox)
    sandbox.set_spec_variant([*QUIET, *spec_variant])
    return sandbox


async def look(tmp_path: Path, *spec_variant: str, **changed: str) -> Looked:
    """A HubSpot with this reading of its record."""
    return await looked_at(HUBSPOT, tmp_path, hubspot_with(*spec_variant), changed)


async def test_the_rate_headers_of_hubspot_are_reported(tmp_path: Path) -> None:
    found = await look(tmp_path)
    assert found["rate"].outcome == "ok"
    assert "HubSpot allows 9" in found["rate"].found
    assert "249999 of the day's 250000 requests are left." in found["rate"].found


async def test_a_used_up_day_is_reported(tmp_path: Path) -> None:
    found = await look(tmp_path, "daily=1")
    assert found["rate"].outcome == "warning"
    assert "0 of the day's 1 requests are left." in found["rate"].found
    check_remedies(found)


@pytest.mark.parametrize(
    ("missing", "outcome", "named"),
    [
        ("", "ok", "read and write tasks"),
        ("crm.objects.contacts.write", "failed", "crm.objects.contacts.write"),
        ("crm.objects.contacts.read", "failed", "crm.objects.contacts.read"),
        ("crm.objects.owners.read", "failed", "crm.objects.owners.read"),
        ("crm.objects.companies.read", "warning", "crm.objects.companies.read"),
        ("crm.objects.deals.read", "warning", "crm.objects.deals.read"),
    ],
)
async def test_a_scope_that_a_hubspot_token_lacks_is_named(
    missing: str, outcome: str, named: str, tmp_path: Path
) -> None:
    found = await look(tmp_path, f"missing_scopes={missing}")
    assert (found["credential"].outcome, found["scopes"].outcome) == ("ok", outcome)
    assert named in found["scopes"].found
    check_remedies(found)


async def test_a_server_that_only_reads_needs_no_scope_to_write(tmp_path: Path) -> None:
    missing = "missing_scopes=crm.objects.contacts.write"
    found = await look(tmp_path, missing, TASKHAND_READ_ONLY="true")
    assert (found["scopes"].outcome, found["scopes"].found[:19]) == ("ok", "It may read tasks, ")


async def test_a_server_that_only_reads_need_not_know_whether_it_may_write(crm: DoctorCrm, tmp_path: Path) -> None:
    found = await looked_at(crm, tmp_path, crm.sandbox(), {"TASKHAND_READ_ONLY": "true"})
    assert found["scopes"].outcome == "ok"
    assert "write" not in found["scopes"].found.replace("read and write tasks", "")


async def test_only_reading_is_known_of_a_token_of_another_kind(tmp_path: Path) -> None:
    sandbox = hubspot_with()
    sandbox.token = "oauth-4711"  # noqa: S105  it opens nothing but a sandbox
    found = await looked_at(HUBSPOT, tmp_path, sandbox, {HUBSPOT.key: "oauth-4711"})
    assert found["scopes"].outcome == "unknown"
    assert "It may read tasks and owners." in found["scopes"].found
    assert not [one for one in sandbox.requests if "access-token-info" in one.path]


async def test_an_expired_token_is_reported(tmp_path: Path) -> None:
    found = await look(tmp_path, "credentials=expired")
    assert found["credential"].outcome == "failed"
    assert "expired" in found["credential"].found


@pytest.mark.parametrize(
    ("errors", "outcome"),
    [
        ((None, None), None),
        ((None, Forbidden("Refused.")), "failed"),
        ((UpstreamFailed("Broken."), Forbidden("Refused.")), "failed"),
        ((UpstreamFailed("Broken."), None), "unknown"),
    ],
)
async def test_one_refused_read_fails_the_scopes_and_a_broken_read_leaves_them_unknown(
    errors: tuple[TaskhandError | None, ...], outcome: str | None
) -> None:
    async def read(error: TaskhandError | None) -> None:
        if error is not None:
            raise error.but()

    reads = {f"rows {number}": partial(read, error) for number, error in enumerate(errors)}
    found = await find_refused_reads(reads, "HubSpot")
    assert (found and found.outcome) == outcome
    told = found.found if found else ""
    assert [f"Reading {name}:" in told for name in reads] == [error is not None for error in errors]
