"""The response to a request: its body decompressed and parsed as JSON; pure."""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from json import dumps, loads
from typing import Literal, TypeAlias

from taskhand.domain.strict_json import parse_strictly
from taskhand.http.retry import RequestKind

__all__ = ["Json", "Reply", "Shape", "UnexpectedBody", "decompress", "is_web_page", "parse_json"]

Json: TypeAlias = "None | bool | int | float | str | list[Json] | dict[str, Json]"
Shape = Literal["any", "object", "object or nothing", "array", "nothing"]


class UnexpectedBody(ValueError):
    """An unexpected body; the text is ours and names the form of the body."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A successful response: header names are in lower case; `json` is None without a body."""

    status: int
    json: Json = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    template: str
    kind: RequestKind

    @property
    def object(self) -> dict[str, Json]:
        """The body of a request made with expect="object"; TypeError otherwise (a bug of ours)."""
        if not isinstance(self.json, dict):
            raise TypeError('ask with expect="object"')
        return self.json

    @property
    def array(self) -> list[Json]:
        """The body of a request made with expect="array"; TypeError otherwise (a bug of ours)."""
        if not isinstance(self.json, list):
            raise TypeError('ask with expect="array"')
        return self.json


def decompress(raw: bytes, coding: str, limit: int) -> bytes | None:
    """Decompress gzip or deflate (RFC 9110 §8.4.1) to at most `limit` + 1 bytes; None if that fails.

    A body of any other coding is returned unchanged: none was requested, and servers send `utf-8` or garbage there.
    """
    if coding not in {"gzip", "x-gzip", "deflate"}:
        return raw
    inflater = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)  # 32: zlib tells gzip and zlib apart
    try:
        body = inflater.decompress(raw, limit + 1)
    except zlib.error:
        return None
    return body if inflater.eof or len(body) > limit else None


def is_web_page(body: bytes) -> bool:
    """Whether a body is a web page, which proxies, firewalls and logins send, but no CRM's API."""
    return body.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"<"


def parse_json(status: int, body: bytes, expect: Shape) -> Json:
    """Parse the body of a successful response; UnexpectedBody unless it is JSON of the expected shape.

    204 and 205 have no body (RFC 9110 §15.3.5), which is None unless a shape was expected.
    """
    if expect == "nothing" or (expect == "any" and status in {204, 205} and not body):
        return None
    if expect == "object or nothing" and not body.strip():
        return None
    if not body.strip():
        raise UnexpectedBody("with an empty body")
    try:
        json: Json = parse_strictly(body)
        json = _replace_surrogates(json) if b"\\u" in body else json
    except (ValueError, RecursionError):
        kind = "a web page instead of data" if is_web_page(body) else "malformed or cut-off JSON"
        raise UnexpectedBody(f"with {kind}") from None
    if expect in {"object", "object or nothing"} and not isinstance(json, dict):
        raise UnexpectedBody(f"with {_kind(json)} instead of an object")
    if expect == "array" and not isinstance(json, list):
        raise UnexpectedBody(f"with {_kind(json)} instead of an array")
    return json


def _replace_surrogates(json: Json) -> Json:
    r"""Replace lone surrogates: an escape such as \ud800 parses, but cannot be encoded again."""
    mended: Json = loads(dumps(json, ensure_ascii=False).encode("utf-8", "replace"))
    return mended


def _kind(json: Json) -> str:
    names = {dict: "an object", list: "an array", str: "a string", bool: "a boolean", type(None): "null"}
    return names.get(type(json), "a number")
