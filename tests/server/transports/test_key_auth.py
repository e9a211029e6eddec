"""Callers without an active key are refused everywhere, over real sockets, in both eras, with sessions and without."""

import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from mcp.server import Server, ServerRequestContext
from mcp.types import ListToolsResult, PaginatedRequestParams

from fixed_clock import FixedClock
from server.transports.keyed_server import ERAS, OLDER, KeyCaller, keyed_server
from server.transports.task_calls import DRAFT
from taskhand.domain.errors import OperatorError
from taskhand.journal.journal import ChangeQuery
from taskhand.keys.key import Key, make_key_text
from taskhand.keys.key_check import KeyCheck
from taskhand.keys.sqlite import SqliteKeyStore
from taskhand.server.transports.key_auth import KeyAuth
from time_limits import BOUND_S

YES = {"confirm": {"action": "accept", "content": {"confirm": True}}}


@asynccontextmanager
async def listening(caller: KeyCaller, task_id: str) -> AsyncIterator[AsyncIterator[str]]:
    """The lines of an open stream of news about a task."""
    uri = f"task://{task_id}"
    if caller.era == OLDER:
        await caller.ask("resources/subscribe", uri=uri)
        stream = caller.http.stream("GET", "/mcp", headers=caller.headers)
    else:
        body, headers = caller.request("subscriptions/listen", notifications={"resourceSubscriptions": [uri]})
        stream = caller.http.stream("POST", "/mcp", json=body, headers=headers)
    async with stream as opened:
        assert opened.status_code == 200
        yield opened.aiter_lines()


def refusal_of(refused: httpx2.Response) -> tuple[int, str, str, frozenset[str]]:
    """All that a refused caller is told."""
    return refused.status_code, refused.headers["www-authenticate"], refused.text, frozenset(refused.headers)


@pytest.mark.parametrize("keeps_sessions", [True, False])
async def test_every_caller_without_an_active_key_gets_the_same_refusal(
    tmp_path: Path, *, keeps_sessions: bool
) -> None:
    async with keyed_server(tmp_path, keeps_sessions=keeps_sessions) as server:
        good, brief, revoked = [await server.make_key(), await server.make_key(hours=1), await server.make_key()]
        server.clock.move(hours=2)
        await server.revoke(revoked)
        wrong: list[str | None] = [None, "x", brief.text, revoked.text, make_key_text().text, good.id, good.hash]
        wrong += [good.text[:-1], good.text.upper(), f" {good.text}", f"thk_{good.id}_{brief.text[15:]}", 5000 * "k"]
        answers = set()
        for era in ERAS:
            for text in wrong:
                answers.add(refusal_of(await KeyCaller(server.http, text, era).post("tools/list")))
        for value in (f"Basic {good.text}", f"Bearer{good.text}", good.text, "Bearer", f"Bearer\t{good.text}"):
            answers.add(refusal_of(await server.http.post("/mcp", headers={"Authorization": value})))
        answers.add(refusal_of(await server.http.post("/mcp", headers={b"Authorization": b"Bearer \xe9\xff"})))
        for texts in ((good.text, good.text), (good.text, brief.text), ("x", good.text)):
            twice = [("Authorization", f"Bearer {text}") for text in texts]
            answers.add(refusal_of(await server.http.post("/mcp", headers=twice)))
        for method in ("GET", "DELETE", "PUT", "OPTIONS"):
            answers.add(refusal_of(await server.http.request(method, "/mcp")))
        answers.add(refusal_of(await server.http.post("/mcp/", content=b"{")))
        [(status, challenge, body, _)] = answers
        assert status == 401
        assert challenge.startswith("Bearer ")
        assert json.loads(body)["error"] == "invalid_token"
        for era in ERAS:
            assert "create_task" in await (await server.caller(good, era)).tools()
        named = {"Authorization": f"bEARER {good.text}"}
        assert (await server.http.post("/mcp", headers=named)).status_code not in {401, 403}


