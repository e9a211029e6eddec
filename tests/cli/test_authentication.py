"""The options of authentication, completed from the settings."""

import pytest

from taskhand.cli.authentication import AuthOptions
from taskhand.config.configuration import load_configuration

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
