"""The account of a key that `taskhand install` was given, looked up to try the key."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import anyio

from taskhand.cli.terminal import print_line
from taskhand.config.settings import FIELDS, Settings
from taskhand.domain.errors import OperatorError, TaskhandError

if TYPE_CHECKING:
    from taskhand.backends.factory import BackendFactory
    from taskhand.cli.install_questions import InstallOptions
    from taskhand.config.effective_settings import Configuration
    from taskhand.domain.task import Member

__all__ = ["AccountLookup", "KeyAccount"]

_LOOK_UP_S = 45


@dataclass(frozen=True, slots=True)
class KeyAccount:
    """The team of a key's account, and its member `me`."""

    members: "Sequence[Member]"
    me: str | None

    @property
    def my_name(self) -> str | None:
        """The name of `me`; None if that is not known."""
        return next((member.name for member in self.members if member.id == self.me), None)


class AccountLookup:
    """Looks up the account of the key once, which tries the key.

    `configure` returns the configuration with the answers so far. `ask_key` asks for a key only to try it.
    """

    def __init__(
        self,
        request: "InstallOptions",
        factory: "BackendFactory[Any]",
        configure: "Callable[[], Configuration]",
        ask_key: Callable[[], None],
    ) -> None:
        self._asked = request
        self._factory = factory
        self._configure = configure
        self._ask_key = ask_key
        self._account: KeyAccount | None = None
        self._is_looked_up = False

    def find(self) -> KeyAccount | None:
        """The account, looked up once; None, with a note, if it is unknown. OperatorError for a rejected key."""
        if self._is_looked_up or not self._asked.checks or self._asked.dry_run or not self._factory.credentials:
            return self._account
        settings = self._configure().settings
        if settings.lacks_credential(self._factory):
            self._ask_key()
            settings = self._configure().settings
        if settings.lacks_credential(self._factory):
            self._is_looked_up = True
            return None
        self._account = self._try_key(settings)
        self._is_looked_up = True
        return self._account

    def _try_key(self, settings: Settings) -> KeyAccount | None:
        """The account of the key; None if the CRM is unreachable.

        OperatorError if the CRM rejects the key, or if another program answers at its address.
        """
        name = self._factory.title
        try:
            with _without_warnings():
                account = anyio.run(_look_up, settings)
        except OperatorError as error:
            if error.code != "unauthorized":
                raise
            raise OperatorError(
                f"{name} does not accept the key, so nothing is written.",
                code=error.code,
                next_step=f"Give the key exactly as {name} shows it.",
            ) from None
        except (TaskhandError, TimeoutError) as error:
            why = error.message if isinstance(error, TaskhandError) else f"{name} did not answer."
            if isinstance(error, TaskhandError) and not error.retryable:
                raise OperatorError(
                    f"The key could not be tried, so nothing is written. {why}",
                    code=error.code,
                    next_step=f"{self._address_to_correct(settings)}; `--no-check` writes the entry untried.",
                ) from None
            print_line(f"! The key could not be tried. {why}", err=True)
            return None
        count = len(account.members)
        mine = f", and you are {account.my_name}" if account.my_name else ""
        print_line(f"{name}: key accepted, {count} member{'' if count == 1 else 's'}{mine}.", err=self._asked.prints)
        return account

    def _address_to_correct(self, settings: Settings) -> str:
        """The next step if the address does not answer like the CRM."""
        field = f"{self._factory.name}_base_url"
        if settings.value(field) != FIELDS[field].default:
            return f"Correct {Settings.variable(field)}"
        return f"Check what answers between this machine and {self._factory.title}"


@contextmanager
def _without_warnings() -> Iterator[None]:
    """Silence Taskhand's log warnings: the questions report the same problems."""
    log = logging.getLogger("taskhand")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(level)


async def _look_up(settings: Settings) -> KeyAccount:
    from taskhand.wiring import open_app

    with anyio.fail_after(_LOOK_UP_S):
        async with open_app(settings) as app:
            return KeyAccount(await app.backend.account.members(), await app.backend.account.me())
