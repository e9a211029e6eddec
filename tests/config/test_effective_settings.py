"""The values in force and their origins: flags before variables before the file before defaults."""

import os
import tomllib
from pathlib import Path
from typing import Any

import keyring
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from builders import refused
from keyrings import MemoryKeyring
from taskhand.backends.registry import FACTORIES
from taskhand.config.credentials import SERVICE
from taskhand.config.effective_settings import Configuration, load_configuration
from taskhand.config.settings import FIELDS, Settings
from taskhand.config.settings_file import setting_key
from taskhand.domain.errors import OperatorError
from unprivileged import open_folder, without_privileges

SECRET = "s3cr3t-value"  # noqa: S105  a stand-in that must not be seen
KEYS = [setting_key(Settings.variable(name)) for name in FIELDS if name != "config"]

FILE = """
backend = "close"
plan_over = 20
read_only = true
clock = 2026-03-01T12:00:00Z
tools = ["read", "create_task"]

[close]
api_key = "s3cr3t-value"
rate = 5

[vambe]
statuses = ["Pendiente:initial", "Completado:done"]
cache_s = 2.5
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the configuration file of this test is."""
    return tmp_path / "taskhand.toml"


def read_configuration(file: Path, text: str, environ: dict[str, str] | None = None, **flags: object) -> Configuration:
    """The configuration with this file, which nobody else may read."""
    file.write_text(text, encoding="utf-8")
    file.chmod(0o600)
    return load_configuration({"TASKHAND_CONFIG": str(file)} | (environ or {}), flags)


def test_every_kind_of_value_is_read_from_the_file(file: Path) -> None:
    found = read_configuration(file, FILE)
    settings = found.settings
    assert (settings.backend, settings.plan_over, settings.read_only) == ("close", 20, True)
    assert (settings.tools, settings.value("vambe_statuses")) == (
        "read,create_task",
        "Pendiente:initial,Completado:done",
    )
    assert (settings.value("close_rate"), settings.value("vambe_cache_s")) == (5, 2.5)
    assert settings.clock is not None
    assert settings.clock.isoformat() == "2026-03-01T12:00:00+00:00"
    assert settings.secrets == (SECRET,)
    assert found.warnings == ()


def test_the_value_of_highest_precedence_wins_and_its_origin_is_reported(file: Path) -> None:
    environ = {"TASKHAND_PLAN_OVER": "30", "CLOSE_RATE": "7", "TASKHAND_IDS": "random"}
    found = read_configuration(file, FILE + 'base_url = ""', environ, ids="sequential", clock=None)
    assert (found.settings.plan_over, found.settings.value("close_rate"), found.settings.ids) == (30, 7, "sequential")
    told = {name: str(origin) for name, origin in found.origins.items()}
    assert told == {
        "chosen_backend": f"file {file}:backend",
        "clock": f"file {file}:clock",
        "ids": "flag --ids",
        "plan_over": "environment TASKHAND_PLAN_OVER",
        "read_only": f"file {file}:read_only",
        "tools": f"file {file}:tools",
        "config": "environment TASKHAND_CONFIG",
        "close_api_key": f"file {file}:close.api_key",
        "close_rate": "environment CLOSE_RATE",
        "vambe_statuses": f"file {file}:vambe.statuses",
        "vambe_cache_s": f"file {file}:vambe.cache_s",
    }


def test_an_invalid_value_that_is_overridden_is_not_validated(file: Path) -> None:
    assert read_configuration(file, 'plan_over = "many"', {"TASKHAND_PLAN_OVER": "5"}).settings.plan_over == 5


def test_taskhand_toml_in_the_users_configuration_folder_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    before = load_configuration({}, {})
    assert not before.file.exists
    assert (before.settings, before.origins) == (Settings(), {})
    before.file.path.parent.mkdir(parents=True, exist_ok=True)
    before.file.path.write_text('timezone = "america/santiago"', encoding="utf-8")
    after = load_configuration({}, {})
    assert after.file.exists
    assert after.file.path.name == "taskhand.toml"
    assert after.settings.timezone == "America/Santiago"


def test_os_devnull_as_the_file_means_no_file() -> None:
    assert (
        load_configuration({"TASKHAND_CONFIG": os.devnull}, {}).settings.model_copy(update={"config": None})
        == Settings()
    )


def test_a_file_that_a_windows_editor_wrote_is_read(file: Path) -> None:
    file.write_bytes(b"\xef\xbb\xbf" + b"plan_over = 3\r\n")
    assert load_configuration({"TASKHAND_CONFIG": str(file)}, {}).settings.plan_over == 3