async def test_health_and_readiness_need_no_key_and_contain_nothing_about_keys(tmp_path: Path) -> None:
    async with keyed_server(tmp_path) as server:
        key = await server.make_key()
        for path in ("/health", "/ready"):
            answers = {
                (await server.http.get(path, headers=headers)).text
                for headers in ({}, {"Authorization": "Bearer x"}, {"Authorization": f"Bearer {key.text}"})
            }
            [answer] = answers
            assert not {key.id, key.text, "ana@x.test"} & set(answer.split('"'))
            assert path == "/health" or json.loads(answer)["checks"]["keys"] == "ok"
        assert [one.last_used_at for one in await server.keys.list_keys()] == [None]
        for path in ("/.well-known/oauth-protected-resource", "/.well-known/oauth-authorization-server", "/authorize"):
            assert (await server.http.get(path)).status_code == 404


@pytest.mark.parametrize("era", ERAS)
async def test_a_revoked_key_is_refused_at_the_next_request(tmp_path: Path, era: str) -> None:
    async with keyed_server(tmp_path) as server:
        key, other = await server.make_key(), await server.make_key("ben@x.test")
        ana, ben = await server.caller(key, era), await server.caller(other, era)
        await ana.call("create_task", **DRAFT)
        await server.revoke(key)
        assert (await ana.post("tools/list")).status_code == 401
        assert (await ana.post("tools/call", name="create_task", arguments=DRAFT)).status_code == 401
        assert len((await ben.call("list_tasks"))["tasks"]) == 1


async def test_a_session_is_of_the_key_that_began_it(tmp_path: Path) -> None:
    async with keyed_server(tmp_path) as server:
        keys = [await server.make_key(), await server.make_key(), await server.make_key("ben@x.test")]
        mine = await server.caller(keys[0], OLDER)
        for key in keys[1:]:  # another one of the same person, and one of another person
            thief = KeyCaller(server.http, key.text, OLDER, mine.session)
            answers = [await thief.post("tools/list"), await thief.post("tools/call", name="list_tasks", arguments={})]
            answers += [
                await server.http.request(method, "/mcp", headers=thief.headers) for method in ("GET", "DELETE")
            ]
            assert [one.status_code for one in answers] == [404, 404, 404, 404]
            assert {one.json()["error"]["message"] for one in answers} == {"Session not found"}
        nobody = KeyCaller(server.http, None, OLDER, mine.session)
        for method in ("GET", "DELETE"):
            assert (await server.http.request(method, "/mcp", headers=nobody.headers)).status_code == 401
        assert "create_task" in await mine.tools()
        assert (await server.http.delete("/mcp", headers=mine.headers)).status_code == 200
        assert (await mine.post("tools/list")).status_code == 404


@pytest.mark.parametrize("era", ERAS)
async def test_the_state_of_a_question_is_of_the_key_that_asked(tmp_path: Path, era: str) -> None:
    async with keyed_server(tmp_path) as server:
        keys = [await server.make_key(), await server.make_key(), await server.make_key("ben@x.test")]
        asking = await server.caller(keys[0])
        asking.asks = True
        task = (await asking.call("create_task", **DRAFT))["task"]["id"]
        call: dict[str, Any] = {"name": "delete_task", "arguments": {"id": task}}
        asked = (await asking.ask("tools/call", **call))["result"]
        assert asked["resultType"] == "input_required"
        answer = call | {"inputResponses": YES, "requestState": asked["requestState"]}
        for key in keys[1:]:
            refused = await (await server.caller(key, era)).post("tools/call", **answer)
            message = json.loads(refused.text.rpartition("data: ")[2])
            assert message["error"]["message"] == "Invalid or expired requestState"
        assert (await asking.call("get_task", id=task))["task"]["id"] == task
        assert "deleted" in (await asking.ask("tools/call", **answer))["result"]["structuredContent"]["note"]


@pytest.mark.parametrize("end", ["revoked", "expired"])
@pytest.mark.parametrize("era", ERAS)
async def test_an_open_stream_ends_with_its_key_and_others_stay_open(tmp_path: Path, era: str, end: str) -> None:
    async with keyed_server(tmp_path) as server:
        key, other = await server.make_key(hours=1), await server.make_key("ben@x.test")
        ana, ben = await server.caller(key, era), await server.caller(other, era)
        task = (await ben.call("create_task", **DRAFT))["task"]["id"]
        async with listening(ana, task) as hers, listening(ben, task) as his:
            if end == "revoked":
                await server.revoke(key)
            else:
                server.clock.move(hours=1)
            with anyio.fail_after(BOUND_S):
                assert [line async for line in hers if "updated" in line] == []
            await ben.call("update_task", id=task, title="Changed")
            with anyio.fail_after(BOUND_S):
                async for line in his:
                    if "notifications/resources/updated" in line:
                        break
        assert (await ana.post("tools/list")).status_code == 401


