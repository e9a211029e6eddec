"""The statuses, members and contacts of the built-in store: read by the server, edited from the command line."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal, TypeVar

from taskhand.backends.base import Account
from taskhand.backends.local.mapping import to_contact, to_member, to_status
from taskhand.domain.check_result import CheckResult
from taskhand.domain.errors import CallerError, NotFound
from taskhand.domain.name_matching import digits_of, fold
from taskhand.domain.task import Contact, Deal, Member, Status, StatusType
from taskhand.sql.connection import SqlConnection

__all__ = ["Directory", "Language", "LocalAccount", "NewId", "add_defaults", "sequential_id"]

if TYPE_CHECKING:
    from taskhand.backends.local.storage import TaskStorage

_T = TypeVar("_T")

NewId = Callable[[SqlConnection], str]

Language = Literal["es", "en"]
"""The language of the default statuses."""

_FIRST_STATUSES: Sequence[tuple[Mapping[Language, str], StatusType, str]] = (
    ({"es": "Pendiente", "en": "To Do"}, "initial", "#60a5fa"),
    ({"es": "En Progreso", "en": "In Progress"}, "in_progress", "#facc15"),
    ({"es": "Completado", "en": "Done"}, "done", "#4ade80"),
)

"""The Spanish names and the first colour are from Vambe's documented samples; positions begin at 1, like `order`."""

_MAX_WORDS = 20
"""Maximum words in a contact search; no name has more."""


def sequential_id(connection: SqlConnection) -> str:
    """The next id of `--ids sequential`, formatted as a UUID; numbering continues across runs."""
    number = connection.execute("UPDATE id_sequence SET last = last + 1 RETURNING last").fetchone()[0]
    return f"00000000-0000-4000-8000-{number:012d}"


def add_defaults(connection: SqlConnection, *, new_id: NewId, user: str, language: Language) -> None:
    """Add the default statuses and the member `user` to a new store; leave any other store unchanged."""
    Directory(connection, new_id).add_defaults(user, language)


class Directory:
    """Reads and edits statuses, members and contacts, within a transaction of `connection`."""

    def __init__(self, connection: SqlConnection, new_id: NewId) -> None:
        self.connection = connection
        self._new_id = new_id

    def add_defaults(self, user: str, language: Language) -> None:
        """Add the default statuses and the member `user` to a new store; leave any other store unchanged."""
        if self.connection.execute("SELECT 1 FROM status").fetchone():
            return
        for names, kind, color in _FIRST_STATUSES:
            self.add_status(names[language], kind, color)
        self.connection.execute("UPDATE member SET is_me = 1 WHERE id = ?", (self.add_member(user),))

    def new_id(self) -> str:
        """A new id."""
        return self._new_id(self.connection)

    def statuses(self) -> tuple[Status, ...]:
        """All statuses by position."""
        return tuple(map(to_status, self.connection.execute("SELECT * FROM status ORDER BY position")))

    def members(self, *, active: bool = True) -> tuple[Member, ...]:
        """The members by name: active ones, or removed ones."""
        sql = "SELECT * FROM member WHERE active = ? ORDER BY name, id"
        return tuple(map(to_member, self.connection.execute(sql, (int(active),))))

    def me(self) -> str | None:
        """The id of the member `me`; None if there is none."""
        row = self.connection.execute("SELECT id FROM member WHERE is_me = 1 AND active = 1").fetchone()
        return row["id"] if row else None

    def contacts(self, query: str, limit: int) -> tuple[Contact, ...]:
        """Contacts whose name, phone and e-mail contain every word of `query`, or the digits of a phone number."""
        is_number = len(digits_of(query)) > len(query) / 2
        words = [digits_of(query)] if is_number else fold(query).split()[:_MAX_WORDS] or [""]
        condition = " AND ".join(["instr(searchable, ?) > 0"] * len(words))
        sql = f"SELECT * FROM contact WHERE {condition} ORDER BY name, id LIMIT ?"  # noqa: S608  no text of the caller's
        return tuple(map(to_contact, self.connection.execute(sql, (*words, limit))))

    def linked_contacts(self, field: str, ids: Sequence[str]) -> dict[str, Contact]:
        """The contacts with these ids (`ai_contact_id`), or one contact of each customer (`ai_customer_id`)."""
        column = {"ai_contact_id": "id", "ai_customer_id": "customer_id"}.get(field)
        if column is None:
            return {}
        sql = f"SELECT * FROM contact WHERE {column} = ? ORDER BY name, id"  # noqa: S608  no text of the caller's
        rows = {contact_id: self.connection.execute(sql, (contact_id,)).fetchone() for contact_id in ids}
        return {contact_id: to_contact(row) for contact_id, row in rows.items() if row is not None}

    def add_status(self, name: str, kind: StatusType, color: str | None = None) -> str:
        """Add a status after the last one, and return its id; CallerError if the name is taken."""
        self._check_free(name)
        status_id = self.new_id()
        self.connection.execute(
            "INSERT INTO status SELECT ?, ?, ?, ?, ?, coalesce(max(position), 0) + 1 FROM status",
            (status_id, _checked_name(name), fold(name), color, kind),
        )
        return status_id

    def rename_status(self, name: str, new_name: str) -> None:
        """Give a status another name; its tasks keep the status."""
        status = self._resolve_status(name)
        self._check_free(new_name, but=status.id)
        self.connection.execute(
            "UPDATE status SET name = ?, folded = ? WHERE id = ?", (_checked_name(new_name), fold(new_name), status.id)
        )

    def remove_status(self, name: str) -> None:
        """Remove a status; CallerError if a task has it or it is the only initial one, which new tasks need."""
        status = self._resolve_status(name)
        used = self.connection.execute("SELECT count(*) FROM task WHERE status_id = ?", (status.id,)).fetchone()[0]
        if used:
            raise CallerError(
                f"Tasks with the status {status.name}: {used}.",
                code="in_use",
                next_step="Give those tasks another status first.",
            )
        if status.type == "initial" and sum(other.type == "initial" for other in self.statuses()) == 1:
            raise CallerError(
                f"{status.name} is the only initial status.", code="in_use", next_step="Add another one first."
            )
        self.connection.execute("DELETE FROM status WHERE id = ?", (status.id,))

    def add_member(self, name: str, email: str | None = None) -> str:
        """Add a person who can be responsible for tasks, and return the id."""
        if fold(name) == "me":
            raise CallerError("The name 'me' always means you.", code="invalid_name", next_step="Choose another name.")
        member_id = self.new_id()
        self.connection.execute(
            "INSERT INTO member (id, name, email) VALUES (?, ?, ?)", (member_id, _checked_name(name), email)
        )
        return member_id

    def rename_member(self, person: str, name: str) -> None:
        """Give a member another name."""
        self.connection.execute(
            "UPDATE member SET name = ? WHERE id = ?", (_checked_name(name), self._resolve_member(person))
        )

    def remove_member(self, person: str) -> None:
        """Deactivate a member, who stays responsible for existing tasks but cannot get new ones."""
        member_id = self._resolve_member(person)
        if member_id == self.me():
            raise CallerError("That member is you.", code="in_use", next_step="Rename the member instead.")
        self.connection.execute("UPDATE member SET active = 0 WHERE id = ?", (member_id,))

    def add_contact(
        self, name: str, phone: str | None = None, email: str | None = None, customer_id: str | None = None
    ) -> str:
        """Add a contact, and return its id."""
        contact_id = self.new_id()
        searchable = fold(" ".join(filter(None, (name, phone, email, digits_of(phone or "")))))
        self.connection.execute(
            "INSERT INTO contact VALUES (?, ?, ?, ?, ?, ?)",
            (contact_id, _checked_name(name), phone, email, customer_id, searchable),
        )
        return contact_id

    def _resolve_member(self, person: str) -> str:
        """The id of a member that is given by id, e-mail, name or `me`."""
        from taskhand.domain.people_lookup import match_members  # noqa: PLC0415  no start waits for it

        return match_members([person], self.members(), self.me()).ids[0]

    def _find_status(self, name: str) -> Status | None:
        row = self.connection.execute("SELECT * FROM status WHERE folded = ?", (fold(name),)).fetchone()
        return to_status(row) if row else None

    def _resolve_status(self, name: str) -> Status:
        if status := self._find_status(name):
            return status
        names = ", ".join(status.name for status in self.statuses())
        raise NotFound(
            f"There is no status named {name!r}.", code="unknown_status", next_step=f"The statuses: {names}."
        )

    def _check_free(self, name: str, but: str | None = None) -> None:
        if (status := self._find_status(name)) and status.id != but:
            raise CallerError(
                f"A status named {status.name!r} exists already.", code="exists", next_step="Choose another name."
            )


