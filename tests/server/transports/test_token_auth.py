"""A server that takes tokens of issuers, over real sockets, in both eras: who gets in, and who is asked for more."""

import json
import logging
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from time import time
from typing import Any

import anyio
import httpx2
import pytest

from issuers import Issuer, issuing
from server.example_calls import VALID
from server.transports.keyed_server import ERAS, KeyCaller
from server.transports.oauth_server import oauth_server
from server.transports.task_calls import DRAFT
from server.transports.test_key_auth import files_with, listening
from taskhand.domain.policy import Group, Policy
from taskhand.journal.change_text import render_change
from taskhand.journal.journal import ChangeQuery
from taskhand.keys.key import Key, make_key_text
from taskhand.keys.sqlite import SqliteKeyStore
from taskhand.server.access import Access
from taskhand.server.tools import TOOLS
from time_limits import BOUND_S

YES = {"confirm": {"action": "accept", "content": {"confirm": True}}}
UNASSIGNED = DRAFT | {"responsibleIds": []}
ASKING = {"TASKHAND_INTROSPECTION_CLIENT": "taskhand", "TASKHAND_INTROSPECTION_SECRET": "a/secret"}
METADATA = "/.well-known/oauth-protected-resource"


@pytest.fixture
def other() -> Iterator[Issuer]:
    with issuing() as one:
        yield one


def challenge(answer: httpx2.Response) -> dict[str, str]:
    """The parameters of a challenge."""
    kind, _, parameters = answer.headers["www-authenticate"].partition(" ")
    assert kind == "Bearer"
    return dict(part.split("=", 1) for part in parameters.replace('"', "").split(", "))


async def test_the_challenge_for_a_caller_without_a_token_names_the_issuer(
    tmp_path: Path, issuer: Issuer, other: Issuer
) -> None:
    async with oauth_server(tmp_path, issuer, other) as server:
        for era in ERAS:
            refused = await KeyCaller(server.http, None, era).post("tools/list")
            assert refused.status_code == 401
            told = challenge(refused)
            assert told == {"scope": "tasks:read", "resource_metadata": f"{server.http.base_url}{METADATA}/mcp"}
            for wrong in ("x", server.token(aud="https://crm.x.test"), server.token(exp=int(time()) - 60)):
                refused = await KeyCaller(server.http, wrong, era).post("tools/list")
                assert refused.status_code == 401
                assert challenge(refused) == told | {
                    "error": "invalid_token",
                    "error_description": "The token is not accepted.",
                }
        documents = [(await server.http.get(path)) for path in (f"{METADATA}/mcp", METADATA)]
        cross_origin = ("access-control-allow-origin", "access-control-allow-headers")
        assert {one.headers[name] for one in documents for name in cross_origin} == {"*"}
        assert {one.headers["cache-control"] for one in documents} == {"public, max-age=3600"}
        assert [one.json() for one in documents] == 2 * [
            {
                "resource": server.resource,
                "authorization_servers": [issuer.url, other.url],
                "scopes_supported": ["tasks:read"],
                "bearer_methods_supported": ["header"],
                "resource_name": "Taskhand",
            }
        ]
        assert (await server.http.get("/health", headers={"Authorization": "Bearer x"})).status_code == 200
        assert server.said[1] == f"Callers sign in at {issuer.url} or {other.url}, for {server.resource}."


async def test_tokens_must_be_issued_for_the_public_address(tmp_path: Path, issuer: Issuer) -> None:
    public = "https://tasks.x.test/team/mcp"
    async with oauth_server(
        tmp_path, issuer, resource=public, settings={"TASKHAND_SCOPE_PREFIX": "api://1/"}
    ) as server:
        refused = await KeyCaller(server.http, server.token()).post("tools/list")
        assert challenge(refused)["resource_metadata"] == f"https://tasks.x.test{METADATA}/team/mcp"
        assert challenge(refused)["scope"] == "api://1/tasks:read"
        assert (await server.http.get(f"{METADATA}/team/mcp")).json()["resource"] == public
        caller = KeyCaller(server.http, issuer.token(public, scope="api://1/tasks:read"))
        assert "list_tasks" in await caller.tools()


