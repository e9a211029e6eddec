"""Keys in the system's keyring, through keyring's own backends, and in files of their own."""

import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import keyring
import pytest
from keyring.backends.fail import Keyring as NoKeyring
from keyring.backends.null import Keyring as Oblivious
from keyring.errors import InitError, KeyringError, KeyringLocked

from builders import refused
from keyrings import FailingKeyring, LockedKeyring, MemoryKeyring
from taskhand.config.credentials import (
    Credential,
    find_credential,
    find_keyring,
    keep_credentials,
    keyring_reference,
    remove_credential,
    resolve_credential,
    store_credential,
)
from taskhand.config.effective_settings import load_configuration
from taskhand.config.settings import Settings
from taskhand.domain.errors import OperatorError


@pytest.fixture(autouse=True)
def before() -> Iterator[None]:
    """The keyring of the machine is neither read nor written."""
    was = keyring.get_keyring()
    keyring.set_keyring(MemoryKeyring())
    yield
    keyring.set_keyring(was)


def test_a_stored_credential_is_resolved_from_its_reference() -> None:
    store_credential("VAMBE_API_KEY", "sk-1")
    assert keyring_reference("VAMBE_API_KEY") == "keyring:VAMBE_API_KEY"
    assert resolve_credential("keyring:VAMBE_API_KEY", "X").text == "sk-1"
    assert resolve_credential("sk-in-the-open", "X") == Credential("sk-in-the-open")
    assert "sk-1" not in repr(resolve_credential("keyring:VAMBE_API_KEY", "X"))


def test_settings_hold_the_resolved_key_and_resolve_only_secrets() -> None:
    store_credential("other-account", "sk-2")
    settings = Settings.from_env({"VAMBE_API_KEY": "keyring:other-account", "VAMBE_USER_ID": "keyring:other-account"})
    assert settings.value("vambe_api_key")
    assert settings.value("vambe_api_key").get_secret_value() == "sk-2"
    assert settings.secrets == ("sk-2",)
    assert settings.value("vambe_user_id") == "keyring:other-account"


def test_a_missing_key_is_refused_by_name_with_the_command_that_stores_it() -> None:
    with pytest.raises(OperatorError, match="has no VAMBE_API_KEY") as error:
        resolve_credential("keyring:VAMBE_API_KEY", "X")
    assert error.value.next_step == "keyring set taskhand VAMBE_API_KEY"


def test_a_machine_without_a_keyring_refuses_a_reference() -> None:
    keyring.set_keyring(NoKeyring())  # type: ignore[no-untyped-call]
    assert find_keyring() == "none"
    with pytest.raises(OperatorError, match="cannot be reached from here, so it did not read VAMBE_API_KEY"):
        resolve_credential("keyring:VAMBE_API_KEY", "X")


@pytest.mark.parametrize(
    ("failure", "found", "remedy"),
    [
        (KeyringLocked("no"), "The system keyring is locked, so it did not read VAMBE_API_KEY.", "Unlock it: "),
        (
            InitError("no bus"),
            "The system keyring cannot be reached from here, so it did not read",
            "write file:PATH in place",
        ),
        (
            ConnectionRefusedError(),
            "The system keyring cannot be reached from here, so it did not read",
            "write file:PATH in place",
        ),
        (
            KeyringError("denied"),
            "The system keyring refused to read VAMBE_API_KEY: denied.",
            "allow Taskhand to use it",
        ),
    ],
)
def test_each_failure_of_the_keyring_has_its_own_remedy(failure: Exception, found: str, remedy: str) -> None:
    keyring.set_keyring(FailingKeyring(failure))
    with pytest.raises(OperatorError) as error:
        resolve_credential("keyring:VAMBE_API_KEY", "X")
    assert error.value.message.startswith(f"X cannot be read. {found}")
    assert remedy in str(error.value.next_step)


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    for use in (lambda: resolve_credential("keyring:VAMBE_API_KEY", "X"), lambda: remove_credential("VAMBE_API_KEY")):
        with pytest.raises(OperatorError, match="library") as error:
            use()
        assert error.value.next_step == "Install Taskhand with the extra `keyring`."


