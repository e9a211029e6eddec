"""The command `taskhand sandbox`: emulated CRMs on this machine."""

from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import anyio
import click

from taskhand.backends.registry import find_factory
from taskhand.cli.terminal import print_line
from taskhand.domain.errors import CallerError

if TYPE_CHECKING:
    from taskhand.sandbox.emulator import Emulator
    from taskhand.sandbox.switches import Switches

__all__ = ["sandbox"]


@dataclass(frozen=True, slots=True)
class Crm:
    """A CRM that has a sandbox: its default port and key, and the variables that point Taskhand at it."""

    name: str
    port: int
    key: str
    make: Callable[..., "Emulator"]
    spec_variant: Callable[[], "type[Switches]"]
    environment: Callable[[str, str], str]

    @property
    def title(self) -> str:
        """The name in sentences."""
        return find_factory(self.name).title


def _now() -> datetime:
    return datetime.now(UTC)


def _vambe(key: str, **options: Any) -> "Emulator":
    from taskhand.sandbox.vambe import VambeSandbox

    return VambeSandbox(key=key, clock=_now, **options)


def _close(key: str, **options: Any) -> "Emulator":
    from taskhand.sandbox.close import CloseSandbox

    return CloseSandbox(key=key, clock=_now, **options)


def _hubspot(key: str, **options: Any) -> "Emulator":
    from taskhand.sandbox.hubspot import HubSpotSandbox

    return HubSpotSandbox(token=key, clock=_now, **options)


def _vambe_variant() -> "type[Switches]":
    from taskhand.sandbox.vambe import SpecVariant

    return SpecVariant


def _close_variant() -> "type[Switches]":
    from taskhand.sandbox.close import SpecVariant

    return SpecVariant


def _hubspot_variant() -> "type[Switches]":
    from taskhand.sandbox.hubspot import SpecVariant

    return SpecVariant


CRMS = (
    Crm(
        "vambe",
        8900,
        "vambe-sandbox-key",
        _vambe,
        _vambe_variant,
        lambda url, key: f"VAMBE_API_KEY={key} VAMBE_BASE_URL={url}",
    ),
    Crm(
        "close",
        8901,
        "close-sandbox-key",
        _close,
        _close_variant,
        lambda url, key: f"CLOSE_API_KEY={key} CLOSE_BASE_URL={url}/api/v1",
    ),
    Crm(
        "hubspot",
        8902,
        "pat-na1-sandbox",
        _hubspot,
        _hubspot_variant,
        lambda url, key: f"HUBSPOT_ACCESS_TOKEN={key} HUBSPOT_BASE_URL={url}",
    ),
)


@click.group()
def sandbox() -> None:
    """Serve an emulated CRM on this machine.

    Try Taskhand and test agents on it, without a real account.
    """


def _command(crm: Crm) -> click.Command:
    @click.option("--port", default=crm.port, show_default=True, type=click.IntRange(0, 65535))
    @click.option("--seed", default="demo", show_default=True, help="demo, empty, or a JSON file of data.")
    @click.option("--key", default=crm.key, show_default=True, help="The key that it accepts.")
    @click.option(
        "--reading",
        multiple=True,
        metavar="NAME=VALUE",
        help="A variant of the CRM's behaviour; --readings lists them.",
    )
    @click.option("--readings", is_flag=True, help="List the variants, the default first, and exit.")
    @click.option("--faults", type=click.Path(exists=True, dir_okay=False), help="A TOML file of faults to inject.")
    def serve(*, port: int, seed: str, key: str, reading: tuple[str, ...], readings: bool, faults: str | None) -> None:
        if readings:
            for name, values in crm.spec_variant().allowed().items():
                print_line(f"{name}: {', '.join(values)}")
            return
        from taskhand.sandbox.faults import load_faults
        from taskhand.sandbox.seed_checks import NAMES, load_seed

        try:
            script = load_faults(faults) if faults else ()
            data = seed if seed in NAMES else load_seed(seed)
            emulator = crm.make(key, seed=data, spec_variant=crm.spec_variant().parse(reading), faults=script)
        except ValueError as error:
            raise CallerError(f"The sandbox cannot be served: {error}.") from None
        except (KeyError, TypeError, AttributeError) as error:
            raise CallerError(f"The seed {seed} is not in the form of {crm.title}'s: {error!r}.") from None
        _serve([(crm, emulator, key, port)])

    served = f"Serve {crm.title}'s documented API on loopback. It keeps state, until Ctrl-C."
    return click.command(crm.name, help=served)(serve)


@sandbox.command("all")
@click.option("--port", default=CRMS[0].port, show_default=True, type=click.IntRange(1, 65533), help="The first port.")
def serve_all(*, port: int) -> None:
    """Serve all sandboxes, on consecutive ports, until Ctrl-C."""
    _serve([(crm, crm.make(crm.key, seed="demo"), crm.key, port + index) for index, crm in enumerate(CRMS)])


for _crm in CRMS:
    sandbox.add_command(_command(_crm))


def _serve(served: "Sequence[tuple[Crm, Emulator, str, int]]") -> None:
    from taskhand.sandbox.server import serve

    async def serving() -> None:
        async with AsyncExitStack() as stack:
            for crm, emulator, key, port in served:
                url = await stack.enter_async_context(serve(emulator, port=port))
                print_line(f"{crm.title} at {url}, key {key}. Requests received: {url}/_sandbox/requests")
                print_line(f"  {crm.environment(url, key)} taskhand call list_tasks")
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
