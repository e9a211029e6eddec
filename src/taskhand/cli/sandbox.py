"""The command `taskhand sandbox`: emulated CRMs on this machine."""

import os
import shlex
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import anyio
import click

from taskhand.backends.registry import NAMES, find_factory
from taskhand.cli.terminal import print_line, print_lines
from taskhand.config.settings import Settings
from taskhand.domain.errors import CallerError, OperatorError

if TYPE_CHECKING:
    from taskhand.sandbox.emulator import Emulator
    from taskhand.sandbox.factory import CrmSandbox

__all__ = ["sandbox"]


@dataclass(frozen=True, slots=True)
class Crm:
    """A CRM that has a sandbox, and its default port. The sandbox is imported only when it is used."""

    name: str
    port: int

    @property
    def title(self) -> str:
        """The CRM's name in sentences."""
        return find_factory(self.name).title

    @property
    def served(self) -> "CrmSandbox":
        """Its sandbox."""
        sandbox_class: CrmSandbox = import_module(f"taskhand.sandbox.{self.name}").SERVED
        return sandbox_class


@dataclass(frozen=True, slots=True)
class EmulatedAccount:
    """An account of a CRM to emulate, the key that it accepts, and the name of a connection to it."""

    name: str
    crm: Crm
    emulator: "Emulator"
    key: str
    port: int

    def settings(self, url: str) -> dict[str, str]:
        """The settings, by variable, that connect Taskhand to it."""
        factory = find_factory(self.crm.name)
        credential = Settings.variable(factory.credentials[0])
        required = {name.upper(): "sandbox" for name in factory.required}
        return {credential: self.key, f"{factory.prefix}BASE_URL": f"{url}{self.crm.served.path}"} | required

    def table(self, url: str) -> dict[str, str]:
        """The connection to it, as a table of taskhand.toml."""
        prefix = find_factory(self.crm.name).prefix
        own = {variable.removeprefix(prefix).lower(): value for variable, value in self.settings(url).items()}
        what = "The sandbox" if self.name == self.crm.name else "A second sandbox"
        described = {"backend": self.crm.name, "description": f"{what} of {self.crm.title}"}
        return described | own | dict(self.crm.served.app)


_FIRST_PORT: Final = 8900
CRMS = tuple(
    Crm(name, port)
    for port, name in enumerate((name for name in NAMES if find_spec(f"taskhand.sandbox.{name}")), _FIRST_PORT)
)
"""In the order of the registry."""


class _Sandboxes(click.Group):
    """The commands; that of a CRM is made, and its sandbox imported, only when it is called or listed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, sorted."""
        return sorted([*super().list_commands(ctx), *(crm.name for crm in CRMS)])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of this name; None if there is none."""
        crm = next((crm for crm in CRMS if crm.name == cmd_name), None)
        return _command(crm) if crm else super().get_command(ctx, cmd_name)


@click.group(cls=_Sandboxes)
def sandbox() -> None:
    """Serve an emulated CRM on this machine.

    Try Taskhand and test agents on it, without a real account.
    """


def _command(crm: Crm) -> click.Command:
    served = crm.served

    @click.option("--port", default=crm.port, show_default=True, type=click.IntRange(0, 65535))
    @click.option("--seed", default="demo", show_default=True, help="demo, empty, or a JSON file of data.")
    @click.option("--key", default=served.key, show_default=True, help="The key that it accepts.")
    @click.option(
        "--variant",
        "--reading",
        "variants",
        multiple=True,
        metavar="NAME=VALUE",
        help="A variant of the CRM's behaviour; --variants lists them.",
    )
    @click.option(
        "--variants", "--readings", "lists", is_flag=True, help="List the variants, defaults first, and exit."
    )
    @click.option("--faults", type=click.Path(exists=True, dir_okay=False), help="A TOML file of faults to inject.")
    def serve(*, port: int, seed: str, key: str, variants: tuple[str, ...], lists: bool, faults: str | None) -> None:
        if lists:
            for name, values in served.spec_variant.allowed().items():
                print_line(f"{name}: {', '.join(values)}")
            return
        from taskhand.sandbox.faults import load_faults
        from taskhand.sandbox.seed_checks import NAMES, load_seed

        try:
            script = load_faults(faults) if faults else ()
            data = seed if seed in NAMES else load_seed(seed)
            emulator = served.open(key, seed=data, spec_variant=served.spec_variant.parse(variants), faults=script)
        except ValueError as error:
            raise CallerError(f"The sandbox cannot be served: {error}.") from None
        except (KeyError, TypeError, AttributeError) as error:
            raise CallerError(f"The seed {seed} does not have the format of {crm.title}'s: {error!r}.") from None
        _serve([EmulatedAccount(crm.name, crm, emulator, key, port)], _print_commands)

    described = f"Serve {crm.title}'s documented API on loopback. It keeps state, until Ctrl-C."
    return click.command(crm.name, help=described)(serve)


@sandbox.command("all")
@click.option(
    "--port",
    default=CRMS[0].port,
    show_default=True,
    type=click.IntRange(0, 65530),
    help="The first port; 0: free ones.",
)
@click.option(
    "--twice", multiple=True, type=click.Choice([crm.name for crm in CRMS]), help="Serve a second account of this CRM."
)
@click.option(
    "--variant",
    "--reading",
    "variants",
    multiple=True,
    metavar="CRM.NAME=VALUE",
    help="A variant of a CRM's behaviour, such as vambe.topics=tasks.",
)
@click.option(
    "--config", "file", type=click.Path(dir_okay=False, path_type=Path), help="Write the connections to FILE."
)
def serve_all(*, port: int, twice: tuple[str, ...], variants: tuple[str, ...], file: Path | None) -> None:
    """Serve all sandboxes, on consecutive ports, until Ctrl-C.

    What is printed is a taskhand.toml with a connection to each; --config writes it to a new file instead.
    """
    named = [(crm.name, crm, crm.served.key) for crm in CRMS]
    named += [(f"{crm.name}-2", crm, f"{crm.served.key}-2") for crm in CRMS if crm.name in twice]
    chosen = _read_variants(variants)
    _serve(
        [
            EmulatedAccount(
                name, crm, crm.served.open(key, seed="demo", **chosen[crm.name]), key, port + index if port else 0
            )
            for index, (name, crm, key) in enumerate(named)
        ],
        (lambda served: _write_connections(served, file)) if file else _print_connections,
    )


def _read_variants(variants: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The variant of each CRM's behaviour, as an option of its sandbox. CallerError for an unknown one."""
    given: dict[str, list[str]] = {crm.name: [] for crm in CRMS}
    for variant in variants:
        name, dot, rest = variant.partition(".")
        if not dot or name not in given:
            raise CallerError(f"{variant!r} does not begin with a CRM.", next_step=f"Begin with {' or '.join(given)}.")
        given[name].append(rest)
    try:
        return {
            crm.name: {"spec_variant": crm.served.spec_variant.parse(given[crm.name])} if given[crm.name] else {}
            for crm in CRMS
        }
    except ValueError as error:
        raise CallerError(f"The sandboxes cannot be served: {error}.") from None