def test_a_credential_is_removed_from_the_keyring() -> None:
    store_credential("VAMBE_API_KEY", "sk-1")
    remove_credential("VAMBE_API_KEY")
    assert find_credential("VAMBE_API_KEY") is None


def test_the_keyring_is_restored_if_a_later_step_fails() -> None:
    store_credential("VAMBE_API_KEY", "sk-1")
    with suppress(OperatorError), keep_credentials({"VAMBE_API_KEY": "sk-2", "CLOSE_API_KEY": "sk-3"}) as before:
        assert dict(before) == {"VAMBE_API_KEY": "sk-1", "CLOSE_API_KEY": None}
        raise OperatorError("The file cannot be written.")
    assert [find_credential(name) for name in ("VAMBE_API_KEY", "CLOSE_API_KEY")] == ["sk-1", None]


def test_a_keyring_of_the_least_recommended_priority_is_available() -> None:
    class SmallestKeyring(MemoryKeyring):
        priority = 1

    keyring.set_keyring(SmallestKeyring())
    assert find_keyring() == "usable"


def test_a_keyring_that_stores_nothing_is_not_available() -> None:
    keyring.set_keyring(Oblivious())  # type: ignore[no-untyped-call]
    assert find_keyring() == "none"


def test_a_locked_keyring_is_named_as_the_reason() -> None:
    keyring.set_keyring(LockedKeyring())
    assert find_keyring() == "usable"
    with pytest.raises(OperatorError, match="refused to store VAMBE_API_KEY: it is locked"):
        store_credential("VAMBE_API_KEY", "sk-1")
    with pytest.raises(OperatorError, match="refused to remove VAMBE_API_KEY: it is locked"):
        remove_credential("VAMBE_API_KEY")


def test_a_keyring_that_refuses_one_of_several_keys_stores_none_of_them() -> None:
    class PickyKeyring(MemoryKeyring):
        def set_password(self, service: str, username: str, password: str) -> None:
            if username == "CLOSE_API_KEY":
                raise KeyringError("not this one")
            super().set_password(service, username, password)

    keyring.set_keyring(PickyKeyring())
    keys = {"VAMBE_API_KEY": "sk-1", "CLOSE_API_KEY": "sk-2"}
    with pytest.raises(OperatorError, match="refused to store CLOSE_API_KEY"), keep_credentials(keys):
        raise AssertionError
    assert [find_credential(name) for name in keys] == [None, None]


@pytest.mark.parametrize(
    "text",
    [
        "sk-3",
        pytest.param("sk-3" + " " * 16_380, id="as large as a file may be"),
        "sk-3\n",
        "\ufeffsk-3\r\n",
        "  sk-3  ",
    ],
)
@pytest.mark.parametrize("variable", ["VAMBE_API_KEY", "CLOSE_API_KEY", "CLOSE_ACCESS_TOKEN", "HUBSPOT_ACCESS_TOKEN"])
def test_a_credential_is_read_from_the_file_that_its_variable_names(variable: str, text: str, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_bytes(text.encode())
    file.chmod(0o600)
    found = load_configuration({"TASKHAND_CONFIG": os.devnull, f"{variable}_FILE": str(file)}, {})
    assert (found.settings.secrets, found.warnings) == (("sk-3",), ())
    assert found.settings.backend == variable.partition("_")[0].lower()
    assert f"{variable}_FILE" in found.backend_reason
    assert Settings.from_env({f"{variable}_FILE": str(file)}).secrets == ("sk-3",)


def test_the_configuration_file_may_name_the_file_of_a_credential(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("sk-4\n", encoding="utf-8")
    file = tmp_path / "taskhand.toml"
    file.write_text(f'[vambe]\napi_key_file = "{tmp_path}/secret"', encoding="utf-8")
    assert load_configuration({"TASKHAND_CONFIG": str(file)}, {}).settings.secrets == ("sk-4",)
    over = {"TASKHAND_CONFIG": str(file), "VAMBE_API_KEY": "sk-5"}
    (tmp_path / "secret").unlink()
    assert load_configuration(over, {}).settings.secrets == ("sk-5",)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "is not there"),
        ("", "is empty"),
        (" \n", "is empty"),
        ("x" * 16_385, "is larger"),
        ("\udcff", "is not text in UTF-8"),
        ("folder", "is not a file"),
    ],
)
def test_a_file_that_holds_no_credential_is_refused_by_its_variable(
    content: str | None, why: str, tmp_path: Path
) -> None:
    file = tmp_path / "secret"
    if content == "folder":
        file.mkdir()
    elif content is not None:
        file.write_bytes(content.encode("utf-8", "surrogateescape"))
    with refused("configuration", OperatorError) as caught:
        Settings.from_env({"VAMBE_API_KEY_FILE": str(file)}).check_backend()
    assert caught.value.message.startswith(f"The file that VAMBE_API_KEY_FILE names {why}")


