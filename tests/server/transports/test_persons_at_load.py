"""Persons with credentials of their own on one connection at full load, over real sockets on both sides.

Every request to the CRM is looked at for whose credential it bore, every answer for whose it is, and every connection
to the CRM for whether one person alone had it. `ROUNDS=500` before pytest makes it longer.
"""

import json
import os
import random
from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import anyio
import httpx2
import pytest
from anyio.lowlevel import checkpoint

from fixed_clock import NOW
from server.transports.bearing_crm import OWNER, SHARED, BearingCrm, task_of
from server.transports.keyed_server import ERAS, KeyCaller, asking_server
from taskhand.backends.remote import connection
from taskhand.backends.remote.recent_writes import RecentWrites
from taskhand.backends.remote.ttl_cache import TtlCache
from taskhand.config.settings import Settings
from taskhand.domain.edit import Edit
from taskhand.domain.errors import LinkRequired
from taskhand.domain.policy import Policy
from taskhand.domain.principal import SCOPES, Person, Principal
from taskhand.domain.side_by_side import side_by_side
from taskhand.domain.snapshot import Snapshot
from taskhand.http import attempt
from taskhand.http.client import Client
from taskhand.http.request import Request
from taskhand.http.upstream import Runtime
from taskhand.journal.journal import Caller, Intent
from taskhand.keys.key import Key, make_key_text
from taskhand.keys.key_check import KeyCheck
from taskhand.keys.sqlite import SqliteKeyStore
from taskhand.server.access import Access
from taskhand.server.transports.http_limits import HttpLimits
from taskhand.server.transports.key_auth import KeyAuth
from taskhand.service import app_context, recovery
from taskhand.service.app_context import AppContext
from taskhand.service.call import Call
from taskhand.service.own_credential import _Choice
from taskhand.service.personal_backend import _PersonalBackend
from taskhand.service.recovery import recover_if_possible
from taskhand.vault.link import Link, LinkedMember, OwnCredential
from taskhand.vault.links import Links
from taskhand.vault.openings import Openings
from taskhand.wiring import open_journal
from vault.vaults import links_at

LINKED: Final = ("qana", "qben", "qcat", "qdan", "qeva")
NOBODY: Final = "qnob"
"""Who has linked nothing, and is served with the shared credential."""
ROUNDS: Final = int(os.environ.get("ROUNDS", "2"))
_AT_ONCE: Final = 6
"""Calls of one person in one round."""
_LIMITS: Final = HttpLimits(requests_s=0)
Arguments = dict[str, Any]


@dataclass
class Worker:
    """A person at work, with a client of each era; `bearer` is whose credential is the person's."""

    name: str
    clients: list[KeyCaller]
    answers: list[tuple[str, str]] = field(default_factory=list)

    @property
    def bearer(self) -> str:
        return OWNER if self.name == NOBODY else self.name

    def draw(self, random: random.Random) -> tuple[str, Arguments]:
        """A call at random, which names this person wherever the person can be named."""
        number = random.randrange(3)
        task, text = task_of(self.bearer, number), f"Call {self.bearer} {random.randrange(1_000_000)}"
        new = {"title": text, "aiCustomerId": f"lead_{self.bearer}", "responsibleIds": ["me"]}
        ids = [task_of(self.bearer, one) for one in range(3)]
        calls: list[tuple[str, Arguments]] = [
            ("get_task", {"id": task}),
            ("get_task", {"id": SHARED}),
            ("list_tasks", {}),
            ("list_tasks", {"responsibleIds": ["me"]}),
            ("list_team_members", {}),
            ("find_contacts", {"query": "contact"}),
            ("list_changes", {}),
            ("create_task", new),
            ("update_task", {"id": task, "title": text, "addNote": text}),
            ("bulk_update_tasks", {"taskIds": ids, "changes": {"title": text}}),
            ("complete_task", {"id": task}),
        ]
        return random.choice(calls)

    async def call(self, random: random.Random) -> None:
        """Make a call; now and then give up before it is answered."""
        tool, sent = self.draw(random)
        gives_up_s = random.random() * 0.02 if random.random() < 0.1 else 30
        with anyio.move_on_after(gives_up_s):
            answer = await random.choice(self.clients).call(tool, **sent)
            self.answers.append((tool, json.dumps(answer)))


