"""Fixtures of all tests: one event loop, and a store of its own for each test."""

import gc
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Generator, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings
from jsonschema import Draft202012Validator

from fixed_clock import FixedClock

if TYPE_CHECKING:
    from issuers import Issuer
    from postgres_server import TestDatabase

# A slow machine must not fail a property, and a run must be the same run again: the examples are derived from the test.
settings.register_profile(
    "taskhand", deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("taskhand")

# Most tests write SQLite files, and no test cuts the power: waiting for a disk at each commit would prove nothing. The
# workers and the processes that tests start inherit this.
_MEMORY = Path("/dev/shm")  # noqa: S108  pytest makes a folder of this user's own in it
_ROOM_BYTES = 2 << 30
# A program in a folder that is emptied writes entries for hosts only into files that go with it: a checkout there has
# its tests' files there too.
_EMPTIED = next((folder for folder in ("/tmp", "/var/tmp") if Path(sys.prefix).is_relative_to(folder)), None)  # noqa: S108
if "TMPDIR" not in os.environ and _EMPTIED:
    os.environ["TMPDIR"] = tempfile.tempdir = _EMPTIED
elif "TMPDIR" not in os.environ and os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free > _ROOM_BYTES:
    os.environ["TMPDIR"] = tempfile.tempdir = str(_MEMORY)

# What one process has compiled is there for the next, and for the next run: most of the time of a collection, and half
# of that of a fresh start of the program, is otherwise spent on compiling what others have compiled.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# A suite in the background of a shell ignores interrupts, and so would the programs that its tests interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

_ALLOCATIONS_BEFORE_GC = 10_000
"""A test makes a few thousand objects in cycles, most of which it drops: with Python's 700, one part in twenty of the
time of the suite is spent on finding them."""

_check_schema = Draft202012Validator.check_schema


@cache
def _checked(schema: str) -> None:
    _check_schema(json.loads(schema))


def _check_once(schema: Mapping[str, Any], *_: object) -> None:
    _checked(json.dumps(schema))


# A client checks the schemas that it validates answers by, in each session anew: a quarter of what a test took.
Draft202012Validator.check_schema = _check_once  # type: ignore[method-assign,assignment]


def pytest_xdist_auto_num_workers() -> int:
    """One more than there are processors: many a test waits for a process, a signal or a clock, and another can run."""
    return len(os.sched_getaffinity(0)) + 1 if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1) + 1


def pytest_xdist_setupnodes(config: pytest.Config) -> None:
    """Compile the test files before there are workers."""
    from compiled_tests import compile_tests  # noqa: PLC0415  no worker wants it

    compile_tests(config)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is imported and collected stays: it need not be looked through for garbage again and again."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.set_threshold(_ALLOCATIONS_BEFORE_GC)
        gc.enable()


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def in_santiago(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """This machine is three hours behind UTC, so that its zone cannot be taken for UTC unseen."""
    if not hasattr(time, "tzset"):
        pytest.skip("the zone of Windows cannot be set for a process")
    with monkeypatch.context() as here:
        here.setenv("TZ", "America/Santiago")
        time.tzset()
        yield
    time.tzset()


@pytest.fixture(scope="session")
def postgres_database() -> Iterator["TestDatabase"]:
    """A PostgreSQL database of this worker, on a server that starts with the first test that wants one."""
    from postgres_server import open_database  # noqa: PLC0415  few tests want it

    with open_database() as database:
        yield database


@pytest.fixture
def postgres(postgres_database: "TestDatabase") -> "TestDatabase":
    """An empty PostgreSQL database."""
    postgres_database.empty()
    return postgres_database


@pytest.fixture
def store_file(tmp_path: Path) -> Path:
    """Where the built-in store of this test lives."""
    return tmp_path / "tasks.sqlite"


@pytest.fixture
def journal_file(tmp_path: Path) -> Path:
    """Where the journal of this test lives."""
    return tmp_path / "tasks.journal.sqlite"


@pytest.fixture
def no_keyring() -> Iterator[None]:
    """A machine without a keyring, unless a test brings one."""
    import keyring  # noqa: PLC0415  few tests want it
    from keyring.backends.fail import Keyring as NoKeyring  # noqa: PLC0415

    was = keyring.get_keyring()
    keyring.set_keyring(NoKeyring())  # type: ignore[no-untyped-call]
    yield
    keyring.set_keyring(was)


@pytest.fixture
def clock() -> FixedClock:
    """A clock that stands still."""
    return FixedClock()


@pytest.fixture
def issuer() -> Iterator["Issuer"]:
    """An issuer of tokens on this machine."""
    from issuers import issuing  # noqa: PLC0415  few tests want it

    with issuing() as token_issuer:
        yield token_issuer
