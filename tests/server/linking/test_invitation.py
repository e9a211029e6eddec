"""`taskhand people invite`: the address of a page that any server with the same file of links shows."""

from functools import partial
from pathlib import Path

import anyio.to_thread
import pytest
from click.testing import CliRunner, Result

from server.linking.link_site import BASE, BEN, LinkSite, open_link_site, text_of
from taskhand.cli.main import command
from taskhand.domain.errors import TaskhandError
from vault.vaults import KEY


async def invite(site: LinkSite, *arguments: str, **changed: str | None) -> Result:
    """Run the command with the configuration of the site, at its moment."""
    folder, moment = site.found.file.path.parent, site.clock().isoformat()
    env = {"TASKHAND_CONFIG": str(site.found.file.path), "TASKHAND_VAULT_KEY": KEY, "TZ": "UTC"}
    env |= {"TASKHAND_KEYS": str(folder / "keys.sqlite")}
    words = ["--clock", moment, "people", "invite", *arguments]
    return await anyio.to_thread.run_sync(partial(CliRunner().invoke, command, words, env=env | changed))


async def test_the_operator_invites_a_person_who_links_on_the_page(tmp_path: Path) -> None:
    async with open_link_site(tmp_path) as site:
        done = await invite(site, "Ben@example.com", "NORTH", "--resource", f"{BASE}/mcp")
        assert done.stderr == "For ben@example.com and north, until 2026-03-04 15:40 UTC. It links once.\n"
        address = done.stdout.strip()
        assert address.startswith(f"{BASE}/link/")
        browser = await site.browser()
        assert "Link your Close account For ben@example.com" in text_of(await browser.open(address))
        await browser.send(address, site.token(BEN))
        assert await site.linked() == {("ben@example.com", "north"): BEN}


@pytest.mark.parametrize(
    ("arguments", "changed", "said"),
    [
        (("ben@example.com", "nowhere"), {}, "There is no connection 'nowhere'."),
        (("", "north"), {}, "'' is not a person"),
        (("ben@example.com", "hub"), {}, "hub cannot be linked on a page: it needs an OAuth app."),
        (("ben@example.com", "north"), {"TASKHAND_VAULT_KEY": None}, "There is no key for the credentials"),
        (("ben@example.com", "north"), {"TASKHAND_VAULT_KEY": "env:GONE"}, "TASKHAND_VAULT_KEY "),
        (
            ("ben@example.com", "north", "--resource", "http://x.test/mcp"),
            {},
            "The resource 'http://x.test/mcp' is not",
        ),
    ],
)
async def test_an_invitation_that_is_not_possible_is_an_error(
    tmp_path: Path, arguments: tuple[str, ...], changed: dict[str, str | None], said: str
) -> None:
    async with open_link_site(tmp_path) as site:
        done = await invite(site, *arguments, **changed)
        assert isinstance(done.exception, TaskhandError)
        if "hub" in arguments:
            keys = "connections.hub.client_id and connections.hub.client_secret"
            assert done.exception.next_step == f"Set {keys}."
        assert done.exception.message.startswith(said)
        assert done.stdout == ""


async def test_an_invitation_without_a_resource_has_an_address_of_this_machine(tmp_path: Path) -> None:
    async with open_link_site(tmp_path) as site:
        here = await invite(site, "ben@example.com", "north", TASKHAND_PORT="8123")
        assert here.stdout.startswith("http://127.0.0.1:8123/link/")
        assert "The address is that of this machine" in here.stderr
        invited = await invite(site, "ben@example.com", "north", TASKHAND_RESOURCE="https://a.x.test:8443/mcp")
        assert invited.stdout.startswith("https://a.x.test:8443/link/")
        assert "this machine" not in invited.stderr
