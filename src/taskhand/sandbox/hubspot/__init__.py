"""HubSpot's CRM API as a local server, in each behaviour that its documentation allows."""

from taskhand.sandbox.factory import CrmSandbox
from taskhand.sandbox.hubspot.app_webhooks import DEVELOPER_KEY
from taskhand.sandbox.hubspot.errors import APP
from taskhand.sandbox.hubspot.sandbox import OAUTH_APP, HubSpotSandbox
from taskhand.sandbox.hubspot.spec_variant import SpecVariant

__all__ = ["SERVED", "HubSpotSandbox", "SpecVariant"]

SERVED = CrmSandbox(
    "pat-na1-sandbox",
    lambda key, **options: HubSpotSandbox(token=key, **options),
    SpecVariant,
    app={"app_id": str(APP), "developer_key": DEVELOPER_KEY, "webhook_key": OAUTH_APP.client_secret},
)
