"""The command `taskhand vault`: creates and rotates the key that encrypts linked credentials."""

import sys
from typing import TYPE_CHECKING

import anyio
import click

from taskhand.cli.terminal import print_line, print_lines
from taskhand.config.settings import Settings

if TYPE_CHECKING:
    from taskhand.vault.key_rotation import Rotation

__all__ = ["vault"]


@click.group()
def vault() -> None:
    """Make and change the key of the vault.

    It encrypts the credentials that people link. `taskhand people` lists the links.
    """


@vault.command("new-key")
def make_key() -> None:
    """Make a key, and print it alone on standard output.

    The key is not stored.
    """
    from taskhand.vault.vault_key import make_vault_key

    print_lines(
        [
            "Set TASKHAND_VAULT_KEY to this key at every server, or to keyring:NAME, env:NAME or file:PATH.",
            "Keep a copy apart from the file of links: without the key, every person has to link again.",
            "To replace an earlier key, put the new one and a comma before it; then run `taskhand vault rotate`.",
        ],
        err=True,
    )
    print_line(make_vault_key())


@vault.command("rotate")
@click.pass_obj
def rotate(settings: Settings) -> None:
    """Encrypt all credentials with the newest key.

    The newest key is the first one of TASKHAND_VAULT_KEY. Servers may run meanwhile. Run the command again if it was
    interrupted. The exit code is 1 if a credential could not be decrypted; it stays as it is.
    """
    done = anyio.run(_rotate, settings)
    print_line(f"{_count(done.resealed)} encrypted with the key {done.key_id} now; {done.before} had been before.")
    for link in done.broken:
        print_line(f"{link.person} for {link.connection}: it {link.flaw}.", err=True)
    if not done.broken:
        print_line("No other key is needed, if every server has this one first.", err=True)
    else:
        print_line("Add the missing key after the first one in TASKHAND_VAULT_KEY; then repeat this.", err=True)
        print_line("Without that key, or if a credential was altered, its person has to link again.", err=True)
        sys.exit(1)


async def _rotate(settings: Settings) -> "Rotation":
    from taskhand.state import open_cipher, open_link_store
    from taskhand.vault.key_rotation import rotate_key

    store = open_link_store(settings)
    try:
        return await rotate_key(store, open_cipher(settings))
    finally:
        await store.aclose()


def _count(number: int) -> str:
    return f"{number} credential is" if number == 1 else f"{number} credentials are"
