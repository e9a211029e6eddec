"""The page on which people sign in, the code, and the first tokens."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.close.served_sandbox import GIL
from sandbox.oauth.served_sandbox import CRMS, open_signing
from taskhand.sandbox.oauth.grants import App


async def test_the_page_asks_who_signs_in_and_sends_the_code_and_state_back(crm: str) -> None:
    async with open_signing(crm) as flow:
        page = await flow.client.get(flow.crm.authorize, params=flow.query())
        assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
        for part in (f'value="{flow.crm.ana}"', 'value="allow"', 'value="deny"', "Ana Paz (ana@example.com)"):
            assert part in page.text
        assert "Gil" not in page.text  # a former member
        assert "<script" not in page.text
        back = await flow.sent_back()
        assert (set(back), back["state"]) == ({"code", "state"}, "s1")


async def test_the_code_becomes_tokens_that_act_as_the_user(crm: str) -> None:
    async with open_signing(crm) as flow:
        body = await flow.sign_in(flow.crm.ben)
        assert (str(body["user_id"]), body["expires_in"], body["token_type"].lower()) == (
            flow.crm.ben,
            flow.crm.life,
            "bearer",
        )
        assert len(body["access_token"]) <= 300
        assert await flow.status(body["access_token"]) == 200


async def test_the_body_with_the_tokens_is_the_documented_one() -> None:
    async with open_signing("close") as flow:
        body = await flow.sign_in()
        assert (body["scope"], body["token_type"]) == ("all.full_access offline_access", "Bearer")
        assert body["organization_id"].startswith("orga_")
        assert set(body) == {"token_type", "access_token", "expires_in", "refresh_token", "scope"} | {
            "organization_id",
            "user_id",
        }
    async with open_signing("hubspot") as flow:
        body = await flow.sign_in()
        assert (body["token_use"], body["user_id"], len(body["access_token"])) == ("access_token", 11, 300)
        assert body["scopes"] == ["crm.objects.contacts.read", "crm.objects.contacts.write"]


async def test_an_untrusted_redirect_is_an_error_on_the_page_and_is_never_followed(crm: str) -> None:
    wrong: list[dict[str, Any]] = [
        {"client_id": "other"},
        {"redirect_uri": "javascript:alert(1)"},
        {"redirect_uri": "/back"},
        {"redirect_uri": None},
        {"redirect_uri": "https://a.example/#x"},
        {"redirect_uri": "http://[/"},
        {"redirect_uri": "https://a.example/\r\nset-cookie: x=1"},
        {"redirect_uri": "https://a.example/ñ"},
    ]
    async with open_signing(crm) as flow:
        answers = [await flow.consent(**query) for query in wrong]
        answers += [await flow.consent(user) for user in (GIL, "13")]
        answers += [await flow.consent(decision="perhaps")]
        assert [(one.status_code, "location" in one.headers) for one in answers] == [(400, False)] * 11


async def test_a_registered_redirect_is_compared_exactly(crm: str) -> None:
    mine = "https://a.example/back"
    async with open_signing(crm, oauth_app=App("mine", "secret", (mine,))) as flow:
        assert (await flow.consent(redirect_uri=mine)).headers["location"].startswith(f"{mine}?code=")
        assert (await flow.consent(redirect_uri=None)).headers["location"].startswith(f"{mine}?code=")
        for other in (f"{mine}/", f"{mine}?x=1", "http://a.example/back", "https://a.example.evil/back"):
            assert (await flow.consent(redirect_uri=other)).status_code == 400


@pytest.mark.parametrize(
    ("name", "uri", "status"),
    [
        ("close", "http://localhost:9/back", 400),
        ("close", "https://127.0.0.1/back", 302),
        ("hubspot", "http://localhost:9/back", 302),
        ("hubspot", "http://127.0.0.1:9/back", 400),
        ("hubspot", "https://127.0.0.1/back", 400),
        ("hubspot", "http://a.example/back", 400),
        ("hubspot", "https://a.example/back", 302),
    ],
)
async def test_a_variant_allows_only_the_documented_redirects(name: str, uri: str, status: int) -> None:
    async with open_signing(name, "oauth_redirects=documented") as flow:
        assert (await flow.consent(redirect_uri=uri)).status_code == status


async def test_a_person_may_decline(crm: str) -> None:
    async with open_signing(crm) as flow:
        back = await flow.sent_back(decision="deny")
        assert (back["error"], back["state"], "code" in back) == ("access_denied", "s1", False)
    async with open_signing(crm, "oauth_denied=silent") as flow:
        assert (await flow.consent(decision="deny")).status_code == 200


async def test_a_variant_drops_the_state(crm: str) -> None:
    async with open_signing(crm, "oauth_state=dropped") as flow:
        assert set(await flow.sent_back()) == {"code"}


async def test_a_code_is_used_once_and_soon(crm: str) -> None:
    async with open_signing(crm, "oauth_code_life=30") as flow:
        code = (await flow.sent_back())["code"]
        flow.clock.advance(seconds=29)
        assert (await flow.exchange(code)).status_code == 200
        used = await flow.exchange(code)
        assert (used.status_code, used.json()) == (400, flow.crm.bad_code)
        late = (await flow.sent_back())["code"]
        flow.clock.advance(seconds=30)
        assert (await flow.exchange(late)).json() == flow.crm.bad_code
        assert (await flow.exchange("made-up")).json() == flow.crm.bad_code


async def test_a_wrong_exchange_is_refused_and_the_right_one_still_works(crm: str) -> None:
    wrong: list[tuple[dict[str, str | None], int, str]] = [
        ({"code_verifier": "w" * 43}, 400, "invalid_grant"),
        ({"code_verifier": None}, 400, "invalid_grant"),
        ({"redirect_uri": "http://localhost:9/back"}, 400, "invalid_grant"),
        ({"client_id": "other"}, 401, "invalid_client"),
        ({"client_secret": None}, 401, "invalid_client"),
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"grant_type": None}, 400, "unsupported_grant_type"),
    ]
    async with open_signing(crm) as flow:
        code = (await flow.sent_back())["code"]
        for changed, status, error in wrong:
            answer = await flow.exchange(code, **changed)
            assert (answer.status_code, answer.json()["error"]) == (status, error), changed
        assert (await flow.exchange(code)).status_code == 200


async def test_the_variant_decides_whether_the_challenge_is_checked_ignored_or_required(crm: str) -> None:
    without: dict[str, Any] = {"code_challenge": None, "code_challenge_method": None}
    async with open_signing(crm) as flow:
        assert (await flow.sent_back(code_challenge_method="plain"))["error"] == "invalid_request"
        code = (await flow.sent_back(**without))["code"]
        assert (await flow.exchange(code)).status_code == 400  # a verifier without a challenge
        assert (await flow.exchange(code, code_verifier=None)).status_code == 200
    async with open_signing(crm, "oauth_pkce=required") as flow:
        assert (await flow.sent_back(**without))["error"] == "invalid_request"
    async with open_signing(crm, "oauth_pkce=ignored") as flow:
        code = (await flow.sent_back())["code"]
        assert (await flow.exchange(code, code_verifier=None)).status_code == 200


async def test_close_takes_a_code_without_its_redirect_as_in_the_documented_sample() -> None:
    for name, status in (("close", 200), ("hubspot", 400)):
        async with open_signing(name) as flow:
            code = (await flow.sent_back())["code"]
            assert (await flow.exchange(code, redirect_uri=None)).status_code == status
    async with open_signing("close", "oauth_code_redirect=required") as flow:
        code = (await flow.sent_back())["code"]
        assert (await flow.exchange(code, redirect_uri=None)).status_code == 400


async def test_close_wants_the_response_type_and_hubspot_the_scopes() -> None:
    async with open_signing("close") as flow:
        assert (await flow.sent_back(response_type=None))["error"] == "unsupported_response_type"
    async with open_signing("hubspot") as flow:
        assert "code" in await flow.sent_back(response_type=None)
        for scope in (None, "", "crm.objects.unknown.read"):
            assert (await flow.consent(scope=scope)).status_code == 400
        read = {"scope": "crm.objects.contacts.read", "optional_scope": "crm.objects.deals.read automation"}
        body = (await flow.exchange((await flow.sent_back(**read))["code"])).json()
        assert body["scopes"] == ["crm.objects.contacts.read", "crm.objects.deals.read"]
        bearer = {"authorization": f"Bearer {body['access_token']}"}
        draft = {"properties": {"hs_timestamp": "2026-11-25T15:00:00Z"}}
        refused = await flow.client.post(CRMS["hubspot"].tasks, headers=bearer, json=draft)
        assert (refused.status_code, refused.json()["category"]) == (403, "MISSING_SCOPES")


async def test_hubspot_authorizes_for_a_named_account_too() -> None:
    async with open_signing("hubspot") as flow:
        assert (await flow.client.get("/oauth/891936587/authorize", params=flow.query())).status_code == 200
