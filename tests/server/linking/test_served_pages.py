"""`taskhand serve --http`: a call that needs a credential is answered with a page, and works once the person linked."""

import re
import signal
from contextlib import AsyncExitStack
from html import unescape
from pathlib import Path

import httpx2

from backends.sandboxed_app import TRUST
from fixed_clock import NOW
from sandbox.close.served_sandbox import BEN, SEED, TASK
from server.transports.keyed_server import KeyCaller
from server.transports.server_process import serving
from taskhand.keys.key import Key, make_key_text
from taskhand.keys.sqlite import SqliteKeyStore
from taskhand.sandbox.close import CloseSandbox
from taskhand.sandbox.server import serve_sandbox
from vault.vaults import KEY

OWN_ONLY = "[everyone]\nown_credential = true\n"
DEBUG = {"TASKHAND_LOG_LEVEL": "DEBUG", "TASKHAND_LIBRARY_LOG_LEVEL": "DEBUG"}


async def test_a_call_leads_to_the_page_and_goes_through_once_the_person_has_linked(tmp_path: Path) -> None:
    sandbox, new, keys = CloseSandbox(seed=SEED), make_key_text(), SqliteKeyStore(tmp_path / "keys.sqlite")
    await keys.add(Key(new.id, "ben@example.com", frozenset({"read"}), NOW), new.hash)
    (tmp_path / "policy.toml").write_text(OWN_ONLY, encoding="utf-8")
    files = {"TASKHAND_KEYS": str(tmp_path / "keys.sqlite"), "TASKHAND_POLICY": str(tmp_path / "policy.toml")}
    async with AsyncExitStack() as stack:
        stack.push_async_callback(keys.aclose)
        url = await stack.enter_async_context(serve_sandbox(sandbox))
        crm = {"CLOSE_API_KEY": sandbox.key, "CLOSE_BASE_URL": f"{url}/api/v1", "TASKHAND_VAULT_KEY": KEY}
        web = stack.enter_context(serving(tmp_path / "tasks.sqlite", "--auth", "keys", **files, **crm, **DEBUG))
        base = f"http://127.0.0.1:{web.port}"
        assert f"Persons can link credentials of their own at {base}, on pages that calls and" in str(
            web.process.err.next()
        )
        http = await stack.enter_async_context(httpx2.AsyncClient(timeout=20, base_url=base, verify=TRUST))
        caller = KeyCaller(http, new.text)
        refused = await caller.call("get_task", id=TASK)
        assert refused["code"] == "link_required"
        [address] = re.findall(rf"{base}/link/[\w-]{{43}}", str(refused))
        shown = await http.get(address, headers={"Authorization": f"Bearer {new.text}"})
        fields = dict(re.findall(r'name="(token|step)" value="([^"]*)"', unescape(shown.text)))
        token = str(sandbox.authorization.sign_in(BEN, sandbox.now())["access_token"])
        done = await http.post(address, data=fields | {"secret": token}, follow_redirects=True)
        assert "is linked" in re.sub("<[^>]+>", "", done.text)
        assert "code" not in await caller.call("get_task", id=TASK)
        assert sandbox.requests[-1].user == BEN
        web.process.send_signal(signal.SIGTERM)
        written = "".join(web.process.err.all())
        secrets = (address.rpartition("/")[2], token, new.text, fields["token"])
        assert not [one for one in secrets if one in written]
