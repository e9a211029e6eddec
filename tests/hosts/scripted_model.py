"""A model on loopback that plays a script: real hosts are pointed at it, and call tools through their own client."""

import json
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any

from hosts.dialects import Dialect

__all__ = ["Call", "Script", "ScriptedModel", "serve_model"]

Call = tuple[str, Mapping[str, Any]]

Script = Generator[Call, Any, None]
"""Yields the calls of the model; receives the answer to each, a string, as the host gives it to the model."""


_MAX_SEARCHES = 20


class ScriptedModel:
    """The replies to one host's requests. `requests` are the bodies of those that carry the conversation.

    `search` is the call by which a model asks for tools that it is not given at once.
    """

    def __init__(self, dialect: Dialect, script: Script, search: Call | None = None) -> None:
        self.requests: list[Mapping[str, Any]] = []
        self.failure: BaseException | None = None
        self._dialect = dialect
        self._script = script
        self._search = search
        self._calls: list[Call | None] = []
        self._lock = Lock()

    def reply(self, path: str, body: Mapping[str, Any]) -> tuple[str, bytes]:
        """The content type and body of a reply. A request that is sent again gets the same reply again."""
        if self._dialect.path not in path or not body.get("tools"):
            return "application/json", b'{"input_tokens": 1, "data": []}'
        with self._lock:
            answers = self._dialect.answers(body)
            if len(answers) == len(self._calls):
                self.requests.append(body)
                self._calls.append(self._next(body, answers))
            return self._dialect.reply(self._calls[len(answers)], len(answers), body)

    def _next(self, body: Mapping[str, Any], answers: Sequence[str]) -> Call | None:
        """The next call. The search is repeated while the server is not connected: a busy machine takes its time."""
        searched = [call for call in self._calls if call == self._search]
        begun = len(self._calls) > len(searched)
        if self._search and not begun and not self._dialect.tools(body) and len(searched) < _MAX_SEARCHES:
            return self._search
        answer = answers[-1] if begun else None
        try:
            return self._script.send(answer)
        except StopIteration:
            return None
        except BaseException as error:  # noqa: BLE001  raised again in the test, once the host has ended
            error.add_note(f"The last answer: {answer}")
            self.failure = error
            return None


@contextmanager
def serve_model(model: ScriptedModel) -> Iterator[str]:
    """Serve the model on loopback; the value is its address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            """No lines on standard error."""

        def do_POST(self) -> None:
            self._give(*model.reply(self.path, self._body()))

        def do_GET(self) -> None:
            self._give("application/json", b'{"data": []}')

        do_HEAD = do_GET  # noqa: N815  the name is the base class's

        def _body(self) -> Any:
            raw = self.rfile.read(int(self.headers.get("content-length") or 0))
            return json.loads(raw) if raw.startswith(b"{") else {}

        def _give(self, kind: str, body: bytes) -> None:
            self.send_response(200)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
