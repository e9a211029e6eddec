"""A CRM of the tests' own that answers each credential differently, and keeps which one each request bore.

It speaks HTTP/1.1 over raw sockets, with connections that stay open, and as much of Close's API as is asked of it here,
its authorization server included: https://developer.close.com/api. What it answers bears the name of whose credential
was sent: the tasks, the team and the contacts of one person are no other's, and a task that all can read says who reads
it. So an answer that reaches another person tells by itself whose it was.
"""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import anyio
from anyio.abc import ByteStream, SocketAttribute

__all__ = ["OWNER", "SHARED", "TOKENS", "CredentialRecordingCrm", "RecordedRequest", "task_of"]

OWNER: Final = "qowner"
"""Whose the shared credential is."""
SHARED: Final = "task_shared"
TOKENS: Final = "/oauth2/token/"
_DAY: Final = "2026-03-05"
_AT: Final = f"{_DAY}T10:00:00+00:00"


@dataclass(frozen=True)
class RecordedRequest:
    """A request: whose credential it bore (None: nobody's), and the connection that it came over."""

    bearer: str | None
    method: str
    target: str
    body: str
    line: int
    headers: Mapping[str, str]

    @property
    def text(self) -> str:
        """All that was asked."""
        return f"{self.method} {self.target} {self.body}"


def task_of(person: str, number: int) -> str:
    """The id of a task that only this person asks for."""
    return f"task_{person}_{number}"


