"""The one connection that a command works on."""

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

import click

from taskhand.cli import CONFIGURATION
from taskhand.config.connection_settings import ConnectionSettings
from taskhand.domain.errors import CallerError, Candidate

if TYPE_CHECKING:
    from taskhand.config.effective_settings import Configuration

__all__ = ["find_account", "pass_account"]

_P = ParamSpec("_P")
_T = TypeVar("_T")


def pass_account(command: Callable[Concatenate[ConnectionSettings, _P], _T]) -> Callable[_P, _T]:
    """Pass the connection to a command as its first argument."""

    @wraps(command)
    def run(*args: _P.args, **options: _P.kwargs) -> _T:
        return command(find_account(click.get_current_context()), *args, **options)

    return run


def find_account(context: click.Context) -> ConnectionSettings:
    """The only connection, or the built-in store that `--db` names. CallerError if there are several.

    A command that runs without the group `taskhand` has Settings as its object.
    """
    configuration: Configuration | None = context.meta.get(CONFIGURATION)
    if configuration is None:
        return ConnectionSettings.of(context.obj)
    connections = configuration.connections
    db = configuration.origins.get("db")
    if len(connections) == 1 or (db is not None and db.kind == "flag"):
        return connections[0]
    names = [connection.name for connection in connections]
    program, _, rest = context.command_path.partition(" ")
    raise CallerError(
        f"There are several connections, and `{rest}` works on one: {', '.join(names)}.",
        code="connection_required",
        candidates=[Candidate(connection.name, connection.description) for connection in connections],
        next_step=f"Run `{program} --connection {names[0]} {rest}`, for example.",
    )
