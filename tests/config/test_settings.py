import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import refused
from taskhand.config.settings import FIELDS, Settings
from taskhand.domain.errors import OperatorError
from variables import PREFIXES

VARIABLES = [str(field.alias) for field in FIELDS.values()]
SECRET = "s3cr3t-value"  # noqa: S105  a stand-in that must not be seen


def test_without_variables_the_backend_is_the_built_in_store() -> None:
    settings = Settings.from_env({})
    assert (settings.backend, settings.db, settings.timezone, settings.clock) == ("local", None, None, None)
    assert (settings.ids, settings.user, settings.log_level) == ("random", None, "WARNING")
    assert (settings.journal, settings.journal_days) == (None, 365)
    assert (settings.plan_over, settings.duplicate_s, settings.ask) == (10, 120, "auto")


def test_every_variable_is_read() -> None:
    settings = Settings.from_env(
        {
            "TASKHAND_BACKEND": "local",
            "TASKHAND_DB": "/data/tasks.sqlite",
            "TASKHAND_TIMEZONE": "america/santiago",
            "TASKHAND_CLOCK": "2026-03-01T12:00:00Z",
            "TASKHAND_IDS": "sequential",
            "TASKHAND_USER": "Ana Pérez",
            "TASKHAND_LOG_LEVEL": "DEBUG",
            "TASKHAND_JOURNAL": "/data/journal.sqlite",
            "TASKHAND_JOURNAL_DAYS": "0",
            "TASKHAND_PLAN_OVER": "50",
            "TASKHAND_DUPLICATE_S": "0",
            "TASKHAND_ASK": "never",
        }
    )
    assert (settings.journal, settings.journal_days) == (Path("/data/journal.sqlite"), 0)
    assert (settings.plan_over, settings.duplicate_s, settings.ask) == (50, 0, "never")
    assert settings.db == Path("/data/tasks.sqlite")
    assert settings.timezone == "America/Santiago"
    assert settings.clock == datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert (settings.ids, settings.user, settings.log_level) == ("sequential", "Ana Pérez", "DEBUG")


def test_every_setting_has_a_variable_of_ours_and_a_description() -> None:
    assert all(name.startswith(PREFIXES) for name in VARIABLES)
    assert all(field.description for field in FIELDS.values())


def test_the_default_in_the_description_of_a_setting_is_the_one_it_has() -> None:
    found: dict[str, tuple[str, str]] = {}
    for field in FIELDS.values():
        said = re.findall(r"\bdefault:? `?([\w.]+)`?(?:[;,.]| )", str(field.description))
        if said and field.default is not None:
            found[str(field.alias)] = (said[-1].rstrip("."), str(field.default).removesuffix(".0").lower())
    assert {name: pair for name, pair in found.items() if pair[0].lower() != pair[1]} == {}
    assert len(found) >= 15


BOUNDS = {
    "TASKHAND_JOURNAL_DAYS": (0, 36_500),
    "TASKHAND_PLAN_OVER": (0, 10_000),
    "TASKHAND_DUPLICATE_S": (0, 86_400),
    "TASKHAND_CALL_S": (5, 3_600),
    "TASKHAND_PORT": (0, 65_535),
    "TASKHAND_REQUESTS_S": (0, 100_000),
    "TASKHAND_BODY_KB": (64, 65_536),
    "TASKHAND_DRAIN_DELAY_S": (0, 300),
    "TASKHAND_DRAIN_S": (0, 3_600),
    "TASKHAND_METRICS_PORT": (0, 65_535),
}


@pytest.mark.parametrize("variable", BOUNDS)
def test_a_number_is_accepted_within_its_bounds_alone(variable: str) -> None:
    [name] = [name for name in FIELDS if Settings.variable(name) == variable]
    low, high = BOUNDS[variable]
    assert [Settings.from_env({variable: str(one)}).value(name) for one in (low, high)] == [low, high]
    for beyond in (low - 1, high + 1):
        with refused("configuration", OperatorError):
            Settings.from_env({variable: str(beyond)})


@pytest.mark.parametrize(
    ("given", "seconds"), [({}, 50), ({"TASKHAND_CALL_S": "9"}, 14), ({"TASKHAND_DRAIN_S": "0"}, 0)]
)
def test_running_calls_have_five_seconds_more_than_a_call_to_end_unless_a_setting_says_otherwise(
    given: dict[str, str], seconds: int
) -> None:
    assert Settings.from_env(given).calls_end_s == seconds


@pytest.mark.parametrize(("backend", "zone"), [("vambe", "America/Santiago"), ("local", "Europe/Madrid")])
def test_the_zone_of_a_crm_overrides_the_shared_one_on_that_crm_only(backend: str, zone: str) -> None:
    zones = {"VAMBE_TIMEZONE": "America/Santiago", "TASKHAND_TIMEZONE": "Europe/Madrid"}
    assert Settings.from_env({"TASKHAND_BACKEND": backend, **zones}).default_timezone == zone


