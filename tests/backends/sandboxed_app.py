"""Taskhand on a sandbox: over real sockets, in a time that only sleeping moves."""

import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import httpx2

from taskhand.config.settings import Settings
from taskhand.http.connection_pool import PooledTransport
from taskhand.http.upstream import Limits, Runtime
from taskhand.service.app_context import AppContext
from taskhand.wiring import open_app
from virtual_time import Time

__all__ = ["TRUST", "open_sandboxed_app"]

TRUST: Final = ssl.create_default_context()  # made once: it is the slowest part of a client


@asynccontextmanager
async def open_sandboxed_app(
    settings: Settings,
    time: Time,
    clock: Callable[[], datetime],
    *,
    limits: Limits | None = None,
    transport: httpx2.AsyncBaseTransport | None = None,
) -> AsyncIterator[AppContext]:
    """Taskhand with these settings and a journal of its own, whose writes answer the whole task; chance is a half."""
    with TemporaryDirectory(prefix="taskhand-journal-") as folder:
        own = {"journal": Path(folder) / "journal.sqlite", "ids": "sequential", "answers": "whole"}
        async with transport or PooledTransport(TRUST) as connections:
            runtime = Runtime(
                monotonic=time.clock,
                wall=time.wall,
                sleep=time.sleep,
                jitter=lambda: 0.5,
                limits=limits or Limits(),
                transport=connections,
            )
            async with open_app(settings.model_copy(update=own), clock, runtime) as app:
                yield app
