"""The traces of a server, if the environment enables them."""

import logging
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext

__all__ = ["open_traces"]

_log = logging.getLogger(__name__)


def open_traces(environ: Mapping[str, str]) -> AbstractContextManager[None]:
    """Export traces until the end of the `with`.

    Does nothing if OTEL_TRACES_EXPORTER is `none`, or the libraries are not installed: a host may have set the
    variables for itself.
    """
    exporter = environ.get("OTEL_TRACES_EXPORTER", "").strip() or "otlp"
    if exporter != "otlp":
        _log.info("traces are not exported: OTEL_TRACES_EXPORTER is not otlp")
        return nullcontext()
    protocol = environ.get("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL") or environ.get("OTEL_EXPORTER_OTLP_PROTOCOL")
    if (protocol or "http/protobuf").strip() != "http/protobuf":
        _log.warning("traces are sent as http/protobuf, which is not what OTEL_EXPORTER_OTLP_PROTOCOL says")
    try:
        from taskhand.telemetry.traces import export_traces
    except ImportError:
        _log.info("traces are not exported: install Taskhand with the extra otel")
        return nullcontext()
    return export_traces()
