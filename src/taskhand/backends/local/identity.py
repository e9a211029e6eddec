"""What the journal calls the embedded store: an id of its own, and the paths that stood for it before it had one."""

from collections.abc import Sequence
from dataclasses import dataclass

from taskhand.sql.connection import SqlConnection

__all__ = ["Identity", "adopt", "read"]


@dataclass(frozen=True, slots=True)
class Identity:
    """The id, and `former` names in journals. A store that `is_new` never had another name."""

    id: str
    is_new: bool
    former: tuple[str, ...] = ()


def read(connection: SqlConnection) -> Identity:
    """The identity of the store."""
    row = connection.execute("SELECT id, is_new FROM identity").fetchone()
    former = connection.execute("SELECT place FROM former_place ORDER BY place")
    return Identity(row["id"], bool(row["is_new"]), tuple(one["place"] for one in former))


def adopt(connection: SqlConnection, former: Sequence[str]) -> None:
    """Add former names."""
    connection.executemany("INSERT INTO former_place VALUES (?) ON CONFLICT DO NOTHING", [(one,) for one in former])
