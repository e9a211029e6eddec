"""The command `taskhand keys`: a key is shown once, listed without its text, and revoked by id or by person."""

import json
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cli.vault_commands import message
from server.transports.server_process import run
from taskhand.cli.main import command
from taskhand.domain.errors import CallerError

Keys = Callable[..., Result]
NOW = "2026-03-04T15:30:00Z"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "team" / "keys.sqlite"


@pytest.fixture
def keys(file: Path) -> Keys:
    """Run `taskhand keys` on that file, at a moment that stands still."""
    given = {"TASKHAND_KEYS": str(file), "TASKHAND_CONFIG": "/dev/null", "TZ": "UTC"}

    def running(*arguments: str, clock: str = NOW) -> Result:
        return CliRunner().invoke(command, ["--clock", clock, "keys", *arguments], env=given)

    return running


def test_only_the_key_goes_to_standard_output_and_its_description_to_standard_error(keys: Keys, file: Path) -> None:
    done = keys("create", "--person", "Ana@X.test", "--scopes", "read,write", "--expires", "12h", "--name", "laptop")
    assert re.fullmatch(r"thk_[0-9a-f]{10}_[0-9a-f]{64}\n", done.stdout)
    key_id = done.stdout.split("_")[1]
    first, second, third = done.stderr.splitlines()
    assert first == f"Key {key_id} of ana@x.test may read, write, until 2026-03-05 03:30 UTC."
    assert second.startswith(f"It cannot be shown again; {file} has its hash.")
    assert third == "Authorization: Bearer KEY"
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700


def test_a_new_key_may_only_read_and_expires_after_ninety_days_by_default(keys: Keys) -> None:
    done = keys("create", "--person", "ci")
    assert "of ci may read, until 2026-06-02 15:30 UTC." in done.stderr
    done = keys("create", "--person", "ci", "--scopes", "write", "--expires", "never", "--name", 100 * "n")
    assert done.stderr.splitlines()[0] == "Without the scope read it shows no task."
    assert "may write, until it is revoked." in done.stderr
    done = keys("create", "--person", "ci", "--scopes", "destructive,read")
    assert done.stderr.startswith("Without the scope write it deletes nothing: a deletion stops at a plan")
    assert "Without" not in keys("create", "--person", "ci", "--scopes", "destructive,read,write").stderr


def test_keys_are_listed_without_their_text(keys: Keys, file: Path) -> None:
    assert keys("list").stdout == ""
    assert "There is no key in" in keys("list").stderr
    texts = [
        keys("create", "--person", who, "--expires", "1d", "--name", f"for {who}").stdout for who in ("ana", "ben")
    ]
    ids = [text.split("_")[1] for text in texts]
    shown = keys("list").stdout
    assert shown.splitlines()[0] == (
        f"{ids[0]}  active  ana  read  made 2026-03-04 15:30 UTC  expires 2026-03-05 15:30 UTC  used never  for ana"
    )
    keys("revoke", ids[1], clock="2026-03-04T18:00:00Z")
    with closing(sqlite3.connect(file)) as other, other:
        other.execute("UPDATE caller_key SET last_used_at = '2026-03-04T17:00:00+00:00' WHERE id = ?", (ids[1],))
    revoked = "made 2026-03-04 15:30 UTC  revoked 2026-03-04 18:00 UTC  used 2026-03-04 17:00 UTC  for ben"
    assert keys("list").stdout.splitlines()[1] == f"{ids[1]}  revoked  ben  read  {revoked}"
    later = json.loads(keys("list", "--json", clock="2026-03-06T00:00:00Z").stdout)
    assert [(row["id"], row["state"], row["person"]) for row in later] == [
        (ids[0], "expired", "ana"),
        (ids[1], "revoked", "ben"),
    ]
    assert later[0] == {
        "id": ids[0],
        "state": "expired",
        "person": "ana",
        "scopes": ["read"],
        "name": "for ana",
        "created_at": "2026-03-04T15:30:00+00:00",
        "expires_at": "2026-03-05T15:30:00+00:00",
        "revoked_at": None,
        "last_used_at": None,
    }
    assert (later[1]["revoked_at"], later[1]["last_used_at"]) == (
        "2026-03-04T18:00:00+00:00",
        "2026-03-04T17:00:00+00:00",
    )
    assert not any(text.strip().rpartition("_")[2] in shown + json.dumps(later) for text in texts)


