"""A real browser from npm, driven line by line."""

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import which
from typing import Any

import anyio
from anyio.abc import Process
from anyio.streams.buffered import BufferedByteReceiveStream

__all__ = ["FOLDER", "Page", "RealBrowser", "real_browser"]

FOLDER = os.environ.get("BROWSER_MODULES", "")
"""Where `make browser` has installed it."""
_MAX_CHARACTERS = 10_000_000


@dataclass
class RealBrowser:
    """A browser; each tab has a name."""

    process: Process
    answers: BufferedByteReceiveStream

    async def do(self, what: str, tab: str = "first", **arguments: Any) -> Any:
        """Do something in a tab; what the driver answers."""
        assert self.process.stdin is not None
        await self.process.stdin.send(f"{json.dumps({'do': what, 'tab': tab, **arguments})}\n".encode())
        with anyio.fail_after(60):
            answered = json.loads(await self.answers.receive_until(b"\n", _MAX_CHARACTERS))
        assert "error" not in answered, answered["error"]
        return answered["answer"]

    async def open(self, tab: str = "first", **options: Any) -> "Page":
        """A tab of a new browser, or `like` the one of another tab."""
        await self.do("open", tab, **options)
        return Page(self, tab)


@dataclass(frozen=True)
class Page:
    """What a tab shows."""

    browser: RealBrowser
    tab: str

    async def do(self, what: str, **arguments: Any) -> Any:
        """Do something there."""
        return await self.browser.do(what, self.tab, **arguments)

    async def look(self) -> dict[str, Any]:
        """What is seen."""
        seen: dict[str, Any] = await self.do("look")
        return seen


@asynccontextmanager
async def real_browser(cache: Path) -> AsyncIterator[RealBrowser]:
    """A browser, whose program is unpacked into `cache`, until it is closed."""
    await anyio.Path(cache).mkdir(parents=True, exist_ok=True)
    command = [which("node") or "node", str(Path(__file__).with_name("driver.mjs"))]
    env = {**os.environ, "BROWSER_MODULES": FOLDER, "TMPDIR": str(cache)}
    async with await anyio.open_process(command, env=env, stderr=None) as process:
        assert process.stdout is not None
        try:
            yield RealBrowser(process, BufferedByteReceiveStream(process.stdout))
        finally:
            assert process.stdin is not None
            await process.stdin.aclose()  # the driver closes the browser then
            with anyio.move_on_after(5, shield=True) as late:
                await process.wait()
            if late.cancelled_caught:
                process.kill()
