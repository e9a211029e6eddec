"""The subscriptions of a HubSpot app: made once whoever makes them too, and removed without anybody else's."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from pydantic import SecretStr

from backends.hubspot.sandboxed_app import NOW, hubspot
from backends.sandboxed_app import TRUST
from taskhand.backends.hubspot.events.webhooks import HubSpotWebhookAdmin, HubSpotWebhookCheck
from taskhand.backends.hubspot.factory import HubSpotSettings, check_webhooks
from taskhand.domain.errors import CallerError
from taskhand.domain.webhook import WebhookRequest
from taskhand.http.client import Client
from taskhand.http.connection_pool import PooledTransport
from taskhand.http.upstream import Runtime, Upstream
from taskhand.sandbox.faults import Fault
from taskhand.sandbox.hubspot import HubSpotSandbox
from taskhand.sandbox.hubspot.app_webhooks import DEVELOPER_KEY
from taskhand.sandbox.hubspot.errors import APP
from taskhand.sandbox.server import serve_sandbox
from virtual_time import Time

URL, OTHER = "https://tasks.example.com/webhooks/hubspot", "https://other.example.com/webhooks/hubspot"
CREATE = "POST /webhooks/v3/{appId}/subscriptions"


@asynccontextmanager
async def admin_of(sandbox: HubSpotSandbox) -> AsyncIterator[HubSpotWebhookAdmin]:
    time = Time()
    async with serve_sandbox(sandbox) as url, PooledTransport(TRUST) as transport:
        runtime = Runtime(monotonic=time.clock, sleep=time.sleep, transport=transport)
        upstream = Upstream(name="HubSpot", base_url=url, auth={}, credential_name="HUBSPOT_DEVELOPER_KEY")
        async with Client(upstream, runtime=runtime) as client:
            yield HubSpotWebhookAdmin(client, str(APP), DEVELOPER_KEY)


async def test_a_subscription_that_somebody_else_makes_meanwhile_is_no_error() -> None:
    sandbox = hubspot(faults=[Fault("status", CREATE, status=409, commit=True, times=9)])
    async with admin_of(sandbox) as admin:
        done = await admin.subscribe(URL, None, replaces=False)
        assert len(done.subscriptions) == len(sandbox.hooks.subscriptions) == 9
        [target] = [one.body for one in sandbox.requests if one.method == "PUT"]
        assert target == {"targetUrl": URL, "throttling": {"maxConcurrentRequests": 5}}
        assert (await admin.subscribe(URL, None, replaces=False)).made == ()


async def test_a_subscription_that_hubspot_refuses_is_an_error() -> None:
    async with admin_of(hubspot(faults=[Fault("status", CREATE, status=400)])) as admin:
        with pytest.raises(CallerError) as refused:
            await admin.subscribe(URL, None, replaces=False)
    assert refused.value.code == "upstream_refused"


async def test_subscriptions_that_are_moved_to_another_address_are_reported_as_made() -> None:
    async with admin_of(hubspot()) as admin:
        await admin.subscribe(URL, None, replaces=False)
        moved = await admin.subscribe(OTHER, None, replaces=True)
        assert (len(moved.made), {one.url for one in moved.made}) == (9, {OTHER})
        assert (await admin.subscribe(OTHER, None, replaces=False)).made == ()


async def test_the_address_stays_while_a_subscription_to_other_objects_needs_it() -> None:
    sandbox = hubspot()
    async with admin_of(sandbox) as admin:
        await admin.subscribe(URL, None, replaces=False)
        other = sandbox.hooks.subscribe("object.creation", object_type_id="0-1")
        assert await admin.remove(OTHER) == ()
        assert len(await admin.remove(URL)) == 9
        assert (sandbox.hooks.url, sandbox.hooks.subscriptions) == (URL, [other])


async def test_subscriptions_of_others_to_further_events_of_tasks_stay() -> None:
    sandbox = hubspot()
    async with admin_of(sandbox) as admin:
        await admin.subscribe(URL, None, replaces=False)
        other = sandbox.hooks.subscribe("object.associationChange")
        assert len(await admin.find_at(URL)) == 9
        await admin.remove(URL)
        assert (sandbox.hooks.url, sandbox.hooks.subscriptions) == (URL, [other])


def test_the_key_of_the_webhooks_comes_before_the_secret_of_the_app() -> None:
    delivery = WebhookRequest("POST", (URL,), {}, b"{}", "", NOW)
    both = HubSpotSettings(hubspot_webhook_key=SecretStr("key"), hubspot_client_secret=SecretStr("secret"))
    for settings, signed_with in (
        (both, "key"),
        (HubSpotSettings(hubspot_client_secret=SecretStr("secret")), "secret"),
    ):
        check = check_webhooks(settings, "HUBSPOT_WEBHOOK_KEY")
        assert isinstance(check, HubSpotWebhookCheck)
        assert [*check.signatures(delivery, "1")] == [*HubSpotWebhookCheck(signed_with).signatures(delivery, "1")]
