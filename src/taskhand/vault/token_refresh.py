"""Renews a credential before it expires, one renewal at a time for each link in all processes.

A refresh token is often valid for one use. One caller therefore claims the link in the store, sends the request to the
CRM, and saves the response. The others use the old credential while it is valid; after that they wait and read the
saved one. From the request until its response is saved, cancellation is shielded.

A process that is killed between the CRM's response and the save loses the response. The claim expires, and the next
caller sends the old refresh token. A CRM that keeps refresh tokens accepts it. A CRM that replaces them refuses it, and
the person is asked to link again. The behaviour of a CRM is not known beforehand.
"""

import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from secrets import token_hex
from typing import Final

import anyio

from taskhand.call.deadline import acquire_in_time, call_deadline, time_left
from taskhand.domain.errors import LinkRequired, OperatorError, TaskhandError, UpstreamError
from taskhand.vault.credential_link import EXPIRY_MARGIN, Link, OwnCredential
from taskhand.vault.link_store import LinkStore
from taskhand.vault.sealed_link import SealedLink

__all__ = ["Refresher", "Renew"]

_log = logging.getLogger(__name__)

Renew = Callable[[Link], Awaitable[OwnCredential]]
"""Asks the CRM for the next credential. If the response has no refresh token, the former one stays valid.

LinkRequired: the grant is revoked. Any other TaskhandError: the renewal may succeed later.
"""

_MAX_RENEWAL_S: Final = 15.0
"""Maximum seconds of one renewal."""
_MIN_REMAINING_S: Final = 2.0
"""Minimum remaining seconds of a call that begins a renewal."""
_CLAIM_S: Final = 30.0
"""Seconds after which a claim expires, for example that of a killed process."""
_POLL_S: Final = 0.1
_PAUSE: Final = timedelta(seconds=5)
"""The pause after a failed renewal."""
_SAVES: Final = 3
_EARLY: Final = timedelta(minutes=5)
_SHARE: Final = 0.2
"""A credential is renewed five minutes before it expires, or in the last fifth of a shorter life."""


@dataclass(frozen=True, slots=True)
class _Failure:
    generation: int
    at: datetime
    error: TaskhandError