@pytest.mark.parametrize("era", ERAS)
async def test_a_call_without_its_scope_is_answered_with_the_scopes_to_sign_in_for(
    tmp_path: Path, issuer: Issuer, era: str
) -> None:
    async with oauth_server(tmp_path, issuer) as server:
        for held in (["read"], ["read", "write"], ["openid"]):
            caller = await server.caller(*held, era=era)
            assert set(await caller.tools()) == {tool.name for tool in TOOLS}
            for tool in TOOLS:
                arguments = VALID[tool.name]
                answered = await caller.post("tools/call", name=tool.name, arguments=arguments)
                if tool.scope in held:
                    assert answered.status_code == 200, tool.name
                    continue
                assert answered.status_code == 403, tool.name
                told = challenge(answered)
                wanted = [one for one in ("read", "write", "destructive") if one in {*held, tool.scope}]
                assert told["error"] == answered.json()["error"] == "insufficient_scope"
                assert told["scope"] == " ".join(f"tasks:{one}" for one in wanted)
                assert told["resource_metadata"].endswith(f"{METADATA}/mcp")
        blind = await server.caller("openid", era=era)
        for method, params in (("resources/read", {"uri": "task://1"}), ("prompts/get", {"name": "daily_briefing"})):
            assert (await blind.post(method, **params)).status_code == 403
        changes = (await server.app.journal.page(ChangeQuery())).changes
        assert {change.outcome for change in changes} <= {"refused", "applied", "planned"}


@pytest.mark.parametrize("era", ERAS)
async def test_the_destructive_scope_is_challenged_for_a_plan_or_undo_that_loses_data(
    tmp_path: Path, issuer: Issuer, era: str
) -> None:
    async with oauth_server(tmp_path, issuer) as server:
        writer, reader = await server.caller("read", "write", era=era), await server.caller("read", era=era)
        other = await server.caller("write", era=era, sub="ben")
        many = {"tasks": [UNASSIGNED | {"title": f"Task {number}"} for number in range(11)]}
        plan = (await writer.call("create_tasks", **many))["planId"]
        made = await writer.call("create_task", **UNASSIGNED)
        edited = await writer.call("update_task", id=made["task"]["id"], title="Changed")
        small = (await writer.call("update_task", id=made["task"]["id"], title="Again", dryRun=True))["planId"]
        asked = {"apply_plan": {"planId": f" {plan} "}, "undo_change": {"changeId": made["changeId"]}}
        for name, arguments in asked.items():
            for caller in (writer, reader):
                answered = await caller.post("tools/call", name=name, arguments=arguments)
                assert answered.status_code == 403, name
                assert challenge(answered)["scope"] == "tasks:read tasks:write tasks:destructive"
            theirs = await other.call(name, **arguments)  # what is not theirs is not there, whatever they sign in for
            assert theirs["code"] in {"plan_not_found", "change_not_found"}
        assert "count" in await writer.call("apply_plan", planId=plan, dryRun=True)
        assert "changeId" in await writer.call("undo_change", changeId=edited["changeId"])
        assert (await writer.call("apply_plan", planId=small))["code"] != "not_allowed"
        writer.text = server.token("read", "write", "destructive")
        assert "changeId" in await writer.call("apply_plan", planId=plan)


async def test_a_forbidden_tool_is_refused_without_a_scope_challenge(tmp_path: Path, issuer: Issuer) -> None:
    access = Access(lambda: Policy({"tools": "read"}))
    async with oauth_server(tmp_path, issuer, access=access) as server:
        caller = await server.caller("read")
        assert (await caller.call("create_task", **UNASSIGNED))["code"] == "not_allowed"
        assert "create_task" not in await caller.tools()


