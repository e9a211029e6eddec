"""On each CRM, requests bear the credential of whoever calls: seen in front of its sandbox, which knows one key."""

from base64 import b64decode, b64encode
from binascii import Error
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from mcp import Client

from fixed_clock import NOW
from safety.crms import CRMS, SandboxedCrm
from server.store_connections import answer_of, client_of
from taskhand.call.parallel_work import concurrent_tasks
from taskhand.cli.sandbox import CRMS as SANDBOXES
from taskhand.cli.sandbox import EmulatedAccount
from taskhand.config.connection_settings import ConnectionSettings
from taskhand.config.settings import Settings
from taskhand.sandbox.emulator import Emulator
from taskhand.sandbox.server import serve_sandbox
from taskhand.vault.credential_link import Link, LinkedMember, OwnCredential
from taskhand.wiring import open_connections
from vault.vaults import links_at
from virtual_time import Time

OWNER, BEN, CAT, NOBODY = "qowner", "qben", "qcat", "qnob"
STATUSES = "Pendiente:initial,En Progreso:in_progress,Completado:done"


@dataclass
class CredentialProxy:
    """Stands before a sandbox: keeps who bore which request, and sends it on with the sandbox's own key."""

    sandbox: Emulator
    borne: list[tuple[str | None, str]] = field(default_factory=list)

    @property
    def app(self) -> "CredentialProxy":
        """The ASGI application."""
        return self

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        headers = dict(scope["headers"])
        name = next((name for name, value in headers.items() if _bearer(value)), b"authorization")
        place = len(self.borne)
        self.borne.append((_bearer(headers.get(name, b"")), scope["path"]))

        async def hear() -> Any:
            message = await receive()
            bearer, text = self.borne[place]
            self.borne[place] = bearer, text + message.get("body", b"").decode("utf-8", "replace")
            return message

        headers[name] = _own(self.sandbox, headers.get(name, b""))
        await self.sandbox.app(scope | {"headers": list(headers.items())}, hear, send)


def _own(sandbox: Emulator, header: bytes) -> bytes:
    """The header with the sandbox's own credential in place of another."""
    scheme, space, _ = header.rpartition(b" ")
    names = ("token", "key") if scheme == b"Bearer" else ("key",)
    own = next(str(getattr(sandbox, name)) for name in names if hasattr(sandbox, name)).encode()
    return scheme + space + (b64encode(own + b":") if scheme == b"Basic" else own)


def _bearer(header: bytes) -> str | None:
    """The person whose name is in a credential."""
    text = header.rpartition(b" ")[2]
    with suppress(Error):
        text += b64decode(text, validate=True)
    return next((name for name in (OWNER, BEN, CAT) if name.encode() in text), None)


async def _work(client: Client, bearer: str, number: int, needs: Mapping[str, str]) -> None:
    new = {"title": f"Call of {bearer} {number}", "responsibleIds": ["me"], **needs}
    made = await answer_of(client, "create_task", **new)
    assert "code" not in made, made
    for tool, sent in (("update_task", {"title": f"Write to {bearer}"}), ("complete_task", {}), ("get_task", {})):
        answer = await answer_of(client, tool, id=made["task"]["id"], **sent)
        assert "code" not in answer, answer


async def _write_after_each_other(task_id: str, one: Client, other: Client) -> None:
    """What is remembered with one credential counts no longer once a task was written with another."""
    await answer_of(one, "get_task", id=task_id)
    await answer_of(one, "update_task", id=task_id, title="First")
    await answer_of(other, "update_task", id=task_id, title="In between")
    last = await answer_of(one, "update_task", id=task_id, title="Last")
    assert last["changed"]["title"] == {"from": "In between", "to": "Last"}


@pytest.mark.parametrize("crm", CRMS, ids=str)
async def test_each_request_bears_the_credential_of_its_caller(crm: SandboxedCrm, tmp_path: Path) -> None:
    front = CredentialProxy(crm.sandbox(2, Time(), ()))
    links = links_at(tmp_path / "links.sqlite")
    for name in (BEN, CAT):
        given = OwnCredential(f"pat-token-of-{name}")
        await links.save(Link(f"{name}@x.test", "default", "key", given, NOW, LinkedMember(crm.me, name)))
    async with serve_sandbox(front) as url:
        sandboxed = next(one for one in SANDBOXES if one.name == crm.name)
        account = EmulatedAccount(crm.name, sandboxed, front.sandbox, f"pat-token-of-{OWNER}", 0)
        variables = account.settings(url) | {f"{crm.name.upper()}_RATE": "1000", "VAMBE_STATUSES": STATUSES}
        variables |= {"TASKHAND_JOURNAL": str(tmp_path / "journal.sqlite"), "TASKHAND_TIMEZONE": "America/Santiago"}
        settings = Settings.from_env(variables)
        lines = {f"{NOBODY}@x.test": {"member": crm.me}}
        async with (
            open_connections([ConnectionSettings("default", settings)], links=links) as connections,
            client_of(connections, f"{BEN}@x.test") as ben,
            client_of(connections, f"{CAT}@x.test") as cat,
            client_of(connections, f"{NOBODY}@x.test", memberships=lines) as nobody,
            concurrent_tasks() as group,
        ):
            await _write_after_each_other(crm.task_id(1), ben, cat)
            for number in range(2):
                for bearer, client in {BEN: ben, CAT: cat, OWNER: nobody}.items():
                    group.start_soon(_work, client, bearer, number, crm.needs)
    await links.aclose()
    names = (OWNER, BEN, CAT)
    assert {bearer for bearer, _ in front.borne} == {*names}
    assert [one for one in front.borne if any(name in one[1] and name != one[0] for name in names)] == []
    assert all(sum(f"Call of {name}" in text for _, text in front.borne) >= 2 for name in names)
