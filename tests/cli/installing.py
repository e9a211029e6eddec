"""What the tests of `taskhand install` share: a key, and the command's outcome."""

import json
from collections.abc import Callable
from pathlib import Path

from click.testing import Result

from taskhand.domain.errors import TaskhandError

__all__ = ["KEY", "Run", "error_of", "servers_in"]

KEY = "sk-s3cret"

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
