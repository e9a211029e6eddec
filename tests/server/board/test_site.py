"""The board's site answers the browser to which its address was given, and nobody else."""

import re
from base64 import b64decode
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import anyio
import pytest

from server.board.board_site import START, Site, open_site
from taskhand.domain.policy import Policy
from taskhand.domain.principal import Person
from taskhand.journal.journal import ChangeQuery
from taskhand.server.access import Access
from taskhand.server.board.page import board_page
from taskhand.server.in_process_client import call_tool

if TYPE_CHECKING:
    from taskhand.backends.local.backend import LocalBackend

PATHS = ("/", "/board", "/bridge.js", "/bridge.css")


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with open_site(tmp_path) as opened:
        yield opened


async def test_the_address_admits_once_and_the_session_calls_as_the_person_of_the_settings(site: Site) -> None:
    assert (await site.send("/call", {"name": "list_tasks"})).status_code == 401
    for wrong in ("", "x", site.token[:-1], f"{site.token}x", site.token.swapcase()):
        assert (await site.admit(wrong)).status_code == 403
    assert (await site.admit()).json()["start"] == [*START]
    await call_tool(site.app, "create_task", {"title": "Llamar", "responsibleIds": ["me"]})
    [task] = (await site.call("list_tasks"))["result"]["structuredContent"]["tasks"]
    done = (await site.call("complete_task", id=task["id"]))["result"]
    assert done["structuredContent"]["task"]["status"] == "Completado"
    assert "undo_change" in done["_meta"]["taskhand/board"]["tools"]
    [change, _] = (await site.app.journal.page(ChangeQuery(limit=9))).changes
    assert change.opening.caller.name == "taskhand board"


async def test_a_used_token_is_refused_and_the_session_continues(site: Site) -> None:
    await site.admit()
    thief = Site(site.app, site.address, site.http)
    refused = await thief.admit()
    assert (refused.status_code, refused.json()) == (403, {"error": "used"})
    for session in (None, "", site.token, f"{site.session}x"):
        thief.session = session
        assert (await thief.send("/call", {"name": "list_tasks"})).status_code == 401
    basic = {"Authorization": f"Basic {site.session}"}
    assert (await site.send("/call", {"name": "list_tasks"}, basic)).status_code == 401
    assert "result" in await site.call("list_tasks")


async def test_a_name_that_leads_to_this_machine_is_refused_as_any_foreign_one(site: Site) -> None:
    await site.admit()
    other = site.port + 1 if site.port < 65_535 else site.port - 1
    names = ["evil.example", f"evil.example:{site.port}", "127.0.0.1", "localhost", f"127.0.0.1:{other}", ""]
    names += [f"{one}:{site.port}" for one in ("[::1]", "0", "127.0.0.2", "127.1", "localhost.evil.example")]
    names += [f"127.0.0.1.evil.example:{site.port}", f"localhost:{site.port}.evil.example", f"x@localhost:{site.port}"]
    for name in names:
        named = {"Host": name, "Origin": f"http://{name}"}
        answers = [await site.send("/call", {"name": "list_tasks"}, named), await site.send("/session", {}, named)]
        answers += [await site.http.get(path, headers={"Host": name}) for path in PATHS]
        assert {one.status_code for one in answers} <= {400, 421}, name
    local = {"Host": f"localhost:{site.port}", "Origin": f"http://localhost:{site.port}"}
    assert (await site.send("/call", {"name": "list_tasks"}, local)).status_code == 200


async def test_a_request_with_two_names_is_no_request(site: Site) -> None:
    hosts = f"Host: 127.0.0.1:{site.port}\r\nHost: evil.example\r\n"
    async with await anyio.connect_tcp("127.0.0.1", site.port) as line:
        await line.send(f"GET / HTTP/1.1\r\n{hosts}\r\n".encode())
        assert (await line.receive()).startswith(b"HTTP/1.1 400 ")


async def test_a_page_of_another_origin_is_refused_whatever_it_sends(site: Site) -> None:
    await site.admit()
    origins = [
        "null",
        "",
        "http://evil.example",
        f"https://127.0.0.1:{site.port}",
        "http://127.0.0.1",
        "http://localhost",
    ]
    origins += [f"http://localhost:{site.port}", f"{site.origin}.evil.example", f"{site.origin}/", "http://127.0.0.1:1"]
    foreign: list[dict[str, str | None]] = [{"Origin": one} for one in origins]
    foreign += [{"Sec-Fetch-Site": one} for one in ("cross-site", "same-site", "none")]
    foreign += [{"Origin": None}, {"Origin": None, "Sec-Fetch-Site": "cross-site"}]
    for headers in foreign:
        answers = [await site.send("/call", {"name": "list_tasks"}, headers), await site.send("/session", {}, headers)]
        assert {one.status_code for one in answers} == {403}, headers
        assert {one.text for one in answers} == {"Invalid Origin header"}
        assert not [name for one in answers for name in one.headers if name.startswith("access-control-")]
    for origin in origins:
        assert (await site.http.get("/board", headers={"Origin": origin})).status_code == 403
    own: dict[str, str | None] = {"Origin": None, "Sec-Fetch-Site": "same-origin"}
    assert (await site.send("/call", {"name": "list_tasks"}, own)).status_code == 200


