"""A store of its own for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from backends.local.open_store import opened_at
from taskhand.backends.local.backend import LocalBackend


@pytest.fixture
async def backend(store_file: Path) -> AsyncIterator[LocalBackend]:
    async with opened_at(store_file) as backend:
        yield backend
