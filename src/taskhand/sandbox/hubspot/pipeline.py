"""The account's status options and the stages of its task pipeline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from taskhand.sandbox.hubspot.spec_variant import SpecVariant

PIPELINE = "3d314325-1b2a-4225-9388-375f49c57ec3"


class Option(NamedTuple):
    """One option of an enumeration."""

    value: str
    label: str


class Stage(NamedTuple):
    """A stage; `status` is the status that goes with it, None for a custom stage."""

    id: str
    label: str
    is_closed: bool
    status: str | None


# the recorded ids and labels
DEFAULT_STAGES = (
    Stage("af0e6a5c-2ea3-4c72-b69f-7c6cb3fdb591", "Not Started", is_closed=False, status="NOT_STARTED"),
    Stage("60b5c368-04c4-4d32-9b4a-457e159f49b7", "In Progress", is_closed=False, status="IN_PROGRESS"),
    Stage("dd5826e4-c976-4654-a527-b59ada542e52", "Waiting", is_closed=False, status="WAITING"),
    Stage("fc8148fb-3a2d-4b59-834e-69b7859347cb", "Deferred", is_closed=False, status="DEFERRED"),
    Stage("61bafb31-e7fa-46ed-aaa9-1322438d6e67", "Completed", is_closed=True, status="COMPLETED"),
)
CUSTOM_STAGES = (  # of a recorded account, where In progress replaces the default stage
    Stage("5996831934", "In progress", is_closed=False, status=None),
    Stage("6049725638", "Cancelled", is_closed=True, status=None),
)
STATUSES = (
    Option("COMPLETED", "Completed"),
    Option("DEFERRED", "Deferred"),
    Option("IN_PROGRESS", "In Progress"),
    Option("NOT_STARTED", "Not Started"),
    Option("WAITING", "Waiting"),
)
WORKFLOW = tuple(stage.status for stage in DEFAULT_STAGES)


@dataclass(frozen=True)
class TaskPipeline:
    """The status options and the stages, each in the account's order."""

    statuses: tuple[Option, ...]
    stages: tuple[Stage, ...]

    def stage_of(self, status: str) -> Stage | None:
        """Return the stage of a status, or None."""
        return next((stage for stage in self.stages if stage.status == status), None)

    def stage(self, stage_id: str) -> Stage | None:
        """Return the stage with an id, or None."""
        return next((stage for stage in self.stages if stage.id == stage_id), None)


def build_pipeline(spec_variant: SpecVariant, statuses: tuple[Option, ...] | None) -> TaskPipeline:
    """Return the pipeline of a spec variant; `statuses` are the seed's, None for HubSpot's."""
    chosen = statuses or STATUSES
    if statuses is None and spec_variant.status_order == "workflow":
        chosen = tuple(sorted(STATUSES, key=lambda option: WORKFLOW.index(option.value)))
    if spec_variant.stages == "default":
        return TaskPipeline(chosen, DEFAULT_STAGES)
    kept = tuple(stage for stage in DEFAULT_STAGES if stage.status != "IN_PROGRESS")
    return TaskPipeline(chosen, kept + CUSTOM_STAGES)