class LocalAccount(Account):
    """The people and contacts of a built-in store, as its backend has them."""

    accessed = "store"

    def __init__(self, storage: "TaskStorage", new_id: NewId) -> None:
        self._storage = storage
        self._store = storage.store
        self._new_id = new_id
        self._members: tuple[Member, ...] = ()
        self._members_of: tuple[tuple[int, int], int] | None = None
        self._edits = 0

    def forget_members(self) -> None:
        """Read the members again: this process may have edited them."""
        self._edits += 1

    async def members(self) -> tuple[Member, ...]:
        """The active members, read again if the store may have been edited: every answer names people."""
        version = self._store.version()
        current = None if version is None else (version, self._edits)
        if current is None or current != self._members_of:
            self._members = await self._read(Directory.members)
            self._members_of = current
        return self._members

    async def former_members(self) -> tuple[Member, ...]:
        """The members who were removed."""
        return await self._read(lambda directory: directory.members(active=False))

    async def me(self) -> str | None:
        """The member that the store was created for."""
        return await self._read(Directory.me)

    async def find_contacts(self, query: str, limit: int) -> tuple[Contact, ...]:
        """Contacts whose name, phone or e-mail contains `query`."""
        return await self._read(lambda directory: directory.contacts(query, limit))

    async def find_linked(self, field: str, ids: Sequence[str]) -> Mapping[str, Contact | Deal]:
        """Contacts by their ids, or one contact of each customer."""
        return await self._read(lambda directory: directory.linked_contacts(field, ids))

    async def check_access(self) -> None:
        """Check that the store can be written; creates it if it does not exist."""
        await self._store.write(lambda _: None, durable=False)

    async def check_health(self, *, writes: bool) -> tuple[CheckResult, ...]:  # noqa: ARG002  a read creates the store too
        """Check that the store is sound and can be written."""
        return (await self._storage.check_health(),)

    async def _read(self, work: Callable[[Directory], _T]) -> _T:
        return await self._store.peek(lambda connection: work(Directory(connection, self._new_id)))


def _checked_name(name: str) -> str:
    if fold(name):
        return name.strip()
    raise CallerError("A name needs at least one character.", code="invalid_name", next_step="Send a name.")
