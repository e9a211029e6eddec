"""The renewal of credentials: one at a time for each link, in all processes, and never for the account of another."""

import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import anyio
import pytest

from child_process import assert_killed, die, exit_code, fork
from fixed_clock import NOW, FixedClock
from taskhand.call.deadline import call_deadline, time_left
from taskhand.domain.errors import LinkRequired, OperatorError, TaskhandError, UpstreamError
from taskhand.sql.connection import stored_instant
from taskhand.vault.cipher import Cipher
from taskhand.vault.credential_link import Link, OwnCredential
from taskhand.vault.links_of_persons import Links
from taskhand.vault.sealed_link import SealedLink
from taskhand.vault.sqlite import SqliteLinkStore
from taskhand.vault.vault_key import read_vault_keys
from vault.vaults import KEY, link_of, links_at, rows

HOUR = timedelta(hours=1)


class TokenEndpoint:
    """A CRM that gives out tokens; it replaces a refresh token with each use, unless it `keeps` them."""

    def __init__(self, clock: FixedClock, *, keeps: bool = False) -> None:
        self.clock = clock
        self.keeps = keeps
        self.current = "refresh-of-ana"
        self.asked: list[str] = []
        self.failure: Exception | None = None
        self.called = anyio.Event()
        self.answers = anyio.Event()
        self.answers.set()

    async def renew(self, link: Link) -> OwnCredential:
        self.asked.append(link.credential.refresh_token or "")
        self.called.set()
        await self.answers.wait()
        if self.failure:
            raise self.failure
        if link.credential.refresh_token != self.current:
            raise LinkRequired.again(link.connection)
        access_token = f"access-{len(self.asked)}"
        if self.keeps:
            return OwnCredential(access_token, None, self.clock() + HOUR)
        self.current = f"refresh-{len(self.asked)}"
        return OwnCredential(access_token, self.current, self.clock() + HOUR)

    async def wait(self, _: float) -> None:
        """What another process does meanwhile: it sleeps until the CRM has answered."""
        await self.answers.wait()
        await anyio.lowlevel.checkpoint()


@pytest.fixture
def endpoint(clock: FixedClock) -> TokenEndpoint:
    return TokenEndpoint(clock)


@pytest.fixture
async def links(path: Path, clock: FixedClock, endpoint: TokenEndpoint) -> AsyncIterator[Links]:
    """The links of a server; ana has linked, and her token ends in half an hour."""
    links = links_at(path, clock=clock, sleep=endpoint.wait)
    await links.save(link_of("ana"))
    await links.save(link_of("ben"))
    yield links
    await links.aclose()


async def token(links: Links, endpoint: TokenEndpoint, rejected: Link | None = None) -> str:
    link = await links.fresh("ana", "north", endpoint.renew, rejected=rejected)
    assert link is not None
    return link.credential.access_token


async def tokens(several: list[Links], endpoint: TokenEndpoint, rejected: Link | None = None) -> list[str]:
    """What callers at the same moment get: the token, or the code of the error."""
    found: list[str] = []

    async def call(links: Links) -> None:
        try:
            found.append(await token(links, endpoint, rejected))
        except TaskhandError as error:
            found.append(error.code)

    async with anyio.create_task_group() as tasks:
        for links in several:
            tasks.start_soon(call, links)
        await anyio.wait_all_tasks_blocked()
        endpoint.answers.set()
    return found


async def test_a_token_is_renewed_five_minutes_before_its_end_and_kept(
    links: Links, endpoint: TokenEndpoint, clock: FixedClock, path: Path
) -> None:
    clock.move(minutes=24)
    assert await token(links, endpoint) == "access-of-ana"
    clock.move(minutes=1)
    assert await token(links, endpoint) == "access-1"
    assert await token(links, endpoint) == "access-1"
    assert endpoint.asked == ["refresh-of-ana"]
    kept = await links_at(path).find("ana", "north")
    given = OwnCredential("access-1", "refresh-1", clock() + HOUR, frozenset({"tasks", "tasks.read"}))
    assert kept == replace(link_of("ana"), credential=given, generation=2, saved_at=clock())
    assert (await links.find("ben", "north")) == replace(link_of("ben"), generation=1, saved_at=NOW)


