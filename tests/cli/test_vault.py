"""`taskhand vault`: a key is made, changed, referred to and checked."""

import json
import re
from dataclasses import replace
from pathlib import Path

import anyio
import anyio.to_thread
import pytest

from cli.vault_commands import MOMENT, Run, environment, message, runner_of, save
from fixed_clock import NOW
from keyrings import MemoryKeyring
from taskhand.cli.doctor import run_checks
from taskhand.config.effective_settings import load_configuration
from taskhand.config.settings import Settings
from taskhand.state import open_cipher, open_link_store
from taskhand.vault.credential_link import LinkedMember
from taskhand.vault.health_checks import check_vault
from vault.vaults import KEY, OLD_KEY, link_of, rows


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "team" / "links.sqlite"


@pytest.fixture
def run(file: Path) -> Run:
    return runner_of(file)


def check(file: Path, key: str | None = KEY) -> tuple[str, str, str | None]:
    """What the health check of the vault says."""
    settings = Settings(links=file, vault_key=key)
    found = anyio.run(check_vault, file, open_link_store(settings), open_cipher(settings), NOW)
    return found.outcome, found.found.replace(str(file), "FILE"), found.remedy


def test_a_new_key_is_alone_on_standard_output_and_works(run: Run, file: Path) -> None:
    done = run("vault", "new-key", key=None)
    assert re.fullmatch(r"thv_[0-9a-f]{64}\n", done.stdout)
    assert "Set TASKHAND_VAULT_KEY to this key" in done.stderr
    assert run("vault", "new-key").stdout != done.stdout
    save(file, link_of("ana"), key=done.stdout.strip())
    assert "linked" in run("people", key=done.stdout.strip()).stdout


def test_after_a_rotation_the_earlier_vault_key_is_not_needed(run: Run, file: Path) -> None:
    save(file, link_of("ana"), link_of("ben"), key=OLD_KEY)
    both = f"{KEY},{OLD_KEY}"
    done = run("vault", "rotate", key=both)
    assert done.exit_code == 0
    assert re.sub("key [0-9a-f]{16}", "key ID", done.stdout) == (
        "2 credentials are encrypted with the key ID now; 0 had been before.\n"
    )
    assert {row["state"] for row in json.loads(run("people", "--json", key=KEY).stdout)} == {"linked"}
    with rows(file) as other:
        other.execute("UPDATE link SET member_id = '18' WHERE person = 'ben'")
    done = run("vault", "rotate", key=both)
    assert done.exit_code == 1
    assert done.stderr.startswith("ben for north: it was altered in the store.\n")
    assert "Add the missing key after the first one in TASKHAND_VAULT_KEY" in done.stderr
    assert message(run("vault", "rotate", key=None)) == "There is no key for the credentials that persons link."


