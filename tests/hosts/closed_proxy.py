"""A proxy that refuses every request and records it: what a host sends elsewhere than to loopback arrives here."""

import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from threading import Thread

__all__ = ["record_requests"]


@contextmanager
def record_requests() -> Iterator[tuple[str, Sequence[str]]]:
    """Serve on loopback; the values are the proxy's address and the first lines of the requests."""
    seen: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = Thread(target=_refuse_all, args=(server, seen))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}", seen
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()


def _refuse_all(server: socket.socket, seen: list[str]) -> None:
    with suppress(OSError):  # the server is shut down
        while True:
            connection, _ = server.accept()
            with connection, suppress(OSError):
                connection.settimeout(2)
                seen.append(connection.recv(4096).decode(errors="replace").partition("\r\n")[0])
                connection.sendall(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
