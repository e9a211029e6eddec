"""A store of its own for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from backends.local.open_store import open_store
from taskhand.backends.local.backend import LocalBackend


@pytest.fixture
async def backend(store_file: Path) -> AsyncIterator[LocalBackend]:
    async with open_store(store_file) as backend:
        yield backend
