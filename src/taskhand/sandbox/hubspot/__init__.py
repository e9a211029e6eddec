"""HubSpot's CRM API as a local server: its record made playable, in each reading that it allows."""

from taskhand.sandbox.hubspot.reading import Reading
from taskhand.sandbox.hubspot.sandbox import HubSpotSandbox

__all__ = ["HubSpotSandbox", "Reading"]
