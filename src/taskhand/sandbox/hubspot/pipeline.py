"""The task settings of an account: status options, stages of the task pipeline, and custom properties."""

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


class OwnProperty(NamedTuple):
    """A custom task property; `type` is string, enumeration, bool, number, date or datetime.

    An empty `field_type` is the default of the type; a `checkbox` has several options at once.
    """

    name: str
    label: str
    type: str
    options: tuple[Option, ...]
    is_unique: bool
    field_type: str = ""
    is_read_only: bool = False


class Stage(NamedTuple):
    """A stage; `status` is the corresponding status, None for a custom stage."""

    id: str
    label: str
    is_closed: bool
    status: str | None


# the recorded ids and labels
DEFAULT_STAGES = (
    Stage("af0e6a5c-2ea3-4c72-b69f-7c6cb3fdb591", "Not Started", is_closed=False, status="NOT_STARTED"),
    Stage("60b5c368-04c4-4d32-9b4a-457e159f49b7", "In Progress", is_closed=False, status="IN_PROGRESS"),
    Stage("dd5826e4-c976-4654-a527-b59ada542e52", "Waiting", is_closed=False, status="WAITING"),
    Stage("61bafb31-e7fa-46ed-aaa9-1322438d6e67", "Completed", is_closed=True, status="COMPLETED"),
    Stage("fc8148fb-3a2d-4b59-834e-69b7859347cb", "Deferred", is_closed=False, status="DEFERRED"),
)
IN_PROGRESS = Stage("5996831934", "In progress", is_closed=False, status=None)
CANCELLED = Stage("6049725638", "Cancelled", is_closed=True, status=None)
FIRST_OWN_ID = 6_049_725_700
STATUSES = (
    Option("COMPLETED", "Completed"),
    Option("DEFERRED", "Deferred"),
    Option("IN_PROGRESS", "In Progress"),
    Option("NOT_STARTED", "Not Started"),
    Option("WAITING", "Waiting"),
)
WORKFLOW = ("NOT_STARTED", "IN_PROGRESS", "WAITING", "DEFERRED", "COMPLETED")


@dataclass(frozen=True)
class TaskPipeline:
    """The status options and the stages, each in the account's order, and the custom task properties."""

    statuses: tuple[Option, ...]
    stages: tuple[Stage, ...]
    properties: tuple[OwnProperty, ...] = ()

    def stage_of(self, status: str) -> Stage | None:
        """Return the stage of a status, or None."""
        return next((stage for stage in self.stages if stage.status == status), None)

    def stage(self, stage_id: str) -> Stage | None:
        """Return the stage with an id, or None."""
        return next((stage for stage in self.stages if stage.id == stage_id), None)


def build_pipeline(
    spec_variant: SpecVariant, statuses: tuple[Option, ...] | None, stages: tuple[Stage, ...] | None = None
) -> TaskPipeline:
    """Return the pipeline of a spec variant; `statuses` and `stages` are the seed's, None for HubSpot's."""
    chosen = statuses or STATUSES
    if statuses is None and spec_variant.status_order == "workflow":
        chosen = tuple(sorted(STATUSES, key=lambda option: WORKFLOW.index(option.value)))
    if stages is not None or spec_variant.stages == "none":
        return TaskPipeline(chosen, stages or ())
    own = DEFAULT_STAGES if statuses is None else tuple(map(_stage_of, statuses, range(len(statuses))))
    if spec_variant.stages == "custom":  # of a recorded account, where In progress replaces the default stage
        own = (*(IN_PROGRESS if stage.status == "IN_PROGRESS" else stage for stage in own), CANCELLED)
    return TaskPipeline(chosen, own)


def _stage_of(option: Option, number: int) -> Stage:
    """Return the stage for a seeded status."""
    known = {stage.status: stage for stage in DEFAULT_STAGES}.get(option.value)
    made = Stage(str(FIRST_OWN_ID + number), option.label, is_closed=False, status=option.value)
    return made if known is None else known._replace(label=option.label)
