"""The board as a site on this machine: its page in a frame, and a bridge that carries its calls to the server."""

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
"""Calls a tool for the page: `result` or `error`, as JSON-RPC has them."""

_Answer = Callable[[Request], Awaitable[Response]]

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
_MOST_READ: Final = 64 * 1024
"""Bytes of a call: the page sends no long texts."""


@dataclass(frozen=True, slots=True)
class BoardSite:
    """The site of one server.

    `start` are the calls with which it begins: the first answer that is no error and no empty list is shown, else the
    last.
    """

    call_tool: CallTool
    admission: Admission
    start: Sequence[Mapping[str, Any]]

    def app(self, port: int) -> ASGIApp:
        """The application; `port` is the one that it is served on."""
        routes = [Route(path, _serve_file(*file)) for path, file in _FILES.items()]
        routes += [
            Route("/board", _serve_page),
            Route("/session", self._admit, methods=["POST"]),
            Route("/call", self._call, methods=["POST"]),
        ]
        return guard_site(Starlette(routes=routes), port)

    async def _admit(self, request: Request) -> Response:
        """Admit whoever brings the token, once."""
        sent = await _read_json(request)
        session = self.admission.admit(str(sent.get("token", "")))
        if session is None:
            return JSONResponse({"error": "used"}, 403)
        return JSONResponse({"session": session, "start": [*self.start]})

    async def _call(self, request: Request) -> Response:
        """Carry a call of the page to the server."""
        scheme, _, session = request.headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or not self.admission.is_admitted(session):
            return JSONResponse({"error": "not admitted"}, 401, {"WWW-Authenticate": "Bearer"})
        sent = await _read_json(request)
        name, arguments = sent.get("name"), sent.get("arguments", {})
        if not isinstance(name, str) or not isinstance(arguments, dict):
            return JSONResponse({"error": "not a call"}, 400)
        return JSONResponse(await self.call_tool(name, arguments))


def _serve_file(name: str, mime_type: str) -> _Answer:
    async def answer(_: Request) -> Response:
        text = files(__package__).joinpath("bridge", name).read_text("utf-8")
        return Response(text, headers={"Content-Security-Policy": _BRIDGE_POLICY}, media_type=mime_type)

    return answer


async def _serve_page(_: Request) -> Response:
    return Response(board_page(), headers={"Content-Security-Policy": _page_policy()}, media_type="text/html")


@cache
def _page_policy() -> str:
    """The policy under which the page runs its own script and style, and nothing else."""
    return _PAGE_POLICY.format(script=_hash_of("script"), style=_hash_of("style"))


def _hash_of(element: str) -> str:
    [text] = re.findall(rf"<{element}>(.*?)</{element}>", board_page(), re.DOTALL)
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


async def _read_json(request: Request) -> dict[str, Any]:
    """The object in a body; an empty one for a body that is none, or too long."""
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        return {}
    body = b""
    try:
        async for part in request.stream():
            body += part
            if len(body) > _MOST_READ:
                return {}
        sent = json.loads(body)
        json.dumps(sent, ensure_ascii=False).encode()  # half a character is none, and no answer could name it
    except (ClientDisconnect, RecursionError, ValueError):
        return {}
    return sent if isinstance(sent, dict) else {}
