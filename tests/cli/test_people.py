"""`taskhand people`: linked credentials are checked, stored, listed and removed."""

import json
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import anyio
import anyio.to_thread
import pytest
from click.testing import CliRunner, Result

from cli.vault_commands import Run, environment, message, runner_of, save
from fixed_clock import NOW
from sandbox.close.served_sandbox import BEN, SEED
from taskhand.cli.doctor import run_checks
from taskhand.cli.doctor_own_credential import check_rule
from taskhand.cli.main import command
from taskhand.config.connection_settings import ConnectionSettings
from taskhand.config.data_files import links_path
from taskhand.config.effective_settings import load_configuration
from taskhand.config.settings import Settings
from taskhand.domain.errors import TaskhandError
from taskhand.domain.policy import NO_POLICY, Policy
from taskhand.sandbox.close import CloseSandbox
from taskhand.sandbox.faults import Fault
from taskhand.sandbox.server import serve_sandbox
from taskhand.sandbox.vambe import VambeSandbox
from taskhand.vault.credential_link import OwnCredential
from taskhand.vault.vault_key import make_vault_key
from vault.vaults import KEY, OLD_KEY, SECRETS, link_of, links_at, rows


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "team" / "links.sqlite"


@pytest.fixture
def run(file: Path) -> Run:
    return runner_of(file)


def test_people_lists_the_linked_credentials_without_secrets(run: Run, file: Path) -> None:
    assert run("people").stdout == ""
    assert run("people").stderr == f"Nobody has linked a credential: there is none in {file}.\n"
    assert not file.exists()
    used = replace(link_of("ben", "south", kind="key", minutes=None), last_used_at=NOW + timedelta(days=3))
    save(file, link_of("ana@x.test"), used)
    done = run("people")
    assert [re.sub("since .*? UTC", "since …", line) for line in done.stdout.splitlines()] == [
        "ana@x.test  north  linked  ana@x.test in the CRM (17)  since …  never used",
        "ben  south  linked  ben in the CRM (17)  since …  used 2026-03-07 15:30 UTC",
    ]
    listed = json.loads(run("people", "--json").stdout)
    assert [(row["person"], row["connection"], row["kind"], row["state"]) for row in listed] == [
        ("ana@x.test", "north", "oauth", "linked"),
        ("ben", "south", "key", "linked"),
    ]
    assert {row["state"] for row in json.loads(run("people", "--json", key=None).stdout)} == {"locked"}
    broken = run("people", key=OLD_KEY).stdout
    assert "ben  south  broken  " in broken
    assert "which TASKHAND_VAULT_KEY does not have" in broken
    shown = done.output + json.dumps(listed) + broken
    assert not [secret for secret in (*SECRETS, KEY) if secret in shown]


def test_a_person_is_unlinked_from_one_connection_or_from_all(run: Run, file: Path) -> None:
    save(file, *(link_of(person, connection) for person in ("ana@x.test", "ben") for connection in ("north", "south")))
    assert run("people", "unlink", "Ana@X.test", "south").stdout == "ana@x.test is unlinked from south.\n"
    done = run("people", "unlink", "ben", key=None)
    assert done.stdout.splitlines() == ["ben is unlinked from north.", "ben is unlinked from south."]
    assert "withdraw it there" in done.stderr
    assert [row["connection"] for row in json.loads(run("people", "--json").stdout)] == ["north"]
    for arguments, said, named in (
        (("ben",), "ben has linked nothing.", "These have: ana@x.test. "),
        (("ana@x.test", "south"), "ana@x.test has linked nothing for south.", ""),
    ):
        done = run("people", "unlink", *arguments)
        assert (done.stdout, message(done)) == ("", said)
        assert isinstance(done.exception, TaskhandError)
        assert done.exception.next_step == f"{named}`taskhand people` lists the links."


