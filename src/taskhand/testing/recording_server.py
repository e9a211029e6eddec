"""Serves on standard input and output as `taskhand` does, and also writes every call to a file.

Usage: `python -m taskhand.testing.recording_server FILE`, with the server's environment variables.
"""

import os
import sys
from functools import partial
from pathlib import Path

import anyio

from taskhand.config.settings import Settings
from taskhand.server.app import create_server
from taskhand.server.transports.process_exit import leave
from taskhand.server.transports.stdio import serve_stdio
from taskhand.service.crash_recovery import recover_if_possible
from taskhand.testing.recorded_calls import call_writer, record_calls
from taskhand.wiring import open_app

__all__ = ["main"]


def main(file: Path) -> None:
    """Serve until standard input closes."""
    settings = Settings.from_env(os.environ)

    async def serving() -> None:
        async with open_app(settings) as at:
            server = record_calls(create_server(at), call_writer(file))
            await serve_stdio(server, at.aclose, partial(recover_if_possible, at))

    anyio.run(serving)
    leave()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
