"""Addresses of tasks in place of ids."""

from typing import Any

import pytest

from taskhand.server.task_addresses import with_plain_ids


@pytest.mark.parametrize(
    ("sent", "plain"),
    [
        ({"id": "task://T-1"}, {"id": "T-1"}),
        ({"ids": [" task://T-1/ ", "T-2", 3]}, {"ids": ["T-1", "T-2", 3]}),
        ({"id": "task://north/T%201"}, {"id": "T 1", "connection": "north"}),
        ({"id": "task://north/T-1", "connection": "NORTH"}, {"id": "T-1", "connection": "NORTH"}),
        ({"id": "task://NORTH/T-1", "connection": "north"}, {"id": "T-1", "connection": "north"}),
        ({"id": "task://north/T-1", "connection": "south"}, {"id": "task://north/T-1", "connection": "south"}),
        ({"ids": ["task://north/T-1", "task://south/T-2"]}, {"ids": ["T-1", "T-2"]}),
        ({"title": "task://north/T-1"}, {"title": "task://north/T-1"}),
        ({"id": "task://north/T-1", "idProperty": "page"}, {"id": "task://north/T-1", "idProperty": "page"}),
        ({"id": "task://north/T-1", "idProperty": ""}, {"id": "T-1", "idProperty": "", "connection": "north"}),
    ],
)
def test_an_address_stands_for_its_id_and_names_its_connection(sent: dict[str, Any], plain: dict[str, Any]) -> None:
    assert with_plain_ids(sent, has_several=True) == plain


def test_the_only_connection_is_named_by_no_address() -> None:
    assert with_plain_ids({"id": "task://T-1"}, has_several=False) == {"id": "T-1"}
    assert with_plain_ids({"id": "task://north/T-1"}, has_several=False) == {"id": "task://north/T-1"}