@pytest.mark.parametrize("name", ["Maria@x.test", "https://login.x.test#Maria"])
def test_unlinking_a_person_by_id_or_e_mail_removes_the_links_of_both(run: Run, file: Path, name: str) -> None:
    person, email = "https://login.x.test#Maria", "maria@x.test"
    other = replace(link_of("https://login.x.test#maria"), email="ben@x.test")
    save(file, replace(link_of(person), email=email), link_of(email), link_of(email, "south"), other)
    assert f"{person} ({email})  north  linked" in run("people").stdout
    assert [row["email"] for row in json.loads(run("people", "--json").stdout)] == [email, "ben@x.test", None, None]
    assert run("people", "unlink", name).stdout.splitlines() == [
        f"{person} is unlinked from north.",
        f"{email} is unlinked from north.",
        f"{email} is unlinked from south.",
    ]
    assert [row["person"] for row in json.loads(run("people", "--json").stdout)] == [other.person]
    assert message(run("people", "unlink", name)) == f"{name} has linked nothing."


def test_unlinking_a_person_names_other_ids_that_may_be_the_same_person(run: Run, file: Path) -> None:
    person = "https://login.x.test#camila"
    save(file, link_of(person), link_of("camila@x.test"), link_of("camila@x.test", "south"))
    done = run("people", "unlink", person)
    assert done.stdout == f"{person} is unlinked from north.\n"
    assert done.stderr.endswith("If one of these is the same person, unlink that too: camila@x.test\n")
    save(file, link_of(person))
    done = run("people", "unlink", "camila@x.test")
    assert done.stderr.endswith(f"If one of these is the same person, unlink that too: {person}\n")
    assert "same person" not in run("people", "unlink", person).stderr


def test_links_from_before_addresses_were_kept_are_read(run: Run, file: Path) -> None:
    save(file, link_of("ana@x.test"))
    with rows(file) as other:
        other.execute("ALTER TABLE link DROP COLUMN email")
        for column in ("mark", "refusal", "turned_away_at"):
            other.execute(f"ALTER TABLE ticket DROP COLUMN {column}")
        other.execute("PRAGMA user_version = 2")
    assert "ana@x.test  north  linked" in run("people").stdout


def test_the_links_are_beside_the_keys_of_callers(tmp_path: Path) -> None:
    settings = Settings.from_env({"TASKHAND_KEYS": str(tmp_path / "keys.sqlite")})
    assert links_path(settings) == tmp_path / "links.sqlite"
    with pytest.raises(TaskhandError, match="TASKHAND_LINKS"):
        links_path(Settings.from_env({"TASKHAND_LINKS": ":memory:"}))


@pytest.fixture
async def crm() -> AsyncIterator[tuple[CloseSandbox, dict[str, str]]]:
    """A CRM with the users of `SEED`, and what a server is told of it."""
    sandbox = CloseSandbox(seed=SEED)
    async with serve_sandbox(sandbox) as url:
        yield sandbox, {"CLOSE_API_KEY": sandbox.key, "CLOSE_BASE_URL": f"{url}/api/v1"}


async def test_a_linked_credential_is_checked_and_stored_and_its_owner_is_named(
    crm: tuple[CloseSandbox, dict[str, str]], file: Path
) -> None:
    sandbox, given = crm
    token = str(sandbox.authorization.sign_in(BEN, sandbox.now())["access_token"])

    async def link(*arguments: str, text: str = token, key: str | None = KEY) -> Result:
        env = environment(file, key) | given
        asked = partial(CliRunner().invoke, command, ["people", "link", *arguments], input=text, env=env)
        return await anyio.to_thread.run_sync(asked)

    refused = await link("ben@x.test", "default", text="no-such-token-4711")
    assert message(refused) == "Close does not accept this credential; nothing was stored."
    sandbox.faults = (Fault("status", status=403, nth="every"),)
    assert message(await link("ben@x.test", "default")).startswith("Close does not allow this to the credential")
    sandbox.faults = ()
    assert await links_at(file).list() == []
    done = await link("Ben@X.test", "DEFAULT", text=f"{token}\n")
    assert done.stdout == "ben@x.test is linked to default as Ben Abel (user_ben).\n"
    assert token not in done.output
    assert BEN in {one.user for one in sandbox.requests}
    called = environment(file) | given | {"TASKHAND_PERSON": "ben@x.test"}
    checks = await run_checks(load_configuration({name: text for name, text in called.items() if text}, {}))
    found = {one.subject: one.found for one in checks}
    assert (found["credential"], found["me"]) == ("Close accepts the own credential.", "'me' is Ben Abel.")
    kept = await links_at(file).find("ben@x.test", "default")
    assert kept is not None
    assert (kept.kind, kept.credential.access_token, kept.member.id) == ("operator", token, BEN)
    for arguments, text, key, said in (
        (("ben@x.test", "nowhere"), token, KEY, "There is no connection 'nowhere'."),
        (("", "default"), token, KEY, "'' is not a person"),
        (("ben@x.test", "default"), " \n", KEY, "No credential was given. Nothing was stored."),
        (("ben@x.test", "default"), "${TOKEN}", KEY, "The text on standard input holds a placeholder"),
        (("ben@x.test", "default"), token, None, "There is no key for the credentials that persons link."),
        (
            ("ben@x.test", "default"),
            token,
            "file:/nowhere/vault.key",
            "The file that TASKHAND_VAULT_KEY names is not there.",
        ),
    ):
        assert message(await link(*arguments, text=text, key=key)).startswith(said)
    kept = await links_at(file).find("ben@x.test", "default")
    assert kept is not None
    assert kept.credential.access_token == token


