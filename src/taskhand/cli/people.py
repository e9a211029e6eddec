"""The command `taskhand people`: links a person's own credential or invites to it, lists who has one, removes one."""

import sys
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

import anyio
import click

from taskhand.backends.registry import find_factory
from taskhand.cli import CONFIGURATION
from taskhand.cli.loaded_people import PeopleSource
from taskhand.cli.people_links import find_usable_link, revoke_linked_credential, save_link
from taskhand.cli.terminal import print_json, print_line, print_row
from taskhand.config.placeholders import clean_value, find_flaw
from taskhand.config.settings import Settings
from taskhand.domain.errors import CallerError, OperatorError
from taskhand.domain.person_id import flaw_of_person
from taskhand.domain.principal import Person, is_token_person

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from taskhand.config.connection_settings import ConnectionSettings
    from taskhand.config.effective_settings import Configuration
    from taskhand.vault.credential_link import ListedLink
    from taskhand.vault.links_of_persons import Links

__all__ = ["people"]

_T = TypeVar("_T")

_MAX_READ = 10_000
"""Maximum characters of a credential."""
_MAX_NAMED = 10


@click.group(invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_context
def people(context: click.Context, *, as_json: bool) -> None:
    """List the people who have linked their own credentials.

    Each link has the person, the verified e-mail address if the person signs in, the connection, the state, the
    person's member in the CRM, and the times when it was linked and last used. The state is linked, ended (the CRM no
    longer accepts it: the person has to link again), broken (it cannot be decrypted), or locked (TASKHAND_VAULT_KEY is
    not set). No credential is shown.
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
            f"{link.person} ({link.email})" if link.email else link.person,
            link.connection,
            link.state,
            link.member.shown_name,
            f"since {_to_text(link.linked_at)}" if link.linked_at else None,
            f"used {_to_text(link.last_used_at)}" if link.last_used_at else "never used",
            f"it {link.flaw}" if link.flaw else None,
        )
    if not found:
        from taskhand.state import locate_links

        print_line(f"Nobody has linked a credential: there is none in {locate_links(settings)}.", err=True)


@people.command("link")
@click.argument("person")
@click.argument("connection")
@click.pass_context
def link(context: click.Context, person: str, connection: str) -> None:
    """Link a person's own key or token for CONNECTION.

    The command asks for it, or reads it from standard input, and tries it. The CRM reports whose it is, and of which
    account. A credential for another account than the shared credential's is refused. From the next call on, calls of
    PERSON use it, at every server with the same file of links and TASKHAND_VAULT_KEY.
    """
    configuration: Configuration = context.meta[CONFIGURATION]
    [chosen] = configuration.only(connection).connections
    name = _read_person(person)
    factory = find_factory(chosen.settings.backend)
    title = factory.title
    if not factory.credentials:
        raise CallerError(f"{chosen.name} needs no credential: {title} is no CRM.", code="no_credential_needed")
    configuration.settings.check_own_secrets()
    if not configuration.settings.vault_keys:
        from taskhand.vault.cipher import no_key

        raise no_key()
    text = _ask_credential(f"Key or token of {name} for {chosen.name} ({title})")
    memberships = PeopleSource.open(configuration).current
    saved = anyio.run(save_link, chosen, name, text, memberships)
    who = saved.member.shown_name
    print_line(f"{name} is linked to {chosen.name}{f' as {who}' if who else ''}.")
    if saved.mismatch is not None:
        print_line(f"{saved.mismatch} If that is wrong: taskhand people unlink {name} {chosen.name}", err=True)
    if saved.has_revoked is not None:
        print_line(_describe_revocation(chosen, has_revoked=saved.has_revoked), err=True)
    if chosen.is_shared(text):
        print_line(f"It is the credential that {chosen.name} uses for everybody, and not one of their own.", err=True)
    if saved.is_same_account is None:
        sentence = f"Check that its account is the one of the shared credential of {chosen.name}: Taskhand cannot."
        print_line(sentence, err=True)
    if who is None:
        print_line(
            f"{title} accepts it and does not report whose it is. people.toml names the member for `me`.", err=True
        )


@people.command("invite")
@click.argument("person")
@click.argument("connection")
@click.option(
    "--resource", metavar="URL", help="The server's address for callers; default: TASKHAND_RESOURCE, else this machine."
)
@click.pass_context
def invite(context: click.Context, person: str, connection: str, resource: str | None) -> None:
    """Print the address of a page on which a person links.

    The page is for PERSON's own credential for CONNECTION. It links once, within ten minutes, at a server over HTTP
    with --auth and the same file of links and TASKHAND_VAULT_KEY. Send the address to PERSON. The page refuses a
    credential if the CRM reports a member who is somebody else by people.toml, a link or an e-mail address.
    """
    from taskhand.cli.link_pages import make_invitation

    configuration: Configuration = context.meta[CONFIGURATION]
    [chosen] = configuration.only(connection).connections
    invited = Person.parse(_read_person(person))
    address, expires_at = anyio.run(make_invitation, configuration.settings, chosen, invited, resource)
    print_line(address)
    print_line(f"For {invited.shown_name} and {chosen.name}, until {_to_text(expires_at)}. It links once.", err=True)
    if not (resource or configuration.settings.resource):
        print_line(
            "The address is that of this machine. For other machines, add --resource or set TASKHAND_RESOURCE.",
            err=True,
        )


def _read_person(text: str) -> str:
    """The person's id; CallerError for an invalid one."""
    if (flaw := flaw_of_person(text.strip())) is not None:
        raise CallerError(
            f"{text[:60]!r} is not a person: {flaw}.",
            next_step="Send one e-mail address or id, as in keys and TASKHAND_PERSON.",
        )
    return Person.parse(text).id


def _ask_credential(question: str) -> str:
    """The credential, from a hidden prompt or standard input; CallerError for an invalid one."""
    if sys.stdin.isatty():
        typed: str = click.prompt(question, default="", show_default=False, hide_input=True, err=True)
    else:
        typed = sys.stdin.read(_MAX_READ)
    text = clean_value(typed)
    flaw = find_flaw(text, "the credential", is_secret=True) if text else None
    if not text or flaw:
        why = f"The text on standard input {flaw.found}." if flaw else "No credential was given."
        raise CallerError(f"{why} Nothing was stored.", next_step="Send the key or token alone.")
    return text


@people.command("unlink")
@click.argument("person")
@click.argument("connection", required=False)
@click.pass_context
def unlink(context: click.Context, person: str, connection: str | None) -> None:
    """Remove what a person has linked: for CONNECTION, or for all.

    PERSON is a name that `taskhand people` lists. For a person who signs in, it is ISSUER#SUBJECT or the e-mail
    address. The links under both names are removed, because a call would use the other one.

    A running server stops using them from the next call on. A grant to an OAuth app is revoked at the CRM. A key that
    the person has pasted has to be withdrawn by the person.
    """
    configuration: Configuration | OperatorError = context.meta[CONFIGURATION]
    known = (
        {}
        if isinstance(configuration, OperatorError)
        else {configured.name: configured for configured in configuration.connections}
    )
    settings: Settings = context.obj
    removed, left = _with_links(settings, lambda links: _unlink(links, known, person, connection))
    if not removed:
        raise _no_link_error(person, connection, left)
    for link, has_revoked in removed:
        print_line(f"{link.person} is unlinked from {link.connection}.")
        print_line(_describe_revocation(known.get(link.connection), has_revoked=has_revoked), err=True)
    if names := _find_aliases(removed, left):
        print_line(f"If one of these is the same person, unlink that too: {', '.join(names)}", err=True)


def _describe_revocation(connection: "ConnectionSettings | None", *, has_revoked: bool) -> str:
    """A sentence on what became of a credential that was removed."""
    title = find_factory(connection.settings.backend).title if connection else "The CRM"
    if has_revoked:
        return f"{title} has revoked the credential."
    return f"{title} may still accept the former credential: withdraw it there too."


async def _unlink(
    links: "Links", connections: "Mapping[str, ConnectionSettings]", person: str, connection: str | None
) -> "tuple[Sequence[tuple[ListedLink, bool]], Sequence[ListedLink]]":
    """Remove and revoke the links. Returns them, whether the CRM confirmed the revocation, and the remaining links."""
    all_links = await links.list()
    names = _find_names(person, all_links) or _find_names(Person.parse(person).id, all_links)
    chosen = [link for link in all_links if link.person in names and connection in {None, link.connection}]
    removed = []
    for listed in chosen:
        link = await find_usable_link(links, listed.person, listed.connection)
        await links.remove(listed.person, listed.connection)
        removed.append((listed, link))
    done = [
        (listed, await revoke_linked_credential(connections.get(listed.connection), link)) for listed, link in removed
    ]
    return done, [link for link in all_links if link not in chosen]


def _find_names(person: str, listed_links: "Sequence[ListedLink]") -> frozenset[str]:
    """All names by which a person's calls find links, as far as the links tell; empty without links."""
    return frozenset[str]().union(*(link.owner.names for link in listed_links if person in link.owner.names))


def _no_link_error(person: str, connection: str | None, listed_links: "Sequence[ListedLink]") -> CallerError:
    """The error for a person without a link."""
    others = list(
        dict.fromkeys(link.email or link.person for link in listed_links if connection in {None, link.connection})
    )
    named = f"These have: {', '.join(others[:_MAX_NAMED])}. " if others else ""
    return CallerError(
        f"{person} has linked nothing{f' for {connection}' if connection else ''}.",
        next_step=f"{named}`taskhand people` lists the links.",
    )


def _find_aliases(removed: "Sequence[tuple[ListedLink, bool]]", left: "Sequence[ListedLink]") -> "Sequence[str]":
    """Persons with remaining links who may be the same person: the e-mail address of the sign-in is unknown."""
    gone = {(link.connection, _kind_of_name(link)) for link, _ in removed}
    opposite = {"subject": "address", "address": "subject"}
    same = [link.person for link in left if (link.connection, opposite.get(_kind_of_name(link) or "")) in gone]
    return [*dict.fromkeys(same)][:_MAX_NAMED]


def _kind_of_name(link: "ListedLink") -> str | None:
    """Which of a signed-in person's names a link has, "subject" or "address"; None if it has both or neither."""
    if is_token_person(link.person):
        return "subject" if link.email is None else None
    return "address" if "@" in link.person else None


def _to_text(moment: datetime) -> str:
    """The moment as text for people, in this machine's zone."""
    return f"{moment.astimezone():%Y-%m-%d %H:%M %Z}"


def _with_links(settings: Settings, work: "Callable[[Links], Awaitable[_T]]") -> _T:
    from taskhand.state import open_links

    async def working() -> _T:
        links = open_links(settings)
        try:
            return await work(links)
        finally:
            await links.aclose()

    return anyio.run(working)
