"""Checks of the rule own_credential: whether the persons with this rule can link a credential."""

from typing import TYPE_CHECKING

from taskhand.backends.registry import find_factory
from taskhand.domain.check_result import CheckResult
from taskhand.domain.errors import OperatorError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from taskhand.config.connection_settings import ConnectionSettings
    from taskhand.config.effective_settings import Configuration
    from taskhand.domain.policy import Policy

__all__ = ["check_rule", "warn_of_rule"]

_SUBJECT = "own credential"


def check_rule(connection: "ConnectionSettings", policy: "Policy") -> tuple[CheckResult, ...]:
    """Whether persons with the rule can link a credential; no result if nobody has it, or linking does not apply."""
    factory = find_factory(connection.settings.backend)
    if not policy.needs_own(connection.name) or not factory.credentials:
        return ()
    if not connection.settings.vault_keys:
        found = "The rule own_credential requires people's own credentials, and without a vault nobody can link one."
        remedy = "Set TASKHAND_VAULT_KEY to the key that `taskhand vault new-key` prints, or remove the rule."
        return (CheckResult(_SUBJECT, "warning", found, remedy),)
    if not factory.has_personal_keys and not _has_app(connection):
        found = "The rule own_credential requires people's own credentials, and there is no page to link one."
        app = f"an OAuth app ({' and '.join(connection.setting_names(factory.app))})"
        remedy = f"Run `taskhand people link PERSON {connection.name}` for each person, or set {app}."
        return (CheckResult(_SUBJECT, "warning", found, remedy),)
    sentence = "People with the rule own_credential need their own credential; these checks use the shared one."
    return (CheckResult(_SUBJECT, "ok", sentence),)


def warn_of_rule(configuration: "Configuration", policy: "Policy") -> "Iterator[str]":
    """The start-up warnings on connections whose rule cannot be met."""
    for connection in configuration.connections:
        try:
            results = check_rule(connection, policy)
        except OperatorError:
            continue  # no backend for the connection, which the start reports
        for result in results:
            if result.outcome != "ok":
                yield f"{connection.name}: {result.found} {result.remedy}"


def _has_app(connection: "ConnectionSettings") -> bool:
    """Whether persons can sign in at the CRM. An incomplete app is reported as its own finding."""
    from taskhand.config.oauth_app import has_app

    try:
        return has_app(connection)
    except OperatorError:
        return False