@pytest.mark.parametrize("key", KEYS)
def test_every_setting_has_a_key_of_its_own(key: str, file: Path) -> None:
    assert KEYS.count(key) == 1
    table, _, name = key.rpartition(".")
    text = f'[{table}]\n{name} = ""' if table else f'{name} = ""'
    assert read_configuration(file, text).settings.model_copy(update={"config": None}) == Settings()


@pytest.mark.parametrize(
    ("text", "key", "meant"),
    [
        ("plan_ovr = 3", "plan_ovr", "plan_over"),
        ("TASKHAND_DB = 'x'", "TASKHAND_DB", "db"),
        ("taskhand_read_only = true", "taskhand_read_only", "read_only"),
        ("VAMBE_API_KEY = 'x'", "VAMBE_API_KEY", "vambe.api_key"),
        ("vambe_api_key = 'x'", "vambe_api_key", "vambe.api_key"),
        ("[vambe]\napikey = 'x'", "vambe.apikey", "vambe.api_key"),
        ("[hubspot]\ntoken = 'x'", "hubspot.token", "hubspot.access_token"),
        ("[hubspot]\nTOKEN = 'x'", "hubspot.TOKEN", "hubspot.access_token"),
        ("[taskhand]\ndb = 'x'", "taskhand", None),
        ("[salesforce]\nkey = 'x'", "salesforce", None),
        ("config = 'other.toml'", "config", None),
        ("zzz = 1", "zzz", None),
    ],
)
def test_an_unknown_key_is_refused_with_the_nearest_known_key(
    text: str, key: str, meant: str | None, file: Path
) -> None:
    with refused("configuration", OperatorError) as caught:
        read_configuration(file, text)
    assert f"{key!r}" in caught.value.message
    assert str(file) in caught.value.message
    assert meant is None or f"perhaps {meant}" in caught.value.message


def test_all_unknown_keys_are_named_at_once(file: Path) -> None:
    with refused("configuration", OperatorError) as caught:
        read_configuration(file, "plan_ovr = 3\ntimezon = 'x'\nuser = 'Ana'")
    assert "'plan_ovr'" in caught.value.message
    assert "'timezon'" in caught.value.message
    assert "'user'" not in caught.value.message


@pytest.mark.parametrize(
    "text",
    [
        "plan_over = 'many'",
        "plan_over = true",
        "journal_days = 1.5",
        "read_only = 'perhaps'",
        "ids = 'odd'",
        "timezone = 'America/Santigo'",
        "clock = 2026-03-01",
        "clock = 12:00:00",
        "clock = 1066-03-01T12:00:00Z",
        "user = ['Ana']",
        "tools = [1]",
        "user = {name = 'Ana'}",
        "vambe = 'x'",
        "close = [1]",
        "[vambe]\nrate = 0",
        "[vambe]\n[vambe.rate]\na = 1",
    ],
)
def test_a_wrong_value_is_refused_by_its_key_and_its_file(text: str, file: Path) -> None:
    key = ("vambe." if text.startswith("[") else "") + tomllib_key(text)
    with refused("configuration", OperatorError) as caught:
        read_configuration(file, f"{text}\n", {"HUBSPOT_ACCESS_TOKEN": SECRET, "TASKHAND_USER": ""})
    assert key in caught.value.message
    assert str(file) in caught.value.message
    assert SECRET not in repr(caught.value)
    assert caught.value.__cause__ is None


def tomllib_key(text: str) -> str:
    """The one key of a text, inside its table if there is one."""
    [(key, value)] = tomllib.loads(text).items()
    return next(iter(value)) if key == "vambe" and isinstance(value, dict) else key


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"plan_over = ", "is not TOML"),
        (b"api_key = 's3cr3t-value", "is not TOML"),
        (b"user = '\xff'", "is not UTF-8"),
        (b"a = " + b"[" * 5_000, "is not TOML"),
        (b"plan_over = " + b"9" * 5_000, "is not TOML"),
    ],
)
def test_a_file_that_is_not_toml_is_refused_without_quoting_it(raw: bytes, why: str, file: Path) -> None:
    file.write_bytes(raw)
    with refused("configuration", OperatorError) as caught:
        load_configuration({"TASKHAND_CONFIG": str(file)}, {})
    assert f"{file} {why}" in caught.value.message
    assert SECRET not in repr(caught.value)


@pytest.mark.parametrize("path", ["absent.toml", "absent/taskhand.toml", "."])
def test_an_unreadable_file_named_by_taskhand_config_is_refused(path: str, tmp_path: Path) -> None:
    with refused("configuration", OperatorError) as caught:
        load_configuration({"TASKHAND_CONFIG": str(tmp_path / path)}, {})
    assert "TASKHAND_CONFIG" in str(caught.value.next_step)