def test_a_key_may_be_in_a_variable_in_the_keyring_or_in_a_file_with_a_line_for_each(
    run: Run, file: Path, tmp_path: Path, kept: MemoryKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(file, link_of("ana"), key=OLD_KEY)
    kept.kept["taskhand", "VAULT"] = OLD_KEY
    monkeypatch.setenv("OF_THE_TEAM", f"{KEY}, {OLD_KEY}")
    for reference in ("keyring:VAULT", "env:OF_THE_TEAM"):
        assert json.loads(run("people", "--json", key=reference).stdout)[0]["state"] == "linked"
    keys = tmp_path / "vault.key"
    keys.write_text(f"{KEY}\n{OLD_KEY}\n", encoding="utf-8")
    assert json.loads(run("people", "--json", key=f"file:{keys}").stdout)[0]["state"] == "linked"
    given = {"TASKHAND_LINKS": str(file), "TASKHAND_VAULT_KEY_FILE": str(keys)}
    settings = Settings.from_env(given)
    assert settings.vault_keys == (KEY, OLD_KEY)
    assert {KEY, OLD_KEY} <= {*settings.secrets}
    assert KEY not in repr(settings)


ODD_FILES: dict[str, tuple[bytes, str | None]] = {
    "line ends of Windows": (f"{KEY}\r\n{OLD_KEY}\r\n".encode(), None),
    "empty lines": (f"\n\n{KEY}\n\n{OLD_KEY}\n\n".encode(), None),
    "a mark of UTF-8 before": (f"{KEY}\n{OLD_KEY}".encode("utf-8-sig"), None),
    "commas and blanks": (f" {KEY} ,\t{OLD_KEY} ".encode(), None),
    "empty": (b"", "is empty"),
    "blank": (b" \n\t\n", "is empty"),
    "UTF-16": (f"{KEY}".encode("utf-16"), "is not text in UTF-8"),
    "random bytes": (bytes(range(128, 192)), "is not text in UTF-8"),
    "a NUL inside": (f"{KEY[:30]}\0{KEY[30:]}".encode(), "each key is as"),
    "too much": (f"{KEY}\n".encode() * 1_000, "is larger than a credential"),
    "a key of another kind": (b"thk_0011223344_" + b"0" * 64, "each key is as"),
    "the 32 bytes themselves": (bytes(range(65, 97)), "each key is as"),
    "a key with more behind": (f"{KEY} # the newest\n".encode(), "each key is as"),
}


@pytest.mark.parametrize("odd", ODD_FILES)
def test_any_file_of_vault_keys_is_read_or_refused_without_quoting_it(run: Run, tmp_path: Path, odd: str) -> None:
    content, flaw = ODD_FILES[odd]
    keys = tmp_path / "vault.key"
    keys.write_bytes(content)
    if flaw is None:
        given = {"TASKHAND_LINKS": str(tmp_path / "x"), "TASKHAND_VAULT_KEY_FILE": str(keys)}
        assert Settings.from_env(given).vault_keys == (KEY, OLD_KEY)
        return
    told = message(run("people", key=f"file:{keys}"))
    assert flaw in told
    assert KEY not in told


@pytest.mark.parametrize("key", ["a password", KEY[:-1], f"{KEY},{KEY}", f"{KEY};{OLD_KEY}", KEY.upper(), ","])
def test_an_invalid_vault_key_is_refused_at_the_start_and_not_quoted(run: Run, key: str) -> None:
    done = run("people", key=key)
    assert message(done).startswith("TASKHAND_VAULT_KEY is not usable: each key is as `taskhand vault new-key` prints")
    assert key not in message(done) or key == ","


def test_the_health_check_reports_each_fault_of_the_vault(file: Path) -> None:
    assert check(file) == ("ok", "There is no file FILE yet: nobody has linked a credential.", None)
    save(file, link_of("ana"), link_of("ben"), key=OLD_KEY)
    outcome, found, _ = check(file, OLD_KEY)
    assert (outcome, found.partition("broken. ")[2]) == (
        "warning",
        "ana and ben are both ana in the CRM (17) in north.",
    )
    save(file, replace(link_of("ben"), member=LinkedMember("18")), key=OLD_KEY)
    state = "FILE: 2 linked, 0 to be linked again, 0 broken."
    assert check(file, OLD_KEY) == ("ok", state, None)
    former = f"{state} 2 of them are encrypted with an earlier key."
    assert check(file, f"{KEY},{OLD_KEY}") == ("warning", former, "Run: taskhand vault rotate")
    outcome, found, remedy = check(file, KEY)
    assert outcome == "failed", "none of them works"
    assert found.startswith("FILE: 0 linked, 0 to be linked again, 2 broken. ana for north: it is encrypted with")
    assert "Add the missing key" in str(remedy)
    outcome, found, remedy = check(file, None)
    assert (outcome, found) == ("failed", "FILE has 2 links, and there is no TASKHAND_VAULT_KEY to decrypt them.")
    assert str(remedy).startswith("Set TASKHAND_VAULT_KEY to the key that they were encrypted with")
    file.chmod(0o644)
    assert check(file, OLD_KEY) == ("warning", "FILE is open to other users of this machine.", f"Run: chmod 600 {file}")
    file.write_bytes(b"no database" * 100)
    assert check(file)[0] == "failed"


def test_the_doctor_checks_the_vault_if_a_key_is_configured_or_a_credential_is_linked(file: Path) -> None:
    def outcomes(key: str | None) -> list[str]:
        given = {name: value for name, value in environment(file, key).items() if value}
        given["TASKHAND_DB"] = str(file.with_name("tasks.sqlite"))
        checks = anyio.run(run_checks, load_configuration(given, {"clock": MOMENT}))
        return [one.outcome for one in checks if one.subject == "vault"]

    assert (outcomes(KEY), outcomes(None)) == (["ok"], [])
    save(file, link_of("ana"))
    assert (outcomes(KEY), outcomes(None)) == (["ok"], ["failed"])
