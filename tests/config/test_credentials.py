"""Keys in the system's keyring, through keyring's own backends."""

from collections.abc import Iterator

import keyring
import pytest
from keyring.backends.fail import Keyring as NoKeyring
from keyring.backends.null import Keyring as Oblivious

from keyrings import InMemory, Locked
from taskhand.config.credentials import is_keyring_available, keyring_reference, resolve_credential, store_credential
from taskhand.config.settings import Settings
from taskhand.domain.errors import OperatorError


@pytest.fixture(autouse=True)
def before() -> Iterator[None]:
    """The keyring of the machine is neither read nor written."""
    was = keyring.get_keyring()
    keyring.set_keyring(InMemory())
    yield
    keyring.set_keyring(was)


def test_a_stored_credential_is_resolved_from_its_reference() -> None:
    store_credential("VAMBE_API_KEY", "sk-1")
    assert keyring_reference("VAMBE_API_KEY") == "keyring:VAMBE_API_KEY"
    assert resolve_credential("keyring:VAMBE_API_KEY") == "sk-1"
    assert resolve_credential("sk-in-the-open") == "sk-in-the-open"


def test_settings_hold_the_resolved_key_and_resolve_only_secrets() -> None:
    store_credential("other-account", "sk-2")
    settings = Settings.from_env({"VAMBE_API_KEY": "keyring:other-account", "VAMBE_USER_ID": "keyring:other-account"})
    assert settings.vambe_api_key
    assert settings.vambe_api_key.get_secret_value() == "sk-2"
    assert settings.secrets == ("sk-2",)
    assert settings.vambe_user_id == "keyring:other-account"


def test_a_missing_key_is_refused_by_name_with_the_command_that_stores_it() -> None:
    with pytest.raises(OperatorError, match="has no VAMBE_API_KEY") as error:
        resolve_credential("keyring:VAMBE_API_KEY")
    assert error.value.next_step == "keyring set taskhand VAMBE_API_KEY"


def test_a_machine_without_a_keyring_refuses_a_reference() -> None:
    keyring.set_keyring(NoKeyring())  # type: ignore[no-untyped-call]
    assert not is_keyring_available()
    with pytest.raises(OperatorError, match="refused to read VAMBE_API_KEY"):
        resolve_credential("keyring:VAMBE_API_KEY")


def test_a_keyring_that_stores_nothing_is_not_available() -> None:
    keyring.set_keyring(Oblivious())  # type: ignore[no-untyped-call]
    assert not is_keyring_available()


def test_a_locked_keyring_is_named_as_the_reason() -> None:
    keyring.set_keyring(Locked())
    assert is_keyring_available()
    with pytest.raises(OperatorError, match="refused to store VAMBE_API_KEY: it is locked"):
        store_credential("VAMBE_API_KEY", "sk-1")