async def test_a_call_that_its_body_hides_from_the_challenge_writes_no_task(tmp_path: Path, issuer: Issuer) -> None:
    async with oauth_server(tmp_path, issuer) as server:
        caller = await server.caller("read")
        body, headers = caller.request("tools/call", name="create_task", arguments=DRAFT)
        tricks = [
            json.dumps([body]),
            json.dumps(body).replace('"create_task"', '"list_tasks", "name": "create_task"'),
            json.dumps(body).replace('"create_task"', '"create_task", "name": "list_tasks"'),
            json.dumps(body).replace("tools/call", "tools/\\u0063all"),
        ]
        for trick in tricks:
            for name in ("create_task", "list_tasks"):
                await server.http.post("/mcp", content=trick, headers=headers | {"Mcp-Name": name})
        old = await server.caller("read", era=ERAS[1])
        for trick in tricks:
            await server.http.post("/mcp", content=trick, headers=old.headers | {"Mcp-Name": "list_tasks"})
        assert (await caller.call("list_tasks"))["tasks"] == []


async def test_a_body_whose_messages_are_no_objects_is_refused_as_malformed(tmp_path: Path, issuer: Issuer) -> None:
    async with oauth_server(tmp_path, issuer) as server:
        caller = await server.caller("read")
        for body in ("1", "null", "[1]", '["tools/call", []]'):
            refused = await server.http.post("/mcp", content=body, headers=caller.headers)
            assert refused.status_code == 400, body


async def test_two_people_with_one_email_of_two_issuers_are_two(tmp_path: Path, issuer: Issuer, other: Issuer) -> None:
    mail = {"email": "ana@x.test", "email_verified": True}
    async with oauth_server(tmp_path, issuer, other) as server:
        await server.add_member("Ana", "ana@x.test")
        for era in ERAS:
            one, two = [await server.caller(era=era, issuer=number, **mail) for number in (0, 1)]
            key = f"same {era}"
            mine = await one.call("create_task", **DRAFT, idempotencyKey=key)
            theirs = await two.call("create_task", **DRAFT, idempotencyKey=key)
            assert mine["task"]["responsibles"] == theirs["task"]["responsibles"] == ["Ana"]
            assert mine["task"]["id"] != theirs["task"]["id"]
            plan = await one.call("update_task", id=mine["task"]["id"], title="Planned", dryRun=True)
            assert (await two.call("apply_plan", planId=plan["planId"]))["code"] == "plan_not_found"
            assert (await two.call("undo_change", changeId=mine["changeId"]))["code"] == "change_not_found"
            thief = KeyCaller(server.http, two.text, era, one.session)
            if one.session:
                answers = [await thief.post("tools/list")]
                answers += [
                    await server.http.request(method, "/mcp", headers=thief.headers) for method in ("GET", "DELETE")
                ]
                assert [answer.status_code for answer in answers] == [404, 404, 404]
            one.asks = True
            call: dict[str, Any] = {"name": "delete_task", "arguments": {"id": mine["task"]["id"]}}
            if era == ERAS[0]:
                asked = (await one.ask("tools/call", **call))["result"]
                answer = call | {"inputResponses": YES, "requestState": asked["requestState"]}
                refused = json.loads((await two.post("tools/call", **answer)).text.rpartition("data: ")[2])
                assert refused["error"]["message"] == "Invalid or expired requestState"
                assert "deleted" in (await one.ask("tools/call", **answer))["result"]["structuredContent"]["note"]
        changes = (await server.app.journal.page(ChangeQuery(limit=50))).changes
        assert {change.opening.caller.subject for change in changes} == {f"{issuer.url}#ana", f"{other.url}#ana"}


async def test_a_session_continues_with_a_newer_token_of_the_same_person_and_client(
    tmp_path: Path, issuer: Issuer
) -> None:
    async with oauth_server(tmp_path, issuer) as server:
        caller = await server.caller("read", era=ERAS[1])
        assert (await caller.post("tools/call", name="create_task", arguments=DRAFT)).status_code == 403
        caller.text = server.token("read", "write")
        assert "changeId" in await caller.call("create_task", **UNASSIGNED)
        strangers: list[dict[str, Any]] = [{"sub": "Ana"}, {"client_id": "other"}]
        for stranger in strangers:
            caller.text = server.token(**stranger)
            assert (await caller.post("tools/list")).status_code == 404