async def test_a_refresh_token_that_is_not_answered_stays(links: Links, clock: FixedClock) -> None:
    endpoint = TokenEndpoint(clock, keeps=True)
    for number in (1, 2, 3):
        clock.move(hours=2)
        assert await token(links, endpoint) == f"access-{number}"
    assert endpoint.asked == ["refresh-of-ana"] * 3


async def test_a_token_of_a_minute_is_not_renewed_by_every_call(
    links: Links, endpoint: TokenEndpoint, clock: FixedClock
) -> None:
    await links.save(link_of("ana", minutes=1))
    assert await token(links, endpoint) == "access-of-ana"
    clock.move(seconds=47)
    assert await token(links, endpoint) == "access-of-ana"
    clock.move(seconds=1)
    assert await token(links, endpoint) == "access-1"


async def test_the_life_of_a_token_counts_from_its_renewal(
    links: Links, endpoint: TokenEndpoint, clock: FixedClock
) -> None:
    def ending_in_ten_minutes(link: Link) -> Awaitable[OwnCredential]:
        return renew_for(link, clock() + timedelta(minutes=10))

    async def renew_for(_: Link, until: datetime) -> OwnCredential:
        endpoint.asked.append("refresh")
        return OwnCredential(f"access-{len(endpoint.asked)}", "refresh", until)

    clock.move(minutes=29)
    for minutes, asked in ((0, 1), (7, 1), (2, 2)):
        clock.move(minutes=minutes)
        await links.fresh("ana", "north", ending_in_ten_minutes)
        assert len(endpoint.asked) == asked, minutes


async def test_ten_callers_at_once_in_two_processes_cause_one_renewal_and_all_get_the_new_token(
    links: Links, endpoint: TokenEndpoint, clock: FixedClock, path: Path
) -> None:
    clock.move(minutes=31)
    endpoint.answers = anyio.Event()
    other = links_at(path, clock=clock, sleep=endpoint.wait)
    assert await tokens([links, other] * 5, endpoint) == ["access-1"] * 10
    assert endpoint.asked == ["refresh-of-ana"]
    await other.aclose()


async def test_other_callers_use_the_valid_credential_while_one_caller_renews_it(
    links: Links, endpoint: TokenEndpoint, clock: FixedClock, path: Path
) -> None:
    clock.move(minutes=26)
    endpoint.answers = anyio.Event()
    other = links_at(path, clock=clock, sleep=endpoint.wait)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(token, links, endpoint)
        await endpoint.called.wait()
        assert [await token(one, endpoint) for one in (links, other)] == ["access-of-ana"] * 2
        endpoint.answers.set()
    assert [await token(one, endpoint) for one in (links, other)] == ["access-1"] * 2
    assert endpoint.asked == ["refresh-of-ana"]
    await other.aclose()


async def test_a_grant_that_is_gone_asks_its_person_to_link_again_and_nobody_else(
    links: Links, endpoint: TokenEndpoint, clock: FixedClock, path: Path
) -> None:
    clock.move(minutes=31)
    endpoint.current = "revoked"
    endpoint.answers = anyio.Event()
    other = links_at(path, clock=clock, sleep=endpoint.wait)
    assert await tokens([links, other] * 5, endpoint) == ["link_required"] * 10
    assert len(endpoint.asked) == 1
    assert [(one.person, one.state) for one in await links.list()] == [("ana", "ended"), ("ben", "linked")]
    await links.save(link_of("ana", minutes=90))
    assert await token(other, endpoint) == "access-of-ana"
    await other.aclose()


FAILURES = {
    "the CRM is down": UpstreamError("It failed.", retryable=True),
    "no answer": TimeoutError(),
    "our own registration is wrong": OperatorError("The client is unknown."),
}


