"""A line to a PostgreSQL server that can be cut without the server learning of it."""

import selectors
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

from psycopg.conninfo import conninfo_to_dict, make_conninfo

__all__ = ["PostgresProxy", "open_postgres_proxy"]


class PostgresProxy:
    """Passes on what clients and the server say; `url` is the address of the server at this end."""

    def __init__(self, url: str, *, reaches: bool) -> None:
        """`reaches` is whether the message that is cut off still reaches the server."""
        self._to = {name: str(value) for name, value in conninfo_to_dict(url).items()}
        self._reaches = reaches
        self._cut, self._ended, self._open = Event(), Event(), Event()
        self._open.set()
        self.left = Event()
        """Set once a client has left."""
        self._closes_after: bytes | None = None
        self._is_closed = False
        self.listening = socket.create_server(("127.0.0.1", 0))
        """Readable while a client waits to be let in."""
        self._other: dict[socket.socket, socket.socket] = {}
        self._clients: set[socket.socket] = set()
        self._sockets = [self.listening]
        self._selector = selectors.DefaultSelector()
        self._selector.register(self.listening, selectors.EVENT_READ)
        host, port = self.listening.getsockname()
        self.url = make_conninfo(url, host=host, port=port, sslmode="disable", gssencmode="disable")

    def cut_next(self) -> None:
        """Cut the line of the client that speaks next."""
        self._cut.set()

    @contextmanager
    def cut_after_commit(self) -> Iterator[None]:
        """Cut the line of whoever commits, whose commit still reaches the server, and let nobody in meanwhile."""
        self._closes_after = b"COMMIT\0"
        try:
            yield
        finally:
            self._closes_after = None

    def hold(self) -> None:
        """Keep whatever is said until `release`."""
        self._open.clear()

    def release(self) -> None:
        """Pass on what was kept, and go on."""
        self._open.set()

    def run(self) -> None:
        """Pass on, until the end."""
        while not self._ended.is_set():
            self._open.wait()
            for key, _ in self._selector.select(0.05):
                speaker = key.fileobj
                assert isinstance(speaker, socket.socket)
                if speaker.fileno() < 0 or speaker not in self._selector.get_map():
                    continue  # it was closed a moment ago, with its other end
                if speaker is self.listening:
                    self._accept()
                else:
                    self._pass_on(speaker)

    def end(self) -> None:
        """Pass on nothing more."""
        self._ended.set()
        self._open.set()

    def close(self) -> None:
        """Close both ends, after the end."""
        self._selector.close()
        for one in self._sockets:
            one.close()

    def _accept(self) -> None:
        client, _ = self.listening.accept()
        if self._closes_after is not None and self._is_closed:
            client.close()
            return
        host, port = self._to.get("host", "127.0.0.1"), self._to.get("port", "5432")
        if host.startswith("/"):
            server = socket.socket(socket.AF_UNIX)
            server.connect(f"{host}/.s.PGSQL.{port}")
        else:
            server = socket.create_connection((host, int(port)))
        self._other |= {client: server, server: client}
        self._clients.add(client)
        for one in (client, server):
            self._sockets.append(one)
            self._selector.register(one, selectors.EVENT_READ)

    def _pass_on(self, speaker: socket.socket) -> None:
        other = self._other[speaker]
        try:
            said = speaker.recv(65_536)
            is_commit = self._closes_after is not None and self._closes_after in said
            self._is_closed = self._is_closed or is_commit
            is_cut = speaker in self._clients and (self._cut.is_set() or is_commit)
            if said and (not is_cut or self._reaches):
                other.sendall(said)
            if is_commit:
                other.recv(65_536)  # it is committed
        except OSError:
            said, is_cut = b"", False
        if is_cut:
            self._cut.clear()
            self._selector.unregister(speaker)
            self._selector.unregister(other)
            speaker.close()  # the server does not learn of it
        elif not said:
            self.left.set()
            for one in (speaker, other):
                self._selector.unregister(one)
                one.close()


@contextmanager
def open_postgres_proxy(url: str, *, reaches: bool = True) -> Iterator[PostgresProxy]:
    """A line to the server at `url`."""
    proxy = PostgresProxy(url, reaches=reaches)
    thread = Thread(target=proxy.run, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.end()
        thread.join()
        proxy.close()