def test_a_credential_and_its_file_may_not_both_be_set(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("sk-3", encoding="utf-8")
    both = {"VAMBE_API_KEY": "sk-1", "VAMBE_API_KEY_FILE": str(tmp_path / "secret")}
    with refused("configuration", OperatorError) as caught:
        Settings.from_env(both)
    assert caught.value.message == "VAMBE_API_KEY and VAMBE_API_KEY_FILE are both set."
    assert Settings.from_env(both | {"VAMBE_API_KEY": "${VAMBE_API_KEY}"}).secrets == ("sk-3",)


def test_a_file_whose_text_is_no_credential_counts_as_not_set_and_is_named(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("VAMBE_API_KEY=sk-3\n", encoding="utf-8")
    environ = {"TASKHAND_CONFIG": os.devnull, "VAMBE_API_KEY_FILE": str(tmp_path / "secret")}
    found = load_configuration(environ, {})
    assert found.settings.secrets == ()
    assert [warning.found.split()[0] for warning in found.warnings] == ["VAMBE_API_KEY_FILE"]


@pytest.mark.parametrize("place", ["variable", "key of the file"])
@pytest.mark.parametrize(
    "reference", ["env:MY_TOKEN", "env: MY_TOKEN ", "file:{folder}/secret", "file://{folder}/secret", "keyring:mine"]
)
def test_a_secret_may_be_a_reference_to_its_place(reference: str, place: str, tmp_path: Path) -> None:
    store_credential("mine", "sk-9")
    secret, file = tmp_path / "secret", tmp_path / "taskhand.toml"
    secret.write_text("sk-9\n", encoding="utf-8")
    secret.chmod(0o600)
    value = reference.format(folder=tmp_path)
    file.write_text(f'[close]\napi_key = "{value}"' if place != "variable" else "", encoding="utf-8")
    given = {"CLOSE_API_KEY": value} if place == "variable" else {}
    found = load_configuration({"TASKHAND_CONFIG": str(file), "MY_TOKEN": " sk-9 "} | given, {})
    assert (found.settings.backend, found.settings.secrets, found.warnings) == ("close", ("sk-9",), ())
    if given:
        assert Settings.from_env(given | {"MY_TOKEN": "sk-9"}).secrets == ("sk-9",)


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("env:GONE", "refers to the variable 'GONE', which is not set"),
        ("env:", "refers to the variable '', which is not set"),
        ("file:/gone/secret", "The file that close.api_key in {file} names is not there"),
        ("file:$GONE/secret", "contains the variable GONE, which has no value"),
        ("keyring:gone", "has no gone for Taskhand, and close.api_key in {file} refers to it"),
    ],
)
def test_a_reference_that_leads_nowhere_is_refused_by_key_and_file(value: str, why: str, tmp_path: Path) -> None:
    file = tmp_path / "taskhand.toml"
    file.write_text(f'[close]\napi_key = "{value}"', encoding="utf-8")
    found = load_configuration({"TASKHAND_CONFIG": str(file)}, {})
    assert (found.settings.backend, found.settings.display_value("close_api_key")) == ("close", "unread")
    assert (found.settings.secrets, len(found.warnings)) == ((), 1)
    with refused("configuration", OperatorError) as caught:
        found.settings.check_backend()
    assert why.format(file=file) in caught.value.message
    assert f"close.api_key in {file}" in caught.value.message