async def test_the_doctor_uses_a_linked_credential_at_a_crm_without_oauth_too(file: Path) -> None:
    sandbox = VambeSandbox()
    ben = replace(link_of("ben@x.test", "default", kind="key"), credential=OwnCredential(sandbox.key))
    await links_at(file).save(ben)
    async with serve_sandbox(sandbox) as url:
        called = environment(file) | {"VAMBE_API_KEY": "vmb-former-key", "VAMBE_BASE_URL": url}
        called |= {"TASKHAND_PERSON": "ben@x.test"}
        checks = await run_checks(load_configuration({name: text for name, text in called.items() if text}, {}))
        called["TASKHAND_VAULT_KEY"] = make_vault_key()
        locked = await run_checks(load_configuration({name: text for name, text in called.items() if text}, {}))
    assert [one.found for one in checks if one.subject == "credential"] == ["Vambe accepts the own credential."]
    assert [one.outcome for one in locked if one.subject == "credential"] == ["failed"]


async def test_an_incomplete_app_keeps_no_check_from_the_shared_credential(
    crm: tuple[CloseSandbox, dict[str, str]], file: Path
) -> None:
    given = environment(file) | crm[1] | {"CLOSE_CLIENT_ID": "an-app", "TASKHAND_PERSON": "ben@x.test"}
    checks = await run_checks(load_configuration({name: text for name, text in given.items() if text}, {}))
    found = {one.subject: (one.outcome, one.found) for one in checks}
    assert found["app"] == ("failed", "CLOSE_CLIENT_ID is set and CLOSE_CLIENT_SECRET is not.")
    assert found["credential"][0] == found["configuration"][0] == "ok"


async def test_the_link_command_keeps_another_persons_credential_with_a_warning(
    crm: tuple[CloseSandbox, dict[str, str]], file: Path
) -> None:
    sandbox, given = crm
    token = str(sandbox.authorization.sign_in(BEN, sandbox.now())["access_token"])
    people = file.with_name("people.toml")
    file.parent.mkdir()
    for text, person, said in (
        ("", "eve@x.test", "Ben Abel (user_ben) is assigned to ben@example.com, another person."),
        ("", "ben@example.com", "Ben Abel (user_ben) is assigned to eve@x.test, another person."),
        ('[eve]\nmember = "Ana"\n', "eve", "people.toml says that eve is 'Ana', and the CRM reports another member."),
        ('["ben@example.com"]\nmember = "user_ben"\n', "ben@example.com", None),
    ):
        people.write_text(text, encoding="utf-8")
        env = environment(file) | given | {"TASKHAND_PEOPLE": str(people)}
        arguments = ["people", "link", person, "default"]
        asked = partial(CliRunner().invoke, command, arguments, input=token, env=env)
        done = await anyio.to_thread.run_sync(asked)
        assert done.stdout == f"{person} is linked to default as Ben Abel (user_ben).\n"
        undo = f"If that is wrong: taskhand people unlink {person} default\n"
        assert done.stderr == (f"{said} {undo}" if said else "")
    env |= {"CLOSE_API_KEY": None, "CLOSE_ACCESS_TOKEN": token}
    done = await anyio.to_thread.run_sync(partial(CliRunner().invoke, command, arguments, input=token, env=env))
    assert done.stderr == "It is the credential that default uses for everybody, and not one of their own.\n"


