"""Persons with credentials of their own on one connection at full load, over real sockets on both sides.

Every request to the CRM is looked at for whose credential it bore, every answer for whose it is, and every connection
to the CRM for whether one person alone had it. `ROUNDS=500` before pytest makes it longer.
"""

import json
import os
import random
from base64 import b64encode
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import anyio
import httpx2
import pytest
from anyio.lowlevel import checkpoint

from fixed_clock import NOW
from issuers import issuing
from server.transports.credential_recording_crm import OWNER, SHARED, TOKENS, CredentialRecordingCrm, task_of
from server.transports.keyed_server import ERAS, KeyCaller, asking_server
from server.transports.mixing_faults import FAULTS, Fault
from taskhand.call.parallel_work import concurrent_tasks
from taskhand.cli.token_issuers import open_token_check
from taskhand.config.connection_settings import ConnectionSettings
from taskhand.config.settings import Settings
from taskhand.domain.edit import Edit
from taskhand.domain.policy import Policy
from taskhand.domain.principal import SCOPES, Person, Principal
from taskhand.domain.snapshot import Snapshot
from taskhand.http.upstream import Runtime
from taskhand.journal.journal import Caller, Intent
from taskhand.keys.key import Key, make_key_text
from taskhand.keys.key_check import KeyCheck
from taskhand.keys.sqlite import SqliteKeyStore
from taskhand.server.access import Access
from taskhand.server.transports.http_limits import HttpLimits
from taskhand.server.transports.key_auth import KeyAuth
from taskhand.server.transports.token_auth import OAuth
from taskhand.service.app_context import AppContext
from taskhand.service.crash_recovery import recover_if_possible
from taskhand.service.lazy import Lazy
from taskhand.service.write_call import Call
from taskhand.vault.credential_link import Link, LinkedMember, OwnCredential
from taskhand.vault.links_of_persons import Links
from taskhand.wiring import open_journal
from vault.vaults import links_at

LINKED: Final = ("qana", "qben", "qcat", "qdan", "qeva")
NOBODY: Final = "qnob"
"""Who has linked nothing, and is served with the shared credential."""
ROUNDS: Final = int(os.environ.get("ROUNDS", "2"))
_AT_ONCE: Final = 5
"""Calls of one person in one round."""
_ALL: Final = "tasks:read tasks:write tasks:destructive"
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
class LoadedServer:
    """One account of the CRM, its server, and the persons who use it."""

    crm: CredentialRecordingCrm
    app: AppContext
    links: Links
    http: httpx2.AsyncClient
    workers: list[Worker]
    random: random.Random
    ids: Mapping[str, str]

    async def link(self, name: str) -> None:
        """Link the person with a new credential."""
        now, member = self.app.clock(), LinkedMember(f"user_{name}", name)
        given = OwnCredential(*self.crm.grant(name), now + timedelta(hours=1))
        await self.links.save(Link(self.ids[name], "default", "oauth", given, now, member))

    async def work(self, rounds: int) -> None:
        """Let all call at once, in rounds.

        In the middle of each but the first, one person is revoked, who links again afterwards; the tokens of all others
        end, and are renewed in their calls.
        """
        for number in range(rounds):
            left = LINKED[number % 2] if number else None
            async with concurrent_tasks() as group:
                group.start_soon(recover_if_possible, self.app)
                group.start_soon(self.http.get, "/ready")
                for worker in self.workers:
                    for _ in range(_AT_ONCE):
                        group.start_soon(worker.call, self.random)
                if left:
                    await self.crm.heard(len(self.crm.requests) + _AT_ONCE)
                    for worker in self.workers:
                        if worker.name != NOBODY:
                            self.crm.expire(worker.name)
                    self.crm.revoke(left)
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
            if one.target == TOKENS and one.bearer is None:
                continue  # the refresh token of who was revoked
            assert one.bearer is not None, one
            assert not [name for name in names if name in one.text and name != one.bearer], one
            if one.target == TOKENS:
                continue  # the operator's own client asks for the tokens of all
            assert lines.setdefault(one.line, one.bearer) == one.bearer, "one connection for two persons"
        for worker in self.workers:
            assert worker.answers
            for tool, text in worker.answers:
                shown = [name for name in names if name in text and name not in {worker.name, worker.bearer}]
                assert not shown, (worker.name, tool, text)


