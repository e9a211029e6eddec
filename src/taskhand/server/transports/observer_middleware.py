"""Reports HTTP requests to an observer: an ASGI application around all others."""

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from taskhand.call.observers import HttpObserver

__all__ = ["observe_requests"]


def observe_requests(app: ASGIApp, observer: HttpObserver) -> ASGIApp:
    """`app` with each request reported to the observer."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        status, is_stream = None, False

        async def watch(message: Message) -> None:
            nonlocal status, is_stream
            if message["type"] == "http.response.start":
                status = message["status"]
                kind = Headers(raw=list(message.get("headers", ()))).get("content-type", "")
                if is_stream := kind.startswith("text/event-stream"):
                    observer.stream_began()
            await send(message)

        observer.request_began()
        try:
            await app(scope, receive, watch)
        finally:
            observer.request_ended(status, was_stream=is_stream)

    return answer