async def test_rules_and_members_are_found_by_id_by_verified_email_and_by_the_groups_of_a_token(
    tmp_path: Path, issuer: Issuer
) -> None:
    policy = Policy(
        {"tools": "read"},
        {"sales": Group(frozenset(), {"tools": "read,create_task"})},
        {"ana@x.test": {"tools": "all"}, f"{issuer.url}#0": {"tools": "list_tasks"}},
    )
    access = Access(lambda: policy, memberships=lambda: {f"{issuer.url}#1": {"member": "ben@x.test"}})
    async with oauth_server(tmp_path, issuer, access=access) as server:
        await server.add_member("Ana", "ana@x.test")
        await server.add_member("Ben", "ben@x.test")
        reads = {tool.name for tool in TOOLS if not tool.writes}
        mail: dict[str, Any] = {"email": "ana@x.test", "email_verified": True}
        assert set(await (await server.caller(sub="9")).tools()) == reads
        assert set(await (await server.caller(sub="9", email="ana@x.test")).tools()) == reads
        assert set(await (await server.caller(sub="9", groups=["sales"])).tools()) == {*reads, "create_task"}
        assert set(await (await server.caller(sub="9", **mail)).tools()) == {tool.name for tool in TOOLS}
        assert await (await server.caller(sub="0", **mail)).tools() == ["list_tasks"]
        made = await (await server.caller(sub="1", groups=["sales"])).call("create_task", **DRAFT)
        assert made["task"]["responsibles"] == ["Ben"]
        refused = await (await server.caller(sub="9")).call("create_task", **DRAFT)
        assert (refused["code"], refused["rule"]) == ("not_allowed", "tools")


async def test_somebody_with_two_accounts_is_no_second_person_and_the_journal_has_both_names(
    tmp_path: Path, issuer: Issuer, other: Issuer
) -> None:
    rules = {"second_person": True, "sees_all_changes": True}
    access = Access(lambda: Policy(rules))
    key, file, now = make_key_text(), tmp_path / "keys.sqlite", datetime.now().astimezone()
    store = SqliteKeyStore(file)
    await store.add(Key(key.id, "ana@x.test", frozenset({"read", "write", "destructive"}), now), key.hash)
    mail: dict[str, Any] = {"email": "ana@x.test", "email_verified": True}
    async with oauth_server(tmp_path, issuer, other, access=access, keys=file) as server:
        ana = await server.caller(**mail)
        accounts = [ana, await server.caller(issuer=1, **mail), KeyCaller(server.http, key.text)]
        ben = await server.caller(sub="ben", email="ben@x.test", email_verified=True)
        for maker in accounts:
            made = await maker.call("create_task", **UNASSIGNED | {"title": f"Of {maker.text}"[:40]})
            plan = await maker.call("delete_task", id=made["task"]["id"])
            for account in accounts:
                refused = await account.call("apply_plan", planId=plan["planId"])
                assert refused["code"] in {"not_allowed", "plan_of_another"}, refused
            assert "changeId" in await ben.call("apply_plan", planId=plan["planId"])
        rows = (await ben.call("list_changes", limit=50))["changes"]
        assert {row["person"] for row in rows} == {"ana@x.test", "ben@x.test"}
        changes = (await server.app.journal.page(ChangeQuery(limit=50))).changes
        assert {change.opening.caller.subject for change in changes} == {
            "ana@x.test",
            *(f"{one.url}#ana" for one in (issuer, other)),
            f"{issuer.url}#ben",
        }
        told = [render_change(change) for change in changes if change.opening.caller.subject == f"{other.url}#ana"]
        assert all("by ana@x.test with" in one for one in told)
    await store.aclose()


