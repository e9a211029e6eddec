"""A connection whose credential cannot be read is refused to those who call it, and every other one works."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import pytest

from fixed_clock import NOW
from sandbox.close.served_sandbox import BEN, LEAD, SEED, TASK
from server.example_calls import calls_on, creating_calls
from server.store_connections import answer_of, client_of
from taskhand.cli.doctor import check_connections
from taskhand.config.effective_settings import Configuration, load_configuration
from taskhand.domain.errors import OperatorError
from taskhand.sandbox.close import CloseSandbox
from taskhand.sandbox.server import serve_sandbox
from taskhand.server.tools import TOOLS
from taskhand.service.connections import Connections
from taskhand.service.crash_recovery import recover_if_possible
from taskhand.service.events.feed_demand import poll_when_wanted
from taskhand.service.readiness import ReadinessReport, ServerReadiness
from taskhand.vault.credential_link import Link, LinkedMember, OwnCredential
from taskhand.vault.links_of_persons import Links
from taskhand.wiring import open_connections
from time_limits import BOUND_S
from vault.vaults import links_at

pytestmark = pytest.mark.usefixtures("no_keyring")

UNREAD = {
    "env:GONE": "the variable 'GONE', which is not set",
    "file:/gone/key": "is not there",
    "keyring:gone": "keyring",
    "${KEY}": "placeholder",
}
CALLS = calls_on(TASK, BEN) | creating_calls(aiCustomerId=LEAD, responsibleIds=[BEN])
WRITES = {tool.name: CALLS[tool.name] for tool in TOOLS if tool.writes and tool.name in CALLS}


@dataclass
class PartialServer:
    """A store, `home`, and an account of Close, `south`, whose credential is set to something that leads nowhere."""

    found: Configuration
    connections: Connections
    sandbox: CloseSandbox
    links: Links


@asynccontextmanager
async def open_partial_server(folder: Path, credential: str) -> AsyncIterator[PartialServer]:
    sandbox, links = CloseSandbox(seed=SEED), links_at(folder / "links.sqlite")
    async with serve_sandbox(sandbox) as url:
        file = folder / "taskhand.toml"
        file.write_text(
            f'[connections.south]\nbackend = "close"\napi_key = "{credential}"\nbase_url = "{url}/api/v1"\n'
            f'[connections.home]\nbackend = "local"\ndb = "{folder}/home.sqlite"\n',
            encoding="utf-8",
        )
        file.chmod(0o600)
        found = load_configuration(
            {"TASKHAND_CONFIG": str(file), "TASKHAND_JOURNAL": str(folder / "journal.sqlite")}, {}
        )
        async with open_connections(found.connections, links=links) as connections:
            yield PartialServer(found, connections, sandbox, links)
    await links.aclose()


@pytest.mark.parametrize("credential", UNREAD)
async def test_calls_of_an_unavailable_connection_alone_are_refused_and_lists_name_it(
    credential: str, tmp_path: Path
) -> None:
    async with open_partial_server(tmp_path, credential) as opened, client_of(opened.connections) as client:
        made = await answer_of(client, "create_task", connection="home", title="Call", responsibleIds=[])
        assert "code" not in await answer_of(client, "get_task", id=made["task"]["id"], connection="home")
        calls: dict[str, dict[str, Any]] = {
            **CALLS,
            "list_team_members": {},
            "list_changes": {"taskId": TASK},
        }
        for tool, sent in calls.items():
            told = await answer_of(client, tool, connection="south", **sent)
            assert UNREAD[credential] in told["message"] if tool != "list_changes" else "code" not in told, (tool, told)
            assert tool == "list_changes" or "restart Taskhand" in told["next"]
        everywhere = await answer_of(client, "list_tasks")
        assert [one["connection"] for one in everywhere["tasks"]] == ["home"]
        assert [one["connection"] for one in everywhere["unreachable"]] == ["south"]
        assert "code" not in await answer_of(client, "undo_change", changeId=made["changeId"])
        listed = {one["name"]: one for one in (await answer_of(client, "list_connections"))["connections"]}
        assert "note" not in listed["home"]
        assert UNREAD[credential] in listed["south"]["note"]
        for app in opened.connections:
            await recover_if_possible(app)
        assert await ServerReadiness.of(opened.connections).check() == ReadinessReport(
            is_ready=True, connections="1 of 2"
        )
        outcomes = {one.subject: one for one in await check_connections(opened.found) if one.outcome == "failed"}
        assert [name.partition(":")[0] for name in outcomes] == ["south"]
        assert UNREAD[credential] in next(iter(outcomes.values())).found
    assert not opened.sandbox.requests


async def test_the_feed_of_an_unavailable_connection_is_not_polled(tmp_path: Path) -> None:
    async with open_partial_server(tmp_path, "env:GONE") as opened:
        app = opened.connections.find("south")
        app.feed_demand.use(app)
        with anyio.fail_after(BOUND_S):
            await poll_when_wanted(app)


async def test_an_unavailable_connection_serves_reads_with_an_own_credential(tmp_path: Path) -> None:
    async with open_partial_server(tmp_path, "env:GONE") as opened:
        token = str(opened.sandbox.authorization.sign_in(BEN, opened.sandbox.now())["access_token"])
        link = Link("ben@example.com", "south", "key", OwnCredential(token), NOW, LinkedMember(BEN, "Ben"))
        await opened.links.save(link)
        async with client_of(opened.connections, "ben@example.com") as ben:
            assert (await answer_of(ben, "get_task", id=TASK, connection="south"))["task"]["id"] == TASK
            for tool, sent in WRITES.items():
                refused = (await answer_of(ben, tool, connection="south", **sent))["message"]
                assert "not even with an own credential: the journal names" in refused, tool
                assert "not set" in refused, tool
        async with client_of(opened.connections, "cat@example.com") as cat:
            assert "not set" in (await answer_of(cat, "get_task", id=TASK, connection="south"))["message"]
        assert {one.user for one in opened.sandbox.requests} == {BEN}
        assert {one.method for one in opened.sandbox.requests} == {"GET"}


async def test_a_configuration_that_names_no_backend_is_refused_whole(tmp_path: Path) -> None:
    file = tmp_path / "taskhand.toml"
    file.write_text(f'[connections.home]\nbackend = "local"\ndb = "{tmp_path}/home.sqlite"\n', encoding="utf-8")
    given = {"TASKHAND_CONFIG": str(file), "CLOSE_API_KEY": "one", "VAMBE_API_KEY": "another"}
    found = load_configuration(given, {})
    with pytest.raises(OperatorError, match="several CRMs"):
        async with open_connections(found.connections):
            pass