async def test_a_rule_for_callers_keeps_no_check_from_the_shared_credential(
    crm: tuple[CloseSandbox, dict[str, str]], file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file.parent.mkdir()
    policy = file.with_name("policy.toml")
    policy.write_text("[everyone]\nown_credential = true\n", encoding="utf-8")
    for key, outcome, said in (
        (KEY, "ok", "these checks use the shared one"),
        (None, "warning", "without a vault nobody can link one"),
    ):
        caplog.clear()
        given = environment(file, key) | crm[1] | {"TASKHAND_POLICY": str(policy)}
        checks = await run_checks(load_configuration({name: text for name, text in given.items() if text}, {}))
        found = {one.subject: (one.outcome, one.found) for one in checks}
        assert found["credential"] == ("ok", "Close accepts CLOSE_API_KEY.")
        assert {found[one][0] for one in ("clock", "statuses", "team")} <= {"ok", "warning"}
        assert (found["own credential"][0], said in found["own credential"][1]) == (outcome, True)
        told = [one.getMessage() for one in caplog.records if one.name.startswith("taskhand")]
        assert [one for one in told if said in one and "TASKHAND_VAULT_KEY" in one] == told


def test_the_doctor_warns_of_the_rule_own_credential_without_a_link_page() -> None:
    given = {"TASKHAND_CONFIG": "/dev/null", "HUBSPOT_ACCESS_TOKEN": "pat-na1-n0rth", "TASKHAND_VAULT_KEY": KEY}
    [hubspot] = load_configuration(given, {}).connections
    [found] = check_rule(hubspot, Policy({"own_credential": True}))
    assert (found.outcome, "there is no page" in found.found) == ("warning", True)
    assert "`taskhand people link PERSON default`" in str(found.remedy)
    [found] = check_rule(with_app(given), Policy({}, {}, {"ana": {"own_credential": True}}))
    assert found.outcome == "ok"
    assert check_rule(hubspot, NO_POLICY) == ()


def with_app(given: dict[str, str]) -> ConnectionSettings:
    """The connection of these variables, with an OAuth app."""
    app = {"HUBSPOT_CLIENT_ID": "an-app", "HUBSPOT_CLIENT_SECRET": "the-secret"}
    [connection] = load_configuration(given | app, {}).connections
    return connection


async def test_a_credential_for_another_account_is_refused_and_an_unverifiable_one_is_warned_about(file: Path) -> None:
    """One address serves two organizations, of which the same user is a member."""
    shared, far = CloseSandbox(seed=SEED), CloseSandbox(seed=SEED | {"organization": "orga_far"})
    token = str(far.authorization.sign_in(BEN, far.now())["access_token"])

    async def app(scope: Any, receive: Any, send: Any) -> None:
        chosen = far if token.encode() in dict(scope["headers"])[b"authorization"] else shared
        await chosen.app(scope, receive, send)

    async with serve_sandbox(SimpleNamespace(app=app)) as url:

        async def link(key: str) -> Result:
            env = environment(file) | {"CLOSE_API_KEY": key, "CLOSE_BASE_URL": f"{url}/api/v1"}
            arguments = ["people", "link", "ben@x.test", "default"]
            return await anyio.to_thread.run_sync(partial(CliRunner().invoke, command, arguments, input=token, env=env))

        refused = await link(shared.key)
        assert message(refused) == "This credential is for another account of Close than default; nothing was stored."
        assert await links_at(file).list() == []
        unknown = await link("no-such-key-4711")
        assert unknown.stdout == "ben@x.test is linked to default as Ben Abel (user_ben).\n"
        assert "Check that its account is the one of the shared credential" in unknown.stderr


def test_the_built_in_store_takes_no_credential(run: Run) -> None:
    assert message(run("people", "link", "ben@x.test", "default")).startswith("default needs no credential")
