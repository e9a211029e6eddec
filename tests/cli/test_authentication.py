"""The options of authentication, completed from the settings."""

import pytest

from taskhand.cli.authentication import AuthOptions
from taskhand.cli.token_issuers import open_token_check
from taskhand.config.effective_settings import load_configuration
from taskhand.config.settings import Settings
from taskhand.tokens.token_claims import TokenRules

FOUND = load_configuration(
    {
        "TASKHAND_CONFIG": "/dev/null",
        "TASKHAND_ISSUERS": "https://a.x.test,https://b.x.test",
        "TASKHAND_RESOURCE": "https://tasks.x.test/mcp",
    },
    {},
)


@pytest.mark.parametrize(
    ("given", "issuers", "resource"),
    [
        (AuthOptions(("oauth",)), ("https://a.x.test", "https://b.x.test"), "https://tasks.x.test/mcp"),
        (AuthOptions(("oauth",), ("https://c.x.test",)), ("https://c.x.test",), "https://tasks.x.test/mcp"),
        (AuthOptions(("keys",), (), "https://other.x.test/mcp"), (), "https://other.x.test/mcp"),
    ],
)
def test_an_option_replaces_the_setting(given: AuthOptions, issuers: tuple[str, ...], resource: str) -> None:
    known = given.with_settings(FOUND)
    assert (known.kinds, known.issuers, known.resource) == (given.kinds, issuers, resource)


async def test_the_settings_about_tokens_are_the_rules_of_their_check() -> None:
    issuers = ("https://a.x.test", "https://b.x.test")
    given = {
        "TASKHAND_AUDIENCES": "api://1, api://2",
        "TASKHAND_SCOPE_PREFIX": "api://1/",
        "TASKHAND_GROUPS_CLAIM": "roles",
        "TASKHAND_VERIFIED_EMAILS": ", ".join(issuers),
    }
    check, close = open_token_check(Settings.from_env(given), issuers)
    await close()
    assert check.issuers == issuers
    assert check.rules == TokenRules(frozenset({"api://1", "api://2"}), "api://1/", "roles", frozenset(issuers))
