"""Serves `GET /metrics` on its own port in its own thread, so that a busy server can be scraped too."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import BoundedSemaphore, Thread
from typing import Any, Final

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from taskhand.domain.errors import OperatorError

__all__ = ["serve_metrics"]

_MAX_S: Final = 5.0
"""Timeout, in seconds, for each read and write of a scrape."""
_MAX_READERS: Final = 8
"""Maximum concurrent readers; others are refused."""


@contextmanager
def serve_metrics(registry: CollectorRegistry, host: str, port: int) -> Iterator[str]:
    """Serve the registry's series, and return the address.

    Port 0 is any free one. OperatorError if the port is taken.
    """

    class _Handler(_SeriesHandler):
        series = registry

    try:
        server = (_Server6 if ":" in host else _MetricsServer)((host, port), _Handler)
    except (OSError, OverflowError) as error:
        shown = f"[{host}]" if ":" in host else host
        raise OperatorError(
            f"Metrics cannot be served at {shown}:{port}: {getattr(error, 'strerror', None) or error}.",
            code="address_refused",
            next_step="Choose another --metrics-port (TASKHAND_METRICS_PORT), or 0 for any free one.",
        ) from None
    with server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, name="metrics", daemon=True).start()
        try:
            yield f"http://{f'[{host}]' if ':' in host else host}:{server.server_address[1]}/metrics"
        finally:
            server.shutdown()


class _SeriesHandler(BaseHTTPRequestHandler):
    """Answers one request, without logging it."""

    series: CollectorRegistry
    timeout = _MAX_S
    server_version = "taskhand"
    sys_version = ""

    def do_GET(self) -> None:
        """The series, in the format that the reader asks for."""
        if self.path.partition("?")[0] != "/metrics":
            self.send_error(404)
            return
        encode, content_type = choose_encoder(self.headers.get("Accept", ""))
        body = encode(self.series)
        self.send_response(200)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the library's name
        """Log nothing: a scrape comes every few seconds."""


class _MetricsServer(ThreadingHTTPServer):
    """Serves at most `_MAX_READERS` at a time."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        self._readers = BoundedSemaphore(_MAX_READERS)
        super().__init__(address, handler)

    def server_bind(self) -> None:
        """Bind without looking up the host's name, as the library would."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer in a thread, or refuse the reader."""
        if self._readers.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer, then free the reader's slot."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._readers.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore a reader that has disconnected."""


class _Server6(_MetricsServer):
    """The same for an IPv6 address."""

    address_family = socket.AF_INET6