@asynccontextmanager
async def open_loaded_server(folder: Path, linked: Sequence[str], seed: int = 1) -> AsyncIterator[LoadedServer]:
    """The server, with these persons and one who has linked nothing: by turns with keys and with tokens."""
    crm = CredentialRecordingCrm(faults=0.04, random=random.Random(seed))  # noqa: S311  a schedule
    crm.bearers[f"Basic {b64encode(b'owner-key:').decode()}"] = OWNER
    keys, links = SqliteKeyStore(folder / "keys.sqlite"), links_at(folder / "links.sqlite")
    access = Access(lambda: Policy({"sees_all_changes": False}))
    async with AsyncExitStack() as stack:
        issuer = stack.enter_context(issuing())
        check, close = open_token_check(Settings.from_env({}), [issuer.url])
        auth = OAuth(check, keys=KeyAuth(KeyCheck(keys, lambda: NOW)), close=close)
        stack.push_async_callback(links.aclose)
        stack.push_async_callback(keys.aclose)
        url = await stack.enter_async_context(crm.serving())
        settings = {"CLOSE_API_KEY": "owner-key", "CLOSE_BASE_URL": f"{url}/api/v1", "CLOSE_RATE": "1000"}
        settings |= {"CLOSE_CLIENT_ID": "app", "CLOSE_CLIENT_SECRET": "app-secret"}
        settings |= {"TASKHAND_JOURNAL": str(folder / "journal.sqlite"), "TASKHAND_DUPLICATE_S": "0"}
        app, http, _ = await stack.enter_async_context(
            asking_server(
                folder, auth, limits=_LIMITS, access=access, crm=settings, links=links, runtime=Runtime(sleep=_hurry)
            )
        )
        called = enumerate((*linked, NOBODY))
        ids = {name: f"{issuer.url}#00u{number}" if number % 2 else f"{name}@x.test" for number, name in called}
        loaded = LoadedServer(crm, app, links, http, [], random.Random(seed), ids)  # noqa: S311  a schedule
        for name in linked:
            await loaded.link(name)
        for number, name in enumerate((*linked, NOBODY)):
            text = make_key_text()
            await keys.add(Key(text.id, f"{name}@x.test", SCOPES, NOW), text.hash)
            email: dict[str, Any] = {"email": f"{name}@x.test", "email_verified": True}
            token = issuer.token(f"{http.base_url}/mcp", sub=f"00u{number}", scope=_ALL, **email)
            sent = token if number % 2 else text.text
            loaded.workers.append(Worker(name, [await KeyCaller(http, sent, era).open() for era in ERAS]))
        await _leave_open(app, Settings.from_env(settings), {name: ids[name] for name in linked})
        yield loaded


async def _hurry(_: float) -> None:
    """Wait no longer than others need to go on."""
    await checkpoint()


async def _leave_open(app: AppContext, settings: Settings, ids: Mapping[str, str]) -> None:
    """An update of each of these persons, in the journal as a process leaves it that dies before it sends."""
    journal = open_journal(ConnectionSettings.of(settings), app.clock)
    for name, person in ids.items():
        maker = Principal(Person.parse(person))
        call = Call(
            replace(app, lazy_journal=Lazy(lambda: journal)).of_principal(maker),
            "update_task",
            Caller(subject=maker.subject),
        )
        before, edit = await call.app.backend.get_task(task_of(name, 0)), Edit(title=f"Lost {name}")
        await call.begin(call.new_opening(), [Intent("update", Snapshot(before), edit, edit)])
    await journal.aclose()


@pytest.mark.parametrize("linked", [LINKED[:2], LINKED], ids=["two", "five"])
async def test_each_request_and_each_answer_belongs_to_its_caller(linked: Sequence[str], tmp_path: Path) -> None:
    async with open_loaded_server(tmp_path, linked) as loaded:
        await loaded.work(ROUNDS)
        asked = {one.bearer for one in loaded.crm.requests if one.method in {"POST", "PUT"}}
        assert asked >= {*linked, OWNER}
        recovered = [one.bearer for one in loaded.crm.requests if task_of(str(one.bearer), 0) in one.target]
        assert {*recovered} >= {*linked}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda one: one.__name__.strip("_"))
async def test_the_load_test_detects_a_server_that_mixes_persons_up(
    fault: Fault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault(monkeypatch)
    is_seen = False
    try:
        async with open_loaded_server(tmp_path, LINKED[: FAULTS[fault]]) as loaded:
            await loaded.work(2)
    except* AssertionError:
        is_seen = True
    assert is_seen
