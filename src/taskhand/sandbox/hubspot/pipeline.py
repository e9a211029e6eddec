"""A portal's own choices: the status options and the stages of its task pipeline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from taskhand.sandbox.hubspot.spec_variant import SpecVariant

PIPELINE = "3d314325-1b2a-4225-9388-375f49c57ec3"


class Option(NamedTuple):
    """One choice of an enumeration."""

    value: str
    label: str


class Stage(NamedTuple):
    """One stage, and the status that goes with it; None for a portal's own stage."""

    id: str
    label: str
    is_closed: bool
    status: str | None


# ids and labels; the last one is In Progress by elimination
DEFAULT_STAGES = (
    Stage("af0e6a5c-2ea3-4c72-b69f-7c6cb3fdb591", "Not Started", is_closed=False, status="NOT_STARTED"),
    Stage("60b5c368-04c4-4d32-9b4a-457e159f49b7", "In Progress", is_closed=False, status="IN_PROGRESS"),
    Stage("dd5826e4-c976-4654-a527-b59ada542e52", "Waiting", is_closed=False, status="WAITING"),
    Stage("fc8148fb-3a2d-4b59-834e-69b7859347cb", "Deferred", is_closed=False, status="DEFERRED"),
    Stage("61bafb31-e7fa-46ed-aaa9-1322438d6e67", "Completed", is_closed=True, status="COMPLETED"),
)
OWN_STAGES = (  # the recorded portal's own; its In progress replaced the default one
    Stage("5996831934", "In progress", is_closed=False, status=None),
    Stage("6049725638", "Cancelled", is_closed=True, status=None),
)
STATUSES = (  # §6 CAP-derived values and labels; alphabetical
    Option("COMPLETED", "Completed"),
    Option("DEFERRED", "Deferred"),
    Option("IN_PROGRESS", "In Progress"),
    Option("NOT_STARTED", "Not Started"),
    Option("WAITING", "Waiting"),
)
WORKFLOW = tuple(stage.status for stage in DEFAULT_STAGES)


@dataclass(frozen=True)
class TaskPipeline:
    """The status options in their order, and the stages in theirs."""

    statuses: tuple[Option, ...]
    stages: tuple[Stage, ...]

    def stage_of(self, status: str) -> Stage | None:
        """Find the stage of a status."""
        return next((stage for stage in self.stages if stage.status == status), None)

    def stage(self, stage_id: str) -> Stage | None:
        """Find a stage by its id."""
        return next((stage for stage in self.stages if stage.id == stage_id), None)


def build_pipeline(spec_variant: SpecVariant, statuses: tuple[Option, ...] | None) -> TaskPipeline:
    """Make the portal of a reading; `statuses` are the seed's own, in its order."""
    chosen = statuses or STATUSES
    if statuses is None and spec_variant.status_order == "workflow":
        chosen = tuple(sorted(STATUSES, key=lambda option: WORKFLOW.index(option.value)))
    if spec_variant.stages == "default":
        return TaskPipeline(chosen, DEFAULT_STAGES)
    kept = tuple(stage for stage in DEFAULT_STAGES if stage.status != "IN_PROGRESS")
    return TaskPipeline(chosen, kept + OWN_STAGES)
