"""The command that is run for each event: the event is on its standard input, and nothing of it in its words."""

import os
import shlex
import shutil
import subprocess
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import anyio

from taskhand.cli.terminal import print_line
from taskhand.domain.errors import CallerError, OperatorError

__all__ = ["EventCommand"]

_PAUSES_S: Final = (1.0, 5.0, 25.0)
"""Seconds before each further try of a command that has failed."""
_NOT_STARTED: Final = 127


@dataclass(frozen=True, slots=True)
class EventCommand:
    """A program and its words. It is run without a shell.

    One that fails is run again after 1, 5 and 25 seconds; then the event is skipped, or with `stops` an error.
    """

    words: Sequence[str]
    stops: bool = True
    sleep: Callable[[float], Awaitable[object]] = anyio.sleep

    @classmethod
    def parse(cls, text: str, *, stops: bool) -> "EventCommand":
        """The command of a line as a shell would split it; CallerError if there is no such program."""
        try:
            words = shlex.split(text, posix=os.name == "posix")
        except ValueError as error:
            raise CallerError(f"--exec {text!r} is no command: {error}.") from None
        if not words or shutil.which(words[0]) is None:
            raise CallerError(
                f"--exec {text!r}: there is no program {words[0] if words else ''!r}.",
                next_step="Write the program and its words, such as --exec 'python follow_up.py'. No shell reads them.",
            )
        return cls(words, stops)

    async def run(self, line: str) -> None:
        """Run it with a line on its standard input, until it succeeds; OperatorError if it does not and `stops`."""
        for pause_s in (*_PAUSES_S, None):
            if not (status := await self._run_once(line)):
                return
            name = self.words[0]
            if pause_s is not None:
                print_line(f"{name} ended with {status}; it is run again in {pause_s:.0f} s.", err=True)
                await self.sleep(pause_s)
            elif self.stops:
                raise OperatorError(
                    f"{name} has failed {len(_PAUSES_S) + 1} times for the same event: {line}",
                    next_step="Repair it and start again, with the same --bookmark to go on with this event; or use "
                    "--on-failure skip.",
                )
            else:
                print_line(f"{name} ended with {status} again; this event is skipped: {line}", err=True)

    async def _run_once(self, line: str) -> int:
        """The exit status; 127 if it cannot be started, as a shell says."""
        try:
            started = await anyio.open_process(self.words, stdin=subprocess.PIPE, stdout=None, stderr=None)
        except OSError as error:
            print_line(f"{self.words[0]} cannot be started: {error.strerror}.", err=True)
            return _NOT_STARTED
        async with started as process:
            if process.stdin is not None:
                with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):  # it need not read
                    await process.stdin.send(f"{line}\n".encode())
                await process.stdin.aclose()
            return await process.wait()
