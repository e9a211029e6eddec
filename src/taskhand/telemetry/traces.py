"""Exports the spans of this process to a collector, configured by OpenTelemetry's variables (OTEL_…).

The MCP library makes a span for each call, whose parent is the host's `traceparent`; `taskhand.http` makes a child span
for each request to a CRM: https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Thread
from typing import Final

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from taskhand import __version__

__all__ = ["export_traces"]

_LAST_EXPORT_S: Final = 0.4
"""Maximum seconds by which an unresponsive collector delays the end of a server."""


@contextmanager
def export_traces() -> Iterator[None]:
    """Export spans until the end of the `with`, then flush the rest."""
    provider = TracerProvider(resource=_resource())
    provider.add_span_processor(BatchSpanProcessor(_WithoutSentences(OTLPSpanExporter())))
    trace.set_tracer_provider(provider)
    try:
        yield
    finally:
        last = Thread(target=provider.shutdown, name="traces", daemon=True)
        last.start()
        last.join(_LAST_EXPORT_S)


class _WithoutSentences(SpanExporter):
    """Exports spans without error texts, which contain ids and input; `error.type` is kept."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Export the spans."""
        return self._exporter.export([_without_sentences(span) for span in spans])

    def shutdown(self) -> None:
        """Shut down, and cancel an export in progress."""
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Flush the exporter."""
        return self._exporter.force_flush(timeout_millis)


def _without_sentences(span: ReadableSpan) -> ReadableSpan:
    """The span without its status description and events, which are exceptions."""
    return ReadableSpan(
        span.name,
        span.context,
        span.parent,
        span.resource,
        span.attributes,
        (),
        span.links,
        span.kind,
        status=trace.Status(span.status.status_code),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def _resource() -> Resource:
    """The resource of the spans: OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES, or the program's name."""
    resource = Resource.create({SERVICE_VERSION: __version__})
    is_unnamed = str(resource.attributes[SERVICE_NAME]).startswith("unknown_service")
    return resource.merge(Resource({SERVICE_NAME: "taskhand"})) if is_unnamed else resource
