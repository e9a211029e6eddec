"""Several CRM accounts in one configuration file: their settings, refused files, and warnings."""

import os
from pathlib import Path

import pytest

from builders import refused
from taskhand.config.effective_settings import Configuration, load_configuration
from taskhand.domain.errors import CallerError, OperatorError
from taskhand.journal.masking import MASK, Masking

NORTH, SOUTH, OUTSIDE = "n0rth-s3cret", "s0uth-s3cret", "0utside-s3cret"
TWO = f"""
plan_over = 20
timezone = "America/Santiago"

[connections.north]
backend = "hubspot"
description = "The sales team in Santiago"
access_token = "{NORTH}"
user_id = "7"

[connections.south]
backend = "vambe"
api_key = "env:SOUTH"
statuses = ["Pendiente:initial", "Completado:done"]
timezone = "america/bogota"
rate = 5
"""
LOCAL = '[connections.mine]\nbackend = "local"\n'


def load(file: Path, text: str, **environ: str) -> Configuration:
    """The configuration with this file, which nobody else may read."""
    file.write_text(text, encoding="utf-8")
    file.chmod(0o600)
    return load_configuration({"TASKHAND_CONFIG": str(file), "SOUTH": SOUTH} | environ, {})


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the configuration file of this test is."""
    return tmp_path / "taskhand.toml"


def test_each_table_is_a_connection_with_the_whole_servers_settings_and_its_own(file: Path) -> None:
    found = load(file, TWO)
    north, south = found.connections
    assert (north.name, north.description, south.name, south.description) == (
        "north",
        "The sales team in Santiago",
        "south",
        None,
    )
    assert (north.settings.backend, north.settings.value("hubspot_user_id"), south.settings.value("vambe_rate")) == (
        "hubspot",
        "7",
        5,
    )
    assert {one.settings.plan_over for one in found.connections} == {20}
    zones = [one.settings.default_timezone for one in found.connections]
    assert zones == ["America/Santiago", "America/Bogota"]
    assert south.settings.value("vambe_statuses") == "Pendiente:initial,Completado:done"
    assert found.warnings == ()
    assert [[*one.credentials] for one in found.connections] == [
        [f"connections.north.access_token in {file}"],
        ["env:SOUTH"],
    ]


def test_a_zone_of_a_connection_is_used_in_place_of_the_servers(file: Path) -> None:
    text = TWO.replace('user_id = "7"', 'timezone = "Europe/Madrid"')
    zones = [one.settings.default_timezone for one in load(file, text, TASKHAND_TIMEZONE="Asia/Tokyo").connections]
    assert zones == ["Europe/Madrid", "America/Bogota"]


def test_no_connection_has_a_setting_of_another_or_of_the_environments(file: Path) -> None:
    environ = {
        "VAMBE_API_KEY": OUTSIDE,
        "VAMBE_RATE": "3",
        "HUBSPOT_USER_ID": "8",
        "TASKHAND_DB": str(file.parent / "x"),
    }
    found = load(file, TWO.replace('user_id = "7"', "") + LOCAL, **environ)
    default, north, south, mine = (one.settings for one in found.connections)
    assert (default.backend, default.value("vambe_rate"), default.value("hubspot_access_token")) == ("vambe", 3, None)
    assert (north.value("vambe_api_key"), north.value("hubspot_user_id"), north.value("vambe_rate")) == (None, None, 10)
    assert (south.value("hubspot_access_token"), south.value("vambe_rate")) == (None, 5)
    assert south.value("vambe_api_key")
    assert south.value("vambe_api_key").get_secret_value() == SOUTH
    assert (mine.backend, mine.db, mine.value("vambe_api_key")) == ("local", None, None)


@pytest.mark.parametrize(
    ("outside", "names"),
    [
        ({}, ["north", "south"]),
        ({"VAMBE_BASE_URL": "http://127.0.0.1:1"}, ["north", "south"]),
        ({"CLOSE_API_KEY": "${CLOSE_API_KEY}"}, ["north", "south"]),
        ({"CLOSE_API_KEY": OUTSIDE}, ["default", "north", "south"]),
        ({"TASKHAND_BACKEND": "local"}, ["default", "north", "south"]),
        ({"TASKHAND_DB": "/x/tasks.sqlite"}, ["default", "north", "south"]),
    ],
)
def test_environment_settings_are_a_connection_only_if_they_choose_a_backend(
    outside: dict[str, str], names: list[str], file: Path
) -> None:
    found = load(file, TWO, **outside)
    assert [one.name for one in found.connections] == names
    assert found.has_default is ("default" in names)
    assert found.remark is None


def test_a_variable_to_which_a_table_refers_is_that_connections_alone(file: Path) -> None:
    text = TWO.replace("env:SOUTH", "env:VAMBE_API_KEY").replace(f'"{NORTH}"', '"env:HUBSPOT_ACCESS_TOKEN"')
    mine = {"VAMBE_API_KEY": SOUTH, "HUBSPOT_ACCESS_TOKEN": NORTH}
    found = load(file, text, **mine)
    assert ([one.name for one in found.connections], found.warnings) == (["north", "south"], ())
    assert [{*one.settings.secrets} for one in found.connections] == [{NORTH, SOUTH}] * 2
    default, *_ = load(file, text, **mine, CLOSE_API_KEY=OUTSIDE).connections
    assert (default.name, default.settings.backend) == ("default", "close")
    chosen = load(file, text, **mine, TASKHAND_BACKEND="vambe")
    assert [one.found for one in chosen.warnings] == ["The connections default and south lead to the same account."]
    assert chosen.warnings[0].remedy == "Unset VAMBE_API_KEY, or run `taskhand connections remove south`."


def test_the_environment_is_the_only_connection_without_tables_in_the_file() -> None:
    found = load_configuration({"TASKHAND_CONFIG": os.devnull, "CLOSE_API_KEY": OUTSIDE}, {})
    [only] = found.connections
    assert (only.name, only.settings, only.origins) == ("default", found.settings, found.origins)


def test_a_chosen_connection_is_the_only_one(file: Path) -> None:
    found = load(file, TWO, CLOSE_API_KEY=OUTSIDE)
    assert [[one.name for one in found.only(name).connections] for name in ("default", "South ")] == [
        ["default"],
        ["south"],
    ]
    assert found.only("south").only(" South ") == found.only("south")
    with refused("unknown_connection", CallerError) as caught:
        found.only("east")
    assert [one.value for one in caught.value.candidates] == ["default", "north", "south"]


WRONG = [
    ("connections = 3", "connections in", "is no table"),
    ('[[connections]]\nbackend = "local"', "connections in", "is no table"),
    ("[connections]\nnorth = 1", "connections.north in", "is no table"),
    ("[connections.North]", "connections.North in", "is not a valid name of a connection", "Call it north."),
    ("[connections.north]\n[connections.NORTH]", "connections.north and connections.NORTH in", "only by the case"),
    ('[connections."a b"]', "connections.a b in", "is not a valid name", "Call it a-b."),
    ('[connections.""]', "is not a valid name"),
    (f"[connections.{'a' * 41}]", "is not a valid name"),
    (f"{LOCAL.replace('mine', 'all')}", "connections.all in", "is reserved", "Choose another name."),
    (f"{LOCAL.replace('mine', 'Other')}", "connections.Other in", "is reserved", "Choose another name."),
    ("[connections.north]", "connections.north in", "has no backend", "local, vambe, close, hubspot"),
    ('[connections.north]\nbackend = "hubspt"', "connections.north.backend in", "is not a backend"),
    ('[connections.n]\nbackend = "vambe"\napikey = "x"', "connections.n.apikey in", "Perhaps api_key is meant"),
    ('[connections.n]\nbackend = "hubspot"\ntoken = "x"', "connections.n.token in", "Perhaps access_token is meant"),
    ('[connections.n]\nbackend = "hubspot"\nHUBSPOT_ACCESS_TOKEN = "x"', "Perhaps access_token is meant"),
    ('[connections.n]\nbackend = "vambe"\naccess_token = "x"', "is not a setting of a connection to Vambe", "api_key"),
    ('[connections.n]\nbackend = "vambe"\napi_key_file = "x"', "n.api_key_file in", 'api_key = "file:PATH"'),
    ('[connections.n]\nbackend = "vambe"\nplan_over = 3', "n.plan_over in", "of the whole server"),
    ('[connections.n]\nbackend = "vambe"\ndb = "x"', "connections.n.db in"),
    ('[connections.n]\nbackend = "vambe"', "connections.n in", "has no api_key", '"keyring:NAME"'),
    ('[connections.n]\nbackend = "close"', "connections.n in", "has no api_key or access_token"),
    ('[connections.n]\nbackend = "close"\napi_key = "k1"\naccess_token = "k2"', "has api_key and access_token"),
    ('[connections.n]\nbackend = "vambe"\napi_key = "k"\nrate = "many"', "connections.n.rate in", "a whole number"),
    ('[connections.n]\nbackend = "vambe"\napi_key = "k"\nrate = [1]', "connections.n.rate in", "is a list"),
    ('[connections.n]\nbackend = "vambe"\napi_key = {a = 1}', "connections.n.api_key in", "is a table"),
    ('[connections.n]\nbackend = "vambe"\napi_key = "k"\ntimezone = "Santiago/Chile"', "connections.n.timezone in"),
    ('[connections.n]\nbackend = "vambe"\napi_key = "k"\nbase_url = "${U}"', "connections.n.base_url in"),
    ('[connections.n]\nbackend = "vambe"\napi_key = "k"\ndescription = 3', "connections.n.description in", "no text"),
    (f'[connections.n]\nbackend = "vambe"\napi_key = "k"\ndescription = "{"x" * 121}"', "longer than 120"),
]


def test_a_description_has_120_characters_at_most(file: Path) -> None:
    table = f'[connections.n]\nbackend = "vambe"\napi_key = "k"\ndescription = "{"x" * 120}"'
    assert [one.description for one in load(file, table).connections] == ["x" * 120]


@pytest.mark.parametrize("wrong", WRONG, ids=lambda one: one[0].replace("\n", " ")[:60])
def test_a_wrong_table_is_refused_by_key_and_file(wrong: tuple[str, ...], file: Path) -> None:
    text, *parts = wrong
    with pytest.raises(OperatorError) as caught:
        load(file, text)
    said = f"{caught.value.message} {caught.value.next_step}"
    assert str(file) in said
    assert [part for part in parts if part not in said] == []


UNREAD = [
    ("${K}", "unauthorized", "a placeholder (${…})"),
    ("your key", "unauthorized", "a sample text"),
    ("a b", "configuration", "has spaces"),
    ("env:GONE", "configuration", "'GONE', which is not set"),
    ("file:/gone", "configuration", "is not there"),
    ("file:$GONE/north", "configuration", "the variable GONE, which has no value"),
]


@pytest.mark.parametrize(("value", "code", "why"), UNREAD)
def test_a_credential_that_cannot_be_used_is_refused_where_its_connection_is_opened(
    value: str, code: str, why: str, file: Path
) -> None:
    found = load(file, f'{TWO}[connections.n]\nbackend = "close"\napi_key = "{value}"\n')
    assert [one.name for one in found.connections] == ["north", "south", "n"]
    assert [{*one.settings.secrets} - {value} for one in found.connections] == [{NORTH, SOUTH}] * 3
    for one in found.connections[:2]:
        one.settings.check_backend()
    with refused(code, OperatorError) as caught:
        found.connections[2].settings.check_backend()
    said = f"{caught.value.message} {caught.value.next_step}"
    assert f"connections.n.api_key in {file}" in said
    assert why in said
    assert [one.found for one in found.warnings if f"connections.n.api_key in {file}" in one.found]


def test_a_table_named_default_excludes_settings_outside_of_tables(file: Path) -> None:
    text = TWO.replace("connections.north", "connections.default")
    assert [one.name for one in load(file, text).connections] == ["default", "south"]
    with pytest.raises(OperatorError, match=r"connections.default in .* and TASKHAND_BACKEND define the same"):
        load(file, text, TASKHAND_BACKEND="local")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("", ""),
        ('db = "{folder}/a.sqlite"', 'db = "{folder}/b/../a.sqlite"'),
        ('db = "{folder}/a.sqlite"', 'db = "{folder}/link.sqlite"'),
        ('db = "{folder}/a.sqlite"', 'db = "{folder}/hard.sqlite"'),
    ],
)
def test_two_connections_to_one_store_are_refused(one: str, other: str, file: Path, tmp_path: Path) -> None:
    store = tmp_path / "a.sqlite"
    store.touch()
    (tmp_path / "link.sqlite").symlink_to(store)
    (tmp_path / "hard.sqlite").hardlink_to(store)
    text = f"{LOCAL}{one}\n{LOCAL.replace('mine', 'yours')}{other}".replace("{folder}", str(tmp_path))
    with pytest.raises(OperatorError, match=r"The connections mine and yours lead to the same store, .*sqlite"):
        load(file, text)
    for another in (f"{tmp_path}/c", "postgresql://127.0.0.1/tasks"):
        found = load(file, f'{LOCAL}db = "{store}"\n{LOCAL.replace("mine", "yours")}db = "{another}"')
        assert [one.name for one in found.connections] == ["mine", "yours"]


def test_the_store_of_the_environment_is_not_used_by_other_connections(file: Path, tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="The connections default and mine lead to the same store"):
        load(file, f'{LOCAL}db = "{tmp_path}/a"', TASKHAND_DB=str(tmp_path / "a"))


@pytest.mark.parametrize(
    ("base", "is_told"), [("", True), ("https://API.vambe.me/", True), ("http://127.0.0.1:1", False)]
)
def test_a_note_reports_two_connections_to_one_account(base: str, file: Path, *, is_told: bool) -> None:
    text = f'{TWO}[connections.east]\nbackend = "vambe"\napi_key = "{SOUTH}"\nbase_url = "{base}"\n'
    found = [one.found for one in load(file, text).warnings]
    assert found == (["The connections south and east lead to the same account."] if is_told else [])
    [again] = load(file, TWO, VAMBE_API_KEY=SOUTH).warnings
    assert again.found == "The connections default and south lead to the same account."


def test_several_credentials_in_the_environment_are_refused(file: Path) -> None:
    found = load(file, TWO, VAMBE_API_KEY=OUTSIDE, CLOSE_API_KEY=OUTSIDE)
    with pytest.raises(OperatorError, match="several CRMs") as caught:
        _ = found.connections[0].settings.backend
    assert "taskhand connections add" in str(caught.value.next_step)


def test_the_secrets_of_all_connections_are_masked_everywhere(file: Path) -> None:
    found = load(file, TWO, CLOSE_API_KEY=OUTSIDE)
    assert [{*one.settings.secrets} for one in found.connections] == [{NORTH, SOUTH, OUTSIDE}] * 3
    assert {*found.settings.secrets} == {NORTH, SOUTH, OUTSIDE}
    assert [one for one in (NORTH, SOUTH, OUTSIDE) if one in f"{found!r} {found.connections!r} {found.file!r}"] == []


def test_a_journal_masks_the_secrets_of_every_connection(file: Path) -> None:
    for one in load(file, TWO, CLOSE_API_KEY=OUTSIDE).connections:
        assert Masking(one.settings.secrets).mask(f"{NORTH}, {SOUTH}, {OUTSIDE}") == f"{MASK}, {MASK}, {MASK}"


def test_a_note_names_the_key_of_a_secret_that_other_users_can_read(file: Path, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("k", encoding="utf-8")
    key.chmod(0o644)
    file.write_text(TWO.replace("env:SOUTH", f"file:{key}"), encoding="utf-8")
    file.chmod(0o644)
    told = [(one.found, one.remedy) for one in load_configuration({"TASKHAND_CONFIG": str(file)}, {}).warnings]
    assert told == [
        (
            f"{file} holds connections.north.access_token, and other users of this machine can read it.",
            f"Run: chmod 600 {file}",
        ),
        (
            f"The file that connections.south.api_key in {file} names can be read by other users of this machine.",
            f"Run: chmod 600 {key}",
        ),
    ]


def test_a_note_reports_a_crm_setting_that_no_connection_uses(file: Path) -> None:
    [warning] = load(file, TWO, VAMBE_BASE_URL="http://127.0.0.1:1").warnings
    assert warning.found == "VAMBE_BASE_URL is set, and no connection uses it."


def test_a_variable_that_a_setting_refers_to_is_no_unknown_setting(file: Path) -> None:
    variables = {"TASKHAND_NORTH": "key-1", "TASKHAND_OUTSIDE": "key-2"}
    text = '[vambe]\napi_key = "env:TASKHAND_OUTSIDE"\n\n[connections.n]\nbackend = "close"\n'
    found = load(file, f'{text}api_key = "env:TASKHAND_NORTH"\n', **variables, TASKHAND_UNREAD="x")
    assert [one.found for one in found.warnings] == ["TASKHAND_UNREAD is an unknown setting."]


def test_a_credential_file_that_others_can_read_gives_a_warning(file: Path, tmp_path: Path) -> None:
    secret = tmp_path / "key"
    secret.write_text("key-1", encoding="utf-8")
    for mode, warned in ((0o644, True), (0o600, False)):
        secret.chmod(mode)
        found = load(file, f'[connections.n]\nbackend = "close"\napi_key = "file:{secret}"\n')
        assert ["can be read by" in one.found for one in found.warnings] == [True] * warned


def test_the_journal_of_a_crm_is_beside_the_store_of_the_server(file: Path, tmp_path: Path) -> None:
    text = '[connections.n]\nbackend = "close"\napi_key = "key-1"\n'
    found = load(file, text, TASKHAND_DB=str(tmp_path / "a.sqlite"))
    assert [str(one.settings.db) for one in found.connections] == [str(tmp_path / "a.sqlite")] * 2


def test_a_variable_used_by_a_table_makes_a_default_connection_only_with_a_chosen_backend(file: Path) -> None:
    text = '[connections.n]\nbackend = "close"\napi_key = "env:CLOSE_API_KEY"\n'
    assert [one.name for one in load(file, text, CLOSE_API_KEY="key-1").connections] == ["n"]
    found = load(file, text, CLOSE_API_KEY="key-1", TASKHAND_BACKEND="close")
    assert [one.name for one in found.connections] == ["default", "n"]
    assert found.settings.value("close_api_key") is not None
