"""A proxy in front of a CRM in whose answers one task is odd: some of its fields have other values."""

import json
from enum import Enum
from typing import Any

from starlette.types import Message, Receive, Scope, Send

from taskhand.sandbox.emulator import Emulator

__all__ = ["ABSENT", "OddRow"]


class _Mark(Enum):
    ABSENT = "absent"


ABSENT = _Mark.ABSENT
"""The value of a field that is left out."""

Fields = dict[str, Any]


class OddRow:
    """An application to serve instead of the CRM: in every answer the task `task_id` has the fields of `odd`.

    A field is a path, such as `properties.hs_timestamp`.
    """

    def __init__(self, sandbox: Emulator, task_id: str) -> None:
        self.sandbox = sandbox
        self.task_id = task_id
        self.odd: Fields = {}

    @property
    def app(self) -> "OddRow":
        """The application to serve."""
        return self

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and its answer with the odd task."""
        started: list[Message] = []

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                started.append(message)
                return
            body = self._changed(message["body"])
            headers = [header for header in started[0]["headers"] if header[0].lower() != b"content-length"]
            await send({**started[0], "headers": [*headers, (b"content-length", str(len(body)).encode())]})
            await send({**message, "body": body})

        await self.sandbox.app(scope, receive, answer)

    def _changed(self, body: bytes) -> bytes:
        return json.dumps(self._with_odd_row(json.loads(body))).encode() if body else body

    def _with_odd_row(self, value: Any) -> Any:
        match value:
            case {"id": str() | int() as task_id} if str(task_id) == self.task_id:
                return _changed(value, self.odd)
            case dict():
                return {name: self._with_odd_row(inner) for name, inner in value.items()}
            case list():
                return [self._with_odd_row(inner) for inner in value]
            case _:
                return value


def _changed(row: Fields, fields: Fields) -> Fields:
    changed = dict(row)
    for path, value in fields.items():
        name, _, rest = path.partition(".")
        if rest and isinstance(changed.get(name), dict):
            changed[name] = _changed(changed[name], {rest: value})
        elif not rest:
            changed[name] = value
    return {name: value for name, value in changed.items() if value is not ABSENT}
