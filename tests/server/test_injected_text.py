"""Text of callers never becomes a header, a second request, another path or a parameter of a request to the CRM."""

from base64 import b64encode
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from mcp.shared.exceptions import MCPError

from server.store_connections import answer_of, client_of
from server.transports.credential_recording_crm import OWNER, SHARED, CredentialRecordingCrm
from taskhand.config.connection_settings import ConnectionSettings
from taskhand.config.settings import Settings
from taskhand.wiring import open_connections

INJECTED = "X-Injected"
TEXTS = [
    f"a\r\n{INJECTED}: 1",
    f"a\n{INJECTED}: 1",
    f"a%0d%0a{INJECTED}:%201",
    f"a HTTP/1.1\r\n{INJECTED}: 1\r\n\r\nGET /{INJECTED}",
    f"\u560a\u560d{INJECTED}: 1",
    f"../../{INJECTED}",
    f"..%2f..%2f{INJECTED}",
    f"{SHARED}?{INJECTED}=1",
    f"{SHARED}&{INJECTED}=1",
    f"{SHARED}/../{INJECTED}",
    f"a\0{INJECTED}",
]
HEADERS = {
    *("host", "accept", "accept-encoding", "connection", "user-agent", "content-type", "content-length"),
    *("authorization", "x-tz-offset", "x-http-method-override", "traceparent"),
}


def _calls(text: str) -> list[tuple[str, dict[str, Any]]]:
    """Calls with the text in every place that is a caller's to fill."""
    new = {"title": text, "aiCustomerId": "lead_shared", "responsibleIds": [f"user_{OWNER}"]}
    return [
        ("get_task", {"id": text}),
        ("list_tasks", {"cursor": text}),
        ("list_tasks", {"responsibleIds": [text]}),
        ("list_tasks", {"status": [text], "query": text, "fromDate": text}),
        ("list_tasks", {"aiCustomerId": text, "aiContactId": text}),
        ("find_contacts", {"query": text}),
        ("create_task", new | {"idempotencyKey": text, "reason": text, "timezone": text}),
        ("create_task", new | {"aiCustomerId": text}),
        ("create_task", new | {"aiContactId": text}),
        ("update_task", {"id": SHARED, "title": text, "addNote": text, "reason": text}),
        ("update_task", {"id": text, "title": "x"}),
        ("update_task", {"id": SHARED, "aiContactId": text}),
        ("reassign_task", {"id": SHARED, "responsibleIds": [text]}),
        ("bulk_update_tasks", {"taskIds": [SHARED, text, f"{SHARED}2"], "changes": {"title": text}}),
        ("delete_task", {"id": text}),
        ("apply_plan", {"planId": text}),
        ("undo_change", {"changeId": text}),
        ("list_changes", {"changeId": text, "cursor": text}),
    ]


async def test_a_text_stays_in_the_place_that_it_is_for(tmp_path: Path) -> None:
    crm = CredentialRecordingCrm(bearers={f"Basic {b64encode(b'owner-key:').decode()}": OWNER}, slowest_s=0)
    async with crm.serving() as url:
        given = {"CLOSE_API_KEY": "owner-key", "CLOSE_BASE_URL": f"{url}/api/v1", "CLOSE_RATE": "1000"}
        settings = Settings.from_env(given | {"TASKHAND_JOURNAL": str(tmp_path / "journal.sqlite")})
        async with (
            open_connections([ConnectionSettings("default", settings)]) as connections,
            client_of(connections) as client,
        ):
            for text in TEXTS:
                for tool, sent in _calls(text):
                    await answer_of(client, tool, **sent)
                with suppress(MCPError, ValueError):  # the latter is the client's own, for what is no address
                    await client.read_resource(f"task://{text}")
    assert {one.bearer for one in crm.requests} == {OWNER}
    for one in crm.requests:
        assert {*one.headers} <= HEADERS, one
        assert not [value for value in one.headers.values() if INJECTED in value], one
        path, _, query = one.target.partition("?")
        assert path.startswith("/api/v1/"), one
        assert ".." not in unquote(path), one
        assert INJECTED not in path or "%" in path, one
        assert not [name for name in (part.partition("=")[0] for part in query.split("&")) if INJECTED in name], one
