"""The doctor's check of the OAuth app by which people link their own credential for a connection."""

from taskhand.backends.registry import find_factory
from taskhand.config.connection_settings import ConnectionSettings
from taskhand.config.oauth_app import has_app
from taskhand.domain.check_result import CheckResult
from taskhand.domain.errors import OperatorError

__all__ = ["check_app"]


def check_app(connection: ConnectionSettings, *, has_vault: bool) -> tuple[CheckResult, ...]:
    """Whether the app is set; no result for a CRM without OAuth, or if linking is off and no app is set."""
    settings = connection.settings
    factory = find_factory(settings.backend)
    variables = connection.setting_names(factory.app)
    is_set = any(settings.value(name) is not None for name in factory.app)
    if not factory.app or not (has_vault or is_set):
        return ()
    try:
        is_there = has_app(connection)
    except OperatorError as error:
        return (CheckResult("app", "failed", error.message, error.next_step or f"Correct {' and '.join(variables)}."),)
    if not is_there:
        found = f"There is no OAuth app: nobody can link by signing in at {factory.title}."
        return (CheckResult("app", "ok", found),)
    if not has_vault:
        remedy = "Set TASKHAND_VAULT_KEY to a key of `taskhand vault new-key`, or unset the app."
        return (CheckResult("app", "warning", "There is an OAuth app, and no vault for its tokens.", remedy),)
    return (CheckResult("app", "ok", f"People can link by signing in at {factory.title}."),)
