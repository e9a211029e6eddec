"""Refusals of Host and Origin headers: of a malformed port, and of other names, with the option that allows them."""

from typing import Final

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from taskhand.server.transports.first_header import first_header
from taskhand.server.transports.host_names import host_name, is_malformed_port

__all__ = ["refuse_names"]

_HOST, _ORIGIN = 421, 403
_REFUSALS: Final = {_HOST: b"Invalid Host header", _ORIGIN: b"Invalid Origin header"}
"""The SDK's answers."""


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
    if is_malformed_port(first_header(scope, b"host") or ""):
        return _HOST
    origin = first_header(scope, b"origin")
    return _ORIGIN if origin and is_malformed_port(origin.rpartition("://")[2]) else None


def _sentence(status: int, scope: Scope) -> str:
    header = "Origin" if status == _ORIGIN else "Host"
    _, scheme, host = (first_header(scope, header.lower().encode()) or "").rpartition("://")
    name = host_name(host)
    if name is None or bool(scheme) != (header == "Origin"):
        return f"{_REFUSALS[status].decode()}: it is not the name of a host."
    return f"The {header} {name} is not allowed here. If this server has that name, start it with --allow-host {name}."
