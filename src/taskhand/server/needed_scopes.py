"""Which scopes a request needs, told from its body before it is carried out."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from mcp.server.auth.provider import AccessToken

from taskhand.domain.errors import TaskhandError
from taskhand.domain.principal import Scope
from taskhand.server.access import CallerView, Served

__all__ = ["ScopeNeeds"]

_READING: Final = frozenset(
    {"resources/read", "resources/subscribe", "subscriptions/listen", "completion/complete", "prompts/get"}
)
"""The other requests that show something of a connection, as tools that read do."""
_PAGES: Final = "ui://"
"""Where pages are that hold nothing of anybody."""
_NONE: Final[frozenset[Scope]] = frozenset()


@dataclass(frozen=True, slots=True)
class ScopeNeeds:
    """What the requests of callers need, by what is served to each."""

    served: Served

    async def find(self, token: AccessToken, body: bytes) -> frozenset[Scope]:
        """The scopes that the messages in a body need, whatever the token has.

        A body that is malformed, and a call of a tool that the rules forbid or that is unknown, need none: they are
        refused for what they are.
        """
        view = self.served.view_of(token)
        return _NONE.union(*[await self._of(message, view) for message in _messages_in(body)])

    async def _of(self, message: Mapping[str, Any], view: CallerView) -> frozenset[Scope]:
        method, params = message.get("method"), message.get("params")
        if isinstance(method, str) and method in _READING:
            uri = params.get("uri") if isinstance(params, dict) else None
            return _NONE if isinstance(uri, str) and uri.startswith(_PAGES) else frozenset({"read"})
        name = params.get("name") if isinstance(params, dict) else None
        if method != "tools/call" or not isinstance(name, str) or (tool := view.offered.by_name.get(name)) is None:
            return _NONE
        arguments = params.get("arguments") if isinstance(params, dict) else None
        loses = isinstance(arguments, dict) and await _may_lose(name, arguments, view)
        return frozenset({tool.scope, "destructive"}) if loses else frozenset({tool.scope})


async def _may_lose(tool: str, arguments: Mapping[str, Any], view: CallerView) -> bool:
    """Whether a call loses something by what it is about, a plan or a change; False where that cannot be told here."""
    from taskhand.service.authorization import loses_by_plan, loses_by_undo  # noqa: PLC0415  imported at the first call

    looks = {"apply_plan": ("planId", loses_by_plan), "undo_change": ("changeId", loses_by_undo)}
    if tool not in looks or arguments.get("dryRun") is True:
        return False
    argument, loses = looks[tool]
    given = arguments.get(argument)
    try:
        return isinstance(given, str) and any([await loses(app, given.strip()) for app in view.connections])
    except TaskhandError:
        return False  # the call itself says what is wrong


def _messages_in(body: bytes) -> Sequence[Mapping[str, Any]]:
    try:
        sent: Any = json.loads(body)
    except (ValueError, RecursionError):
        return ()
    return [one for one in (sent if isinstance(sent, list) else [sent]) if isinstance(one, dict)]
