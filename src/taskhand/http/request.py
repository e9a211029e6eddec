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
    `reads` is true for a POST that only searches; `updates` for a POST that updates what exists, and creates nothing;
    `replay_safe` for a PUT, PATCH or DELETE that may be repeated even if
    it may have been applied; `looks_first` for a POST that makes a task: if the upstream asks to wait, it is not
    repeated, because it may have been applied.
    """

    params: Params
    json: object
    headers: Mapping[str, str]
    expect: Shape
    reads: bool
    updates: bool
    replay_safe: bool
    looks_first: bool


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
    looks_first: bool = False

    @classmethod
    def of(cls, method: str, path: Path, **options: Unpack[RequestOptions]) -> Self:
        """Build a request.

        Raises ValueError for a value that JSON cannot carry and for a POST declared safe to replay (programming
        errors).
        """
        return cls(
            method=method,
            path=path,
            kind=RequestKind.of(
                method,
                reads=options.get("reads", False),
                updates=options.get("updates", False),
                replay_safe=options.get("replay_safe", False),
            ),
            query=urlencode(options["params"]) if "params" in options else "",
            body=dumps(options["json"], allow_nan=False).encode() if "json" in options else None,
            headers=options.get("headers", {}),
            expect=options.get("expect", "any"),
            looks_first=options.get("looks_first", False),
        )

    @classmethod
    def of_form(cls, path: Path, form: Mapping[str, str], kind: RequestKind, *, expect: Shape = "object") -> Self:
        """A POST of a form, as in OAuth."""
        headers = {"content-type": "application/x-www-form-urlencoded"}
        return cls("POST", path, kind, body=urlencode(form).encode(), headers=headers, expect=expect)

    def url(self, base_url: str) -> str:
        """The absolute URL: the path of the base URL is kept."""
        return base_url.rstrip("/") + self.path.raw + (f"?{self.query}" if self.query else "")
