"""A store of its own for each test, in every kind of place."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path

import pytest

from backends.local.open_store import empty_database, open_database, open_store
from taskhand.backends.local.backend import LocalBackend

Opener = Callable[..., AbstractAsyncContextManager[LocalBackend]]


@pytest.fixture(params=["sqlite", "postgres"])
def opens(request: pytest.FixtureRequest, store_file: Path) -> Opener:
    """Opens the store of this test like a separate process does."""
    if request.param == "sqlite":
        return partial(open_store, store_file)
    database = request.getfixturevalue("postgres_database")
    empty_database(database)
    return partial(open_database, database.url)


@pytest.fixture
async def backend(opens: Opener) -> AsyncIterator[LocalBackend]:
    async with opens() as backend:
        yield backend