@pytest.mark.parametrize("why", [*FAILURES])
async def test_a_renewal_that_fails_for_a_moment_keeps_the_token_while_it_is_good(
    links: Links, endpoint: TokenEndpoint, clock: FixedClock, why: str
) -> None:
    clock.move(minutes=26)
    endpoint.failure = FAILURES[why]
    endpoint.answers = anyio.Event()
    assert await tokens([links] * 10, endpoint) == ["access-of-ana"] * 10
    assert len(endpoint.asked) == 1
    clock.move(minutes=4)
    endpoint.answers = anyio.Event()
    [code] = {*await tokens([links] * 10, endpoint)}
    assert code == ("configuration" if isinstance(endpoint.failure, OperatorError) else "upstream_error")
    assert len(endpoint.asked) == 2
    endpoint.failure = None
    clock.move(seconds=5)
    assert await token(links, endpoint) == "access-3"


async def test_a_token_that_the_crm_rejects_is_renewed_once_though_it_should_be_good(
    links: Links, endpoint: TokenEndpoint, clock: FixedClock
) -> None:
    rejected = await links.find("ana", "north")
    endpoint.answers = anyio.Event()
    assert await tokens([links] * 5, endpoint, rejected) == ["access-1"] * 5
    assert await token(links, endpoint, rejected) == "access-1"
    assert len(endpoint.asked) == 1
    clock.move(seconds=1)
    endpoint.failure = UpstreamError("It failed.")
    with pytest.raises(UpstreamError):
        await token(links, endpoint, await links.find("ana", "north"))


async def test_a_rejected_token_is_not_used_while_another_process_renews_it(
    links: Links, endpoint: TokenEndpoint, clock: FixedClock, path: Path
) -> None:
    async def sleep(_: float) -> None:
        endpoint.answers.set()
        await anyio.lowlevel.checkpoint()

    rejected = await links.find("ana", "north")
    endpoint.answers = anyio.Event()
    other = links_at(path, clock=clock, sleep=sleep)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(token, links, endpoint, rejected)
        await endpoint.called.wait()
        found = await token(other, endpoint, rejected)
        endpoint.answers.set()
    assert found == "access-1"
    assert endpoint.asked == ["refresh-of-ana"]
    await other.aclose()


async def test_a_pasted_key_that_the_crm_rejects_is_asked_for_again(links: Links, endpoint: TokenEndpoint) -> None:
    key = OwnCredential("a key")
    rejected = await links.save(replace(link_of("ana", kind="key"), credential=key))
    assert await token(links, endpoint) == "a key"
    assert await tokens([links] * 3, endpoint, rejected) == ["link_required"] * 3
    assert endpoint.asked == []


async def test_a_renewal_completes_although_its_caller_gave_up(
    links: Links, endpoint: TokenEndpoint, clock: FixedClock
) -> None:
    clock.move(minutes=26)
    endpoint.answers = anyio.Event()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(token, links, endpoint)
        await endpoint.called.wait()
        tasks.cancel_scope.cancel()
        endpoint.answers.set()
    assert await token(links, endpoint) == "access-1"
    assert len(endpoint.asked) == 1


async def test_a_call_that_is_nearly_over_begins_no_renewal(
    links: Links, endpoint: TokenEndpoint, clock: FixedClock
) -> None:
    clock.move(minutes=26)
    with call_deadline(1.9):
        assert await token(links, endpoint) == "access-of-ana"
    clock.move(minutes=5)
    with call_deadline(1.9), pytest.raises(UpstreamError, match="within this call's time"):
        await token(links, endpoint)
    assert endpoint.asked == []
    with call_deadline(60):
        assert await token(links, endpoint) == "access-1"


