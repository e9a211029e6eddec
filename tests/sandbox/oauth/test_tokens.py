"""Tokens: expiry, refresh, rotation and revocation, and what the API answers."""

from __future__ import annotations

import httpx2
import pytest

from sandbox.oauth.served_sandbox import open_signing
from taskhand.sandbox.faults import Fault

WRONG: tuple[object, ...] = ({"user": "nobody"}, {}, [])


async def test_an_access_token_expires_by_the_sandboxs_clock(crm: str) -> None:
    async with open_signing(crm, "oauth_access_life=60") as flow:
        body = await flow.sign_in()
        assert body["expires_in"] == 60
        flow.clock.advance(seconds=59)
        assert await flow.status(body["access_token"]) == 200
        flow.clock.advance(seconds=1)
        assert await flow.status(body["access_token"]) == 401
        fresh = (await flow.refresh(body["refresh_token"])).json()
        assert await flow.status(fresh["access_token"]) == 200
        assert await flow.status(body["access_token"]) == 401


async def test_the_401_is_the_documented_one() -> None:
    async with open_signing("close") as flow:
        body = await flow.sign_in()
        flow.clock.advance(seconds=3600)
        assert (await flow.read_tasks(body["access_token"])).json() == {"error": "Unauthorized"}
    async with open_signing("hubspot") as flow:
        body = await flow.sign_in()
        flow.clock.advance(seconds=1807)
        answer = (await flow.read_tasks(body["access_token"])).json()
        assert (answer["category"], answer["message"]) == (
            "EXPIRED_AUTHENTICATION",
            "The OAuth token used to make this call expired 7 second(s) ago.",
        )
        assert answer["context"] == {"expire time": ["2026-11-20T14:30:00Z"]}


async def test_close_rotates_refresh_tokens_and_hubspot_keeps_them() -> None:
    async with open_signing("close") as flow:
        old = await flow.sign_in()
        new = (await flow.refresh(old["refresh_token"])).json()
        assert (new["refresh_token"] != old["refresh_token"], new["user_id"]) == (True, flow.crm.ana)
        again = await flow.refresh(old["refresh_token"])
        assert (again.status_code, again.json()) == (400, flow.crm.bad_refresh)
        assert await flow.status(new["access_token"]) == 200
        assert (await flow.refresh(new["refresh_token"])).status_code == 200
    async with open_signing("hubspot") as flow:
        old = await flow.sign_in()
        new = (await flow.refresh(old["refresh_token"])).json()
        assert new["refresh_token"] == old["refresh_token"]
        assert (await flow.refresh(old["refresh_token"])).status_code == 200


@pytest.mark.parametrize(("reuse", "status", "later"), [("refused", 400, 200), ("ends_grant", 400, 401)])
async def test_the_spec_variant_decides_the_effect_of_reusing_an_old_refresh_token(
    crm: str, reuse: str, status: int, later: int
) -> None:
    async with open_signing(crm, "oauth_refresh=rotated", f"oauth_reuse={reuse}") as flow:
        old = await flow.sign_in()
        new = (await flow.refresh(old["refresh_token"])).json()
        assert (await flow.refresh(old["refresh_token"])).status_code == status
        assert await flow.status(new["access_token"]) == later


async def test_a_variant_accepts_an_old_refresh_token_once_more_and_one_keeps_it(crm: str) -> None:
    for reading in (["oauth_refresh=rotated", "oauth_reuse=accepted"], ["oauth_refresh=kept"]):
        async with open_signing(crm, *reading) as flow:
            old = await flow.sign_in()
            for _ in range(2):
                assert (await flow.refresh(old["refresh_token"])).status_code == 200


async def test_a_refresh_token_may_expire_too(crm: str) -> None:
    async with open_signing(crm, "oauth_refresh_life=7200") as flow:
        body = await flow.sign_in()
        flow.clock.advance(seconds=7200)
        assert (await flow.refresh(body["refresh_token"])).json() == flow.crm.bad_refresh


async def revoke(flow_token: str, crm: str, reading: str) -> tuple[int, int, int]:
    """Revoke one of the two tokens; the statuses of revoking, of the API and of a refresh after it."""
    async with open_signing(crm, reading) as flow:
        body, app = await flow.sign_in(), flow.sandbox.authorization.app
        form = {"client_id": app.client_id, "client_secret": app.client_secret, "token": body[flow_token]}
        wrong = await flow.client.post(flow.crm.revoke, data=form | {"client_secret": "x"})
        assert (wrong.status_code, await flow.status(body["access_token"])) == (401, 200)
        assert (await flow.client.post(flow.crm.revoke, data=form | {"token": "unknown"})).status_code == 200
        done = await flow.client.post(flow.crm.revoke, data=form)
        refreshed = await flow.refresh(body["refresh_token"])
        return done.status_code, await flow.status(body["access_token"]), refreshed.status_code


async def test_an_app_revokes_a_token(crm: str) -> None:
    assert await revoke("refresh_token", crm, "oauth_revoke=grant") == (200, 401, 400)
    assert await revoke("refresh_token", crm, "oauth_revoke=token") == (200, 200, 400)
    assert await revoke("access_token", crm, "oauth_revoke=grant") == (200, 401, 200)


