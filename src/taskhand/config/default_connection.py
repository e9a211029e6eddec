"""The connection `default` of the settings outside of any table, beside the connections of the configuration file."""

from dataclasses import replace

from taskhand.backends.registry import FACTORIES
from taskhand.config.credentials import VARIABLE_MARK
from taskhand.config.environment_variables import Variables
from taskhand.config.settings import Settings
from taskhand.config.settings_file import SettingsFile

__all__ = ["drop_table_secrets", "find_default_settings"]


def drop_table_secrets(variables: Variables, file: SettingsFile) -> Variables:
    """The variables without the secrets to which a connection's table refers.

    They stay if a backend is chosen outside of the tables, which uses them too.
    """
    if "TASKHAND_BACKEND" in {**variables.values, **file.values}:
        return variables
    taken = {text.removeprefix(VARIABLE_MARK) for table in file.tables for text in table.values.values()}
    secrets = {Settings.variable(name) for factory in FACTORIES for name in factory.secrets}
    kept = {name: value for name, value in variables.values.items() if name not in taken & secrets}
    return replace(variables, values=kept)


def find_default_settings(settings: Settings) -> list[str]:
    """The settings outside of any table that choose a backend, by field name."""
    credentials = [name for factory in FACTORIES for name in factory.credentials]
    return [name for name in ("chosen_backend", "db", *credentials) if getattr(settings, name) is not None]
