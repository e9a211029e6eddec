"""The name of the built-in store in the journal: its id, and the paths used before it had an id."""

from collections.abc import Sequence
from typing import NamedTuple

from taskhand.sql.connection import SqlConnection

__all__ = ["Identity", "adopt", "read"]


class Identity(NamedTuple):
    """The id, and the `former` names in journals. A store that `is_new` has no former names."""

    id: str
    is_new: bool
    former: tuple[str, ...] = ()


def read(connection: SqlConnection) -> Identity:
    """The identity of the store."""
    sql = "SELECT i.id, i.is_new, f.place FROM identity i LEFT JOIN former_place f ON TRUE ORDER BY f.place"
    rows = connection.execute(sql).fetchall()
    return Identity(
        rows[0]["id"], bool(rows[0]["is_new"]), tuple(row["place"] for row in rows if row["place"] is not None)
    )


def adopt(connection: SqlConnection, former: Sequence[str]) -> None:
    """Add `former` names, if they are not stored yet."""
    connection.executemany("INSERT INTO former_place VALUES (?) ON CONFLICT DO NOTHING", [(one,) for one in former])
