"""The metrics endpoint of a server, if options or settings enable it."""

import logging
from contextlib import AsyncExitStack
from importlib.util import find_spec
from typing import TYPE_CHECKING

from taskhand.cli.log import announce
from taskhand.config.effective_settings import Configuration
from taskhand.config.settings import Settings
from taskhand.domain.check_result import CheckResult
from taskhand.domain.errors import OperatorError

if TYPE_CHECKING:
    from taskhand.telemetry.metrics import Metrics

__all__ = ["check_metrics", "open_metrics"]

_UNSET = "unset TASKHAND_METRICS_PORT"

_log = logging.getLogger(__name__)


def open_metrics(
    configuration: Configuration, host: str, port: int, stack: AsyncExitStack, *, is_http: bool, remedy: str = _UNSET
) -> "Metrics | None":
    """Serve the metrics of these connections until the stack is closed.

    OperatorError if the library is not installed, or the address cannot be bound. Over standard input and output a port
    in use is only logged, and nothing is counted: each conversation has its own server, and the first one has the port.
    `remedy` says how to disable metrics.
    """
    try:
        from taskhand.telemetry.metrics import Metrics
        from taskhand.telemetry.metrics_server import serve_metrics
    except ImportError:
        raise _no_library_error(remedy) from None
    from taskhand.server.tools import tool_table
    from taskhand.server.transports.host_names import ListenAddress

    table = tool_table(several=len(configuration.connections) > 1)
    metrics = Metrics([tool.name for tool in table], [connection.name for connection in configuration.connections])
    try:
        announce(f"Metrics are at {stack.enter_context(serve_metrics(metrics.registry, host, port))}")
    except OperatorError as error:
        if is_http:
            raise
        _log.warning("%s", error.message)
        return None
    if not ListenAddress(host, port).is_loopback:
        announce("Everyone who reaches that port can read the metrics: no key is needed.")
    return metrics


def check_metrics(settings: Settings) -> tuple[CheckResult, ...]:
    """A failure if metrics are enabled and their library is not installed; the library is not imported."""
    if settings.metrics_port is None or find_spec("prometheus_client"):
        return ()
    error = _no_library_error(_UNSET)
    return (CheckResult("configuration", "failed", error.message, error.next_step),)


def _no_library_error(remedy: str) -> OperatorError:
    return OperatorError(
        "Metrics are enabled, and the Prometheus client library is not installed.",
        next_step=f"Install Taskhand with the extra `metrics`, or {remedy}.",
    )
