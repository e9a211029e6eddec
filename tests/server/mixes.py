"""Servers of several connections: every mix of two or three backends, opened once."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import combinations_with_replacement
from pathlib import Path
from typing import Any

from server.surface import BACKENDS
from taskhand.config.connection_settings import ConnectionSettings
from taskhand.config.settings import Settings
from taskhand.service.connections import Connections
from taskhand.wiring import open_connections

__all__ = ["DESCRIPTIONS", "MIXED", "mixes", "open_mixed"]

DESCRIPTIONS = {"north": "The sales team in Santiago", "south": "Support in Mexico City", "west": None}
"""The connections of a mix by name, and what the operator says of each."""
MIXED = ("local", "close", "hubspot")
"""The mix that the snapshot shows."""


def _settings(folder: Path, name: str, backend: str) -> ConnectionSettings:
    files: dict[str, Any] = {"db": folder / f"{name}.sqlite", "journal": folder / f"{name}.{backend}.journal.sqlite"}
    return ConnectionSettings(
        name, Settings(chosen_backend=backend, **files, **BACKENDS[backend]), DESCRIPTIONS.get(name)
    )


@asynccontextmanager
async def open_mixed(folder: Path, *backends: str) -> AsyncIterator[Connections]:
    """A connection to each of these backends, named north, south and west; nothing connects."""
    found = [_settings(folder, name, backend) for name, backend in zip(DESCRIPTIONS, backends, strict=False)]
    async with open_connections(found) as connections:
        yield connections


@asynccontextmanager
async def mixes(folder: Path) -> AsyncIterator[Iterator[tuple[tuple[str, ...], Connections]]]:
    """Every mix of two and of three backends, with its connections."""
    found = [_settings(folder, name, backend) for name in DESCRIPTIONS for backend in BACKENDS]
    named = [
        ConnectionSettings(
            f"{connection.name} {connection.settings.backend}", connection.settings, connection.description
        )
        for connection in found
    ]
    async with open_connections(named) as opened:
        yield (
            (
                mix,
                Connections({name: opened.find(f"{name} {one}") for name, one in zip(DESCRIPTIONS, mix, strict=False)}),
            )
            for number in (2, 3)
            for mix in combinations_with_replacement(BACKENDS, number)
        )
