"""What is said of HubSpot when the outcome of a write had to be found out, or could not be."""

from typing import Final

from taskhand.backends.doubt import Doubt

__all__ = ["HUBSPOT", "LOOK"]

HUBSPOT: Final = Doubt("HubSpot")
LOOK: Final = (
    "Wait a minute, as HubSpot's search is behind, then look with list_tasks for the title; "
    "create it again only if it is not there."
)
