"""`taskhand serve --http --auth oauth` as a process, and the options that it refuses."""

import json
import os
from contextlib import AsyncExitStack
from pathlib import Path

import anyio
import pytest
from click.testing import CliRunner

from issuers import Issuer
from server.transports.server_process import META, Web, serving
from taskhand.cli.authentication import AuthOptions, open_auth
from taskhand.cli.doctor_issuers import check_issuers
from taskhand.cli.main import command
from taskhand.cli.token_issuers import open_sign_in
from taskhand.config.effective_settings import Configuration, load_configuration
from taskhand.domain.errors import OperatorError

LIST = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": META}}).encode()
ISSUER, PUBLIC = "https://login.x.test", "https://tasks.x.test/mcp"


def status(web: Web, token: str, **more: str) -> int:
    """How a server answers the holder of a token."""
    named = {"MCP_Protocol_Version": "2026-07-28", "Mcp_Method": "tools/list"}
    return web.post(LIST, **named, **more, Authorization=f"Bearer {token}")[0]


def configure(**variables: str) -> Configuration:
    """The configuration of these variables."""
    return load_configuration({"TASKHAND_CONFIG": os.devnull} | variables, {})


def test_a_process_takes_tokens_for_its_public_address_and_is_called_by_that_name(
    store_file: Path, issuer: Issuer
) -> None:
    options = ("--auth", "oauth", "--issuer", issuer.url, "--resource", PUBLIC, "--host", "0.0.0.0")  # noqa: S104  callers are asked
    with serving(store_file, *options, "--webhooks") as web:
        assert "No webhooks are accepted at https://tasks.x.test/webhooks/: " in str(web.process.err.next())
        assert web.process.err.next() == f"Callers sign in at {issuer.url}, for {PUBLIC}.\n"
        assert status(web, issuer.token(PUBLIC), Host="tasks.x.test") == 200
        assert status(web, issuer.token(PUBLIC), Host="evil.x.test") == 421
        assert status(web, issuer.token("https://crm.x.test")) == 401


WRONG: list[tuple[AuthOptions, dict[str, str], str]] = [
    (AuthOptions(("oauth",)), {}, "needs an issuer"),
    (AuthOptions(("oauth",), (ISSUER,)), {}, "needs the server's address for callers"),
    (AuthOptions(("oauth",), ("http://login.x.test",), PUBLIC), {}, "The issuer 'http://login.x.test' is not an https"),
    (AuthOptions(("oauth",), (f"{ISSUER}?a=b",), PUBLIC), {}, "is not an https address"),
    (AuthOptions(("oauth",), ("https://a@x.test",), PUBLIC), {}, "is not an https address"),
    (AuthOptions(("oauth",), (ISSUER,), "tasks.x.test"), {}, "The resource 'tasks.x.test' is not"),
    (AuthOptions(("keys",), resource="http://tasks.x.test/mcp"), {}, "The resource 'http://tasks.x.test/mcp' is not"),
    (
        AuthOptions(("oauth",), (ISSUER,), PUBLIC),
        {"TASKHAND_INTROSPECTION_CLIENT": "x"},
        "one is set without the other",
    ),
]


@pytest.mark.parametrize(("options", "variables", "sentence"), WRONG)
def test_an_incomplete_oauth_configuration_is_refused(
    options: AuthOptions, variables: dict[str, str], sentence: str
) -> None:
    found = configure(**variables)
    with pytest.raises(OperatorError, match=sentence):
        open_auth(options.with_settings(found), found, is_loopback=False)


async def test_half_a_client_for_the_sign_in_on_the_page_is_refused() -> None:
    async with AsyncExitStack() as stack:
        with pytest.raises(OperatorError, match="TASKHAND_SIGN_IN_SECRET one is set without the other"):
            open_sign_in(configure(TASKHAND_SIGN_IN_CLIENT="page").settings, [ISSUER], stack)


def test_the_settings_supply_omitted_options() -> None:
    found = configure(
        TASKHAND_ISSUERS=f"{ISSUER}, https://other.x.test",
        TASKHAND_RESOURCE=PUBLIC,
        TASKHAND_KEYS="/nowhere/keys.sqlite",
    )
    options = AuthOptions(("keys", "oauth")).with_settings(found)
    assert (options.issuers, options.host) == ((ISSUER, "https://other.x.test"), "tasks.x.test")
    auth = open_auth(options, found, is_loopback=False)
    auth.options("http://127.0.0.1:8000/mcp")
    said = anyio.run(auth.describe)
    assert said.startswith(
        f"Callers sign in at {ISSUER} or https://other.x.test, for {PUBLIC}. Callers are asked for a key"
    )
    of_keys = AuthOptions(("keys",)).with_settings(found)
    assert (of_keys.issuers, of_keys.host) == ((), "tasks.x.test")


def test_the_doctor_reports_for_each_issuer_whether_its_keys_can_be_read(issuer: Issuer) -> None:
    good, bad = issuer.url, f"{issuer.url}/other"
    checks = anyio.run(check_issuers, configure(TASKHAND_ISSUERS=f"{good},{bad}").settings)
    assert [(one.subject, one.outcome) for one in checks] == [("issuers", "ok"), ("issuers", "failed")]
    assert checks[0].found == f"{good} has 1 key to check tokens with."
    assert checks[1].found.startswith(f"The keys of the issuer {bad} cannot be read")
    [wrong] = anyio.run(check_issuers, configure(TASKHAND_ISSUERS="login.x.test").settings)
    assert "is not an https address" in wrong.found
    assert anyio.run(check_issuers, configure().settings) == ()
    [mine] = anyio.run(check_issuers, configure(TASKHAND_RESOURCE="http://tasks.x.test/mcp").settings)
    assert (mine.subject, mine.outcome) == ("resource", "failed")
    assert mine.remedy == "Write it like https://tasks.example.com/mcp, without a query."
    [mine] = anyio.run(check_issuers, configure(TASKHAND_RESOURCE="https://tasks.x.test/mcp").settings)
    assert (mine.subject, mine.outcome) == ("resource", "ok")


def test_a_broken_configuration_admits_no_caller() -> None:
    auth = open_auth(AuthOptions(("oauth",), (ISSUER,), PUBLIC), OperatorError("It is broken."))
    assert "until the configuration is corrected" in anyio.run(auth.describe)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--issuer", ISSUER], "--issuer needs --http"),
        (["--http", "--resource", PUBLIC], "--resource needs --auth."),
        (["--http", "--auth", "keys", "--issuer", ISSUER], "--issuer needs --auth oauth"),
        (["--http", "--auth", "oauth", "--insecure-no-auth"], "exclude each other"),
    ],
)
def test_options_that_do_not_fit_are_refused(arguments: list[str], sentence: str) -> None:
    done = CliRunner().invoke(command, ["serve", *arguments], env={"TASKHAND_CONFIG": os.devnull})
    assert done.exit_code == 2
    assert sentence in done.stderr