@dataclass
class Office:
    """One account of the CRM, its server, and the persons who use it."""

    crm: BearingCrm
    app: AppContext
    links: Links
    http: httpx2.AsyncClient
    workers: list[Worker]
    random: random.Random

    async def link(self, name: str) -> None:
        """Link the person with a new credential."""
        token = f"token-{len(self.crm.bearers)}-of-{name}"
        self.crm.bearers[f"Bearer {token}"] = name
        member = LinkedMember(f"user_{name}", name)
        now = self.app.clock()
        await self.links.save(Link(f"{name}@x.test", "default", "key", OwnCredential(token), now, member))

    def revoke(self, name: str) -> None:
        """Let the CRM accept no credential of the person any more."""
        self.crm.revoked |= {header for header, bearer in self.crm.bearers.items() if bearer == name}

    async def work(self, rounds: int) -> None:
        """Let all call at once, in rounds; in the middle of each but the first revoke one person, who links again."""
        for number in range(rounds):
            left = LINKED[number % 2] if number else None
            async with side_by_side() as group:
                group.start_soon(recover_if_possible, self.app)
                group.start_soon(self.http.get, "/ready")
                for worker in self.workers:
                    for _ in range(_AT_ONCE):
                        group.start_soon(worker.call, self.random)
                if left:
                    await self.crm.heard(len(self.crm.requests) + _AT_ONCE)
                    self.revoke(left)
            self.check()
            if left:
                await self._check_revoked(left)
                await self.link(left)

    async def _check_revoked(self, left: str) -> None:
        """Who was revoked is told, and nobody else."""
        for worker in self.workers:
            answer = await worker.clients[0].call("get_task", id=task_of(worker.bearer, 1))
            told = answer.get("code")
            assert (told == "link_required") == (worker.name == left), (worker.name, answer)

    def check(self) -> None:
        """Nothing of one person was asked with the credential of another, or shown to another."""
        lines: dict[int, str | None] = {}
        names = [*LINKED, OWNER]
        for one in self.crm.requests:
            assert one.bearer is not None, one
            assert not [name for name in names if name in one.text and name != one.bearer], one
            assert lines.setdefault(one.line, one.bearer) == one.bearer, "one connection for two persons"
        for worker in self.workers:
            assert worker.answers
            for tool, text in worker.answers:
                shown = [name for name in names if name in text and name not in {worker.name, worker.bearer}]
                assert not shown, (worker.name, tool, text)


@asynccontextmanager
async def open_office(folder: Path, linked: Sequence[str], seed: int = 1) -> AsyncIterator[Office]:
    """The server, with these persons and one who has linked nothing."""
    crm = BearingCrm(faults=0.04, random=random.Random(seed))  # noqa: S311  a schedule
    crm.bearers[f"Basic {b64encode(b'owner-key:').decode()}"] = OWNER
    keys, links = SqliteKeyStore(folder / "keys.sqlite"), links_at(folder / "links.sqlite")
    auth = KeyAuth(KeyCheck(keys, lambda: NOW))
    access = Access(lambda: Policy({"sees_all_changes": False}))
    async with AsyncExitStack() as stack:
        stack.push_async_callback(links.aclose)
        stack.push_async_callback(keys.aclose)
        url = await stack.enter_async_context(crm.serving())
        settings = {"CLOSE_API_KEY": "owner-key", "CLOSE_BASE_URL": f"{url}/api/v1", "CLOSE_RATE": "1000"}
        settings |= {"TASKHAND_JOURNAL": str(folder / "journal.sqlite"), "TASKHAND_DUPLICATE_S": "0"}
        app, http, _ = await stack.enter_async_context(
            asking_server(
                folder, auth, limits=_LIMITS, access=access, crm=settings, links=links, runtime=Runtime(sleep=_hurry)
            )
        )
        office = Office(crm, app, links, http, [], random.Random(seed))  # noqa: S311  a schedule
        for name in linked:
            await office.link(name)
        for name in (*linked, NOBODY):
            text = make_key_text()
            await keys.add(Key(text.id, f"{name}@x.test", SCOPES, NOW), text.hash)
            office.workers.append(Worker(name, [await KeyCaller(http, text.text, era).open() for era in ERAS]))
        await _leave_open(app, Settings.from_env(settings), linked)
        yield office


