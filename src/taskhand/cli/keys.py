"""The command `taskhand keys`: makes, lists and revokes the keys of those who call a server over HTTP."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

import anyio
import click

from taskhand.cli.terminal import print_json, print_line, print_lines, print_row
from taskhand.config.settings import Settings
from taskhand.domain.display_text import plain
from taskhand.domain.errors import CallerError

if TYPE_CHECKING:
    from taskhand.keys.key import Key
    from taskhand.keys.sql_key_store import SqlKeyStore

__all__ = ["keys"]

_T = TypeVar("_T")

_MAX_NAME = 100


@click.group()
def keys() -> None:
    """Make, list and revoke the keys of callers over HTTP.

    A server with `taskhand serve --http --auth keys` requires one from every caller.
    """


@keys.command("create")
@click.option("--person", required=True, help="The holder of the key: an e-mail address, or an id.")
@click.option("--scopes", default="read", show_default=True, help="read, write and destructive, separated by commas.")
@click.option(
    "--expires",
    default="90d",
    show_default=True,
    metavar="WHEN",
    help="A duration (90d, 12h), a day (2027-01-31), an ISO 8601 time, or never.",
)
@click.option("--name", help="What the key is for, such as a host or a job.")
@click.pass_obj
def create_key(settings: Settings, person: str, scopes: str, expires: str, name: str | None) -> None:
    """Make a key, and print it alone on standard output.

    The key cannot be shown again, because only its hash is stored. No scope implies another: a key for tasks needs
    read,write, and a key that deletes them needs destructive too.
    """
    from taskhand.keys.key import Key, make_key_text
    from taskhand.keys.key_options import read_expiry, read_person, read_scopes
    from taskhand.state import clock_of, locate_keys

    now = clock_of(settings)()
    new = make_key_text()
    key = Key(new.id, read_person(person).id, read_scopes(scopes), now, read_expiry(expires, now), _read_name(name))
    _with_store(settings, lambda store: store.add(key, new.hash))
    until = f"until {_to_text(key.expires_at)}" if key.expires_at else "until it is revoked"
    if "read" not in key.scopes:
        print_line("Without the scope read it shows no task.", err=True)
    if "destructive" in key.scopes and "write" not in key.scopes:
        print_line(
            "Without the scope write it deletes nothing: a deletion stops at a plan, which write applies.", err=True
        )
    print_lines(
        [
            f"Key {key.id} of {key.person} may {_scopes(key)}, {until}.",
            f"It cannot be shown again; {locate_keys(settings)} has its hash. Callers send it as a header:",
            "Authorization: Bearer KEY",
        ],
        err=True,
    )
    print_line(new.text)


@keys.command("list")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_obj
def list_keys(settings: Settings, *, as_json: bool) -> None:
    """List every key, without its text.

    The oldest key comes first. Each has its id, state (active, expired or revoked), person, scopes, name, and the times
    when it was made, expires and was last used. The last use is recorded once a minute.
    """
    from taskhand.state import clock_of

    all_keys = _read_keys(settings)
    now = clock_of(settings)()
    if as_json:
        print_json([_to_json(key, now) for key in all_keys])
        return
    for key in all_keys:
        print_row(
            key.id,
            key.state(now),
            key.person,
            ",".join(sorted(key.scopes)),
            f"made {_to_text(key.created_at)}",
            f"revoked {_to_text(key.revoked_at)}" if key.revoked_at else f"expires {_to_text(key.expires_at)}",
            f"used {_to_text(key.last_used_at)}",
            key.name,
        )
    if not all_keys:
        print_line(_no_key(settings), err=True)


@keys.command("revoke")
@click.argument("ids", nargs=-1, metavar="ID...")
@click.option("--person", "persons", multiple=True, help="All keys of this person.")
@click.pass_obj
def revoke_keys(settings: Settings, ids: Sequence[str], persons: Sequence[str]) -> None:
    """Revoke the keys with these ids, or of a person.

    A running server refuses them from its next request on. The text of a key may replace its id.
    """
    from taskhand.keys.key import read_key_id
    from taskhand.keys.key_options import read_person
    from taskhand.state import clock_of

    if not ids and not persons:
        raise click.UsageError("Give the id of a key, or --person.")
    wanted = {read_person(person).id for person in persons}
    by_id = {key.id: key for key in _read_keys(settings)}
    asked = [(given, by_id.get(read_key_id(given, whole=False) or "")) for given in ids]
    chosen = dict.fromkeys(key for _, key in asked if key)
    chosen |= dict.fromkeys(key for key in by_id.values() if key.person in wanted)
    _with_store(settings, lambda store: store.revoke([key.id for key in chosen], clock_of(settings)()))
    for key in chosen:
        print_line(f"{key.id} of {key.person} {'was revoked before' if key.revoked_at else 'is revoked'}.")
    unknown = [given for given, key in asked if key is None]
    without = sorted(wanted - {key.person for key in by_id.values()})
    if unknown:
        raise _unknown_id_error(unknown[0], [*chosen])
    if without:
        raise _no_key_error(without, [*chosen])


def _unknown_id_error(key_id: str, revoked: "Sequence[Key]") -> CallerError:
    """The error for an unknown key id; a text that may be a key itself is not quoted."""
    named = f"the id {key_id!r}" if key_id.isalnum() and len(key_id) <= len("1a2b3c4d5e") else "one of these ids"
    done = "; the others were revoked" if revoked else ""
    return CallerError(f"No key has {named}{done}.", next_step="`taskhand keys list` shows the ids.")


def _no_key_error(persons: "Sequence[str]", revoked: "Sequence[Key]") -> CallerError:
    """The error for persons without a key."""
    have = "has" if len(persons) == 1 else "have"
    done = "; the others were revoked" if revoked else ""
    return CallerError(
        f"{' and '.join(persons)} {have} no key{done}.", next_step="`taskhand keys list` shows the people with keys."
    )


def _read_name(name: str | None) -> str | None:
    from taskhand.keys.key import read_key_id

    shown = plain(name).strip() if name else ""
    if len(shown) > _MAX_NAME or read_key_id(shown):
        raise CallerError(f"The name of a key is a few words, of {_MAX_NAME} characters at most.")
    return shown or None


def _scopes(key: "Key") -> str:
    return ", ".join(scope for scope in ("read", "write", "destructive") if scope in key.scopes)


def _to_json(key: "Key", now: datetime) -> dict[str, Any]:
    return {
        "id": key.id,
        "state": key.state(now),
        "person": key.person,
        "scopes": sorted(key.scopes),
        "name": key.name,
        "created_at": key.created_at.isoformat(),
        "expires_at": key.expires_at.isoformat() if key.expires_at else None,
        "revoked_at": key.revoked_at.isoformat() if key.revoked_at else None,
        "last_used_at": key.last_used_at.isoformat() if key.last_used_at else None,
    }


def _to_text(moment: datetime | None) -> str:
    """The moment as text for people, in this machine's zone."""
    return f"{moment.astimezone():%Y-%m-%d %H:%M %Z}" if moment else "never"


def _no_key(settings: Settings) -> str:
    from taskhand.state import locate_keys

    return f"There is no key in {locate_keys(settings)}. `taskhand keys create --person ana@x.test` makes one."


def _read_keys(settings: Settings) -> "Sequence[Key]":
    """Every key; a missing store of keys is not created."""

    async def working(store: "SqlKeyStore") -> "Sequence[Key]":
        return await store.list_keys() if await store.exists() else ()

    return _with_store(settings, working)


def _with_store(settings: Settings, work: "Callable[[SqlKeyStore], Awaitable[_T]]") -> _T:
    from taskhand.state import open_key_store

    async def working() -> _T:
        store = open_key_store(settings)
        try:
            return await work(store)
        finally:
            await store.aclose()

    return anyio.run(working)
