"""The address on which HTTP is served, the host names that requests may have, and the refusals of other names."""

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from mcp.server.transport_security import TransportSecuritySettings
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from taskhand.domain.errors import OperatorError
from taskhand.server.transports.first_header import first_header

__all__ = ["ListenAddress", "host_in_url", "refuse_names"]

_ON_THIS_MACHINE = ("127.0.0.1", "localhost", "[::1]")

_NAME = re.compile(r"(?P<name>[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?P<port>:[0-9]{1,5})?")
_PORT = re.compile(r"[0-9]{1,5}")
_HOST, _ORIGIN = 421, 403
_REFUSALS: Final = {_HOST: b"Invalid Host header", _ORIGIN: b"Invalid Origin header"}
"""The SDK's answers."""


@dataclass(frozen=True, slots=True)
class ListenAddress:
    """A host and a port to serve on; `names` are the accepted host names besides those of this machine.

    `is_insecure` is the operator's consent that every program that reaches the port may use the server.
    """

    host: str
    port: int
    names: Sequence[str] = ()
    is_insecure: bool = False

    @property
    def is_loopback(self) -> bool:
        """Whether only programs on this machine can reach it."""
        try:
            return self.host == "localhost" or ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def is_local(self) -> bool:
        """Whether only programs on this machine should reach it: a name in `names` may be that of a proxy."""
        return self.is_loopback and not self.names

    def check_names(self) -> None:
        """OperatorError for a malformed name."""
        for name in self.names:
            if not _NAME.fullmatch(name.lower()):
                raise OperatorError(f"{name!r} is not the name of a host, with or without a port.", code="host_refused")

    def security(self) -> TransportSecuritySettings:
        """The accepted Host and Origin headers: a web page cannot reach the server by DNS rebinding.

        https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#security-warning
        """
        hosts, origins = [], []
        for name in (*(f"{name}:*" for name in _ON_THIS_MACHINE), *_ON_THIS_MACHINE, *self._configured_names()):
            hosts.append(name)
            origins += [f"http://{name}", f"https://{name}"]
        return TransportSecuritySettings(allowed_hosts=hosts, allowed_origins=origins)

    def allows_host(self, host: str) -> bool:
        """Whether a Host header is accepted."""
        allowed = self.security().allowed_hosts
        name, _, port = host.lower().rpartition(":")
        return host.lower() in allowed or (port.isdigit() and f"{name}:*" in allowed)

    def _configured_names(self) -> Sequence[str]:
        """The names in the form of headers; a name without a port allows every port."""
        lowered = [name.lower() for name in self.names]
        return [*lowered, *(f"{name}:*" for name in lowered if not re.search(r":[0-9]+$", name))]


def host_in_url(host: str) -> str:
    """The host in the form of a URL: an IPv6 address in brackets."""
    return f"[{host}]" if ":" in host else host


def refuse_names(app: ASGIApp) -> ASGIApp:
    """`app` that refuses a malformed port in Host and Origin; an empty port is allowed.

    `app` checks the names itself; its refusal of a name gets a sentence on how the operator allows it.
    """

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        if status := _refuse_port(scope):
            await PlainTextResponse(_REFUSALS[status], status)(scope, receive, send)
            return
        held: list[Message] = []

        async def explain(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] in _REFUSALS:
                held.append(message)
            elif held and message.get("body") == _REFUSALS[held[0]["status"]]:
                status = held.pop()["status"]
                await PlainTextResponse(_sentence(status, scope), status)(scope, receive, send)
            else:
                while held:
                    await send(held.pop())
                await send(message)

        await app(scope, receive, explain)

    return answer


def _refuse_port(scope: Scope) -> int | None:
    """The status of the refusal of a malformed port; None if the ports are well-formed."""
    if _is_malformed_port(first_header(scope, b"host") or ""):
        return _HOST
    origin = first_header(scope, b"origin")
    return _ORIGIN if origin and _is_malformed_port(origin.rpartition("://")[2]) else None


def _sentence(status: int, scope: Scope) -> str:
    header = "Origin" if status == _ORIGIN else "Host"
    _, scheme, host = (first_header(scope, header.lower().encode()) or "").rpartition("://")
    name = _host_name(host)
    if name is None or bool(scheme) != (header == "Origin"):
        return f"{_REFUSALS[status].decode()}: it is not the name of a host."
    return f"The {header} {name} is not allowed here. If this server has that name, start it with --allow-host {name}."


def _host_name(host: str) -> str | None:
    """The name in a Host header, or in an Origin without its scheme; None if it is no host name."""
    match = _NAME.fullmatch(host.lower())
    return match["name"] if match else None


def _is_malformed_port(host: str) -> bool:
    """Whether the part after the name in a Host header, or in an Origin without its scheme, is no port (RFC 9110 §7.2).

    The SDK's `name:*` takes any text for a port, and so `localhost:evil.example` for this machine.
    """
    _, colon, port = host.rpartition("]")[2].partition(":")
    return bool(colon) and _PORT.fullmatch(port) is None
