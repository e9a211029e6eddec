"""The command for each event, which is sent to its standard input and never put into its arguments."""

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
"""Seconds before each retry of a failed command."""
_NOT_STARTED: Final = 127


@dataclass(frozen=True, slots=True)
class EventCommand:
    """A program and its arguments, run without a shell.

    A failed run is retried after 1, 5 and 25 seconds; then the event is skipped, or with `stops` an error is raised.
    """

    words: Sequence[str]
    stops: bool = True
    sleep: Callable[[float], Awaitable[object]] = anyio.sleep

    @classmethod
    def parse(cls, text: str, *, stops: bool) -> "EventCommand":
        """Split a command line as a shell would; CallerError if the program does not exist."""
        try:
            words = shlex.split(text, posix=os.name == "posix")
        except ValueError as error:
            raise CallerError(f"--exec {text!r} is not a command: {error}.") from None
        if not words or shutil.which(words[0]) is None:
            raise CallerError(
                f"--exec {text!r}: there is no program {words[0] if words else ''!r}.",
                next_step="Write a program and its arguments, such as --exec 'python follow_up.py'. No shell is used.",
            )
        return cls(words, stops)

    async def run(self, line: str) -> None:
        """Run the command, with retries, with a line on its input; OperatorError after the last one if `stops`."""
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
                    next_step="Repair it and start again, with the same --bookmark to repeat this event; or use "
                    "--on-failure skip.",
                )
            else:
                print_line(f"{name} ended with {status} again; this event is skipped: {line}", err=True)

    async def _run_once(self, line: str) -> int:
        """The exit status; 127 if the program cannot be started, as in a shell."""
        try:
            started = await anyio.open_process(self.words, stdin=subprocess.PIPE, stdout=None, stderr=None)
        except OSError as error:
            print_line(f"{self.words[0]} cannot be started: {error.strerror}.", err=True)
            return _NOT_STARTED
        async with started as process:
            if process.stdin is not None:
                with suppress(
                    anyio.BrokenResourceError, anyio.ClosedResourceError
                ):  # the command need not read its input
                    await process.stdin.send(f"{line}\n".encode())
                await process.stdin.aclose()
            return await process.wait()
