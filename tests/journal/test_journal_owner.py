"""The history of the built-in store goes with its file, however its path is spelled and wherever it is moved."""

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from backends.local.old_store import make_old
from fixed_clock import NOW, FixedClock
from journal.open_journal import open_journal, settle
from taskhand.backends.local.backend import Identity
from taskhand.config.connection_settings import ConnectionSettings
from taskhand.config.settings import Settings
from taskhand.domain.edit import Edit
from taskhand.domain.errors import OperatorError
from taskhand.journal.journal import Caller, ChangeQuery, Claim, Ending, Intent, Opening, Result
from taskhand.journal.journal_owner import DatabaseOwner, UnknownAccountOwner
from taskhand.wiring import open_app
from taskhand.wiring import open_journal as open_own_journal

KEY = Claim("key Claude 1", "payload")


async def create(store: Path, **more: Path) -> tuple[str, bool]:
    """Make a task under the key; the change's id, and whether the key was new."""
    async with open_app(Settings(db=store, user="Elena", **more)) as app:
        change, is_new = await app.journal.begin(
            Opening("create_task", Caller(), NOW, claims=(KEY,)), [Intent("create")]
        )
        if is_new:
            made = (await app.backend.create_task(Edit(title="one", due=None, priority=0))).task
            await app.journal.settle(change.id, [Result(0, "applied", made.id)], Ending("applied"))
        return change.id, is_new


async def history(store: Path) -> list[str]:
    """The changes of a store, newest first."""
    async with open_app(Settings(db=store, user="Elena")) as app:
        return [change.id for change in (await app.journal.page(ChangeQuery())).changes]


def linked_folder(store: Path) -> Path:
    """The store through a link to its folder."""
    link = store.parent.with_name("link")
    link.symlink_to(store.parent)
    return link / store.name


def linked_file(store: Path) -> Path:
    """The store through a link of another name in another folder."""
    link = store.parent.with_name("elsewhere") / "other.sqlite"
    link.parent.mkdir()
    link.symlink_to(store)
    return link


def through_parent(store: Path) -> Path:
    """The store by a path with `..` in it."""
    return store.parent / ".." / store.parent.name / store.name


def moved_folder(store: Path) -> Path:
    """The store after its folder was renamed."""
    return store.parent.rename(store.parent.with_name("moved")) / store.name


def renamed_file(store: Path) -> Path:
    """The store after its file was renamed, and its journal, beside a damaged one, was not."""
    store.with_name("damaged.journal.sqlite").write_text("This is no database.")
    return store.rename(store.with_name("renamed.sqlite"))


