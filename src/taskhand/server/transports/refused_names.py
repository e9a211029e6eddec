"""What a refused Host or Origin header is answered with: the option that allows the name."""

from typing import Final

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from taskhand.server.transports.host_names import name_of_host

__all__ = ["explain_refused_names"]

_REFUSALS: Final = {421: b"Invalid Host header", 403: b"Invalid Origin header"}
"""How the SDK answers."""


def explain_refused_names(app: ASGIApp) -> ASGIApp:
    """`app`, whose refusals of a name say how the operator of the server allows it."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        held: list[Message] = []

        async def explain(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] in _REFUSALS:
                held.append(message)
            elif held and message.get("body") == _REFUSALS[held[0]["status"]]:
                status = held.pop()["status"]
                await PlainTextResponse(_sentence(status, Headers(scope=scope)), status)(scope, receive, send)
            else:
                while held:
                    await send(held.pop())
                await send(message)

        await app(scope, receive, explain)

    return answer


def _sentence(status: int, headers: Headers) -> str:
    header = "Origin" if status == 403 else "Host"  # noqa: PLR2004  one of the two refusals
    _, scheme, host = headers.get(header, "").rpartition("://")
    name = name_of_host(host)
    if name is None or bool(scheme) != (header == "Origin"):
        return f"{_REFUSALS[status].decode()}: it is not the name of a host."
    return f"The {header} {name} is not allowed here. Where the server is meant, start it with --allow-host {name}."