def test_a_file_in_an_unknown_users_home_folder_is_refused() -> None:
    with refused("configuration", OperatorError):
        load_configuration({"TASKHAND_CONFIG": "~nobody-of-that-name/taskhand.toml"}, {})


@pytest.mark.skipif(os.name != "posix", reason="permissions are told otherwise there")
@pytest.mark.parametrize(
    ("mode", "text", "warned"),
    [
        (0o600, "[vambe]\napi_key = 's3cr3t-value'", False),
        (0o644, "[vambe]\napi_key = 's3cr3t-value'", True),
        (0o640, "[vambe]\napi_key = 's3cr3t-value'", True),
        (0o644, "[vambe]\napi_key = ''", False),
        (0o644, "plan_over = 3", False),
    ],
)
def test_a_file_with_a_secret_that_others_can_read_is_warned_about(
    mode: int, text: str, *, warned: bool, file: Path
) -> None:
    file.write_text(text, encoding="utf-8")
    file.chmod(mode)
    found = load_configuration({"TASKHAND_CONFIG": str(file)}, {})
    assert [warning.remedy for warning in found.warnings] == ([f"Run: chmod 600 {file}"] if warned else [])
    assert SECRET not in repr(found)


@pytest.mark.skipif(os.name != "posix", reason="permissions are told otherwise there")
def test_a_file_with_only_keyring_references_may_be_readable_by_others(file: Path) -> None:
    was, mine = keyring.get_keyring(), MemoryKeyring()
    mine.set_password(SERVICE, "VAMBE_API_KEY", SECRET)
    keyring.set_keyring(mine)
    try:
        file.write_text('[vambe]\napi_key = "keyring:VAMBE_API_KEY"', encoding="utf-8")
        file.chmod(0o644)
        found = load_configuration({"TASKHAND_CONFIG": str(file)}, {})
    finally:
        keyring.set_keyring(was)
    assert (found.settings.secrets, found.warnings) == ((SECRET,), ())


@pytest.mark.skipif(os.name != "posix", reason="permissions are told otherwise there")
@pytest.mark.parametrize(("mode", "warned"), [(0o600, False), (0o400, False), (0o644, True), (0o440, True)])
@pytest.mark.parametrize("variable", ["VAMBE_API_KEY_FILE", "CLOSE_ACCESS_TOKEN_FILE", "TASKHAND_STATE_KEY_FILE"])
def test_the_file_of_a_credential_that_others_can_read_is_warned_about(
    variable: str, mode: int, *, warned: bool, tmp_path: Path
) -> None:
    key = tmp_path / "my key"
    key.write_text(SECRET * 4, encoding="utf-8")
    key.chmod(mode)
    found = load_configuration({"TASKHAND_CONFIG": os.devnull, variable: str(key)}, {})
    told = [(warning.found, warning.remedy) for warning in found.warnings]
    sentence = f"The file that {variable} names can be read by other users of this machine."
    assert told == ([(sentence, f"Run: chmod 600 '{key}'")] if warned else [])


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can work as another user")
def test_the_file_of_a_credential_that_another_user_owns_is_not_warned_about() -> None:
    with open_folder() as folder:
        key = folder / "key"
        key.write_text(SECRET, encoding="utf-8")
        key.chmod(0o644)
        with without_privileges():
            found = load_configuration({"TASKHAND_CONFIG": os.devnull, "VAMBE_API_KEY_FILE": str(key)}, {})
    assert (found.settings.secrets, found.warnings) == ((SECRET,), ())


