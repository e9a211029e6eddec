"""A scripted agent, which makes the calls of a script.

The arguments may hold placeholders for values of earlier answers:

- `{id of Call Acme}`: the id of the task of that title
- `{aiContactId of Carolina Vega}`, `{aiCustomerId of Carolina Vega}`: of a contact
- `{member ana.soto@example.com}`: the id of a member, by name or e-mail
- `{candidate maria.two}`: the candidate of the last refusal whose value or name contains that text
- `{planId}`, `{changeId}`, `{nextCursor}`, `{retryIds}`: the latest value
- `{null}`: null, which TOML does not have
- `{changeId of update_task}`: the id of the latest change by that tool, from list_changes
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from mcp import Client
from mcp.types import TextContent

from taskhand.testing.scenario import Script, ScriptedCall

__all__ = ["ScriptError", "Scripted"]

_PLACEHOLDER = re.compile(r"\{((?:\w+ of|member|candidate) [^{}]+|null|planId|changeId|nextCursor|retryIds)\}")
_LATEST = ("planId", "changeId", "nextCursor", "retryIds")
_SUBJECTS = ("aiContactId", "aiCustomerId")


class ScriptError(Exception):
    """An answer differs from the script."""


class Scripted:
    """An agent that follows a script and ignores its task."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._known: dict[str, Any] = {"null": None}
        self._candidates: list[Mapping[str, Any]] = []

    async def __call__(self, _task: str, client: Client) -> str:
        """Make the calls and return the script's final message. ScriptError if an answer differs from the script."""
        for call in self._script.calls:
            result = await client.call_tool(call.tool, self._fill(dict(call.send)))
            text = "".join(part.text for part in result.content if isinstance(part, TextContent))
            answer = json.loads(text)
            _check(call, answer.get("error") if result.is_error else None)
            self._remember(answer)
        return self._script.says

    def _remember(self, answer: Mapping[str, Any]) -> None:
        self._candidates = list(answer.get("error", {}).get("candidates", ()))
        # list_changes has the latest change first: reversed, it overwrites the earlier changes of its tool.
        for fields in reversed(list(_objects(answer))):
            self._known |= dict(_facts(fields))
        self._known |= {name: answer[name] for name in _LATEST if name in answer}

    def _fill(self, value: Any) -> Any:
        """The value with its placeholders filled in. A text that is only a placeholder becomes the value itself."""
        if isinstance(value, dict):
            return {name: self._fill(inner) for name, inner in value.items()}
        if isinstance(value, list):
            return [self._fill(inner) for inner in value]
        if not isinstance(value, str):
            return value
        if whole := _PLACEHOLDER.fullmatch(value):
            return self._resolve(whole[1])
        return _PLACEHOLDER.sub(lambda part: str(self._resolve(part[1])), value)

    def _resolve(self, name: str) -> Any:
        if name.startswith("candidate "):
            part = name.removeprefix("candidate ")
            found = [
                candidate["value"]
                for candidate in self._candidates
                if part in f"{candidate['value']} {candidate.get('name')}"
            ]
            if len(found) == 1:
                return found[0]
        elif name in self._known:
            return self._known[name]
        raise ScriptError(f"no answer so far has {{{name}}}")


def _objects(value: Any) -> Iterator[Mapping[str, Any]]:
    """Every object in an answer."""
    if isinstance(value, Mapping):
        yield value
        for inner in value.values():
            yield from _objects(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _objects(inner)


def _facts(fields: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The placeholders and values that an object of an answer defines."""
    if fields.get("id") and "title" in fields:
        yield f"id of {fields['title']}", fields["id"]
    if "email" in fields and "id" in fields:
        yield f"member {fields['name']}", fields["id"]
        yield f"member {fields['email']}", fields["id"]
    for name in _SUBJECTS:
        if fields.get(name) and "name" in fields:
            yield f"{name} of {fields['name']}", fields[name]
    if "changeId" in fields and "tool" in fields:
        yield f"changeId of {fields['tool']}", fields["changeId"]


def _check(call: ScriptedCall, error: Mapping[str, Any] | None) -> None:
    code = None if error is None else error.get("code")
    if code != call.refused:
        outcome = f"refused with {code}: {error.get('message')}" if error else "answered"
        raise ScriptError(
            f"{call.tool} {json.dumps(dict(call.send))} was {outcome}; expected {call.refused or 'an answer'}"
        )
