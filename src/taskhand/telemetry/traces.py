"""Sends the spans of this process to a collector, as the variables of OpenTelemetry say (OTEL_…).

The MCP library makes a span for each call, under the one that the host's `traceparent` names, and `taskhand.http` one
for each request to a CRM, under that of the call: https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
"""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Final

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from taskhand import __version__

__all__ = ["export_traces"]

_LAST_EXPORT_S: Final = 0.4
"""Seconds that a collector which does not answer may delay the end of a server."""


@contextmanager
def export_traces() -> Iterator[None]:
    """Export spans until the end of the `with`, then what is left."""
    provider = TracerProvider(resource=_resource())
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    try:
        yield
    finally:
        last = Thread(target=provider.shutdown, name="traces", daemon=True)
        last.start()
        last.join(_LAST_EXPORT_S)


def _resource() -> Resource:
    """What sends the spans: OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES, or the name of the program."""
    found = Resource.create({SERVICE_VERSION: __version__})
    is_unnamed = str(found.attributes[SERVICE_NAME]).startswith("unknown_service")
    return found.merge(Resource({SERVICE_NAME: "taskhand"})) if is_unnamed else found
