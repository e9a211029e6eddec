"""HubSpot's CRM API as a local server, in each behaviour that its documentation allows."""

from taskhand.sandbox.hubspot.sandbox import HubSpotSandbox
from taskhand.sandbox.hubspot.spec_variant import SpecVariant

__all__ = ["HubSpotSandbox", "SpecVariant"]