async def test_a_form_or_malformed_body_cannot_use_the_token_or_call_tools(site: Site) -> None:
    body = f'{{"token": "{site.token}"}}'.encode()
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", None):
        assert (await site.send("/session", body, {"Content-Type": kind})).status_code == 403
    await site.admit()
    half = (b'{"name": "\\ud800"}', b'{"name": "list_tasks", "arguments": {"text": "\\ud800"}}')
    for sent in (
        *half,
        *(b"", b"{", b"[]", b'"x"', b"[" * 60_000, b'{"name": 5}', b'{"name": "list_tasks", "arguments": []}'),
    ):
        assert (await site.send("/call", sent)).status_code == 400
    for size, status in ((65_536, 200), (65_537, 400)):
        assert (await site.send("/call", b'{"name": "list_tasks"}'.ljust(size))).status_code == status


async def test_the_board_refuses_other_methods_and_paths(site: Site) -> None:
    headers = {"Origin": site.origin, "Access-Control-Request-Method": "POST"}
    for method in ("PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "OTHER"):
        for path in (*PATHS, "/session", "/call"):
            assert (await site.http.request(method, path, headers=headers)).status_code == 405
    assert (await site.http.get("/call")).status_code == 405
    for path in ("/mcp", "/index.html", "/bridge/../page.py", "/..%2f", "/board/", "/docs", "/favicon.ico"):
        assert (await site.http.get(path)).status_code in {307, 404}


async def test_every_answer_forbids_a_browser_to_keep_frame_or_hand_it_on(site: Site) -> None:
    answers = [await site.http.get(path) for path in (*PATHS, "/nothing", "/call")]
    answers += [await site.send("/session", {}), await site.http.get("/", headers={"Host": "evil.example"})]
    for one in answers:
        assert one.headers["cache-control"] == "no-store"
        assert one.headers["x-content-type-options"] == "nosniff"
        assert one.headers["cross-origin-resource-policy"] == "same-origin"
        assert not {"server", "set-cookie"} & {*one.headers}
    bridge, page = answers[0], answers[1]
    for rule in ("default-src 'none'", "frame-ancestors 'none'", "script-src 'self'", "connect-src 'self'"):
        assert rule in bridge.headers["content-security-policy"]
    assert not re.search(r"<script>|<style|style=|\son\w+=", bridge.text)
    assert site.token not in bridge.text
    assert page.text == board_page()
    policy = page.headers["content-security-policy"]
    for rule in ("default-src 'none'", "frame-ancestors 'self'", "sandbox allow-scripts"):
        assert rule in policy
    assert "unsafe" not in policy
    parts = [re.findall(rf"<{name}>(.*?)</{name}>", page.text, re.DOTALL) for name in ("script", "style")]
    hashes = [b64decode(one) for one in re.findall(r"'sha256-([^']+)'", policy)]
    assert hashes == [sha256(part.encode()).digest() for [part] in parts]


async def test_the_page_calls_only_tools_that_are_for_it(site: Site) -> None:
    await site.admit()
    sent: dict[str, Any] = {"title": "x", "responsibleIds": []}
    for tool in ("create_task", "delete_task", "bulk_update_tasks", "get_task", "nothing", "tools/list", ""):
        assert (await site.call(tool, **sent))["error"]["code"] == -32602
    assert (await site.app.journal.page(ChangeQuery(limit=9))).changes == ()
    refused = (await site.call("complete_task", id="nobody's"))["result"]
    assert refused["isError"], "an error of a tool is an answer, which the page shows"


async def test_settings_and_rules_hold_for_the_board_as_for_a_host(tmp_path: Path) -> None:
    async with open_site(tmp_path, read_only=True, ui="off") as site:
        await site.admit()
        refused = (await site.call("complete_task", id="any"))["result"]
        assert "read_only" in refused["content"][0]["text"]
        assert "result" in await site.call("list_tasks"), "who asks for the board has it, whatever hosts are told"
    access = Access(lambda: Policy(everyone={"tools": "read"}), Person.parse("ana"))
    async with open_site(tmp_path, access) as site:
        await site.admit()
        refused = (await site.call("complete_task", id="any"))["result"]
        assert "not_allowed" in refused["content"][0]["text"]


async def test_the_board_shows_only_own_tasks_to_a_person_limited_to_them(tmp_path: Path) -> None:
    access = Access(lambda: Policy(everyone={"own_tasks_only": True}), Person.parse("ben@x.test"))
    async with open_site(tmp_path, access) as site:
        store = cast("LocalBackend", site.app.backend)
        await store.edit(lambda directory: directory.add_member("Ben", "ben@x.test"))
        for person in ("me", "ben@x.test"):
            await call_tool(site.app, "create_task", {"title": f"of {person}", "responsibleIds": [person]})
        await site.admit()
        [task] = (await site.call("list_tasks"))["result"]["structuredContent"]["tasks"]
        assert task["title"] == "of ben@x.test"


async def test_the_board_can_apply_its_own_plan_and_undo_the_change(site: Site) -> None:
    await site.admit()
    await call_tool(site.app, "create_task", {"title": "Llamar", "responsibleIds": ["me"]})
    [task] = (await site.call("list_tasks"))["result"]["structuredContent"]["tasks"]
    plan = (await site.call("complete_task", id=task["id"], dryRun=True))["result"]["structuredContent"]
    assert (await site.call("apply_plan", planId="plan_0000000000"))["result"]["isError"]
    applied = (await site.call("apply_plan", planId=plan["planId"]))["result"]["structuredContent"]
    await site.call("undo_change", changeId=applied["changeId"])
    assert (await site.call("list_tasks"))["result"]["structuredContent"]["tasks"] == [task]