async def _hurry(_: float) -> None:
    """Wait no longer than others need to go on."""
    await checkpoint()


async def _leave_open(app: AppContext, settings: Settings, names: Sequence[str]) -> None:
    """An update of each of these persons, in the journal as a process leaves it that dies before it sends."""
    journal = open_journal(settings, app.clock)
    for name in names:
        maker = Principal(Person.named(f"{name}@x.test"))
        call = Call(replace(app, journal=journal).of_principal(maker), "update_task", Caller(subject=maker.subject))
        before, edit = await call.app.backend.get_task(task_of(name, 0)), Edit(title=f"Lost {name}")
        await call.begin(call.new_opening(), [Intent("update", Snapshot(before), edit, edit)])
    await journal.aclose()


@pytest.mark.parametrize("linked", [LINKED[:2], LINKED], ids=["two", "five"])
async def test_each_request_and_each_answer_is_of_whoever_calls(linked: Sequence[str], tmp_path: Path) -> None:
    async with open_office(tmp_path, linked) as office:
        await office.work(ROUNDS)
        asked = {one.bearer for one in office.crm.requests if one.method in {"POST", "PUT"}}
        assert asked >= {*linked, OWNER}
        recovered = [one.bearer for one in office.crm.requests if task_of(str(one.bearer), 0) in one.target]
        assert {*recovered} >= {*linked}


def _share_the_client(patch: pytest.MonkeyPatch) -> None:
    """One HTTP client for all credentials of one CRM."""
    made: dict[str, Any] = {}
    real = connection.open_client

    async def share(context: Any, upstream: Any, *given: Any, **named: Any) -> Any:
        if upstream.base_url not in made:
            made[upstream.base_url] = await real(context, upstream, *given, **named)
        return made[upstream.base_url]

    patch.setattr(connection, "open_client", share)


def _share_the_pool(patch: pytest.MonkeyPatch) -> None:
    """One pool of connections for all credentials."""
    made: dict[Any, Any] = {}
    real = attempt.open_transport
    patch.setattr(attempt, "open_transport", lambda origin: made.setdefault(origin, real(origin)))


def _share_flights(patch: pytest.MonkeyPatch) -> None:
    """Equal reads at one moment are sent once, whoever asks."""
    flights: dict[str, list[Any]] = {}
    real = Client.send

    async def send(self: Client, request: Request) -> Any:
        name = f"{request.path.raw}?{request.query}"
        if request.method != "GET":
            return await real(self, request)
        if name in flights:
            event, *found = flights[name]
            await event.wait()
            if len(flight := flights.get(name, [event, *found])) > 1:
                return flight[1]
        flights[name] = flight = [anyio.Event()]
        try:
            flight.append(await real(self, request))
            return flight[1]
        finally:
            flight[0].set()

    patch.setattr(Client, "send", send)


def _share_caches(patch: pytest.MonkeyPatch) -> None:
    """What was fetched a moment ago is anybody's."""
    kept: dict[float, dict[Any, Any]] = {}
    real = TtlCache.__init__

    def make(self: Any, keep_s: float, clock: Any) -> None:
        real(self, keep_s, clock)
        self._values = kept.setdefault(keep_s, {})

    patch.setattr(TtlCache, "__init__", make)


