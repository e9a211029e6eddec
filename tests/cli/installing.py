"""What the tests of `taskhand install` share: a key, the command's outcome, and a person at a terminal."""

import json
import os
import pty
import select
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from click.testing import Result

from taskhand.domain.errors import TaskhandError
from variables import PREFIXES

__all__ = ["KEY", "Run", "error_of", "servers_in", "type_into"]

KEY = "sk-s3cret"

_ANSWER_S = 60
"""Seconds after which a program that shows nothing hangs."""

Run = Callable[..., Result]
"""Runs the command for a host with options; variables of its environment are keyword arguments."""


def error_of(result: Result) -> TaskhandError:
    """The error with which the command ended."""
    assert isinstance(result.exception, TaskhandError), result.output
    return result.exception


def servers_in(file: Path) -> dict[str, dict[str, dict[str, str]]]:
    """The entries in a file of JSON whose only comment is `// mine`."""
    text = file.read_text(encoding="utf-8").replace("// mine", "")
    servers: dict[str, dict[str, dict[str, str]]] = json.loads(text)["mcpServers"]
    return servers


def type_into(arguments: list[str], dialogue: list[tuple[str, str]]) -> str:
    """Run the command on a terminal: wait for each text, then type the answer, if there is one. What was shown."""
    person, terminal = pty.openpty()
    kept = {name: value for name, value in os.environ.items() if not name.startswith(PREFIXES)}
    with subprocess.Popen(  # noqa: S603  our own program
        [sys.executable, "-m", "taskhand", *arguments],
        env=kept | {"TZ": "America/Lima", "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"},
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
    ) as process:
        os.close(terminal)
        seen, rest = "", ""
        for text, typed in dialogue:
            while text not in rest:
                assert select.select([person], [], [], _ANSWER_S)[0], f"{text!r} was not shown after {rest!r}"
                rest += os.read(person, 4096).decode()
            before, _, rest = rest.partition(text)
            seen += before + text
            if typed or text.endswith(": "):
                os.write(person, f"{typed}\n".encode())
        assert process.wait(10) == 0
    os.close(person)
    return seen
