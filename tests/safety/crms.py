"""The CRMs of the suites on faults, crashes and simultaneous edits."""

from typing import Final

from backends.suites import IN_SUITES
from safety.crm import Crm, Place, Sight, Trait

__all__ = ["CLOSE", "CRMS", "HUBSPOT", "VAMBE", "Crm", "Place", "Sight", "Trait"]

CRMS: Final[tuple[Crm, ...]] = tuple(one.CRM for one in IN_SUITES.values())
VAMBE, CLOSE, HUBSPOT = (next(crm for crm in CRMS if crm.name == name) for name in ("vambe", "close", "hubspot"))
