"""The commands that fill and edit the built-in store: `seed`, `statuses`, `members`, `contacts`."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TypeVar

import anyio
import click

from taskhand.cli.chosen_connection import pass_account
from taskhand.cli.terminal import print_line, print_row

if TYPE_CHECKING:
    from taskhand.backends.local.backend import LocalBackend
    from taskhand.backends.local.people_and_statuses import Directory
    from taskhand.config.connection_settings import ConnectionSettings
    from taskhand.config.settings import Settings
    from taskhand.domain.task import StatusType

__all__ = ["contacts", "members", "open_built_in_store", "seed", "statuses"]

_T = TypeVar("_T")

_ALL = 2**31 - 1
"""The largest limit of every engine, in place of no limit."""


@click.command()
@click.argument("data", type=click.Choice(["demo"]))
@pass_account
def seed(account: "ConnectionSettings", data: str) -> None:
    """Fill the built-in store with example tasks."""
    from taskhand.backends.local.seed import seed_store

    count = _with_store(account, lambda backend: seed_store(backend, backend.now()))
    print_line(f"Added the {data} data: {count} tasks.")


@click.group()
def statuses() -> None:
    """List and edit the statuses of the built-in store."""


@statuses.command("list")
@pass_account
def list_statuses(account: "ConnectionSettings") -> None:
    """List the statuses by position."""
    for status in _in_directory(account, lambda directory: directory.statuses()):
        print_row(status.order, status.name, status.type)


@statuses.command("add")
@click.argument("name")
@click.option("--type", "kind", type=click.Choice(["initial", "in_progress", "done", "master_done"]), required=True)
@click.option("--color", help="As #rrggbb.")
@pass_account
def add_status(account: "ConnectionSettings", name: str, kind: "StatusType", color: str | None) -> None:
    """Add a status after the last one."""
    _in_directory(account, lambda directory: directory.add_status(name, kind, color))


@statuses.command("rename")
@click.argument("name")
@click.argument("new_name")
@pass_account
def rename_status(account: "ConnectionSettings", name: str, new_name: str) -> None:
    """Rename a status; its tasks stay with it."""
    _in_directory(account, lambda directory: directory.rename_status(name, new_name))


@statuses.command("remove")
@click.argument("name")
@pass_account
def remove_status(account: "ConnectionSettings", name: str) -> None:
    """Remove a status that no task has."""
    _in_directory(account, lambda directory: directory.remove_status(name))


@click.group()
def members() -> None:
    """List and edit the people of the built-in store. WHO is an id, e-mail, name or 'me'."""


@members.command("list")
@pass_account
def list_members(account: "ConnectionSettings") -> None:
    """List everyone who can be responsible for tasks."""
    me, everyone = _in_directory(account, lambda directory: (directory.me(), directory.members()))
    for member in everyone:
        print_row(member.id, member.name, member.email, "(me)" if member.id == me else None)


@members.command("add")
@click.argument("name")
@click.option("--email")
@pass_account
def add_member(account: "ConnectionSettings", name: str, email: str | None) -> None:
    """Add a person."""
    print_line(_in_directory(account, lambda directory: directory.add_member(name, email)))


@members.command("rename")
@click.argument("who")
@click.argument("new_name")
@pass_account
def rename_member(account: "ConnectionSettings", who: str, new_name: str) -> None:
    """Rename a person."""
    _in_directory(account, lambda directory: directory.rename_member(who, new_name))


@members.command("remove")
@click.argument("who")
@pass_account
def remove_member(account: "ConnectionSettings", who: str) -> None:
    """Remove a person; the person's tasks keep their responsible."""
    _in_directory(account, lambda directory: directory.remove_member(who))


@click.group()
def contacts() -> None:
    """List and edit the contacts of the built-in store."""


@contacts.command("list")
@click.argument("query", default="")
@pass_account
def list_contacts(account: "ConnectionSettings", query: str) -> None:
    """List the contacts by name. With QUERY, those with it in their name, phone or e-mail."""
    for contact in _in_directory(account, lambda directory: directory.contacts(query, _ALL)):
        print_row(contact.id, contact.name, contact.phone, contact.email, contact.customer_id)


@contacts.command("add")
@click.argument("name")
@click.option("--phone")
@click.option("--email")
@click.option("--customer", help="Id of the company or person behind the contact.")
@pass_account
def add_contact(
    account: "ConnectionSettings", name: str, phone: str | None, email: str | None, customer: str | None
) -> None:
    """Add a contact."""
    print_line(_in_directory(account, lambda directory: directory.add_contact(name, phone, email, customer)))


@asynccontextmanager
async def open_built_in_store(settings: "Settings") -> AsyncIterator["LocalBackend"]:
    """The built-in store, even if another backend is configured: a note then names the store and that backend."""
    from taskhand.backends.registry import find_factory
    from taskhand.config.data_files import store_location
    from taskhand.wiring import open_local_store

    backend = find_factory(settings.backend)
    if backend.account:
        print_line(f"This is the built-in store, {store_location(settings)}. {backend.title} gets nothing.", err=True)
    store = open_local_store(settings)
    try:
        yield store
    finally:
        await store.aclose()


def _with_store(account: "ConnectionSettings", work: Callable[["LocalBackend"], Awaitable[_T]]) -> _T:
    async def working() -> _T:
        async with open_built_in_store(account.settings) as backend:
            return await work(backend)

    return anyio.run(working)


def _in_directory(account: "ConnectionSettings", work: Callable[["Directory"], _T]) -> _T:
    """Read or edit the statuses, people or contacts of the built-in store in one transaction."""
    return _with_store(account, lambda backend: backend.edit(work))