async def test_an_open_stream_ends_where_its_key_cannot_be_checked_any_more(tmp_path: Path) -> None:
    async with keyed_server(tmp_path) as server:
        caller = await server.caller(await server.make_key())
        task = (await caller.call("create_task", **DRAFT))["task"]["id"]
        async with listening(caller, task) as lines:
            await server.keys.aclose()
            spoil(tmp_path / "keys.sqlite")
            with anyio.fail_after(BOUND_S):
                assert [line async for line in lines if "updated" in line] == []


@pytest.mark.parametrize("era", ERAS)
async def test_a_call_under_way_may_finish_though_its_key_is_revoked(tmp_path: Path, era: str) -> None:
    async with keyed_server(tmp_path) as server:
        task = (await (await server.caller(await server.make_key("ben@x.test"))).call("create_task", **DRAFT))["task"]
        key = await server.make_key()
        caller = await server.caller(key, era)
        server.clock.move(minutes=2)  # so that the next use is written down
        async with anyio.create_task_group() as tasks, server.app.lock(task["id"]):
            tasks.start_soon(partial(caller.call, "update_task", id=task["id"], title="Changed"))
            with anyio.fail_after(BOUND_S):
                while (await server.keys.list_keys())[1].last_used_at != server.clock():
                    await anyio.lowlevel.checkpoint()
            await server.revoke(key)
        [change, _] = (await server.app.journal.page(ChangeQuery())).changes
        assert change.outcome == "applied"


async def test_unreadable_keys_admit_nobody_and_are_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "keys.sqlite"
    async with keyed_server(tmp_path) as server:
        caller = await server.caller(await server.make_key())
        await server.keys.aclose()
        spoil(file)
        for text in (caller.text, "wrong", caller.text):
            answered = await KeyCaller(server.http, text).post("tools/list")
            assert (answered.status_code, answered.headers["retry-after"]) == (503, "5")
            assert str(tmp_path) not in answered.text
        assert (await server.http.get("/health")).status_code == 200
        ready = await server.http.get("/ready")
        assert (ready.status_code, ready.json()["checks"]["keys"]) == (503, "store_unavailable")
        assert (await KeyCaller(server.http, None).post("tools/list")).status_code == 401
        [told] = [one.getMessage() for one in caplog.records if one.name.endswith("bearer_auth")]
        assert str(file) in told


async def test_a_file_of_keys_that_is_deleted_is_not_made_anew_and_counts_again_once_it_is_back(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file, away = tmp_path / "keys.sqlite", tmp_path / "away"
    away.mkdir()
    async with keyed_server(tmp_path) as server:
        caller = await server.caller(await server.make_key())
        await server.keys.aclose()
        for number in (1, 2):
            move_keys(tmp_path, away)
            for text in (caller.text, "wrong"):
                assert (await KeyCaller(server.http, text).post("tools/list")).status_code == 503
            assert (await server.http.get("/ready")).status_code == 503
            told = [one.getMessage() for one in caplog.records if one.name.endswith("bearer_auth")]
            assert len(told) == number
            assert f"{file} is missing" in told[-1]
            assert not file.exists()
            move_keys(away, tmp_path)
            assert (await caller.post("tools/list")).status_code == 200
            assert (await server.http.get("/ready")).status_code == 200


@pytest.mark.parametrize("era", ERAS)
async def test_clients_that_leave_in_the_middle_of_a_request_cost_one_line_of_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, era: str
) -> None:
    async with keyed_server(tmp_path) as server:
        caller = await server.caller(await server.make_key(), era)
        body, headers = caller.request("tools/list")
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        sent = (
            f"POST /mcp HTTP/1.1\r\nHost: {server.http.base_url.netloc.decode()}\r\nContent-Length: 999\r\n{head}\r\n"
        )
        for _ in range(3):
            async with await anyio.connect_tcp("127.0.0.1", server.http.base_url.port or 0) as stream:
                await stream.send(f"{sent}{json.dumps(body)}".encode())
                assert (await caller.post("tools/list")).status_code == 200
        for _ in range(3):
            assert (await caller.post("tools/list")).status_code == 200
        assert len([one for one in caplog.records if one.levelno >= logging.WARNING]) <= 1
        assert "Traceback" not in caplog.text


