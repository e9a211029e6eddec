"""The command `taskhand people`: lists who has linked a credential of their own, and removes one."""

from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

import anyio
import click

from taskhand.cli.terminal import print_json, print_line, print_row
from taskhand.config.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from taskhand.vault.link import LinkedMember, ListedLink
    from taskhand.vault.links import Links

__all__ = ["people"]

_T = TypeVar("_T")


@click.group(invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_context
def people(context: click.Context, *, as_json: bool) -> None:
    """List who has linked a credential of their own.

    Each has the person, the connection, the state, who the person is in the CRM, and when it was linked and last used.
    The state is linked, ended (the CRM accepts it no longer: the person has to link again), broken (it cannot be
    decrypted), or locked (there is no TASKHAND_VAULT_KEY to try). No credential is ever shown.
    """
    if context.invoked_subcommand is not None:
        return
    settings: Settings = context.obj
    found = _with_links(settings, lambda links: links.list())
    if as_json:
        print_json([link.to_json() for link in found])
        return
    for link in found:
        print_row(
            link.person,
            link.connection,
            link.state,
            _who(link.member),
            f"since {_to_text(link.linked_at)}" if link.linked_at else None,
            f"used {_to_text(link.last_used_at)}" if link.last_used_at else "never used",
            f"it {link.flaw}" if link.flaw else None,
        )
    if not found:
        from taskhand.wiring import links_path

        print_line(f"Nobody has linked a credential: there is none in {links_path(settings)}.", err=True)


@people.command("unlink")
@click.argument("person")
@click.argument("connection", required=False)
@click.pass_obj
def unlink(settings: Settings, person: str, connection: str | None) -> None:
    """Remove what a person has linked: for CONNECTION, or for all.

    A running server uses it no longer from the next call on. The CRM may still accept it: withdraw it there too.
    """
    removed = _with_links(settings, lambda links: _unlink(links, person, connection))
    for link in removed:
        print_line(f"{link.person} is unlinked from {link.connection}.")
    if removed:
        print_line("A CRM may accept the credential still: withdraw it there too.", err=True)
    else:
        print_line(f"{person} has linked nothing{f' for {connection}' if connection else ''}.", err=True)


async def _unlink(links: "Links", person: str, connection: str | None) -> "Sequence[ListedLink]":
    """Remove what is asked for; what that was."""
    found = await links.list()
    exact = [link for link in found if link.person == person]
    of_person = exact or [link for link in found if link.person == person.strip().casefold()]
    chosen = [link for link in of_person if connection in {None, link.connection}]
    for link in chosen:
        await links.remove(link.person, link.connection)
    return chosen


def _who(member: "LinkedMember") -> str | None:
    """Who a person is in the CRM, in a row."""
    if member.name and member.id:
        return f"{member.name} ({member.id})"
    return member.name or member.id


def _to_text(moment: datetime) -> str:
    """The moment for people, in this machine's zone."""
    return f"{moment.astimezone():%Y-%m-%d %H:%M %Z}"


def _with_links(settings: Settings, work: "Callable[[Links], Awaitable[_T]]") -> _T:
    from taskhand.wiring import open_links

    async def working() -> _T:
        links = open_links(settings)
        try:
            return await work(links)
        finally:
            await links.aclose()

    return anyio.run(working)
