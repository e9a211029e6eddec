"""HubSpot's CRM API as a local server: its record made playable, in each reading that it allows."""

from taskhand.sandbox.hubspot.sandbox import HubSpotSandbox
from taskhand.sandbox.hubspot.spec_variant import SpecVariant

__all__ = ["HubSpotSandbox", "SpecVariant"]
