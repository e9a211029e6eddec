"""The journal says whose credential a change was sent with, and has no credential that a person's requests bear."""

import json
from pathlib import Path

import anyio.to_thread
import pytest
from click.testing import CliRunner, Result

from server.signed_in_account import BEN, CRMS, SignedInAccount, open_signed_in_account
from server.store_connections import answer_of
from taskhand.cli.main import command
from taskhand.journal.journal import MASK, ChangeQuery

NOBODY = "dan@example.com"


@pytest.fixture(params=list(CRMS))
def crm(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def journal_bytes(account: SignedInAccount) -> bytes:
    """All bytes of the journal."""
    journal = Path(str(account.settings.journal))
    return b"".join(file.read_bytes() for file in journal.parent.glob(f"{journal.name}*"))


async def test_a_change_records_whether_its_person_made_it_with_an_own_credential(crm: str, tmp_path: Path) -> None:
    async with open_signed_in_account(crm, tmp_path) as account:
        for person, title in ((BEN, "First"), (NOBODY, "Second")):
            async with account.client(person) as client:
                assert "code" not in await answer_of(client, "update_task", id=account.crm.task, title=title)
        page = await account.servers[0].first.journal.page(ChangeQuery())
        told = {change.opening.caller.subject: change.opening.own_credential for change in page.changes}
        assert told == {BEN: True, NOBODY: False}
        env = {"TASKHAND_JOURNAL": str(account.settings.journal), "TASKHAND_CONFIG": "/dev/null"}
        env |= {"TASKHAND_BACKEND": crm, f"{crm.upper()}_BASE_URL": str(account.settings.value(f"{crm}_base_url"))}
        secret = "CLOSE_API_KEY" if crm == "close" else "HUBSPOT_ACCESS_TOKEN"
        env[secret] = str(getattr(account.sandbox, "key", account.sandbox.token))

        def run(*arguments: str) -> Result:
            return CliRunner().invoke(command, ["journal", *arguments], env=env)

        listed = (await anyio.to_thread.run_sync(run)).stdout
        assert [", own credential" in line for line in listed.splitlines() if "update_task" in line] == [False, True]
        lines = (await anyio.to_thread.run_sync(run, "export")).stdout.splitlines()
        openings = [row for row in map(json.loads, lines) if row["body"]["kind"] == "opening"]
        assert [row["body"]["value"].get("own_credential") for row in openings] == [True, None]


async def test_the_tokens_of_a_person_are_masked_in_all_stored_data(crm: str, tmp_path: Path) -> None:
    async with open_signed_in_account(crm, tmp_path) as account, account.client(BEN) as ben:
        tokens: list[str] = []
        for _ in range(2):
            link = await account.links.find(BEN, "default")
            assert link is not None
            tokens += [link.credential.access_token, str(link.credential.refresh_token)]
            text = f"My tokens are {' and '.join(tokens)}."
            for token in tokens:
                sent = {"title": f"{len(tokens)} {token}", "reason": text}
                assert "code" not in await answer_of(ben, "update_task", id=account.crm.task, **sent)
            await answer_of(ben, "update_task", id=tokens[-1])
            account.sandbox.authorization.grants.end_access()
            await answer_of(ben, "get_task", id=account.crm.task)
        kept = journal_bytes(account)
        assert MASK.encode() in kept
        assert [one for one in tokens if one.encode() in kept] == []