async def test_disconnecting_the_app_in_the_crm_ends_only_the_tokens_of_that_user(crm: str) -> None:
    async with open_signing(crm) as flow:
        ana, ben = await flow.sign_in(), await flow.sign_in(flow.crm.ben)
        assert (await flow.client.delete("/_sandbox/grants", params={"user": flow.crm.ana})).status_code == 204
        assert (await flow.status(ana["access_token"]), await flow.status(ben["access_token"])) == (401, 200)
        assert (await flow.refresh(ana["refresh_token"])).json() == flow.crm.bad_refresh
        assert (await flow.refresh(ben["refresh_token"])).status_code == 200
        grants = (await flow.client.get("/_sandbox/grants")).json()
        assert [(one["user"], one["state"]) for one in grants] == [(flow.crm.ana, "ended"), (flow.crm.ben, "open")]
        await flow.client.delete("/_sandbox/grants")
        assert await flow.status(ben["access_token"]) == 401


async def test_tokens_are_issued_without_a_page_for_a_harness(crm: str) -> None:
    async with open_signing(crm) as flow:
        body = (await flow.client.post("/_sandbox/grants", json={"user": flow.crm.ben})).json()
        assert str(body["user_id"]) == flow.crm.ben
        assert await flow.status(body["access_token"]) == 200
        for wrong in WRONG:
            assert (await flow.client.post("/_sandbox/grants", json=wrong)).status_code == 400


async def test_tokens_of_one_sandbox_open_no_other_and_end_with_a_reset(crm: str) -> None:
    async with open_signing(crm) as one, open_signing(crm) as other:
        body = await one.sign_in()
        assert await other.status(body["access_token"]) == 401
        await one.client.post("/_sandbox/reset")
        assert await one.status(body["access_token"]) == 401


async def test_faults_strike_the_token_endpoint(crm: str) -> None:
    async with open_signing(crm) as flow:
        body = await flow.sign_in()
        route = next(one for one in flow.sandbox.routes if one.endswith(("oauth2/token", "v3/token")))
        flow.sandbox.faults = [
            Fault("status", route, status=400),
            Fault("status", route, nth=2, status=503),
            Fault("reset_after", route, nth=3),
        ]
        assert (await flow.refresh(body["refresh_token"])).json()["error"] == "invalid_grant"
        assert (await flow.refresh(body["refresh_token"])).status_code == 503
        with pytest.raises(httpx2.HTTPError):
            await flow.refresh(body["refresh_token"])
        kept = 200 if flow.sandbox.spec_variant.oauth_refresh == "kept" else 400
        assert (await flow.refresh(body["refresh_token"])).status_code == kept  # the answer with the new one was lost


async def test_hubspot_answers_the_introspection_of_a_token() -> None:
    async with open_signing("hubspot") as flow:
        body, app = await flow.sign_in(), flow.sandbox.authorization.app
        client = {"client_id": app.client_id, "client_secret": app.client_secret}
        ask = "/oauth/2026-03/token/introspect"
        about = (await flow.client.post(ask, data=client | {"token": body["access_token"]})).json()
        assert (about["active"], about["user_id"], about["user"]) == (True, 11, "ana@example.com")
        assert (about["expires_in"], about["token_use"]) == (1800, "access_token")
        assert (await flow.client.post(ask, data={"token": body["access_token"]})).status_code == 401
        v1 = await flow.client.get(f"/oauth/v1/access-tokens/{body['access_token']}")
        assert (v1.json()["user"], v1.json()["hub_id"]) == ("ana@example.com", 891936587)
        refresh = f"/oauth/v1/refresh-tokens/{body['refresh_token']}"
        assert (await flow.client.get(refresh)).json()["user_id"] == 11
        assert (await flow.client.delete(refresh)).status_code == 204
        assert await flow.status(body["access_token"]) == 200  # documented
        assert (await flow.client.post(ask, data=client | {"token": body["refresh_token"]})).json() == {"active": False}
        assert body["access_token"] not in (await flow.client.get("/_sandbox/requests")).text


async def test_hubspots_old_paths_and_errors_are_emulated() -> None:
    async with open_signing("hubspot", "oauth_errors=old") as flow:
        answer = await flow.exchange("unknown")
        assert answer.json() == {"status": "BAD_AUTH_CODE", "message": "missing or unknown auth code"}
    for reading, status in (("oauth_v1=served", 200), ("oauth_v1=gone", 404)):
        async with open_signing("hubspot", reading) as flow:
            body, app = await flow.sign_in(), flow.sandbox.authorization.app
            form = {"client_id": app.client_id, "client_secret": app.client_secret, "grant_type": "refresh_token"}
            form["refresh_token"] = body["refresh_token"]
            assert (await flow.client.post("/oauth/v1/token", data=form)).status_code == status
            about = await flow.client.get(f"/oauth/v1/access-tokens/{body['access_token']}")
            assert about.status_code == status
