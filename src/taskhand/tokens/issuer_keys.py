"""The keys of one issuer, fetched when needed and kept while the issuer cannot be reached."""

import logging
import math
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import anyio

from taskhand.domain.errors import OperatorError, TaskhandError
from taskhand.tokens.issuer_metadata import IssuerMetadata, metadata_addresses, read_metadata
from taskhand.tokens.key_set import KeySet
from taskhand.tokens.signed_token import SignedToken

__all__ = ["Fetch", "IssuerKeys"]

_log = logging.getLogger(__name__)

Fetch = Callable[[str], Awaitable[Mapping[str, Any]]]
"""Reads the JSON object at an address; TaskhandError if there is none."""

_FRESH_S: Final = 600.0
"""Seconds after which keys are fetched again, so that a withdrawn key is soon refused."""
_RETRY_S: Final = 30.0
"""Seconds until the next request to an issuer that could not be reached."""
_EVERY_S: Final = 10.0
"""Minimum seconds between two fetches for tokens with unknown keys."""
_GOOD_S: Final = 86_400.0
"""Seconds for which fetched keys stay valid while the issuer cannot be reached."""
_WAIT_S: Final = 10.0
"""Maximum seconds that a request waits for the issuer."""


class IssuerKeys:
    """The keys of the `issuer`; `monotonic` returns seconds."""

    def __init__(self, issuer: str, fetch: Fetch, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.issuer = issuer
        self._fetch = fetch
        self._monotonic = monotonic
        self._lock = anyio.Lock()
        self._metadata: IssuerMetadata | None = None
        self._keys = KeySet()
        self._read_at = self._asked_at = -math.inf
        self._problem: OperatorError | None = None

    async def has_signed(self, token: SignedToken) -> bool:
        """Whether one of the issuer's keys has signed the token. OperatorError if the keys cannot be fetched."""
        if not self._is_good or not self._keys.find(token):
            await self._ask_again()
        self._check_good()
        return self._keys.has_signed(token)

    async def introspection_address(self) -> str:
        """The issuer's introspection endpoint. OperatorError if it is unknown."""
        if (address := (await self.metadata()).introspection) is None:
            raise OperatorError(f"The issuer {self.issuer} has no address to ask about a token.")
        return address

    async def metadata(self) -> IssuerMetadata:
        """The issuer's metadata. OperatorError if they cannot be fetched."""
        if not self._is_good:
            await self._ask_again()
        self._check_good()
        assert self._metadata is not None  # noqa: S101  it is read with the keys
        return self._metadata

    async def count_keys(self) -> int:
        """The present number of the issuer's keys. OperatorError if they cannot be fetched."""
        async with self._lock:
            await self._ask()
        if self._problem is not None:
            raise self._problem
        return len(self._keys.keys)

    async def keep_fresh(self, sleep: Callable[[float], Awaitable[object]] = anyio.sleep) -> None:
        """Fetch the keys periodically in the background, until cancelled."""
        while True:
            async with self._lock:
                await self._ask()
            await sleep(_FRESH_S if self._problem is None else _RETRY_S)

    @property
    def _is_good(self) -> bool:
        return self._monotonic() - self._read_at < _GOOD_S

    def _check_good(self) -> None:
        if not self._is_good:
            raise self._problem or OperatorError(f"The keys of the issuer {self.issuer} have not been read.")

    async def _ask_again(self) -> None:
        """Fetch the keys, unless they were just fetched; one fetch serves all waiting requests."""
        async with self._lock:
            if self._monotonic() - self._asked_at >= _EVERY_S:
                await self._ask()

    async def _ask(self) -> None:
        """Fetch the metadata and the keys; after a failure, the former ones stay."""
        self._asked_at = self._monotonic()
        try:
            with anyio.fail_after(_WAIT_S):
                metadata = await self._fetch_metadata()
                keys = KeySet.of(await self._fetch(metadata.keys))
            if not keys.keys:
                raise OperatorError(f"The issuer {self.issuer} has no key that tokens can be checked with.")
        except TimeoutError:
            self._note(OperatorError(f"The issuer {self.issuer} did not answer within {_WAIT_S:g} s."))
        except TaskhandError as error:
            self._note(error)
        else:
            self._metadata, self._keys, self._read_at, self._problem = metadata, keys, self._monotonic(), None

    async def _fetch_metadata(self) -> IssuerMetadata:
        problems: list[TaskhandError] = []
        for address in metadata_addresses(self.issuer):
            try:
                return read_metadata(self.issuer, await self._fetch(address))
            except TaskhandError as error:
                problems.append(error)
        raise next((problem for problem in problems if isinstance(problem, OperatorError)), problems[0])

    def _note(self, error: TaskhandError) -> None:
        """Store the error of a fetch, and log it if its reason is a new one."""
        problem = OperatorError(
            f"The keys of the issuer {self.issuer} cannot be read: {error.message}",
            code=error.code,
            next_step=error.next_step,
        )
        if self._problem is None or self._problem.code != problem.code:
            _log.warning("%s %s", problem.message, problem.next_step or "")
        self._problem = problem
