"""One request to a CRM as a value."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from json import dumps
from typing import Self, TypedDict, Unpack
from urllib.parse import urlencode

from taskhand.http.response_body import Shape
from taskhand.http.retry import RequestKind
from taskhand.http.url_path import Path

__all__ = ["Request", "RequestOptions"]

Params = Mapping[str, str] | Sequence[tuple[str, str]]


class RequestOptions(TypedDict, total=False):
    """The optional parts of a request.

    `params` is a mapping, or pairs if a name repeats; `json` any value that JSON can carry; `headers` without secrets;
    `expect` the shape of the response ("nothing" leaves the body unread, "object or nothing" accepts an empty one);
    `kind` the effect of sending it twice, if the method alone does not say it.
    """

    params: Params
    json: object
    headers: Mapping[str, str]
    expect: Shape
    kind: RequestKind


@dataclass(frozen=True, slots=True)
class Request:
    """Method, path, query, JSON body and headers, and the effect of sending the request twice (`kind`)."""

    method: str
    path: Path
    kind: RequestKind
    query: str = field(default="", repr=False)
    body: bytes | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)
    expect: Shape = "any"

    @classmethod
    def of(cls, method: str, path: Path, **options: Unpack[RequestOptions]) -> Self:
        """Build a request; ValueError (a bug of ours) for a value that JSON cannot carry."""
        return cls(
            method=method,
            path=path,
            kind=options.get("kind") or RequestKind.of(method),
            query=urlencode(options["params"]) if "params" in options else "",
            body=dumps(options["json"], allow_nan=False).encode() if "json" in options else None,
            headers=options.get("headers", {}),
            expect=options.get("expect", "any"),
        )

    @classmethod
    def of_form(cls, path: Path, form: Mapping[str, str], kind: RequestKind, *, expect: Shape = "object") -> Self:
        """A POST of a form, as in OAuth."""
        headers = {"content-type": "application/x-www-form-urlencoded"}
        return cls("POST", path, kind, body=urlencode(form).encode(), headers=headers, expect=expect)

    def url(self, base_url: str) -> str:
        """The absolute URL: the path of the base URL is kept."""
        return base_url.rstrip("/") + self.path.raw + (f"?{self.query}" if self.query else "")
