"""The CRMs of the suites on faults, crashes and simultaneous edits."""

from typing import Final

from backends.crm_modules import CRM_MODULES
from safety.sandboxed_crm import SandboxedCrm, SandboxOrStore, TaskSummary, Trait

__all__ = ["CLOSE", "CRMS", "HUBSPOT", "VAMBE", "SandboxOrStore", "SandboxedCrm", "TaskSummary", "Trait"]

CRMS: Final[tuple[SandboxedCrm, ...]] = tuple(crm_module.CRM for crm_module in CRM_MODULES.values())
VAMBE, CLOSE, HUBSPOT = (next(crm for crm in CRMS if crm.name == name) for name in ("vambe", "close", "hubspot"))