def restored_copy(store: Path) -> Path:
    """The store after its file was replaced by a copy of it."""
    shutil.copy(store, copy := store.with_name("copy"))
    return copy.replace(store)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store in a folder of its own."""
    return tmp_path / "data" / "tasks.sqlite"


SPELLINGS = [linked_folder, linked_file, through_parent, moved_folder, renamed_file, restored_copy]


@pytest.mark.parametrize("spell", SPELLINGS)
async def test_the_same_store_has_the_same_history_and_makes_no_second_task_under_a_key(
    store: Path, spell: Callable[[Path], Path]
) -> None:
    first, _ = await create(store)
    other = spell(store)
    for is_checked in (False, True):  # by the first request to a journal
        journal = open_own_journal(ConnectionSettings.of(Settings(db=other, user="Elena")))
        if is_checked:
            assert "4 rows" in (await journal.check_health())[0].found
        else:
            assert await journal.exists()
        await journal.aclose()
    assert await history(other) == [first]
    assert await create(other) == (first, False)


async def test_a_copy_beside_the_store_gets_a_journal_of_its_own(store: Path) -> None:
    await create(store)
    copy = Path(shutil.copy(store, store.with_name("copy.sqlite")))
    assert await history(copy) == []
    assert (await create(copy))[1]
    assert copy.with_name("copy.journal.sqlite").exists()


async def test_the_history_of_a_missing_store_beside_another_is_empty_and_makes_no_store(store: Path) -> None:
    await create(store)
    assert await history(missing := store.with_name("missing.sqlite")) == []
    assert not missing.exists()


async def test_a_new_store_in_the_place_of_a_removed_one_has_no_history(store: Path) -> None:
    await create(store)
    for file in store.parent.glob("tasks.sqlite*"):
        file.unlink()
    assert (await create(store))[1]
    assert len(await history(store)) == 1


async def test_a_server_notices_that_another_store_was_put_in_the_place_of_its_own(store: Path, tmp_path: Path) -> None:
    other = tmp_path / "other" / store.name
    await create(other)
    async with open_app(Settings(db=store, user="Elena")) as app:
        await app.journal.record(Opening("update_task", Caller(), NOW), Ending("refused"))
        assert len((await app.journal.page(ChangeQuery())).changes) == 1
        for file in store.parent.glob("tasks.sqlite*"):
            file.unlink()
        shutil.copy(other, store)
        assert (await app.journal.page(ChangeQuery())).changes == ()


async def test_one_journal_of_several_stores_keeps_their_histories_apart(store: Path, tmp_path: Path) -> None:
    shared = tmp_path / "shared.sqlite"
    assert (await create(store, journal=shared))[1]
    assert (await create(store.with_name("second.sqlite"), journal=shared))[1]
    assert not (await create(through_parent(store), journal=shared))[1]


async def as_before(store: Path, *paths: Path) -> list[str]:
    """Make a store and journal as the last version left them, with a change under each path; the changes."""
    store.parent.mkdir(parents=True, exist_ok=True)
    make_old(store, 2, "INSERT INTO status VALUES ('s', 'Pendiente', 'pendiente', NULL, 'initial', 1)")
    file, made = store.with_name(f"{store.stem}.journal.sqlite"), []
    for path in paths:
        async with open_journal(file, f"local {path}", FixedClock()) as journal:
            made.append(await settle(journal))
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.executescript("DROP INDEX entry_pruned; PRAGMA user_version = 1")
    return made


async def test_a_journal_of_the_last_version_is_adopted_under_every_spelling_of_the_store_s_path(store: Path) -> None:
    link = linked_folder(store)
    elsewhere = store.with_name("elsewhere.sqlite")
    elsewhere.parent.mkdir()
    elsewhere.touch()
    first, second, _ = await as_before(store, store, link, elsewhere)
    assert await history(link) == [second, first]
    assert await history(moved_folder(store)) == [second, first]


async def test_a_journal_of_the_last_version_is_adopted_after_its_folder_was_moved(store: Path) -> None:
    made = await as_before(store, store)
    moved = moved_folder(store)
    assert await history(moved) == made
    new, _ = await create(moved)
    assert await history(moved) == [new, *made]
    with closing(sqlite3.connect(moved)) as connection:
        assert connection.execute("SELECT place FROM former_place").fetchall() == [(f"local {store}",)]


async def test_the_name_of_a_missing_store_in_a_shared_journal_of_the_last_version_is_not_taken(
    store: Path, tmp_path: Path
) -> None:
    await as_before(store, tmp_path / "missing" / store.name)
    shared = store.with_name(f"{store.stem}.journal.sqlite").rename(tmp_path / "shared.sqlite")
    async with open_app(Settings(db=store, user="Elena", journal=shared)) as app:
        assert (await app.journal.page(ChangeQuery())).changes == ()


class MovedStore:
    """A store in a database that was in a file before."""

    async def identity(self) -> Identity:
        return Identity("b7", is_new=False, former=("local /old/tasks.sqlite",))

    async def aclose(self) -> None:
        pass


async def test_a_store_in_a_database_keeps_the_names_that_it_had_as_a_file(tmp_path: Path) -> None:
    async def nothing() -> list[str]:
        return []

    owner = DatabaseOwner(MovedStore(), tmp_path / "journal.sqlite", closes=False)
    assert await owner.find_account_names(nothing, create=False) == ("local b7", "local /old/tasks.sqlite")


async def test_the_history_of_an_account_with_an_unreadable_key_is_that_of_its_own_connection() -> None:
    names = (
        "close https://a.test 1f2e north",
        "close https://a.test 9c8d north",
        "close https://a.test 1f2e south",
        "close https://a.test 1f2e",
        "close https://b.test 1f2e north",
        "hubspot https://a.test 1f2e north",
    )

    async def account_names() -> tuple[str, ...]:
        return names

    owner = UnknownAccountOwner(
        Path("journal"), "close https://a.test - north", OperatorError("The keyring is locked.")
    )
    assert await owner.find_account_names(account_names, create=False) == names[:2]
    with pytest.raises(OperatorError, match="The keyring is locked"):
        await owner.find_account_names(account_names, create=True)
