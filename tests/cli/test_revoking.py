"""Credentials are revoked at the CRM when they are unlinked or replaced; an unconfirmed revocation is reported."""

import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import anyio.to_thread
import pytest
from click.testing import CliRunner, Result

from server.signed_in_account import BEN, CAT, CRMS, SignedInAccount, open_signed_in_account
from taskhand.cli.main import command
from taskhand.config.settings import FIELDS, Settings
from taskhand.sandbox.faults import Fault
from vault.vaults import KEY

REVOKED = {"close": "Close has revoked the credential.", "hubspot": "HubSpot has revoked the credential."}
NOT_SURE = {
    "close": "Close may still accept the former credential: withdraw it there too.",
    "hubspot": "HubSpot may still accept the former credential: withdraw it there too.",
}


@pytest.fixture(params=list(CRMS))
def crm(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def run(account: SignedInAccount, *arguments: str, text: str = "", **changed: str) -> Result:
    """Run a command with the settings of the account."""
    given: dict[str, Any] = {}
    for name in FIELDS:
        value = account.settings.value(name)
        if value not in {None, FIELDS[name].default}:
            given[Settings.variable(name)] = str(getattr(value, "get_secret_value", lambda value=value: value)())
    own = {"TASKHAND_LINKS": str(account.file), "TASKHAND_VAULT_KEY": KEY, "TASKHAND_CONFIG": "/dev/null"}
    env = given | own | {"TASKHAND_CLOCK": account.clock().isoformat()} | changed
    asked = partial(CliRunner().invoke, command, list(arguments), input=text, env=env)
    return await anyio.to_thread.run_sync(asked)


def is_accepted(account: SignedInAccount, token: str) -> bool:
    """Whether the CRM accepts a token."""
    found = account.sandbox.authorization.grants.find(token, "access_token", "refresh_token")
    return bool(found and found.is_good(account.clock()))


async def test_unlinking_revokes_the_credential_at_the_crm(crm: str, tmp_path: Path) -> None:
    async with open_signed_in_account(crm, tmp_path) as account:
        link = await account.links.find(BEN, "default")
        assert link is not None
        done = await run(account, "people", "unlink", BEN)
        assert (done.stdout, done.stderr) == (f"{BEN} is unlinked from default.\n", f"{REVOKED[crm]}\n")
        assert not is_accepted(account, link.credential.access_token)
        assert not is_accepted(account, str(link.credential.refresh_token))
        assert await account.states() == {CAT: "linked"}
        other = await account.links.find(CAT, "default")
        assert other is not None
        assert is_accepted(account, other.credential.access_token)


@pytest.mark.parametrize("case", ["failed", "no app", "half an app", "no key", "a pasted key"])
async def test_unlinking_warns_if_the_crm_has_not_confirmed_the_revocation(crm: str, case: str, tmp_path: Path) -> None:
    async with open_signed_in_account(crm, tmp_path) as account:
        changed: dict[str, str] = {}
        if case == "failed":
            account.sandbox.faults = [Fault("status", route=account.crm.revoke, status=400, nth="every")]
        elif case == "no app":
            changed = {f"{crm.upper()}_CLIENT_ID": "", f"{crm.upper()}_CLIENT_SECRET": ""}
        elif case == "half an app":
            changed = {f"{crm.upper()}_CLIENT_SECRET": ""}
        elif case == "no key":
            changed = {"TASKHAND_VAULT_KEY": ""}
        elif case == "a pasted key":
            await run(account, "people", "link", BEN, "default", text=_token(account))
        done = await run(account, "people", "unlink", BEN, **changed)
        assert done.exit_code == 0, done.output
        assert done.stdout == f"{BEN} is unlinked from default.\n"
        assert done.stderr.endswith(f"{NOT_SURE[crm]}\n")
        assert await account.states() == {CAT: "linked"}


async def test_a_link_that_cannot_be_removed_is_not_revoked(crm: str, tmp_path: Path) -> None:
    async with open_signed_in_account(crm, tmp_path) as account:
        link = await account.links.find(BEN, "default")
        assert link is not None
        with closing(sqlite3.connect(account.file)) as database:
            database.execute("CREATE TRIGGER stays BEFORE DELETE ON link BEGIN SELECT RAISE(ABORT, 'it stays'); END")
        assert (await run(account, "people", "unlink", BEN)).exit_code != 0
        assert is_accepted(account, link.credential.access_token)
        assert await account.states() == {BEN: "linked", CAT: "linked"}


def _token(account: SignedInAccount) -> str:
    """A token to paste."""
    return str(account.sandbox.authorization.sign_in(account.user(BEN), account.clock())["access_token"])


async def test_a_pasted_token_is_linked_to_the_member_that_the_crm_names(crm: str, tmp_path: Path) -> None:
    async with open_signed_in_account(crm, tmp_path) as account:
        done = await run(account, "people", "link", BEN, "default", text=_token(account))
        assert done.stdout.startswith(f"{BEN} is linked to default as Ben ")
        link = await account.links.find(BEN, "default")
        assert link is not None
        assert link.member.id == account.crm.members[0]


async def test_linking_again_revokes_the_replaced_credential(crm: str, tmp_path: Path) -> None:
    async with open_signed_in_account(crm, tmp_path) as account:
        link = await account.links.find(BEN, "default")
        assert link is not None
        done = await run(account, "people", "link", BEN, "default", text=_token(account))
        assert done.exit_code == 0, done.output
        assert REVOKED[crm] in done.stderr
        assert not is_accepted(account, str(link.credential.refresh_token))
        again = await run(account, "people", "link", BEN, "default", text=_token(account))
        assert NOT_SURE[crm] in again.stderr  # a pasted one is for its person to withdraw