def test_a_flag_overrides_its_variable_unless_it_is_none() -> None:
    environ = {"TASKHAND_USER": "Ana", "TASKHAND_IDS": "sequential"}
    settings = Settings.from_env(environ, user="Ben", ids=None)
    assert (settings.user, settings.ids) == ("Ben", "sequential")


def test_a_flag_overrides_an_invalid_variable() -> None:
    assert Settings.from_env({"TASKHAND_IDS": "odd"}, ids="random").ids == "random"


@pytest.mark.parametrize("blank", ["", " ", "\t\n"])
def test_blank_variables_are_not_set(blank: str) -> None:
    assert Settings.from_env(dict.fromkeys(VARIABLES, blank)) == Settings()


def test_whitespace_around_a_value_is_stripped() -> None:
    assert Settings.from_env({"TASKHAND_USER": " Ana ", "TASKHAND_IDS": " sequential\n"}).user == "Ana"


def test_the_password_in_the_address_of_a_database_is_a_secret_too() -> None:
    names = ("TASKHAND_STATE", "TASKHAND_DB")
    secrets = [Settings.from_env({name: f"postgresql://ana:pw-of-{name}@db.test/tasks"}).secrets for name in names]
    assert [f"pw-of-{name}" in own for name, own in zip(names, secrets, strict=True)] == [True, True]


def test_variables_of_other_programs_are_not_read() -> None:
    assert (
        Settings.from_env({"PATH": "/bin", "USER": "root", "user": "x", "db": "y", "taskhand_user": "z"}) == Settings()
    )


def test_the_clock_stands_in_a_year_around_which_due_dates_can_be_computed() -> None:
    for year in (1900, 2999):
        assert Settings.from_env({"TASKHAND_CLOCK": f"{year}-07-01T12:00:00Z"}).clock is not None
    for year in (1899, 3000):
        with pytest.raises(OperatorError, match="its year must be from 1900 to 2999"):
            Settings.from_env({"TASKHAND_CLOCK": f"{year}-07-01T12:00:00Z"})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TASKHAND_BACKEND", "salesforce"),
        ("TASKHAND_TIMEZONE", "America/Santigo"),
        ("TASKHAND_TIMEZONE", "../etc/passwd"),
        ("TASKHAND_CLOCK", "2026-03-01T12:00:00"),
        ("TASKHAND_CLOCK", "soon"),
        ("TASKHAND_IDS", "odd"),
        ("TASKHAND_LOG_LEVEL", "LOUD"),
        ("TASKHAND_JOURNAL_DAYS", "-1"),
        ("TASKHAND_PLAN_OVER", "many"),
        ("TASKHAND_DUPLICATE_S", "1.5"),
        ("TASKHAND_ASK", "always"),
    ],
)
def test_the_error_of_an_invalid_value_names_its_variable_and_no_other(name: str, value: str) -> None:
    others = {"TASKHAND_USER": SECRET, "TASKHAND_DB": f"/{SECRET}", "API_KEY": SECRET}
    with refused("configuration", OperatorError) as caught:
        Settings.from_env(others | {name: value})
    assert name in caught.value.message
    assert SECRET not in repr(caught.value)
    assert [word for word in re.findall(r"\w+", caught.value.message) if word in VARIABLES] == [name]
    assert caught.value.__cause__ is None


def test_a_wrong_flag_is_refused_under_the_name_of_its_variable() -> None:
    with refused("configuration", OperatorError) as caught:
        Settings.from_env({}, ids="odd")
    assert "TASKHAND_IDS" in caught.value.message


def test_a_misspelled_zone_is_refused_with_the_nearest_zone() -> None:
    with refused("configuration", OperatorError) as caught:
        Settings.from_env({}, timezone="America/Santigo")
    assert "America/Santiago" in caught.value.message


@pytest.mark.parametrize("offset", ["GMT-3", "-03:00", "UTC\u22123"])
def test_an_offset_is_refused_as_a_zone_and_no_zone_of_another_sign_is_named(offset: str) -> None:
    with refused("configuration", OperatorError) as caught:
        Settings.from_env({"TASKHAND_TIMEZONE": offset})
    assert "Write its city, e.g. America/Santiago." in caught.value.message
    assert "Etc/" not in caught.value.message


@given(st.dictionaries(st.sampled_from(VARIABLES), st.text()))
def test_any_environment_is_accepted_or_refused_with_an_operator_error(environ: dict[str, str]) -> None:
    try:
        Settings.from_env(environ)
    except OperatorError as error:
        assert any(name in error.message for name in environ)  # noqa: PT017  any other exception must escape


KEY_A, KEY_B, VAULT_A, VAULT_B = "a" * 32, "b" * 32, f"thv_{64 * 'a'}", f"thv_{64 * 'b'}"