def _share_recent_writes(patch: pytest.MonkeyPatch) -> None:
    """What one has written a moment ago is in the lists of all."""
    written: dict[str, Any] = {}
    real = RecentWrites.__init__

    def make(self: Any, *given: Any, **named: Any) -> None:
        real(self, *given, **named)
        self._written = written

    patch.setattr(RecentWrites, "__init__", make)
    patch.setattr(RecentWrites, "all", lambda self: iter(self._written.items()))


def _share_openings(patch: pytest.MonkeyPatch) -> None:
    """What is open for one person is used for the next."""

    async def open_any(self: Any, link: Link) -> Any:
        async with self._opening:
            opened = next(iter(self._kept.values()), None) or await self._open_new(link)
            self._kept.setdefault(link.name, opened)
            opened.users += 1
            return opened

    patch.setattr(Openings, "_open", open_any)


def _share_backends(patch: pytest.MonkeyPatch) -> None:
    """The backend of the first caller is everybody's."""
    made: dict[Any, Any] = {}
    real = app_context._backend_of  # noqa: SLF001  the fault is in there
    patch.setattr(app_context, "_backend_of", lambda app, caller: made.setdefault(app.connection, real(app, caller)))


def _share_members(patch: pytest.MonkeyPatch) -> None:
    """`me` is who it was for the first caller."""
    made: list[str] = []
    real = _PersonalBackend.me

    async def me(self: Any) -> str | None:
        if (found := await real(self)) is not None:
            made.append(found)
        return made[0] if made else None

    patch.setattr(_PersonalBackend, "me", me)


def _remember_the_caller(patch: pytest.MonkeyPatch) -> None:
    """Who calls is who called first over HTTP, as where a connection is taken for a person."""
    seen: list[Principal] = []
    real = Access.holder

    def holder(self: Access, token: Any) -> Principal:
        seen.append(real(self, token))
        return seen[0]

    patch.setattr(Access, "holder", holder)


def _fall_back(patch: pytest.MonkeyPatch) -> None:
    """Where a person's credential is accepted no longer, the shared one is used."""
    real = _Choice.backend

    @asynccontextmanager
    async def backend(self: Any) -> AsyncIterator[Any]:
        async with AsyncExitStack() as stack:
            try:
                found = await stack.enter_async_context(real(self))
            except LinkRequired:
                found = self.shared
            yield found

    patch.setattr(_Choice, "backend", backend)


def _recover_as_nobody(patch: pytest.MonkeyPatch) -> None:
    """What a dead process left open is looked at with the shared credential."""
    patch.setattr(recovery, "_of_maker", lambda app, _: app)


def _reject_all(patch: pytest.MonkeyPatch) -> None:
    """A credential that is not accepted ends the links of all."""
    real = Openings._reject  # noqa: SLF001  the fault is in there

    async def reject(self: Any, token: Any) -> Any:
        for opened in list(self._kept.values()):
            await self._links.end(opened.link)
        return await real(self, token)

    patch.setattr(Openings, "_reject", reject)


FAULTS = [
    _share_the_client,
    _share_the_pool,
    _share_flights,
    _share_caches,
    _share_recent_writes,
    _share_openings,
    _share_backends,
    _share_members,
    _remember_the_caller,
    _fall_back,
    _recover_as_nobody,
    _reject_all,
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda one: one.__name__.strip("_"))
async def test_a_fault_that_mixes_persons_up_is_seen(
    fault: Callable[[pytest.MonkeyPatch], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault(monkeypatch)
    is_seen = False
    try:
        async with open_office(tmp_path, LINKED[:2]) as office:
            await office.work(2)
    except* AssertionError:
        is_seen = True
    assert is_seen
