"""The tool `list_connections`."""

from typing import TYPE_CHECKING

from taskhand.domain.task import Body
from taskhand.server.render.connections import ConnectionsAnswer
from taskhand.server.tool import Tool
from taskhand.service.app_context import AppContext

if TYPE_CHECKING:
    from collections.abc import Mapping

    from taskhand.service.write_call import Call

__all__ = ["LIST_CONNECTIONS"]


class ListConnections(Body):
    """No arguments."""


async def _run(call: "Call", arguments: ListConnections) -> ConnectionsAnswer:
    return await _run_everywhere({"": call}, arguments)


async def _run_everywhere(calls: "Mapping[str, Call]", _: ListConnections) -> ConnectionsAnswer:
    apps = [call.app for call in calls.values()]
    return ConnectionsAnswer.of(apps, [await _describe_credential(app) for app in apps])


async def _describe_credential(app: AppContext) -> str | None:
    """Whose credential the caller uses for a connection, if persons can or must link one."""
    has_to = app.principal.rules.needs_own(app.connection.link_name) and app.backend.account.accessed == "credential"
    if app.own_credentials.backends is None and not has_to:
        return None
    from taskhand.service.own_credential_backend import describe_credential

    return await describe_credential(app.own_credentials.backends, app.principal, app.connection.link_name)


LIST_CONNECTIONS = Tool(
    name="list_connections",
    title="List connections",
    description="List the CRM accounts with their purpose and the fields that their tasks lack.",
    kind="read",
    arguments=ListConnections,
    answer=ConnectionsAnswer,
    run=_run,
    run_everywhere=_run_everywhere,
    only_with_several=True,
    verb="describes the accounts",
)
