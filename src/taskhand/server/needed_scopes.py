"""The scopes that a request needs, by its body, before it is carried out."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from mcp.server.auth.provider import AccessToken

from taskhand.domain.errors import TaskhandError
from taskhand.domain.principal import Scope
from taskhand.server.access import CallerView, ServerContext

__all__ = ["ScopeNeeds"]

_READING: Final = frozenset(
    {"resources/read", "resources/subscribe", "subscriptions/listen", "completion/complete", "prompts/get"}
)
"""The requests besides tool calls that read data of a connection."""
_PAGES: Final = "ui://"
"""The prefix of pages, which contain no data."""
_NONE: Final[frozenset[Scope]] = frozenset()


@dataclass(frozen=True, slots=True)
class ScopeNeeds:
    """The scopes that the requests of callers need, by what each is offered."""

    served: ServerContext

    async def find(self, token: AccessToken, body: bytes) -> frozenset[Scope]:
        """The scopes that the messages in a body need, whatever the token has.

        A malformed body, and a call of a forbidden or unknown tool, need none: they are refused for that reason.
        """
        view = self.served.view_of(token)
        return _NONE.union(*[await self._scopes_of_message(message, view) for message in _messages_in(body)])

    async def _scopes_of_message(self, message: Mapping[str, Any], view: CallerView) -> frozenset[Scope]:
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
    """Whether the plan or change of a call may delete something; False if it is unknown here."""
    from taskhand.service.plan_authorization import loses_by_plan, loses_by_undo  # noqa: PLC0415  imported at the first call

    looks = {"apply_plan": ("planId", loses_by_plan), "undo_change": ("changeId", loses_by_undo)}
    if tool not in looks or arguments.get("dryRun") is True:
        return False
    argument, loses = looks[tool]
    given = arguments.get(argument)
    try:
        return isinstance(given, str) and any([await loses(app, given.strip()) for app in view.connections])
    except TaskhandError:
        return False  # the call itself returns the error


def _messages_in(body: bytes) -> Sequence[Mapping[str, Any]]:
    try:
        sent: Any = json.loads(body)
    except (ValueError, RecursionError):
        return ()
    return [item for item in (sent if isinstance(sent, list) else [sent]) if isinstance(item, dict)]
