"""Readiness: the store or the credential, and the journal; one check at a time, however many ask."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, replace
from pathlib import Path

import anyio
import pytest

from safety.crms import CRMS, VAMBE, SandboxedCrm
from safety.killable_server import app_at
from server.store_connections import open_store_connections
from taskhand.sandbox.emulator import Emulator
from taskhand.sandbox.faults import Fault
from taskhand.sandbox.server import serve_sandbox
from taskhand.service.app_context import CallTime
from taskhand.service.readiness import Readiness, ReadinessReport, ServerReadiness
from time_limits import BOUND_S
from virtual_time import Time


@dataclass
class ObservedReadiness:
    """The readiness of a server in front of a sandbox, whose time passes when it is told to."""

    sandbox: Emulator
    readiness: Readiness
    time: Time

    async def states(self) -> tuple[str, int]:
        """The state of the credential for each of 20 who ask at once, and how many requests that took."""
        self.sandbox.clear_requests()
        found: list[str] = []

        async def ask() -> None:
            found.append((await self.readiness.check())["credential"])

        async with anyio.create_task_group() as tasks:
            for _ in range(20):
                tasks.start_soon(ask)
        (state,) = set(found)
        return state, len(self.sandbox.requests)


@asynccontextmanager
async def watched(crm: SandboxedCrm, *faults: Fault) -> AsyncIterator[ObservedReadiness]:
    time = Time()
    sandbox = crm.sandbox(1, time, ())
    async with serve_sandbox(sandbox) as url, crm.sandboxed_app(url, time) as app:
        sandbox.faults = faults
        yield ObservedReadiness(sandbox, Readiness(replace(app, call_time=CallTime(monotonic=time.clock))), time)


@pytest.mark.parametrize("crm", CRMS, ids=str)
async def test_concurrent_readiness_checks_share_one_result_for_half_a_minute(crm: SandboxedCrm) -> None:
    async with watched(crm) as at:
        state, requests = await at.states()
        assert state == "ok"
        assert 1 <= requests <= 2
        at.time.now += 29
        assert await at.states() == ("ok", 0)
        at.time.now += 2
        assert await at.states() == ("ok", requests)


@pytest.mark.parametrize(
    ("status", "state"), [(401, "unauthorized"), (403, "ok"), (429, "ok"), (500, "upstream_error")], ids=str
)
@pytest.mark.parametrize("crm", CRMS, ids=str)
async def test_a_refused_credential_or_a_failing_crm_is_checked_again_after_five_seconds(
    crm: SandboxedCrm, status: int, state: str
) -> None:
    async with watched(crm, Fault("status", "GET *", nth="every", status=status)) as at:
        assert (await at.states())[0] == state
        at.sandbox.faults = ()
        at.time.now += 4
        assert (await at.states()) == (state, 0)
        at.time.now += 1
        assert (await at.states())[0] == "ok"


async def test_readiness_answers_in_bounded_time_if_the_crm_is_silent() -> None:
    async with watched(VAMBE, Fault("slow", "*", nth="every", seconds=600)) as at:
        at.readiness.bound_s = 0.05
        with anyio.fail_after(BOUND_S):
            assert (await at.readiness.check())["credential"] in {"timeout", "upstream_error"}


async def test_readiness_names_the_error_code_of_the_store_and_of_the_journal(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    store, journal = tmp_path / "tasks.sqlite", tmp_path / "journal.sqlite"
    async with app_at("local", "", tmp_path) as app:
        readiness = Readiness(app)
        assert await readiness.check() == {"store": "ok", "journal": "ok"}
        assert not journal.exists()
        await app.journal.abandoned_changes()
        for path, name in ((store, "store"), (journal, "journal")):
            with closing(sqlite3.connect(path, isolation_level=None)) as other:
                (version,) = other.execute("PRAGMA user_version").fetchone()
                other.execute("PRAGMA user_version = 99")
                assert (await readiness.check())[name] == "store_too_new"
                assert not await readiness.is_ready()
                other.execute(f"PRAGMA user_version = {version}")
                assert await readiness.is_ready()
                assert await readiness.check() == {"store": "ok", "journal": "ok"}
                assert caplog.messages[-2].endswith(f"cannot be used: {name} store_too_new")
                assert caplog.messages[-1].endswith("can be used again")


async def test_of_several_connections_one_is_enough_and_none_is_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_store_connections(tmp_path) as connections:
        check = ServerReadiness.of(connections).check
        assert await check() == ReadinessReport(is_ready=True, connections="2 of 2")
        for able, name in ((1, "south"), (0, "north")):
            with closing(sqlite3.connect(tmp_path / f"{name}.sqlite", isolation_level=None)) as other:
                other.execute("PRAGMA user_version = 99")
            for _ in range(2):
                assert await check() == ReadinessReport(is_ready=able > 0, connections=f"{able} of 2")
        assert [one.getMessage() for one in caplog.records] == [
            f"connection {name} cannot be used: store store_too_new" for name in ("south", "north")
        ]
