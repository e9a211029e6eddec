"""The statuses of tasks: the stages of the account's task pipeline, or the options of `hs_task_status`; pure.

Recorded, not documented: a task has a status (`hs_task_status`) and a stage (`hs_pipeline_stage`), which change
together. The default stages have the same ids in every account, and each corresponds to one option of the status. A
custom stage corresponds to none. The value of `hs_task_status` in a custom stage is not known, so such a status is read
and written by the stage alone. A task that leaves a custom stage gets both the status and the stage, so that it does
not matter which of the two HubSpot prefers.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from taskhand.backends.remote.parsing import JsonObject, filled_text, invalid_answer, optional_text, rows_in, value_at
from taskhand.domain.name_matching import fold
from taskhand.domain.task import Status, StatusChoice, StatusList, StatusType

__all__ = ["OPTIONS", "STAGE", "STAGE_PROPERTIES", "STATUS", "TaskStatuses"]

STATUS, STAGE, _PIPELINE = "hs_task_status", "hs_pipeline_stage", "hs_pipeline"
STAGE_PROPERTIES: Final = (STATUS, STAGE)
"""The properties that hold the status of a task."""

_STARTED: Final[Mapping[str, tuple[str, str]]] = {
    "NOT_STARTED": ("af0e6a5c-2ea3-4c72-b69f-7c6cb3fdb591", "Not Started"),
    "IN_PROGRESS": ("60b5c368-04c4-4d32-9b4a-457e159f49b7", "In Progress"),
    "WAITING": ("dd5826e4-c976-4654-a527-b59ada542e52", "Waiting"),
    "DEFERRED": ("fc8148fb-3a2d-4b59-834e-69b7859347cb", "Deferred"),
    "COMPLETED": ("61bafb31-e7fa-46ed-aaa9-1322438d6e67", "Completed"),
}
"""The default stage and its label, by the option of the status."""
OPTIONS: Final = frozenset(_STARTED)
"""The options of `hs_task_status` that every account has."""
_VALUE_OF: Final[Mapping[str, str]] = {stage: value for value, (stage, _) in _STARTED.items()}
_INITIAL, _COMPLETED = "NOT_STARTED", "COMPLETED"
_TYPES: Final[Mapping[str, StatusType]] = {_INITIAL: "initial", _COMPLETED: "done"}
_OF_PIPELINE: Final = "the task pipeline in HubSpot"
_OF_OPTIONS: Final = "the options of hs_task_status in HubSpot"
_UNSURE: Final = f"{_OF_OPTIONS}; its task pipeline, which may have more, cannot be read"


@dataclass(frozen=True, slots=True)
class TaskStatuses:
    """All statuses that a task may have, by id: the option of `hs_task_status`, or the id of a custom stage.

    Statuses that cannot be chosen have the order 0. `stages` maps statuses to their stages. `pipelines` maps stages to
    their pipelines if the account has several.
    """

    by_id: Mapping[str, Status]
    complete: bool = True
    source: str = _OF_OPTIONS
    stages: Mapping[str, str] = field(default_factory=dict)
    pipelines: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of_pipelines(cls, json: JsonObject) -> "TaskStatuses | None":
        """The stages in a response to `GET /crm/v3/pipelines/tasks`; None if it has none.

        https://developers.hubspot.com/docs/api-reference/crm-pipelines-v3/guide
        """
        pipelines = sorted(rows_in("HubSpot", json, "results"), key=_display_order)
        pipelines = [pipeline for pipeline in pipelines if pipeline.get("archived") is not True]
        rows = [
            (pipeline, stage)
            for pipeline in pipelines
            for stage in sorted(rows_in("HubSpot", pipeline, "stages"), key=_display_order)
            if filled_text(stage.get("id"))
        ]
        if not rows:
            return None
        stages = [stage for _, stage in rows]
        statuses = list(_of_stages(stages))
        by_id = {status.id: status for status in statuses if status.id}
        return cls(
            by_id,
            source=_OF_PIPELINE,
            stages={str(status.id): stage["id"] for status, stage in zip(statuses, stages, strict=True)},
            pipelines={stage["id"]: str(pipeline.get("id")) for pipeline, stage in rows} if len(pipelines) > 1 else {},
        )

    @classmethod
    def of_options(cls, json: JsonObject, *, complete: bool) -> "TaskStatuses":
        """The options of the property `hs_task_status`; InvalidAnswer without any. Hidden options cannot be chosen.

        https://developers.hubspot.com/docs/api-reference/crm-properties-v3/guide
        """
        options = [option for option in rows_in("HubSpot", json, "options") if filled_text(option.get("value"))]
        if not options:
            raise invalid_answer("HubSpot", "without any status")
        options.sort(key=lambda option: (option.get("hidden") is not True, *_display_order(option)))
        hidden = sum(option.get("hidden") is True for option in options)
        by_id = {
            option["value"]: _status(option["value"], option, max(0, position - hidden))
            for position, option in enumerate(options, 1)
        }
        return cls(by_id, complete=complete, source=_OF_OPTIONS if complete else _UNSURE)

    @property
    def known(self) -> StatusList:
        """The statuses that can be chosen, in order; finished tasks have HubSpot's completed status."""
        choices = tuple(status for status in self.by_id.values() if status.order)
        completed = self._find(_COMPLETED)
        return StatusList(choices, self.complete, self.source, completed.id if completed else None)

    def knows(self, properties: Mapping[str, object]) -> bool:
        """Whether the status and the stage of a task are among these; values that are not text are ignored."""
        status, stage = (value if isinstance(value, str) else None for value in map(properties.get, (STATUS, STAGE)))
        has_stage = not stage or not self.stages or stage in self.stages.values()
        return has_stage and (not status or status in OPTIONS or status in self.by_id)

    def of_task(self, properties: Mapping[str, object]) -> Status | None:
        """The status of a task: by its stage if that is a custom one, else by its status, else by its default stage.

        The name of an unknown status is its value. TypeError for a value that is not text.
        """
        status, stage = optional_text(properties, STATUS), optional_text(properties, STAGE)
        if stage is not None and stage in self.by_id:
            return self.by_id[stage]
        value = status or (_VALUE_OF.get(stage, stage) if stage else None)
        if value is None:
            return None
        _, name = _STARTED.get(value, ("", value))
        kind = _TYPES.get(value, "unknown")
        return self._find(value) or Status(id=value, name=name, color=None, type=kind, order=0)

    def initial(self, raw: Mapping[str, object]) -> StatusChoice | None:
        """The status of a new task: that of its `raw` properties if it is a known option, else the initial status."""
        was = self.of_task({name: str(raw.get(name) or "") for name in STAGE_PROPERTIES})
        if was is not None and was.id in self.by_id and not self.is_own(was.id):
            return StatusChoice.of(was)
        return next((StatusChoice.of(status) for status in self.known.statuses if status.type == "initial"), None)

    def properties_of(self, status_id: str, before_id: str | None) -> dict[str, str]:
        """The properties that give a task this status; `before_id` is its present status."""
        stage = self.stages.get(status_id)
        status = {} if stage == status_id else {STATUS: status_id}
        if stage is None or (status and not self.is_own(before_id)):
            return status
        pipeline = self.pipelines.get(stage)
        return status | {STAGE: stage} | ({_PIPELINE: pipeline} if pipeline else {})

    def is_own(self, status_id: str | None) -> bool:
        """Whether a status is a custom stage."""
        return status_id is not None and self.stages.get(status_id) == status_id

    def _find(self, value: str) -> Status | None:
        """The status with this id, or else the stage with the default label of this option."""
        _, label = _STARTED.get(value, ("", ""))
        alike = (
            status for status in self.by_id.values() if label and status.order and fold(status.name) == fold(label)
        )
        return self.by_id.get(value) or next(alike, None)


