"""The board as a site on this machine: its page in a frame, and a bridge that forwards its calls to the server."""

import json
import re
from base64 import b64encode
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Any, Final

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from taskhand.server.board.admission import Admission
from taskhand.server.board.page import board_page
from taskhand.server.board.site_guard import guard_site

__all__ = ["BoardSite", "CallTool"]

CallTool = Callable[[str, dict[str, Any]], Awaitable[dict[str, Any]]]
"""Calls a tool for the page; returns `result` or `error` as in JSON-RPC."""

_FILES: Final = {
    "/": ("index.html", "text/html"),
    "/bridge.css": ("bridge.css", "text/css"),
    "/bridge.js": ("bridge.js", "text/javascript"),
}
_BRIDGE_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; frame-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
_PAGE_POLICY: Final = (
    "default-src 'none'; script-src {script}; style-src {style}; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'; sandbox allow-scripts"
)
_MAX_READ: Final = 64 * 1024
"""Maximum size of a call in bytes: the page sends no long texts."""


@dataclass(frozen=True, slots=True)
class BoardSite:
    """The site of one server.

    `start` are its initial calls: the page shows the first answer that is no error and no empty list, else the last
    one.
    """

    call_tool: CallTool
    admission: Admission
    start: Sequence[Mapping[str, Any]]

    def app(self, port: int) -> ASGIApp:
        """The application; `port` is the port on which it is served."""
        routes = [Route(path, _serve_file(*file)) for path, file in _FILES.items()]
        routes += [
            Route("/board", _serve_page),
            Route("/session", self._admit, methods=["POST"]),
            Route("/call", self._call, methods=["POST"]),
        ]
        return guard_site(Starlette(routes=routes), port)

    async def _admit(self, request: Request) -> Response:
        """Admit the browser that sends the token, once."""
        sent = await _read_json(request)
        session = self.admission.admit(str(sent.get("token", "")))
        if session is None:
            return JSONResponse({"error": "used"}, 403)
        return JSONResponse({"session": session, "start": [*self.start]})

    async def _call(self, request: Request) -> Response:
        """Forward a call of the page to the server."""
        scheme, _, session = request.headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or not self.admission.is_admitted(session):
            return JSONResponse({"error": "not admitted"}, 401, {"WWW-Authenticate": "Bearer"})
        sent = await _read_json(request)
        name, arguments = sent.get("name"), sent.get("arguments", {})
        if not isinstance(name, str) or not isinstance(arguments, dict):
            return JSONResponse({"error": "not a call"}, 400)
        return JSONResponse(await self.call_tool(name, arguments))


def _serve_file(name: str, mime_type: str) -> Callable[[Request], Awaitable[Response]]:
    async def answer(_: Request) -> Response:
        text = files(__package__).joinpath("bridge", name).read_text("utf-8")
        return Response(text, headers={"Content-Security-Policy": _BRIDGE_POLICY}, media_type=mime_type)

    return answer


async def _serve_page(_: Request) -> Response:
    return Response(board_page(), headers={"Content-Security-Policy": _page_policy()}, media_type="text/html")


@cache
def _page_policy() -> str:
    """The content security policy of the page: its own script and style, and nothing else."""
    return _PAGE_POLICY.format(script=_hash_of("script"), style=_hash_of("style"))


def _hash_of(element: str) -> str:
    [text] = re.findall(rf"<{element}>(.*?)</{element}>", board_page(), re.DOTALL)
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


async def _read_json(request: Request) -> dict[str, Any]:
    """The JSON object in a body; empty if the body is no object or is too long."""
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        return {}
    body = b""
    try:
        async for part in request.stream():
            body += part
            if len(body) > _MAX_READ:
                return {}
        sent = json.loads(body)
        json.dumps(sent, ensure_ascii=False).encode()  # a lone surrogate is no text, and an answer could not repeat it
    except (ClientDisconnect, RecursionError, ValueError):
        return {}
    return sent if isinstance(sent, dict) else {}
