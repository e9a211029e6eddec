"""Paths with the home folder and variables in them: expanded or refused, never a folder of that name."""

import os
from pathlib import Path

import pytest

from builders import refused
from taskhand.config.data_files import events_path, journal_path, store_path
from taskhand.config.effective_settings import load_configuration
from taskhand.config.paths import expand_path
from taskhand.config.settings import Settings
from taskhand.domain.errors import OperatorError

ENVIRON = {"HOME": "/home/ana", "APPDATA": "/home/ana/appdata", "PADDED": " /data\n", "EMPTY": " ", "LOOP": "$LOOP"}
ON_POSIX = pytest.mark.skipif(os.name == "nt", reason="a path like any other on Windows")


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ("$HOME/tasks.sqlite", "/home/ana/tasks.sqlite"),
        ("${HOME}/tasks.sqlite", "/home/ana/tasks.sqlite"),
        ("${env:HOME}/tasks.sqlite", "/home/ana/tasks.sqlite"),
        ("$env:HOME/tasks.sqlite", "/home/ana/tasks.sqlite"),
        ("%APPDATA%/taskhand/tasks.sqlite", "/home/ana/appdata/taskhand/tasks.sqlite"),
        ("$PADDED/tasks.sqlite", "/data/tasks.sqlite"),
        (" /data/tasks.sqlite\n", "/data/tasks.sqlite"),
        ("/data/100%/$5/tasks.sqlite", "/data/100%/$5/tasks.sqlite"),
        ("O'Neil's/tasks.sqlite", "O'Neil's/tasks.sqlite"),
    ],
)
def test_a_variable_in_a_path_is_replaced(given: str, path: str) -> None:
    assert expand_path("TASKHAND_DB", given, ENVIRON) == Path(path)


@pytest.mark.parametrize(
    "given",
    [
        "$NOWHERE/tasks.sqlite",
        "%NOWHERE%\\tasks.sqlite",
        "${NOWHERE}",
        "$EMPTY/tasks.sqlite",
        "$LOOP/tasks.sqlite",
        "${HOME:-/tmp}/tasks.sqlite",
        "${workspaceFolder}/tasks.sqlite",
        "${input:folder}/tasks.sqlite",
        "${user_config.db}",
        "{{HOME}}/tasks.sqlite",
        "$(pwd)/tasks.sqlite",
        "<folder>/tasks.sqlite",
        "`pwd`/tasks.sqlite",
        "file:///data/tasks.sqlite",
        pytest.param(r"C:\Users\ana\tasks.sqlite", marks=ON_POSIX),
        pytest.param("d:/tasks.sqlite", marks=ON_POSIX),
        '"/data/tasks.sqlite"',
        "'/data/tasks.sqlite'",
        "~nobody-of-that-name/tasks.sqlite",
        "/data/~/tasks.sqlite",
    ],
)
def test_an_unknown_variable_in_a_path_is_refused_with_the_name_of_the_setting(given: str) -> None:
    with refused("configuration", OperatorError) as caught:
        expand_path("TASKHAND_DB", given, ENVIRON)
    assert caught.value.message.startswith("TASKHAND_DB ")


def test_every_file_of_the_settings_is_expanded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    settings = Settings.from_env({"TASKHAND_DB": "$HOME/tasks.sqlite", "TASKHAND_JOURNAL": "~/journal.sqlite"})
    assert (store_path(settings), journal_path(settings)) == (tmp_path / "tasks.sqlite", tmp_path / "journal.sqlite")
    (tmp_path / "my.toml").write_text("plan_over = 3", encoding="utf-8")
    environ = {"TASKHAND_CONFIG": "${HOME}/my.toml", "HOME": str(tmp_path)}
    assert load_configuration(environ, {"db": "$HOME/flag.sqlite"}).settings.plan_over == 3


def test_a_journal_beside_a_symbolic_link_is_used_until_the_target_has_one(
    tmp_path: Path,
) -> None:
    (tmp_path / "real.sqlite").touch()
    (tmp_path / "link.sqlite").symlink_to(tmp_path / "real.sqlite")
    settings = Settings.from_env({"TASKHAND_DB": str(tmp_path / "link.sqlite")})
    assert journal_path(settings).name == "real.journal.sqlite"
    (tmp_path / "link.journal.sqlite").touch()
    assert journal_path(settings).name == "link.journal.sqlite"
    (tmp_path / "real.journal.sqlite").touch()
    assert journal_path(settings).name == "real.journal.sqlite"


@pytest.mark.parametrize("variable", ["TASKHAND_DB", "TASKHAND_JOURNAL", "TASKHAND_CONFIG"])
def test_a_placeholder_in_the_path_of_a_setting_is_refused(variable: str) -> None:
    with refused("configuration", OperatorError) as caught:
        journal_path(load_configuration({"TASKHAND_CONFIG": os.devnull, variable: "${NOWHERE}/x"}, {}).settings)
    assert variable in caught.value.message


@pytest.mark.parametrize(
    ("given", "events"),
    [
        ({"TASKHAND_DB": "/data/tasks.sqlite"}, "/data/tasks.events.sqlite"),
        ({"TASKHAND_JOURNAL": "/data/of-north.journal.sqlite"}, "/data/of-north.events.sqlite"),
        ({"TASKHAND_JOURNAL": "/data/changes.db"}, "/data/changes.events.sqlite"),
        ({"TASKHAND_JOURNAL": "/data/changes.db", "TASKHAND_EVENTS": "/data/feed.sqlite"}, "/data/feed.sqlite"),
    ],
)
def test_the_events_are_beside_the_journal_under_its_name(given: dict[str, str], events: str) -> None:
    assert events_path(Settings.from_env(given)) == Path(events)