async def test_the_text_of_a_key_is_in_no_file_and_in_no_line_of_any_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with keyed_server(tmp_path) as server:
        key = await server.make_key(scopes="read,write")
        for era in ERAS:
            caller = await server.caller(key, era)
            await caller.call("create_task", **DRAFT)
            await caller.call("create_task", **DRAFT, nonsense=key.text, reason=key.text)
            await caller.call(key.text)
            await caller.call("delete_task", id=key.text)
        await KeyCaller(server.http, key.text[:-1]).post("tools/list")
        await server.revoke(key)
        await KeyCaller(server.http, key.text).post("tools/list")
        changes = (await server.app.journal.page(ChangeQuery(limit=50))).changes
        assert {change.opening.caller.subject for change in changes} == {"ana@x.test"}
    secret = key.text.rpartition("_")[2]
    ours = [one for one in caplog.records if one.name.startswith(("taskhand", "mcp.server.auth"))]
    assert ours
    assert not [one for one in ours if secret in one.getMessage()]
    assert files_with(tmp_path, secret) == []


async def test_the_application_behind_the_check_gets_the_id_of_the_key_without_its_text(tmp_path: Path) -> None:
    store = SqliteKeyStore(tmp_path / "keys.sqlite")
    key, now = make_key_text(), datetime.now().astimezone()
    await store.add(Key(key.id, "ana@x.test", frozenset({"read"}), now), key.hash)
    seen: list[Any] = []

    async def see(ctx: ServerRequestContext[Any, Any], _: PaginatedRequestParams | None) -> ListToolsResult:
        assert ctx.request is not None
        user = ctx.request.scope["user"]
        seen.extend([dict(ctx.request.headers), user.access_token, repr(ctx), repr(ctx.request.scope)])
        return ListToolsResult(tools=[])

    auth = KeyAuth(KeyCheck(store, lambda: now))
    app = Server[Any]("seeing", on_list_tools=see).streamable_http_app(**auth.options())
    auth.add_to(app)
    client = httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://127.0.0.1:8000")
    async with app.router.lifespan_context(app), client as http:
        await KeyCaller(http, key.text).ask("tools/list")
    await store.aclose()
    headers, token, *texts = seen
    assert "authorization" not in headers
    assert (token.token, token.client_id, token.subject, token.scopes) == (key.id, key.id, "ana@x.test", ["read"])
    assert token.claims == {"iss": "taskhand:keys"}
    assert not any(key.text.rpartition("_")[2] in text for text in texts)


def move_keys(old: Path, new: Path) -> None:
    """Move the file of keys from one folder to the other."""
    for one in old.glob("keys.sqlite*"):
        one.rename(new / one.name)


def spoil(path: Path) -> None:
    """Leave an empty file in the place of a database."""
    for left in path.parent.glob(f"{path.name}*"):
        left.unlink()
    path.touch()


def files_with(folder: Path, text: str) -> list[str]:
    """The files of a folder that have this text in them."""
    return [file.name for file in folder.iterdir() if text.encode() in file.read_bytes()]


async def test_the_operator_is_told_at_the_start_why_no_key_can_be_checked(tmp_path: Path) -> None:
    (tmp_path / "keys.sqlite").write_bytes(b"no database" * 100)
    store = SqliteKeyStore(tmp_path / "keys.sqlite")
    described = await KeyAuth(KeyCheck(store, FixedClock())).describe()
    with pytest.raises(OperatorError) as flaw:
        await store.list_keys()
    assert flaw.value.next_step
    assert described.endswith(f", and none can be checked: {flaw.value.message} {flaw.value.next_step}")
    await store.aclose()