async def test_an_answer_that_cannot_be_saved_is_used_and_saved_later(
    links: Links, endpoint: TokenEndpoint, clock: FixedClock, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clock.move(minutes=26)
    with rows(path) as other:
        other.execute("CREATE TRIGGER full BEFORE INSERT ON link BEGIN SELECT RAISE(ABORT, 'the disk is full'); END")
    assert [await token(links, endpoint), await token(links, endpoint)] == ["access-1", "access-1"]
    other_process = links_at(path, clock=clock)
    assert await token(other_process, endpoint) == "access-of-ana", (
        "a second use of the refresh token would end the grant"
    )
    with rows(path) as other:
        other.execute("DROP TRIGGER full")
    assert await token(links, endpoint) == "access-1"
    assert endpoint.asked == ["refresh-of-ana"]
    assert await token(other_process, endpoint) == "access-1"
    assert "the disk is full" in caplog.text
    assert "access-1" not in caplog.text


async def test_an_answer_that_cannot_be_saved_is_dropped_once_the_person_has_linked_again(
    links: Links, endpoint: TokenEndpoint, clock: FixedClock, path: Path
) -> None:
    class FullDisk(SqliteLinkStore):
        async def put(self, row: SealedLink, *, after: int | None) -> bool:  # noqa: ARG002
            raise OperatorError("The disk is full.")

    clock.move(minutes=26)
    reader = Links(FullDisk(path), Cipher(read_vault_keys((KEY,))), clock, endpoint.wait)
    assert await token(reader, endpoint) == "access-1"
    brief = OwnCredential("newer", None, clock() + timedelta(minutes=10))
    await links.save(replace(link_of("ana", kind="operator"), credential=brief))
    clock.move(minutes=8)  # it is due, and good still
    assert await token(reader, endpoint) == "newer"
    assert endpoint.asked == ["refresh-of-ana"]
    await reader.aclose()


@pytest.mark.usefixtures("links")
async def test_another_process_that_renews_is_waited_for_as_long_as_it_may_take(
    endpoint: TokenEndpoint, clock: FixedClock, path: Path
) -> None:
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)
        assert sum(waited) < 60

    clock.move(minutes=31)
    with rows(path) as other:
        other.execute(
            "UPDATE link SET claimed_by = 'other', claimed_until = ?", (stored_instant(clock() + HOUR / 120),)
        )
    reader = links_at(path, clock=clock, sleep=sleep)
    with pytest.raises(UpstreamError, match="within this call's time") as refused:
        await token(reader, endpoint)
    assert refused.value.retryable
    assert 45 < sum(waited) < 45.3
    assert endpoint.asked == []
    await reader.aclose()


async def test_a_renewal_takes_no_longer_than_fifteen_seconds_and_than_its_call(
    links: Links, clock: FixedClock
) -> None:
    left: list[float] = []

    async def renew(_: Link) -> OwnCredential:
        left.append(time_left())
        return OwnCredential("access", "refresh", clock() + HOUR)

    for call_s in (5, 600):
        clock.move(hours=2)
        with call_deadline(call_s):
            await links.fresh("ana", "north", renew)
    assert 0 < left[0] < 5 < left[1] < 15


async def test_a_link_saved_or_removed_during_a_renewal_is_kept(
    links: Links, endpoint: TokenEndpoint, clock: FixedClock
) -> None:
    async def during(change: Callable[[], Awaitable[object]]) -> list[str]:
        endpoint.answers, endpoint.called = anyio.Event(), anyio.Event()
        found: list[str] = []

        async def call() -> None:
            try:
                found.append(await token(links, endpoint))
            except LinkRequired as error:
                found.append(error.code)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(call)
            await endpoint.called.wait()
            await change()
            endpoint.answers.set()
        return found

    clock.move(minutes=26)
    newer = replace(link_of("ana"), credential=OwnCredential("newer"))
    assert await during(lambda: links.save(newer)) == ["newer"]
    endpoint.current = "refresh-of-ana"
    await links.save(link_of("ana"))
    clock.move(minutes=4)
    assert await during(lambda: links.remove("ana", "north")) == ["link_required"]
    assert await links.find("ana", "north") is None