@pytest.mark.parametrize("era", ERAS)
async def test_an_open_stream_ends_when_its_token_becomes_invalid(tmp_path: Path, issuer: Issuer, era: str) -> None:
    frozen = datetime.now().astimezone().isoformat()
    async with oauth_server(tmp_path, issuer, settings=ASKING | {"TASKHAND_CLOCK": frozen}) as server:
        made = await (await server.caller()).call("create_task", **UNASSIGNED)
        # An answer is not kept beyond its token: this one is asked about again at once.
        issuer.opaque["opaque"] = issuer.claims(server.resource, active=True, exp=int(time()) - 20)
        caller = await KeyCaller(server.http, "opaque", era).open()
        async with listening(caller, made["task"]["id"]) as lines:
            issuer.opaque["opaque"] = {"active": False}
            with anyio.fail_after(BOUND_S):
                assert [line async for line in lines if "updated" in line] == []
        assert (await caller.post("tools/list")).status_code == 401


async def test_an_unreachable_issuer_is_logged(
    tmp_path: Path, issuer: Issuer, caplog: pytest.LogCaptureFixture
) -> None:
    issuer.down = True
    async with oauth_server(tmp_path, issuer) as server:
        answered = await KeyCaller(server.http, server.token()).post("tools/list")
        assert (answered.status_code, answered.headers["retry-after"]) == (503, "5")
        assert issuer.url not in answered.text
        assert (await KeyCaller(server.http, None).post("tools/list")).status_code == 401
    assert [one for one in caplog.messages if f"The keys of the issuer {issuer.url} cannot be read" in one]


async def test_keys_and_tokens_may_be_taken_side_by_side(tmp_path: Path, issuer: Issuer) -> None:
    key, file = make_key_text(), tmp_path / "keys.sqlite"
    store = SqliteKeyStore(file)
    await store.add(Key(key.id, "robot", frozenset({"read"}), datetime.now().astimezone()), key.hash)
    async with oauth_server(tmp_path, issuer, keys=file) as server:
        robot, person = KeyCaller(server.http, key.text), await server.caller("read")
        assert "create_task" not in await robot.tools()
        assert "create_task" in await person.tools()
        assert (await robot.call("create_task", **DRAFT))["rule"] == "scope"
        made = await (await server.caller()).call("create_task", **UNASSIGNED)
        async with listening(robot, made["task"]["id"]) as lines:
            await store.revoke([key.id], datetime.now().astimezone())
            with anyio.fail_after(BOUND_S):
                assert [line async for line in lines if "updated" in line] == []
        assert challenge(await robot.post("tools/list"))["error"] == "invalid_token"
    await store.aclose()


async def test_the_text_of_a_token_is_in_no_file_and_in_no_line_of_any_log(
    tmp_path: Path, issuer: Issuer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with oauth_server(tmp_path, issuer, settings=ASKING) as server:
        issuer.opaque["opaque-secret-text"] = issuer.claims(server.resource, active=True)
        secrets = ["opaque-secret-text"]
        for era in ERAS:
            for caller in (await server.caller(era=era), await KeyCaller(server.http, secrets[0], era).open()):
                await caller.call("create_task", **DRAFT)
                await caller.call("create_task", **DRAFT, nonsense="x")
                secrets.append((caller.text or "").rpartition(".")[2])
        await KeyCaller(server.http, server.token(aud="https://crm.x.test")).post("tools/list")
    ours = [one for one in caplog.records if one.name.startswith(("taskhand", "mcp.server.auth", "httpx2"))]
    assert ours
    for secret in (*secrets, "a/secret", "a%2Fsecret"):
        assert not [one for one in ours if secret in one.getMessage()]
        assert files_with(tmp_path, secret) == []


async def test_a_crm_is_sent_its_own_credential_and_never_the_token_of_the_caller(
    tmp_path: Path, issuer: Issuer, other: Issuer
) -> None:
    crm = {"CLOSE_BASE_URL": f"{other.url}/api/v1", "CLOSE_ACCESS_TOKEN": "of-the-connection-4711"}
    async with oauth_server(tmp_path, issuer, crm=crm) as server:
        for era in ERAS:
            caller = await server.caller(era=era)
            for tool in ("list_tasks", "list_team_members", "create_task", "delete_task"):
                await caller.call(tool, **VALID[tool])
            assert caller.text is not None
            assert not [one for one in other.headers if caller.text in one]
    assert other.headers
    assert all("Bearer of-the-connection-4711" in one for one in other.headers)
