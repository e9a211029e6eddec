"""A new connection as it is tried: with its secrets, and without the variables that they came from."""

import pytest

from taskhand.cli.new_connection import NewConnection


def test_a_variable_stays_in_force_unless_the_table_has_its_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOSE_API_KEY", "api_1234567890abcdef")
    for secret, stays in (("api_1234567890abcdef", False), ("api_typed_1234567890", True)):
        new = NewConnection("south", {"backend": "close"}, {"api_key": secret}, "file", {"api_key": "CLOSE_API_KEY"})
        assert ("CLOSE_API_KEY" in new.other_variables()) is stays
