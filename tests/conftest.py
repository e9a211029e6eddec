"""What all tests share: one event loop, and a store of their own."""

from pathlib import Path

import pytest


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def store_file(tmp_path: Path) -> Path:
    """Where the embedded store of this test lives."""
    return tmp_path / "tasks.sqlite"
