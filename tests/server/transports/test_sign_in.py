"""The SDK's own client from nothing to a call: it finds the issuer, signs in, and signs in again for further scopes."""

from pathlib import Path

import pytest
from mcp.shared.auth import OAuthClientInformationFull
from pydantic import AnyUrl

from issuers import issuing
from server.transports.oauth_server import oauth_server
from server.transports.sign_in import CALLBACK, SignIn, signing_in
from server.transports.task_calls import DRAFT

STEPS = ["tasks:read", "tasks:read tasks:write", "tasks:read tasks:write tasks:destructive"]
"""What the person is asked for, one after the other: never all at once."""


@pytest.mark.parametrize(("mode", "registers"), [("auto", True), ("legacy", False)])
async def test_a_client_signs_in_by_itself_and_again_when_a_call_needs_more(
    tmp_path: Path, mode: str, *, registers: bool
) -> None:
    with issuing() as issuer:
        issuer.person = {"sub": "00u1", "email": "ana@x.test", "email_verified": True}
        async with oauth_server(tmp_path, issuer) as server:
            await server.add_member("Ana", "ana@x.test")
            known = (
                None
                if registers
                else OAuthClientInformationFull(
                    client_id="desk",
                    redirect_uris=[AnyUrl(CALLBACK)],
                    token_endpoint_auth_method="none",  # noqa: S106  a public client
                    issuer=issuer.url,
                )
            )
            sign_in = SignIn(client=known)
            async with signing_in(server.resource, sign_in, mode) as client:
                assert len((await client.list_tools()).tools) > 10
                assert sign_in.asked == STEPS[:1]
                made = await client.call_tool("create_task", DRAFT)
                assert sign_in.asked == STEPS[:2]
                assert made.structured_content is not None
                assert made.structured_content["task"]["responsibles"] == ["Ana"]
                deleted = await client.call_tool("delete_task", {"id": made.structured_content["task"]["id"]})
                assert not deleted.is_error
                assert sign_in.asked == STEPS
            assert sign_in.resources == {server.resource}
            assert ("/register" in issuer.asked) is registers
