"""What all tests share: one event loop, and a store of their own."""

import gc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# A slow machine must not fail a property, and a run must be the same run again: the examples are derived from the test.
settings.register_profile(
    "taskhand", deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("taskhand")


def pytest_collection_finish() -> None:
    """What was imported and collected stays: it need not be looked through for garbage again and again."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def store_file(tmp_path: Path) -> Path:
    """Where the embedded store of this test lives."""
    return tmp_path / "tasks.sqlite"