async def test_all_calls_that_wait_for_a_renewal_get_link_required_once_the_link_is_removed(
    links: Links, endpoint: TokenEndpoint, clock: FixedClock
) -> None:
    endpoint.answers = anyio.Event()
    clock.move(minutes=30)
    found: list[str] = []
    async with anyio.create_task_group() as tasks:

        async def call() -> None:
            found.extend(await tokens([links] * 3, endpoint))

        tasks.start_soon(call)
        await endpoint.called.wait()
        await links.remove("ana", "north")
        endpoint.answers.set()
    assert found == ["link_required"] * 3
    assert len(endpoint.asked) == 1
    assert await links.fresh("ana", "north", endpoint.renew) is None


@pytest.mark.parametrize(("keeps", "expected"), [(True, ["access-1"]), (False, ["link_required"])])
def test_a_process_that_is_killed_after_the_answer_of_the_crm_costs_at_most_a_new_link(
    path: Path, *, keeps: bool, expected: list[str]
) -> None:
    clock = FixedClock()

    async def killed() -> None:
        links = links_at(path, clock=clock)
        await links.save(link_of("ana"))
        clock.move(minutes=26)
        await links.fresh("ana", "north", die)

    async def afterwards() -> None:
        endpoint = TokenEndpoint(clock, keeps=keeps)
        endpoint.current = "refresh-of-ana" if keeps else "lost with the process"
        clock.move(minutes=26)
        links = links_at(path, clock=clock)
        assert await tokens([links], endpoint) == ["access-of-ana"], "as long as the process may be at it"
        clock.move(seconds=29)
        assert await tokens([links], endpoint) == ["access-of-ana"], "as long as the process may be at it"
        assert endpoint.asked == []
        clock.move(seconds=1)
        assert await tokens([links], endpoint) == expected
        assert endpoint.asked == ["refresh-of-ana"]
        await links.aclose()

    assert_killed(lambda: anyio.run(killed))
    anyio.run(afterwards)


def test_processes_that_renew_at_once_use_each_refresh_token_once(path: Path, tmp_path: Path) -> None:
    """A CRM that all share: a file for each refresh token that was used, which cannot be made twice."""

    def count(pattern: str) -> int:
        return len([*tmp_path.glob(pattern)])

    async def renew(link: Link) -> OwnCredential:
        used = link.credential.refresh_token or ""
        os.close(os.open(tmp_path / f"used-{used}", os.O_CREAT | os.O_EXCL))
        while count("here-*") < 3:  # the CRM answers once all processes are at it
            await anyio.lowlevel.checkpoint()
        return OwnCredential(f"access-after-{used}", f"{used}+", NOW + HOUR)

    async def call() -> None:
        (tmp_path / f"here-{os.getpid()}").touch()
        links = links_at(path, clock=FixedClock(NOW + timedelta(minutes=31)), sleep=anyio.sleep)
        found: list[str] = []

        async def one() -> None:
            link = await links.fresh("ana", "north", renew)
            found.append(link.credential.access_token if link else "none")

        async with anyio.create_task_group() as tasks:
            for _ in range(5):
                tasks.start_soon(one)
        assert found == ["access-after-refresh-of-ana"] * 5

    async def link() -> None:
        links = links_at(path)
        await links.save(link_of("ana"))
        await links.aclose()

    anyio.run(link)
    children = [fork(lambda: anyio.run(call)) for _ in range(3)]
    assert [exit_code(child) for child in children] == [0, 0, 0]
    assert [file.name for file in tmp_path.glob("used-*")] == ["used-refresh-of-ana"]


async def test_the_log_names_persons_and_no_token(
    links: Links, endpoint: TokenEndpoint, clock: FixedClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    clock.move(minutes=26)
    endpoint.failure = UpstreamError("It failed.")
    await token(links, endpoint)
    clock.move(seconds=5)
    endpoint.failure = None
    await token(links, endpoint)
    assert caplog.messages == [
        "the credential of ana for north was not renewed: It failed.",
        "the credential of ana for north was renewed",
    ]
