"""Opens the built-in store for commands, with a note if the settings choose a CRM."""

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from taskhand.cli.terminal import print_line
from taskhand.config.settings import Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from taskhand.backends.local.backend import LocalBackend

__all__ = ["open_built_in_store"]


@asynccontextmanager
async def open_built_in_store(settings: Settings) -> "AsyncIterator[LocalBackend]":
    """The built-in store, even if another backend is configured: a note then names the store and that backend."""
    from taskhand.backends.registry import find_factory
    from taskhand.config.data_files import store_place
    from taskhand.wiring import open_local_store

    backend = find_factory(settings.backend)
    if backend.account:
        print_line(f"This is the built-in store, {store_place(settings)}. {backend.title} gets nothing.", err=True)
    store = open_local_store(settings)
    try:
        yield store
    finally:
        await store.aclose()