@pytest.mark.parametrize("value", ["env:GONE", "file:/gone", "keyring:gone"])
def test_a_secret_of_the_server_that_cannot_be_read_is_refused_before_it_serves(value: str) -> None:
    found = load_configuration({"TASKHAND_CONFIG": os.devnull, "TASKHAND_STATE_KEY": value}, {}).settings
    assert (found.backend, found.state_keys) == ("local", ())
    found.check_backend()
    with refused("configuration", OperatorError) as caught:
        found.check_own_secrets()
    assert "TASKHAND_STATE_KEY" in caught.value.message


@pytest.mark.parametrize("value", ["${TOKEN}", "your key", "env:OTHER", "op://x/y/z", "Bearer sk-s3cret"])
def test_the_value_behind_a_reference_is_checked_like_any_value(value: str) -> None:
    found = load_configuration({"TASKHAND_CONFIG": os.devnull, "CLOSE_API_KEY": "env:MINE", "MINE": value}, {})
    assert found.settings.secrets == ()
    [warning] = found.warnings
    assert warning.found.startswith("MINE, to which CLOSE_API_KEY refers, h")
    assert warning.found.endswith("so the key counts as not set.")
    assert "CLOSE_API_KEY" in str(warning.remedy)
    assert "s3cret" not in f"{warning}"


def test_a_secret_file_that_others_can_read_gets_a_warning(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("sk-9", encoding="utf-8")
    secret.chmod(0o644)
    [warning] = load_configuration({"TASKHAND_CONFIG": os.devnull, "CLOSE_API_KEY": f"file:{secret}"}, {}).warnings
    assert warning.found == "The file that CLOSE_API_KEY names can be read by other users of this machine."
    assert warning.remedy == f"Run: chmod 600 {secret}"


def test_a_variable_to_which_a_secret_refers_is_no_misspelt_setting() -> None:
    names = ("TASKHAND_CLOSE", "CLOSE_API_KEY_NORTH", "CLOSE_TOKEN")
    given = [{"CLOSE_API_KEY": f"env: {name}", name: "sk-9"} for name in names]
    assert [load_configuration({"TASKHAND_CONFIG": os.devnull} | one, {}).warnings for one in given] == [(), (), ()]


def test_a_secret_of_the_server_may_come_from_the_file_if_the_variable_refers_to_nothing(tmp_path: Path) -> None:
    file, key = tmp_path / "taskhand.toml", f"thv_{'1a' * 32}"
    given = {"TASKHAND_CONFIG": str(file), "TASKHAND_VAULT_KEY": "env:GONE"}
    file.write_text("plan_over = 3", encoding="utf-8")
    with pytest.raises(OperatorError, match="GONE"):
        load_configuration(given, {}).settings.check_own_secrets()
    file.write_text(f'vault_key = "{key}"', encoding="utf-8")
    settings = load_configuration(given, {}).settings
    settings.check_own_secrets()
    assert settings.vault_keys == (key,)


def test_a_reference_beside_the_file_of_the_same_secret_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="CLOSE_API_KEY and CLOSE_API_KEY_FILE are both set"):
        Settings.from_env({"CLOSE_API_KEY": "env:X", "CLOSE_API_KEY_FILE": str(tmp_path), "X": "sk-9"})