@pytest.mark.parametrize(
    ("variable", "value", "is_usable"),
    [
        ("TASKHAND_STATE_KEY", KEY_A, True),
        ("TASKHAND_STATE_KEY", f"{KEY_A}, {KEY_B}", True),
        ("TASKHAND_STATE_KEY", f"{KEY_A}, {KEY_A}", False),
        ("TASKHAND_STATE_KEY", f"{KEY_A},{KEY_B[1:]}", False),
        ("TASKHAND_STATE_KEY", KEY_A[1:], False),
        ("TASKHAND_STATE_KEY", f"{KEY_A},{32 * 'é'}", False),
        ("TASKHAND_VAULT_KEY", VAULT_A, True),
        ("TASKHAND_VAULT_KEY", f"{VAULT_A},{VAULT_B}", True),
        ("TASKHAND_VAULT_KEY", f"{VAULT_A},{VAULT_A}", False),
        ("TASKHAND_VAULT_KEY", f"{VAULT_A},{KEY_A}", False),
        ("TASKHAND_VAULT_KEY", VAULT_A[:-1], False),
        ("TASKHAND_VAULT_KEY", VAULT_A.upper(), False),
    ],
)
def test_keys_that_are_too_short_or_repeated_are_refused(variable: str, value: str, *, is_usable: bool) -> None:
    if is_usable:
        assert value in Settings.from_env({variable: value}).secrets
    else:
        with pytest.raises(OperatorError, match=f"{variable} is not usable") as caught:
            Settings.from_env({variable: value})
        assert value not in caught.value.message


@pytest.mark.parametrize(
    ("variable", "value", "must_be"),
    [
        ("TASKHAND_PORT", "3.5", "a whole number"),
        ("TASKHAND_PORT", "70000", "at most 65535"),
        ("TASKHAND_CALL_S", "1", "at least 5"),
        ("VAMBE_CACHE_S", "300.5", "at most 300"),
        ("VAMBE_CACHE_S", "long", "a number"),
        ("TASKHAND_READ_ONLY", "perhaps", "true or false"),
        ("TASKHAND_ASK", "always", "'auto' or 'never'"),
        ("TASKHAND_CLOCK", "noon", "a date and time with its offset, such as 2026-03-02T15:00:00Z"),
        ("TASKHAND_CLOCK", "2026-03-02T15:00", "a date and time with its offset, such as 2026-03-02T15:00:00Z"),
        ("TASKHAND_DB", 3, "a path, or the address of a database"),
        ("TASKHAND_JOURNAL", 3, "a path"),
        ("TASKHAND_TOOLS", 3, "a text"),
    ],
)
def test_the_error_for_an_invalid_value_says_what_the_setting_must_be(
    variable: str, value: object, must_be: str
) -> None:
    with pytest.raises(OperatorError) as caught:
        Settings.of({variable: value})
    assert caught.value.message == f"{variable} is not usable: it must be {must_be}."


LEAST = {
    **dict.fromkeys(("CLOSE_IN_FLIGHT", "VAMBE_IN_FLIGHT", "CLOSE_RATE", "HUBSPOT_RATE", "VAMBE_RATE"), 1),
    **dict.fromkeys(("TASKHAND_JOURNAL_DAYS", "TASKHAND_DUPLICATE_S", "TASKHAND_PLAN_OVER", "TASKHAND_REQUESTS_S"), 0),
    **dict.fromkeys(("TASKHAND_DRAIN_DELAY_S", "TASKHAND_DRAIN_S", "VAMBE_CACHE_S"), 0),
    **dict.fromkeys(("TASKHAND_PORT", "TASKHAND_METRICS_PORT"), 0),
    "TASKHAND_CALL_S": 5,
    "TASKHAND_BODY_KB": 64,
}
MOST = {
    **dict.fromkeys(("TASKHAND_PORT", "TASKHAND_METRICS_PORT"), 65_535),
    "TASKHAND_CALL_S": 3_600,
    "TASKHAND_BODY_KB": 65_536,
}


@pytest.mark.parametrize(
    ("variable", "last", "further"),
    [*((name, last, -1) for name, last in LEAST.items()), *((name, last, 1) for name, last in MOST.items())],
)
def test_the_last_documented_value_of_a_setting_is_usable_and_none_further(
    variable: str, last: int, further: int
) -> None:
    Settings.of({variable: str(last)})
    with pytest.raises(OperatorError, match=f"{variable} is not usable: it must be at (least|most) {last}"):
        Settings.of({variable: str(last + further)})


def test_each_of_several_keys_in_a_setting_is_masked() -> None:
    vault, state = [f"thv_{digit * 64}" for digit in "ab"], [digit * 32 for digit in "cd"]
    given = {"TASKHAND_VAULT_KEY": ", ".join(vault), "TASKHAND_STATE_KEY": ", ".join(state)}
    assert {*vault, *state} <= {*Settings.from_env(given).secrets}
