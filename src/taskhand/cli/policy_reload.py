"""Reload of the policy and the people file on SIGHUP."""

import logging
import os
import signal
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import anyio
from anyio.lowlevel import checkpoint

from taskhand.cli.log import announce
from taskhand.domain.errors import OperatorError

if TYPE_CHECKING:
    from taskhand.cli.loaded_people import PeopleSource
    from taskhand.cli.loaded_policy import PolicySource

__all__ = ["reload_on_hangup"]

_log = logging.getLogger(__name__)


def reload_on_hangup(
    sources: "Sequence[PolicySource | PeopleSource]", stack: AsyncExitStack
) -> Callable[[], Coroutine[Any, Any, None]]:
    """Handle SIGHUP until the stack is closed; returns the work that reloads these files.

    A server that was started on a terminal still ends with that terminal. Windows has no SIGHUP.
    """
    if os.name == "nt":
        return checkpoint
    ends_with_terminal = _has_terminal() and signal.getsignal(signal.SIGHUP) is signal.SIG_DFL
    hangups = stack.enter_context(anyio.open_signal_receiver(signal.SIGHUP))

    async def reload_at_each() -> None:
        async for number in hangups:
            if ends_with_terminal and not _has_terminal():
                signal.signal(number, signal.SIG_DFL)
                signal.raise_signal(number)
            _reload(sources)

    return reload_at_each


def _reload(sources: "Sequence[PolicySource | PeopleSource]") -> None:
    """Put all files in force, or none: rules and people must change together."""
    read, wrong = [], []
    for source in sources:
        try:
            read.append(source.read())
        except OperatorError as error:
            wrong.append(" ".join(filter(None, (error.message, error.next_step))))
    if wrong:
        whole = " and ".join(f"the {source.noun}" for source in sources)
        _log.error("Nothing was changed: %s are as before. %s", whole, " ".join(wrong))
        return
    for source, put_in_force in zip(sources, read, strict=True):
        put_in_force()
        if source.existed:
            announce(f"The {source.noun} was reloaded from {source.path}.")
        elif source.if_missing:
            announce(f"The {source.noun} {source.if_missing}: there is no {source.path}.")


def _has_terminal() -> bool:
    """Whether this process has a controlling terminal."""
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY))
    except OSError:
        return False
    return True