class Refresher:
    """Renews links; `find` and `seal` open and close them."""

    def __init__(
        self,
        store: LinkStore,
        find: Callable[[str, str], Awaitable[Link | None]],
        seal: Callable[[Link], SealedLink],
        clock: Callable[[], datetime],
        sleep: Callable[[float], Awaitable[object]],
    ) -> None:
        self._store = store
        self._find = find
        self._seal = seal
        self._clock = clock
        self._sleep = sleep
        self._process = token_hex(8)
        self._locks: dict[tuple[str, str], anyio.Lock] = {}
        self._failures: dict[tuple[str, str], _Failure] = {}
        self._unsaved: dict[tuple[str, str], Link] = {}
        """Renewed links that could not be saved, each with the generation before it."""

    async def refresh_if_due(self, link: Link, renew: Renew, rejected: int | None = None) -> Link:
        """The link with a valid credential; `rejected` is the generation that the CRM rejected."""
        if not self._is_due(link, rejected):
            return link
        lock = self._locks.setdefault(link.name, anyio.Lock())
        if lock.locked() and self._is_good(link, rejected):
            return link
        if not await acquire_in_time(lock):
            return self._if_good(link, rejected, _not_in_time(link))
        try:
            return await self._refresh(link, renew, rejected)
        finally:
            lock.release()

    async def _refresh(self, link: Link, renew: Renew, rejected: int | None) -> Link:
        """Renew a link, or wait until another process has renewed it; one caller of this process at a time."""
        waited_s = 0.0
        while True:
            current = await self._newest(link)
            if not self._is_due(current, rejected):
                return current
            if current.credential.refresh_token is None:
                return await self._without_refresh_token(current, rejected)
            if (failure := self._recent_failure(current)) is not None:
                return self._if_good(current, rejected, failure)
            if time_left() < _MIN_REMAINING_S:
                return self._if_good(current, rejected, _not_in_time(current))
            try:
                is_claimed = await self._claim(current)
            except OperatorError as error:
                return self._if_good(current, rejected, error)
            if is_claimed:
                return await self._renew(current, renew, rejected)
            if self._is_good(current, rejected):
                return current
            if waited_s > _CLAIM_S + _MAX_RENEWAL_S:
                raise _not_in_time(current)
            await self._sleep(_POLL_S)
            waited_s += _POLL_S

    async def _newest(self, link: Link) -> Link:
        """The stored link, or the renewed one that could not be saved before."""
        kept = await self._find(*link.name)
        unsaved = self._unsaved.pop(link.name, None)
        if kept is None:
            raise LinkRequired.again(link.connection)
        if unsaved is None or unsaved.generation != kept.generation:
            return kept
        return await self._save(unsaved)

    async def _claim(self, link: Link) -> bool:
        return await self._store.claim(
            *link.name, generation=link.generation, by=self._process, now=self._clock(), s=_CLAIM_S
        )

    async def _renew(self, link: Link, renew: Renew, rejected: int | None) -> Link:
        """Ask the CRM and save its response, shielded from cancellation."""
        with anyio.CancelScope(shield=True):
            try:
                credential = await _ask(link, renew)
                return await self._save(replace(link, credential=_merge(link.credential, credential)))
            except LinkRequired:
                return await self._end(link)
            except TaskhandError as error:
                failure = error
            finally:
                await self._release(link)
        _log.warning("the credential of %s for %s was not renewed: %s", *link.name, failure.message)
        self._failures[link.name] = _Failure(link.generation, self._clock(), failure)
        return self._if_good(link, rejected, failure)

    async def _save(self, link: Link) -> Link:
        """Save a renewed link in place of its former generation; keep it in memory if the store cannot be written."""
        for attempt in range(1, _SAVES + 1):
            try:
                is_saved = await self._store.put(self._seal(link), after=link.generation)
            except OperatorError as error:
                if attempt == _SAVES:
                    _log.warning("the new credential of %s for %s is not saved yet: %s", *link.name, error.message)
                    self._unsaved[link.name] = link
                    return link
                await self._sleep(_POLL_S)
            else:
                break
        if is_saved:
            _log.info("the credential of %s for %s was renewed", *link.name)
        newest = await self._find(*link.name)  # another link, if the person has linked again meanwhile
        if newest is None:
            raise LinkRequired.again(link.connection)
        return newest

    async def _end(self, link: Link) -> Link:
        """Mark a link whose grant was revoked; return the new link if the person has linked again meanwhile."""
        is_ended = await self._store.end(*link.name, generation=link.generation, at=self._clock())
        newest = None if is_ended else await self._find(*link.name)
        if newest is None:
            raise LinkRequired.again(link.connection)
        return newest

    async def _without_refresh_token(self, link: Link, rejected: int | None) -> Link:
        """The link while it is valid; LinkRequired after that, because only the person can renew it."""
        if self._is_good(link, rejected):
            return link
        return await self._end(link)

    async def _release(self, link: Link) -> None:
        """Release the claim, unless the response is unsaved: another process would renew the link again."""
        if link.name not in self._unsaved:
            with suppress(OperatorError):  # the claim expires
                await self._store.release(*link.name, self._process)

    def _recent_failure(self, link: Link) -> TaskhandError | None:
        """The error of a renewal that failed within the pause: callers that waited for it do not ask again."""
        last = self._failures.get(link.name)
        if last is None or last.generation != link.generation:
            return None
        return last.error if timedelta() <= self._clock() - last.at < _PAUSE else None

    def _if_good(self, link: Link, rejected: int | None, error: TaskhandError) -> Link:
        if self._is_good(link, rejected):
            return link
        raise error.with_traceback(None)

    def _is_good(self, link: Link, rejected: int | None) -> bool:
        return link.is_good(self._clock()) and link.generation != rejected

    def _is_due(self, link: Link, rejected: int | None) -> bool:
        return _is_due(link, self._clock()) or link.generation == rejected


def _is_due(link: Link, now: datetime) -> bool:
    """Whether it is time to renew the credential."""
    expires_at = link.credential.expires_at
    if expires_at is None:
        return False
    lifetime = expires_at - link.saved_at if link.saved_at else _EARLY / _SHARE
    return now >= expires_at - max(EXPIRY_MARGIN, min(_EARLY, lifetime * _SHARE))


async def _ask(link: Link, renew: Renew) -> OwnCredential:
    limit_s = min(_MAX_RENEWAL_S, time_left())
    try:
        with call_deadline(limit_s), anyio.fail_after(limit_s):
            return await renew(link)
    except TimeoutError:
        raise UpstreamError(f"The sign-in of {link.connection} did not answer in time.", retryable=True) from None


def _merge(before: OwnCredential, credential: OwnCredential) -> OwnCredential:
    """The credential in the CRM's response; fields that are missing there keep their values."""
    return replace(
        credential,
        refresh_token=credential.refresh_token or before.refresh_token,
        scopes=credential.scopes or before.scopes,
    )


def _not_in_time(link: Link) -> UpstreamError:
    return UpstreamError(
        f"Your credential for {link.connection} was not renewed within this call's time.",
        next_step="Send the same call again in a moment.",
        retryable=True,
    )
