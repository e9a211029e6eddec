"""The address of a database: read whole with its password, or refused without a word of it."""

import random
from collections.abc import Iterator

import pytest
from click.testing import CliRunner
from psycopg.conninfo import conninfo_to_dict

from taskhand.cli.main import command
from taskhand.config.settings import Settings
from taskhand.domain.errors import OperatorError
from taskhand.journal.postgres import JOURNAL
from taskhand.postgres.errors import describe_database, unreachable_error
from taskhand.sql.store_address import StoreAddress, is_whole_address, split_passwords

WHERE = "127.0.0.1:5544/taskhand"


def passwords() -> Iterator[str]:
    """Passwords of letters that no message has, and of the characters that mean something in an address."""
    chance = random.Random(20)  # noqa: S311  the same ones in every run
    for _ in range(1_000):
        yield "".join(chance.choice("QXZQXZ7@/?#%:&=+;[],. @/?#") for _ in range(chance.randrange(3, 12)))


@pytest.mark.parametrize("variable", ["TASKHAND_STATE", "TASKHAND_DB"])
def test_a_database_password_is_parsed_correctly_or_refused_without_being_shown(variable: str) -> None:
    refusals = 0
    for password in passwords():
        url = f"postgresql://taskhand:{password}@{WHERE}"
        try:
            Settings.from_env({variable: url, "TASKHAND_CONFIG": "/dev/null"})
        except OperatorError as error:
            told, refusals = f"{error.message} {error.next_step} {error.__cause__}", refusals + 1
            assert "%40" in told
        else:
            meant = conninfo_to_dict(url)
            assert (meant["host"], meant["port"], meant["dbname"]) == ("127.0.0.1", "5544", "taskhand"), password
            assert meant["password"] in split_passwords(url)
            told = describe_database(url)
        parts = {password[at : at + 3] for at in range(len(password) - 2)}
        assert not [one for one in parts if any(letter in one for letter in "QXZ") and one in told], (password, told)
    assert 300 < refusals < 1_000


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://taskhand:p@ss/word@127.0.0.1:5544/taskhand",
        "postgresql://taskhand:p@ss#word@127.0.0.1:5544/taskhand",
        "postgresql://taskhand:p@ss?word@127.0.0.1:5544/taskhand",
        "postgresql://taskhand:p@ss?word=1@127.0.0.1:5544/taskhand",
        "postgresql://taskhand:12/sword@127.0.0.1:5544/taskhand",
        "postgresql://taskhand:12#sword@127.0.0.1:5544/taskhand",
        "postgresql://taskhand:se%cret@127.0.0.1:5544/taskhand",
        "postgresql://taskhand:se%ffcret@127.0.0.1:5544/taskhand",
        "postgresql://taskhand@127.0.0.1:5544/taskhand?password=se#cret",
        "postgresql://taskhand@127.0.0.1:5544/taskhand?password=se&cret",
        "postgresql://taskhand:secret@127.0.0.1:0/taskhand",
        "postgresql+psycopg://taskhand:secret@127.0.0.1:5544/taskhand",
        "postgres:/taskhand:secret@127.0.0.1:5544/taskhand",
        "POSTGRESQL://taskhand:secret@127.0.0.1:5544/taskhand",
    ],
)
def test_an_address_that_is_not_whole_is_refused_wherever_it_is_given(url: str) -> None:
    assert not is_whole_address(url)
    for variable in ("TASKHAND_STATE", "TASKHAND_DB"):
        with pytest.raises(OperatorError) as error:
            Settings.from_env({variable: url})
        told = f"{error.value.message} {error.value.next_step}"
        assert "cret" not in told
        assert "word@" not in told
        assert "@ : / ? # % in the password as %40 %3A %2F %3F %23 %25" in told
    error_of_driver = unreachable_error(url, JOURNAL, "it does")
    assert "word@" not in error_of_driver.message
    assert "cret" not in error_of_driver.message


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://",
        "postgresql:///taskhand?host=/var/run/postgresql&port=5433",
        "postgresql://%2Fvar%2Frun%2Fpostgresql/taskhand",
        "postgres://taskhand@db_1/taskhand",
        "postgresql://taskhand:p%40ss%2Fw%25rd:1@[::1]:5432/taskhand?sslmode=verify-full&sslrootcert=/etc/ca.pem",
        "postgresql:///taskhand?host=a,b&target_session_attrs=read-write&user=ana@crm&password=a+b@c",
        "postgresql://taskhand:ñandú@127.0.0.1/taskhand?options=-c%20a%3Db",
    ],
)
def test_an_address_that_the_driver_reads_is_whole(url: str) -> None:
    driver = conninfo_to_dict(url)
    assert is_whole_address(url)
    assert set(split_passwords(url)) >= {driver[one] for one in ("password",) if one in driver}


@pytest.mark.parametrize("name", ["password", "p%61ssword"])
def test_a_password_among_the_options_of_an_address_is_known_and_not_shown(name: str) -> None:
    url = f"postgresql://ana@db.test/tasks?sslmode=require&{name}=s3%20cret"
    assert "s3 cret" in conninfo_to_dict(url).values()
    assert set(split_passwords(url)) == {"s3%20cret", "s3 cret"}
    assert str(StoreAddress(url)) == "postgresql://***@db.test/tasks"
    assert "cret" not in repr(StoreAddress(url))


@pytest.mark.parametrize("arguments", [["doctor"], ["state", "copy"], ["journal", "verify"]])
def test_no_command_prints_a_part_of_the_password(arguments: list[str]) -> None:
    url = f"postgresql://taskhand:p@ss/word@{WHERE}"
    done = CliRunner(env={"TASKHAND_STATE": url, "TASKHAND_CONFIG": "/dev/null"}).invoke(command, arguments)
    told = f"{done.output}{done.exception}"
    assert done.exit_code != 0
    assert "ss/w" not in told
    assert "word@" not in told