def _print_commands(served: "Sequence[tuple[EmulatedAccount, str]]") -> None:
    for account, url in served:
        given = " ".join(f"{variable}={value}" for variable, value in account.settings(url).items())
        print_line(f"{account.crm.title} at {url}, key {account.key}. Requests received: {url}/_sandbox/requests")
        print_line(f"  {given} taskhand call list_tasks")


def _print_connections(served: "Sequence[tuple[EmulatedAccount, str]]") -> None:
    head = f"Save this as {_find_default_file()}. `taskhand connections check` tries it; the sandboxes end with Ctrl-C."
    print_lines(_render_connections(served, head).splitlines())


def _find_default_file() -> str:
    """The default path of the configuration file, in words."""
    from taskhand.config.effective_settings import find_settings_path

    elsewhere = "a file that TASKHAND_CONFIG names"
    try:
        return f"{find_settings_path(os.environ)}, or as {elsewhere}"
    except OperatorError:
        return elsewhere


def _write_connections(served: "Sequence[tuple[EmulatedAccount, str]]", file: Path) -> None:
    """Write the connections to a new file; an identical file is accepted."""
    from taskhand.install.host_file import read_host_file, replace_host_file

    head = "The sandboxes of `taskhand sandbox all`; Taskhand reads this file where TASKHAND_CONFIG names it."
    host_file, text = read_host_file(file.absolute()), _render_connections(served, head)
    if host_file.text not in {"", text}:
        raise CallerError(f"{file} exists already.", next_step="Choose another name, or remove it.")
    replace_host_file(host_file, text, copy=None, now=datetime.now(UTC))
    print_line(f"{file} has the connections {', '.join(account.name for account, _ in served)}. Ctrl-C ends them.")
    print_line(f"  TASKHAND_CONFIG={shlex.quote(str(file))} taskhand connections check")


def _render_connections(served: "Sequence[tuple[EmulatedAccount, str]]", head: str) -> str:
    """The text of a taskhand.toml, with a comment at its head."""
    from taskhand.install.toml_edit import put_value

    text = f"# {head}\n"
    for account, url in served:
        text += f"\n# Requests received: {url}/_sandbox/requests"
        text = put_value(text, ("connections", account.name), account.table(url))
    return text


def _serve(
    accounts: Sequence[EmulatedAccount], announce: "Callable[[Sequence[tuple[EmulatedAccount, str]]], None]"
) -> None:
    """Serve the accounts until Ctrl-C; `announce` prints their addresses."""
    from taskhand.sandbox.server import serve_delivering

    async def serving() -> None:
        async with AsyncExitStack() as stack:
            announce(
                [
                    (account, await stack.enter_async_context(serve_delivering(account.emulator, port=account.port)))
                    for account in accounts
                ]
            )
            await anyio.sleep_forever()

    try:
        anyio.run(serving)
    except KeyboardInterrupt:
        return
    except OSError as error:
        raise CallerError(
            f"The sandbox cannot be served: {error.strerror}.",
            next_step="Choose another --port, or 0 for any free one.",
        ) from None
