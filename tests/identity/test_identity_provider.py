"""A real identity provider, node-oidc-provider, and the SDK's own client: sign-in, call, step-up, opaque tokens."""

import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from hashlib import sha256
from pathlib import Path
from shutil import which

import pytest
from mcp.shared.auth import OAuthClientInformationFull
from pydantic import AnyUrl

from issuers import Issuer, pack
from server.transports.oauth_server import oauth_server
from server.transports.sign_in import CALLBACK, SignIn, signing_in
from server.transports.task_calls import DRAFT
from taskhand.cli.token_issuers import open_sign_in
from taskhand.config.settings import Settings
from taskhand.domain.policy import Group, Policy
from taskhand.server.access import Access

FOLDER = os.environ.get("IDENTITY", "")
pytestmark = pytest.mark.skipif(
    not FOLDER or which("node") is None, reason="`make identity` installs the identity provider from npm"
)
STEPS = ["tasks:read", "tasks:read tasks:write", "tasks:read tasks:write tasks:destructive"]
PAGE = "https://tasks.example.com/link/signed-in"
ASKING = {
    "TASKHAND_INTROSPECTION_CLIENT": "taskhand",
    "TASKHAND_INTROSPECTION_SECRET": "a/secret-of-the-server",
}


@contextmanager
def provider(resource: str) -> Iterator[Issuer]:
    """The provider for the server at that address."""
    program = Path(__file__).with_name("provider.mjs")
    with subprocess.Popen(  # noqa: S603  our own program
        [which("node") or "node", program, FOLDER, resource, CALLBACK, PAGE],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            yield Issuer(process.stdout.readline().strip())
        finally:
            process.kill()


@pytest.mark.parametrize(("mode", "client"), [("auto", "desk"), ("legacy", "desk"), ("auto", "opaque")])
async def test_a_person_of_a_real_provider_calls_as_themselves(tmp_path: Path, mode: str, client: str) -> None:
    policy = Policy({"tools": "read"}, {"sales": Group(frozenset(), {"tools": "all"})})
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    resource = f"http://127.0.0.1:{port}/mcp"
    with provider(resource) as issuer:
        known = OAuthClientInformationFull(
            client_id=client,
            redirect_uris=[AnyUrl(CALLBACK)],
            token_endpoint_auth_method="none",  # noqa: S106  a public client
            issuer=issuer.url,
        )
        access = Access(lambda: policy)
        async with oauth_server(tmp_path, issuer, access=access, settings=ASKING, port=port) as server:
            await server.add_member("Ana", "ana@x.test")
            sign_in = SignIn(client=known)
            async with signing_in(resource, sign_in, mode) as agent:
                made = await agent.call_tool("create_task", DRAFT)
                assert made.structured_content is not None, made.content
                assert made.structured_content["task"]["responsibles"] == ["Ana"]
                deleted = await agent.call_tool("delete_task", {"id": made.structured_content["task"]["id"]})
                assert not deleted.is_error
            assert sign_in.asked == STEPS
            assert sign_in.tokens is not None
            assert (sign_in.tokens.access_token.count(".") == 2) is (client == "desk")
            assert (await server.http.get("/health")).status_code == 200


@pytest.mark.parametrize(("client", "subject"), [("page", "ana"), ("pairwise", "ana-at-pairwise")])
async def test_a_person_who_signs_in_on_the_page_is_identified_by_the_subject(client: str, subject: str) -> None:
    """With a client that knows people by subjects of its own, nobody is who calls with another: nothing is guessed."""
    resource = "https://tasks.example.com/mcp"
    with provider(resource) as issuer:
        settings = {"TASKHAND_SIGN_IN_CLIENT": client, "TASKHAND_SIGN_IN_SECRET": "a/secret-of-the-page"}
        async with AsyncExitStack() as stack:
            page = open_sign_in(Settings.from_env(settings), [issuer.url], stack)
            assert page is not None
            verifier, nonce = "v" * 64, "n" * 43
            challenge = pack(sha256(verifier.encode()).digest())
            address = await page.authorize_url(PAGE, resource, "the-state", challenge, nonce)
            browser = SignIn(callback=PAGE)
            await browser.open_browser(address)
            answer = browser.answer
            assert answer["state"] == "the-state"
            found = await page.find_person(answer, PAGE, resource, verifier, nonce)
            assert found is not None
            assert found.id == f"{issuer.url}#{subject}"
            assert await page.find_person(answer, PAGE, resource, verifier, nonce) is None