def test_keys_are_revoked_by_id_by_their_text_and_by_person(keys: Keys) -> None:
    texts = [keys("create", "--person", who).stdout.strip() for who in ("ana", "ana", "ben", "cid")]
    ids = [text.split("_")[1] for text in texts]

    def states() -> list[str]:
        return [row["state"] for row in json.loads(keys("list", "--json").stdout)]

    assert keys("revoke", ids[0]).stdout == f"{ids[0]} of ana is revoked.\n"
    assert states() == ["revoked", "active", "active", "active"]
    done = keys("revoke", "--person", "ANA", texts[2])
    assert sorted(done.stdout.splitlines()) == sorted(
        [f"{ids[0]} of ana was revoked before.", f"{ids[1]} of ana is revoked.", f"{ids[2]} of ben is revoked."]
    )
    assert states() == ["revoked", "revoked", "revoked", "active"]
    again = keys("revoke", "--person", "ana")
    assert (again.exit_code, again.stdout.count("of ana was revoked before.")) == (0, 2)


def test_revoking_an_unknown_key_is_refused_and_the_other_keys_are_revoked(keys: Keys) -> None:
    text = keys("create", "--person", "ana").stdout.strip()
    done = keys("revoke", text.split("_")[1], "typo")
    assert message(done) == "No key has the id 'typo'; the others were revoked."
    assert "is revoked" in done.stdout
    assert message(keys("revoke", "--person", "nobody@x")) == "nobody@x has no key."
    text = keys("create", "--person", "ben").stdout.strip()
    done = keys("revoke", "--person", "ben", "--person", "cid", "--person", "dan")
    assert message(done) == "cid and dan have no key; the others were revoked."
    assert done.stdout == f"{text.split('_')[1]} of ben is revoked.\n"
    assert isinstance(done.exception, CallerError)  # exit code 2
    unknown = f"thk_0000000000_{64 * 'a'}"
    assert message(keys("revoke", unknown)) == "No key has one of these ids."
    assert keys("revoke").exit_code == 2


@pytest.mark.parametrize(
    "options",
    [
        *(["--person", text] for text in ("", " ", "ana maria", "a@b@c", "ana\u200b")),
        *(["--person", "ana", "--scopes", text] for text in ("", "all", "read;write", "read,delete")),
        *(["--person", "ana", "--expires", text] for text in ("", "soon", "0d", "2026-03-04T15:29:00Z")),
        ["--person", "ana", "--name", 101 * "n"],
        ["--person", "ana", "--name", f"thk_0000000000_{64 * 'a'}"],
    ],
)
def test_a_key_that_cannot_be_made_is_refused_and_no_file_is_made(keys: Keys, file: Path, options: list[str]) -> None:
    done = keys("create", *options)
    assert done.stdout == ""
    assert message(done)
    assert not file.exists()


def test_a_shell_gets_the_key_and_an_error_as_a_sentence(store_file: Path, file: Path) -> None:
    done = run(store_file, "keys", "create", "--person", "ana", TASKHAND_KEYS=str(file))
    assert (done.returncode, done.stdout[:4], done.stdout.count("\n")) == (0, "thk_", 1)
    done = run(store_file, "keys", "create", "--person", " ", TASKHAND_KEYS=str(file))
    assert done.returncode == 2
    assert done.stderr.startswith("taskhand: '' is not a person: ")
    assert not store_file.exists()