def _of_stages(stages: Sequence[JsonObject]) -> Iterator[Status]:
    """The stages as statuses, in their order from 1; archived stages have the order 0.

    A new task starts in Not Started, or in the first open stage if the account has no such stage.
    """
    shown = [row["id"] for row in stages if row.get("archived") is not True]
    started = [row["id"] for row in stages if _VALUE_OF.get(row["id"]) == _INITIAL or row["id"] == _INITIAL]
    initial = next((row["id"] for row in stages if row["id"] in (started or shown) and not _is_closed(row)), None)
    for stage in stages:
        kind: StatusType = "done" if _is_closed(stage) else "initial" if stage["id"] == initial else "in_progress"
        order = shown.index(stage["id"]) + 1 if stage["id"] in shown else 0
        yield _status(_VALUE_OF.get(stage["id"], stage["id"]), stage, order, kind)


def _status(status_id: str, json: JsonObject, order: int, kind: StatusType | None = None) -> Status:
    name = filled_text(json.get("label")) or status_id
    kind = kind or _TYPES.get(status_id, "in_progress")
    return Status(id=status_id, name=name, color=None, type=kind, order=order)


def _is_closed(stage: JsonObject) -> bool:
    """Whether tasks in a stage are finished: `isClosed` is recorded as text."""
    is_closed, state = (value_at(stage, "metadata", name) for name in ("isClosed", "state"))
    return str(is_closed).casefold() == "true" or state == "CLOSED"


def _display_order(row: JsonObject) -> tuple[bool, int]:
    """The sort key of a row: negative `displayOrder` values come last, as HubSpot documents for properties."""
    order = row.get("displayOrder")
    return (False, order) if isinstance(order, int) and order >= 0 else (True, 0)