@dataclass
class CredentialRecordingCrm:
    """The CRM; `bearers` are persons by the whole header of their credential, `expired` such headers.

    `grants` are persons by their refresh token, which is good once.
    """

    bearers: dict[str, str] = field(default_factory=dict)
    expired: set[str] = field(default_factory=set)
    grants: dict[str, str] = field(default_factory=dict)
    requests: list[RecordedRequest] = field(default_factory=list)
    faults: float = 0.0
    """The part of all reads that fails: the connection is closed before or after the answer, or it is 500 or 503."""
    slowest_s: float = 0.002
    """Seconds that an answer takes at most."""
    random: Random = field(default_factory=lambda: Random(1))  # noqa: S311  a schedule
    _rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    _lines: int = 0
    _news: anyio.Event = field(default_factory=anyio.Event)

    def grant(self, person: str) -> tuple[str, str]:
        """A new access token of the person, and the refresh token that goes with it."""
        number = len(self.bearers)
        access, refresh = f"token-{number}-of-{person}", f"refresh-{number}-of-{person}"
        self.bearers[f"Bearer {access}"], self.grants[refresh] = person, person
        return access, refresh

    def expire(self, person: str) -> None:
        """Accept no credential any more that the person has now."""
        self.expired |= {header for header, bearer in self.bearers.items() if bearer == person}

    def revoke(self, person: str) -> None:
        """Do not give the person another one either."""
        self.expire(person)
        self.grants = {one: bearer for one, bearer in self.grants.items() if bearer != person}

    async def heard(self, count: int) -> None:
        """Wait until there were so many requests."""
        while len(self.requests) < count:
            await self._news.wait()

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        """Its address, as long as it is served."""
        listener = await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=0)
        async with listener, anyio.create_task_group() as tasks:
            tasks.start_soon(listener.serve, self._talk)
            yield f"http://127.0.0.1:{listener.extra(SocketAttribute.local_port)}"  # noqa: S610  not Django's
            tasks.cancel_scope.cancel()

    async def _talk(self, stream: ByteStream) -> None:
        """Answer the requests of one connection, one after the other, until it ends."""
        self._lines += 1
        line, rest = self._lines, b""
        async with stream:
            try:
                while True:
                    while b"\r\n\r\n" not in rest:
                        rest += await stream.receive()
                    head, _, rest = rest.partition(b"\r\n\r\n")
                    first, *named = head.decode("ascii").split("\r\n")
                    headers = {name.lower(): value for name, _, value in (one.partition(": ") for one in named)}
                    size = int(headers.get("content-length", 0))
                    while len(rest) < size:
                        rest += await stream.receive()
                    body, rest = rest[:size], rest[size:]
                    method, target, _ = first.split(" ")
                    bearer = self._bearer_of(target, headers, body)
                    self.requests.append(RecordedRequest(bearer, method, target, body.decode(), line, headers))
                    self._news.set()
                    self._news = anyio.Event()
                    await anyio.sleep(self.random.random() * self.slowest_s)
                    fault = self.random.random() if method == "GET" else 1.0
                    if fault < self.faults / 2:
                        return
                    if target == TOKENS:
                        status, found = self._renew(body)
                    elif bearer is None or headers["authorization"] in self.expired:
                        status, found = 401, {"error": "The credential is not accepted."}
                    elif fault < self.faults:
                        status, found = self.random.choice([500, 503]), {"error": "Not now."}
                    else:
                        status, found = self._answer(str(bearer), method, target, json.loads(body or b"{}"))
                    content = json.dumps(found).encode()
                    lead = f"HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {len(content)}"
                    await stream.send(f"{lead}\r\n\r\n".encode() + content)
            except (anyio.EndOfStream, anyio.BrokenResourceError):
                return

    def _bearer_of(self, target: str, headers: Mapping[str, str], body: bytes) -> str | None:
        """Whose credential, or refresh token, a request bears."""
        if target == TOKENS:
            return next((name for one, name in self.grants.items() if one.encode() in body), None)
        return self.bearers.get(headers.get("authorization", ""))

    def _renew(self, body: bytes) -> tuple[int, dict[str, Any]]:
        """The next tokens for a refresh token; Close has another at every refresh."""
        person = self.grants.pop(parse_qs(body.decode())["refresh_token"][0], None)
        if person is None:
            return 400, {"error": "invalid_grant"}
        access, refresh = self.grant(person)
        kept = {"expires_in": 3600, "token_type": "Bearer", "user_id": f"user_{person}"}
        return 200, {"access_token": access, "refresh_token": refresh} | kept

    def _answer(self, bearer: str, method: str, target: str, body: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
        """The status and the object of an answer to this person."""
        parts = urlsplit(target)
        place = parts.path.removeprefix("/api/v1").strip("/").split("/")
        if place[0] == "task":
            asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
            return 200, self._write(bearer, place, body) if method in {"POST", "PUT"} else self._read(
                bearer, place, asked
            )
        match method, place:
            case "GET", ["me"]:
                return 200, _user(bearer) | {"organizations": [{"id": "orga_1"}]}
            case "GET", ["user"]:
                return 200, _list([_user(bearer)])
            case "GET", ["organization", _]:
                return 200, {"id": "orga_1", "inactive_memberships": []}
            case "POST", ["data", "search"]:
                return 200, {"data": [_lead(bearer)], "cursor": None}
            case "GET", ["lead", lead_id]:
                return 200, _lead(bearer) | {"id": lead_id}
            case "GET", ["activity", "note"]:
                return 200, _list([])
            case "POST", ["activity", "note"]:
                return 200, {"id": f"acti_{len(self.requests)}"} | dict(body)
        return 404, {"error": f"There is no {target}."}

    def _read(self, bearer: str, place: list[str], asked: Mapping[str, str]) -> dict[str, Any]:
        """A task, those that are asked for, or those of the list: it does not show yet what was made a moment ago."""
        if len(place) > 1:
            return self._row(place[1], bearer)
        listed = [SHARED, *(task_of(bearer, number) for number in range(3))] if asked["_skip"] == "0" else []
        return _list(
            [self._row(task_id, bearer) for task_id in (asked["id__in"].split(",") if "id__in" in asked else listed)]
        )

    def _write(self, bearer: str, place: list[str], body: Mapping[str, Any]) -> dict[str, Any]:
        """A task that is made or changed, or several that are changed alike."""
        several = body.get("_params", {}).get("id__in", f"{task_of(bearer, len(self._rows))}x").split(",")
        changed = {name: value for name, value in body.items() if name != "_params"}
        ids = place[1:] or several
        self._rows |= {task_id: self._row(task_id, bearer) | changed for task_id in ids}
        return self._rows[ids[0]]

    def _row(self, task_id: str, bearer: str) -> dict[str, Any]:
        """A task as this person sees it."""
        links = {"lead_id": "lead_shared", "lead_name": f"Lead of {bearer}", "contact_id": None, "contact_name": None}
        new: dict[str, Any] = {
            "_type": "lead",
            "id": task_id,
            "text": f"Seen by {bearer}",
            "assigned_to": f"user_{bearer}",
        }
        new |= {"date": _DAY, "is_complete": False, "priority": "medium", "date_created": _AT, "date_updated": _AT}
        return self._rows.get(task_id) or new | links


def _user(name: str) -> dict[str, Any]:
    return {"id": f"user_{name}", "first_name": name, "last_name": "Paz", "email": f"{name}@x.test"}


def _lead(name: str) -> dict[str, Any]:
    contact = {"id": f"cont_{name}", "name": f"Contact of {name}", "emails": [], "phones": []}
    return {"id": f"lead_{name}", "display_name": f"Lead of {name}", "contacts": [contact]}


def _list(rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {"data": rows, "has_more": False}
