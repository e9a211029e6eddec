"""Runs commands on the links of a file, and saves links in it as a server does."""

from collections.abc import Callable
from pathlib import Path

import anyio
import anyio.to_thread
from click.testing import CliRunner, Result

from cli.installing import error_of
from taskhand.cli.main import command
from taskhand.config.settings import Settings
from taskhand.state import open_links
from taskhand.vault.credential_link import Link
from vault.vaults import KEY

__all__ = ["MOMENT", "Run", "environment", "message", "runner_of", "save"]

Run = Callable[..., Result]
MOMENT = "2026-03-04T15:30:00Z"


def runner_of(file: Path) -> Run:
    """Runs a command with the links in that file, the vault's key and a moment that stands still."""

    def run(*arguments: str, key: str | None = KEY) -> Result:
        return CliRunner().invoke(command, ["--clock", MOMENT, *arguments], env=environment(file, key))

    return run


def environment(file: Path, key: str | None = KEY) -> dict[str, str | None]:
    return {"TASKHAND_LINKS": str(file), "TASKHAND_VAULT_KEY": key, "TASKHAND_CONFIG": "/dev/null", "TZ": "UTC"}


def save(file: Path, *links: Link, key: str = KEY) -> None:
    """Save links as a server does."""

    async def saving() -> None:
        saver = open_links(Settings(links=file, vault_key=key))
        for link in links:
            await saver.save(link)
        await saver.aclose()

    anyio.run(saving)


def message(done: Result) -> str:
    """The sentence that a command is refused with."""
    return error_of(done).message
