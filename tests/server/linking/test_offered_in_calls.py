"""A server in a process of its own: whose call needs a credential links it on the page, and the call goes on."""

import re
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.types import ElicitCompleteNotification, ElicitRequestURLParams, ElicitResult

from backends.sandboxed_app import TRUST
from fixed_clock import NOW
from issuers import issuing
from sandbox.close.served_sandbox import ANA, BEN, SEED, TASK
from server.linking.link_site import Browser
from server.store_connections import answer_of
from server.transports.server_process import Web, serving
from taskhand.keys.key import Key, make_key_text
from taskhand.keys.sqlite import SqliteKeyStore
from taskhand.sandbox.close import CloseSandbox
from taskhand.sandbox.server import serve_sandbox
from time_limits import BOUND_S
from vault.vaults import KEY

PERSONS = {"ben@example.com": BEN, "ana@example.com": ANA}


@asynccontextmanager
async def connected(web: Web, key: str, **client: Any) -> Any:
    """A client that calls with this key."""
    headers = {"Authorization": f"Bearer {key}"}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=BOUND_S, verify=TRUST) as http,
        Client(streamable_http_client(web.url, http_client=http), **client) as opened,
    ):
        yield opened


async def link(url: str, credential: str) -> None:
    """Paste a credential on the page at this address."""
    async with httpx2.AsyncClient(timeout=BOUND_S, verify=TRUST) as http:
        browser = Browser(http)
        assert (await browser.open(url)).status_code == 200
        assert (await browser.send(url, credential)).status_code == 200


@pytest.mark.parametrize("stateless", [False, True])
async def test_a_person_links_during_a_call(tmp_path: Path, *, stateless: bool) -> None:
    store, sandbox = tmp_path / "tasks.sqlite", CloseSandbox(seed=SEED)
    keys = SqliteKeyStore(tmp_path / "keys.sqlite")
    (tmp_path / "policy.toml").write_text("[everyone]\nown_credential = true\n", encoding="utf-8")
    async with serve_sandbox(sandbox) as url:
        settings = {
            "CLOSE_API_KEY": sandbox.key,
            "CLOSE_BASE_URL": f"{url}/api/v1",
            "TASKHAND_KEYS": str(tmp_path / "keys.sqlite"),
            "TASKHAND_JOURNAL": str(tmp_path / "journal.sqlite"),
            "TASKHAND_POLICY": str(tmp_path / "policy.toml"),
            "TASKHAND_VAULT_KEY": KEY,
            "TASKHAND_LOG_LEVEL": "DEBUG",
            "TASKHAND_LIBRARY_LOG_LEVEL": "DEBUG",
        }
        tokens = {
            one: str(sandbox.authorization.sign_in(PERSONS[one], sandbox.now())["access_token"]) for one in PERSONS
        }
        asked, told = list[str](), list[Any]()
        callers = {"ben@example.com": "legacy"} if stateless else dict(zip(PERSONS, ("auto", "legacy"), strict=True))

        async def hear(message: Any) -> None:
            told.append(message)

        options = ("--auth", "keys", *(["--stateless"] if stateless else []))
        with serving(store, *options, **settings) as web:
            for person, mode in callers.items():
                new = make_key_text()
                await keys.add(Key(new.id, person, frozenset({"read", "write"}), NOW), new.hash)

                async def answer(_: Any, params: Any, person: str = person) -> ElicitResult:
                    assert isinstance(params, ElicitRequestURLParams)
                    asked.append(params.url)
                    await link(params.url, tokens[person])
                    return ElicitResult(action="accept")

                more = {"elicitation_callback": answer, "message_handler": hear, "mode": mode}
                async with connected(web, new.text, **more) as client:
                    answered = await answer_of(client, "update_task", id=TASK, title=f"By {person}")
                    if stateless:
                        assert answered["code"] == "link_required"
                        [address] = re.findall(r"open (\S+) to link", answered["next"])
                        asked.append(address)
                        await link(address, tokens[person])
                        answered = await answer_of(client, "update_task", id=TASK, title=f"By {person}")
                    assert answered["task"]["title"] == f"By {person}"
        logged = "".join(web.process.err.all())
    await keys.aclose()
    assert len(asked) == len(callers)
    assert all(one.startswith(web.url.removesuffix("/mcp") + "/link/") for one in asked)
    assert not [one for one in asked if one.rpartition("/")[2] in logged]
    assert [one.user for one in sandbox.requests if one.committed] == [PERSONS[one] for one in callers]
    assert len([one for one in told if isinstance(one, ElicitCompleteNotification)]) == (0 if stateless else 1)


async def test_the_person_of_a_token_signs_in_at_the_issuer_first(tmp_path: Path) -> None:
    sandbox = CloseSandbox(seed=SEED)
    with issuing() as issuer:
        async with serve_sandbox(sandbox) as url:
            settings = {
                "CLOSE_API_KEY": sandbox.key,
                "CLOSE_BASE_URL": f"{url}/api/v1",
                "TASKHAND_JOURNAL": str(tmp_path / "journal.sqlite"),
                "TASKHAND_LINKS": str(tmp_path / "links.sqlite"),
                "TASKHAND_POLICY": str(tmp_path / "policy.toml"),
                "TASKHAND_VAULT_KEY": KEY,
                "TASKHAND_SIGN_IN_CLIENT": "page",
                "TASKHAND_SIGN_IN_SECRET": "a/secret",
            }
            (tmp_path / "policy.toml").write_text("[everyone]\nown_credential = true\n", encoding="utf-8")
            own = str(sandbox.authorization.sign_in(BEN, sandbox.now())["access_token"])
            options = ("--auth", "oauth", "--issuer", issuer.url)
            with serving(tmp_path / "tasks.sqlite", *options, **settings) as web:
                async with connected(web, issuer.token(web.url)) as client:
                    refused = await answer_of(client, "get_task", id=TASK)
                    [page] = re.findall(r"open (\S+) to link", refused["next"])
                    async with httpx2.AsyncClient(timeout=BOUND_S, verify=TRUST) as http:
                        browser = Browser(http)
                        await browser.open(page)
                        await browser.send(page, own, step="paste")
                        await browser.open(page)
                        await browser.send(page)
                        back = str((await http.get(browser.goes_to)).headers["location"])
                        assert back.startswith(f"{web.url.removesuffix('/mcp')}/link/signed-in?")
                        await browser.open(back)
                        await browser.send(page, own)
                    assert (await answer_of(client, "get_task", id=TASK))["task"]["id"] == TASK
    assert {one.user for one in sandbox.requests if TASK in one.path} == {BEN}
