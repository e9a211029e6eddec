"""The operator's OAuth app at a CRM: whether a connection has one."""

from taskhand.backends.registry import find_factory
from taskhand.config.connection_settings import ConnectionSettings
from taskhand.config.settings import Settings
from taskhand.domain.errors import OperatorError

__all__ = ["has_app"]


def has_app(connection: ConnectionSettings) -> bool:
    """Whether a connection has an app.

    OperatorError for an incomplete app and for an invalid secret; it names the connection's own keys.
    """
    try:
        return _has_app(connection.settings)
    except OperatorError as error:
        raise connection.reword(error) from None


def _has_app(settings: Settings) -> bool:
    factory = find_factory(settings.backend)
    variables = [Settings.variable(name) for name in factory.app]
    notes = [note for note in settings.notes if note.variable in variables]
    if refused := [note for note in notes if note.kind in {"malformed", "unread"}]:
        raise OperatorError(refused[0].found, next_step=refused[0].remedy or None)
    lacking = [variable for variable, name in zip(variables, factory.app, strict=True) if not settings.value(name)]
    if lacking and len(lacking) < len(variables):
        [given] = [variable for variable in variables if variable not in lacking]
        why = " ".join(note.found for note in notes)
        raise OperatorError(
            f"{given} is set and {lacking[0]} is not.{f' {why}' if why else ''}",
            next_step=f"Set both, from the OAuth app in {factory.title}, or neither.",
        )
    return bool(variables) and not lacking
