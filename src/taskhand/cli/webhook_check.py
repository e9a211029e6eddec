"""The doctor's check of a connection's webhooks; the CRM is not asked."""

from taskhand.backends.registry import find_factory
from taskhand.cli.webhook_receivers import check_of, public_address, webhook_address
from taskhand.config.connections import ConnectionSettings
from taskhand.domain.check_result import CheckResult
from taskhand.domain.errors import OperatorError

__all__ = ["check_webhooks"]


def check_webhooks(connection: ConnectionSettings) -> tuple[CheckResult, ...]:
    """Whether deliveries can be verified; nothing where the CRM has none, or they are off and no key is set."""
    settings, factory = connection.settings, find_factory(connection.settings.backend)
    if factory.webhooks is None or not (settings.webhooks or getattr(settings, factory.webhook_key) is not None):
        return ()
    try:
        check, base = check_of(connection), public_address(settings)
    except OperatorError as error:
        return (CheckResult("webhooks", "failed", error.message, error.next_step),)
    create = f"taskhand webhooks create --connection {connection.name}"
    if check is None:
        found = f"No delivery of {factory.title} is taken: there is no key to verify it with."
        return (CheckResult("webhooks", "warning", found, f"{create}, or unset TASKHAND_WEBHOOKS."),)
    if not settings.webhooks:
        found = "There is a key of webhooks, which are taken where the server has --webhooks."
        return (CheckResult("webhooks", "ok", found),)
    where = webhook_address(base, connection) if base else "the address that its proxy is called by"
    return (CheckResult("webhooks", "ok", f"Deliveries of {factory.title} to {where} are verified."),)
