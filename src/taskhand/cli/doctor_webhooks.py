"""The doctor's check of a connection's webhooks; the CRM is not asked."""

from typing import Final

from taskhand.backends.registry import find_factory
from taskhand.cli.webhook_receivers import check_of, public_address, webhook_address
from taskhand.config.connection_settings import ConnectionSettings
from taskhand.domain.check_result import CheckResult
from taskhand.domain.errors import OperatorError

__all__ = ["check_webhook_verification"]

_SET_ADDRESS: Final = (
    "Set TASKHAND_PUBLIC_URL to the server's address for CRMs, such as https://tasks.example.com, or serve with "
    "--public-url. Without it, deliveries are verified only behind a named proxy that sends the address of the request."
)


def check_webhook_verification(connection: ConnectionSettings) -> tuple[CheckResult, ...]:
    """Whether deliveries can be verified; no result if the CRM has none, or they are off and no key is set."""
    settings, factory = connection.settings, find_factory(connection.settings.backend)
    if factory.webhooks is None or not (settings.webhooks or settings.value(factory.webhook_key) is not None):
        return ()
    try:
        check, base = check_of(connection), public_address(settings)
    except OperatorError as error:
        return (CheckResult("webhooks", "failed", error.message, error.next_step),)
    if check is None:
        found = f"No delivery of {factory.title} is accepted: there is no key to verify it with."
        return (CheckResult("webhooks", "warning", found, _describe_making(connection, base)),)
    needs_address = base is None and factory.webhooks.signs_address
    if needs_address and settings.webhooks:
        found = f"{factory.title} signs the address that it delivers to, and none is set."
        return (CheckResult("webhooks", "warning", found, _SET_ADDRESS),)
    where = f" to {webhook_address(base, connection)}" if base else ""
    found = f"There is a key to verify deliveries of {factory.title}{where}."
    options = "--webhooks and --public-url" if needs_address else "--webhooks"
    taken = "" if settings.webhooks else f" They are taken where the server has {options}."
    shown = f"`taskhand webhooks list --connection {connection.name}` shows what {factory.title} delivers."
    return (CheckResult("webhooks", "ok", f"{found}{taken} {shown}"),)


def _describe_making(connection: ConnectionSettings, base: str | None) -> str:
    """The way to get the key, in the backend's words if `taskhand webhooks create` does not store it."""
    support = find_factory(connection.settings.backend).webhooks
    if support is not None and support.key_step:
        return f"{connection.in_own_words(support.key_step)}, or unset TASKHAND_WEBHOOKS."
    address = "" if base else " --public-url https://tasks.example.com"
    making = f"`taskhand webhooks create --connection {connection.name}{address}`, or unset TASKHAND_WEBHOOKS."
    return f"{making} {support.limit}" if support is not None and support.limit else making
