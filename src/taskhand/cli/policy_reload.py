"""SIGHUP, by which a running server reads its policy again."""

import logging
import os
import signal
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from typing import Any

import anyio
from anyio.lowlevel import checkpoint

from taskhand.cli.log import announce
from taskhand.cli.policy import PolicySource
from taskhand.domain.errors import OperatorError

__all__ = ["reload_on_hangup"]

_log = logging.getLogger(__name__)


def reload_on_hangup(policy: PolicySource, stack: AsyncExitStack) -> Callable[[], Coroutine[Any, Any, None]]:
    """Take SIGHUP for the order to read the policy again, until the stack is closed; the work of doing so.

    A server that was started on a terminal still ends with that terminal. Windows has no such signal.
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
            _reload(policy)

    return reload_at_each


def _reload(policy: PolicySource) -> None:
    try:
        policy.reload()
    except OperatorError as error:
        _log.error("The policy stays as it was. %s", " ".join(filter(None, (error.message, error.next_step))))
    else:
        said = "was read again from" if policy.was_there else "allows everything: there is no"
        announce(f"The policy {said} {policy.path}.")


def _has_terminal() -> bool:
    """Whether this process has a controlling terminal."""
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY))
    except OSError:
        return False
    return True
