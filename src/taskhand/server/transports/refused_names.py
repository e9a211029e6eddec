"""Refused Host and Origin headers: those with a malformed port, and for others the option that allows the name."""

from typing import Final

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from taskhand.server.transports.first_header import first_header
from taskhand.server.transports.host_names import is_malformed_port, name_of_host

__all__ = ["refuse_names"]

_HOST, _ORIGIN = 421, 403
_REFUSALS: Final = {_HOST: b"Invalid Host header", _ORIGIN: b"Invalid Origin header"}
"""How the SDK answers."""


def refuse_names(app: ASGIApp) -> ASGIApp:
    """`app` for requests whose Host and Origin have a number, or nothing, for a port.

    It checks the names itself; its refusals of one say how the operator of the server allows it.
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
    """The status of the refusal of a malformed port; None where there is none."""
    if is_malformed_port(first_header(scope, b"host") or ""):
        return _HOST
    origin = first_header(scope, b"origin")
    return _ORIGIN if origin and is_malformed_port(origin.rpartition("://")[2]) else None


def _sentence(status: int, scope: Scope) -> str:
    header = "Origin" if status == _ORIGIN else "Host"
    _, scheme, host = (first_header(scope, header.lower().encode()) or "").rpartition("://")
    name = name_of_host(host)
    if name is None or bool(scheme) != (header == "Origin"):
        return f"{_REFUSALS[status].decode()}: it is not the name of a host."
    return f"The {header} {name} is not allowed here. Where the server is meant, start it with --allow-host {name}."
