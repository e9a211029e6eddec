"""The argument that names a connection, as it is taken from the arguments of a call."""

from typing import Any

import pytest

from taskhand.server.arguments.connection import ids_in_arguments, take_connection
from taskhand.service.connections import Connections, UnclearConnection


@pytest.mark.parametrize("may_be_all", [True, False])
@pytest.mark.parametrize("value", [None, "", " ", "null", [], [""], {}])
def test_a_value_that_a_host_fills_in_names_no_connection(value: Any, *, may_be_all: bool) -> None:
    named, sent = take_connection({"connection": value, "id": "T-1"}, Connections({}), may_be_all=may_be_all)
    assert (named, sent) == (None, {"id": "T-1"})


@pytest.mark.parametrize(
    ("may_be_all", "step"),
    [
        (True, "Send one of the candidates as connection, or leave it out for all."),
        (False, "Send one of the candidates as connection."),
    ],
)
def test_only_a_tool_of_all_connections_is_told_that_it_may_leave_the_argument_out(
    *, may_be_all: bool, step: str
) -> None:
    with pytest.raises(UnclearConnection, match=r"must be the name of one connection") as error:
        take_connection({"connection": 5}, Connections({}), may_be_all=may_be_all)
    assert (error.value.code, error.value.next_step) == ("invalid_arguments", step)


@pytest.mark.parametrize(("value", "are_values"), [(None, False), ("", False), ("external_id", True)])
def test_the_ids_of_a_call_are_values_of_a_property_only_if_it_is_named(value: Any, *, are_values: bool) -> None:
    found = ids_in_arguments(
        {"id": " 17 ", "taskIds": ["a", 5, True, None, ""], "planId": "plan_1", "idProperty": value}
    )
    assert (found.tasks, found.changes, found.are_values) == (["17", "a", "5"], ["plan_1"], are_values)