@pytest.mark.skipif(os.name != "posix", reason="permissions are told otherwise there")
def test_the_file_of_a_credential_that_the_configuration_file_names_is_warned_about(file: Path, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text(SECRET, encoding="utf-8")
    key.chmod(0o644)
    [warning] = read_configuration(file, f'[vambe]\napi_key_file = "{key}"').warnings
    assert warning.found.startswith(f"The file that vambe.api_key_file in {file} names can be read")
    assert read_configuration(file, f'[vambe]\napi_key_file = "{key}"', {"VAMBE_API_KEY": SECRET}).warnings == ()


@pytest.mark.parametrize(
    ("environ", "found", "remedy"),
    [
        (
            {"HUBSPOT_BASE_URL": "http://127.0.0.1:1"},
            "HUBSPOT_BASE_URL is set, but the backend is local.",
            "Set HUBSPOT_ACCESS_TOKEN or TASKHAND_BACKEND.",
        ),
        (
            {"CLOSE_RATE": "5", "CLOSE_BASE_URL": "http://127.0.0.1:1"},
            "CLOSE_BASE_URL and CLOSE_RATE are set, but the backend is local.",
            "Set CLOSE_API_KEY, CLOSE_ACCESS_TOKEN or TASKHAND_BACKEND.",
        ),
        ({"VAMBE_USER_ID": "u1"}, "VAMBE_USER_ID is set, but the backend is local.", "Set VAMBE_API_KEY or TASKHAND"),
    ],
)
def test_settings_of_a_crm_are_warned_about_where_nothing_chooses_it(
    environ: dict[str, str], found: str, remedy: str
) -> None:
    [warning] = load_configuration({"TASKHAND_CONFIG": os.devnull} | environ, {}).warnings
    assert warning.found == found
    assert str(warning.remedy).startswith(remedy)
    for chosen in ({"TASKHAND_BACKEND": "local"}, {"TASKHAND_BACKEND": "close"}, {"VAMBE_API_KEY": SECRET}):
        assert load_configuration({"TASKHAND_CONFIG": os.devnull} | environ | chosen, {}).warnings == ()


def test_settings_of_a_crm_with_an_invalid_key_cause_one_warning() -> None:
    environ = {"VAMBE_BASE_URL": "http://127.0.0.1:1", "VAMBE_API_KEY": "${VAMBE_API_KEY}"}
    [warning] = load_configuration({"TASKHAND_CONFIG": os.devnull} | environ, {}).warnings
    assert warning.found.startswith("VAMBE_API_KEY holds a placeholder")


def test_settings_of_a_crm_in_the_file_are_named_by_their_keys(file: Path) -> None:
    [warning] = read_configuration(file, '[hubspot]\nbase_url = "http://127.0.0.1:1"').warnings
    assert warning.found == f"hubspot.base_url in {file} is set, but the backend is local."


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("TASKHAND_TIMEZON", "TASKHAND_TIMEZONE"),
        ("TASKHAND_READONLY", "TASKHAND_READ_ONLY"),
        ("taskhand_timezone", "TASKHAND_TIMEZONE"),
        ("TASKHAND_QQQQQQQQQQQQQ", None),
        ("VAMBE_APIKEY", "VAMBE_API_KEY"),
    ],
)
def test_a_variable_that_looks_like_a_setting_is_warned_about_without_its_value(name: str, meant: str | None) -> None:
    found = load_configuration({"TASKHAND_CONFIG": os.devnull, name: SECRET}, {})
    [warning] = found.warnings
    assert name in warning.found
    assert warning.remedy
    assert meant is None or meant in warning.remedy
    assert SECRET not in repr(warning)


@pytest.mark.parametrize("name", ["HUBSPOT_PORTAL", "CLOSE_WAIT", "PATH", "TASKHANDLER", "VAMBE_X"])
def test_variables_of_other_programs_are_not_warned_about(name: str) -> None:
    assert load_configuration({"TASKHAND_CONFIG": os.devnull, name: "x"}, {}).warnings == ()


def test_a_blank_unknown_variable_is_not_warned_about() -> None:
    assert load_configuration({"TASKHAND_CONFIG": os.devnull, "TASKHAND_TIMEZON": " "}, {}).warnings == ()


@pytest.mark.parametrize(
    ("environ", "why"),
    [
        ({}, "no credential of a CRM is set"),
        ({"TASKHAND_BACKEND": "vambe"}, "chosen by environment TASKHAND_BACKEND"),
        ({"VAMBE_API_KEY": SECRET}, "VAMBE_API_KEY is set (environment VAMBE_API_KEY)"),
        ({"CLOSE_ACCESS_TOKEN": SECRET}, "CLOSE_ACCESS_TOKEN is set (environment CLOSE_ACCESS_TOKEN)"),
    ],
)
def test_the_reason_for_the_backend_is_reported(environ: dict[str, str], why: str) -> None:
    assert load_configuration({"TASKHAND_CONFIG": os.devnull} | environ, {}).backend_reason == why


@given(st.sampled_from(sorted(FIELDS)), st.text("ab@:/?#[]%4", min_size=1))
def test_no_secret_is_ever_shown(name: str, around: str) -> None:
    url = f"https://ana:{around}{SECRET}@host.example/"
    value = SecretStr(SECRET) if Settings.is_secret(name) else url
    found = load_configuration({"TASKHAND_CONFIG": os.devnull}, {})
    values: dict[str, Any] = {name: value}
    by_backend = {factory.name: factory.settings.model_construct(**values) for factory in FACTORIES}
    odd = Configuration(Settings.model_construct(**values, by_backend=by_backend), {}, found.file)
    assert SECRET not in str(odd.settings.display_value(name))
    assert SECRET not in repr(odd) or not Settings.is_secret(name)
