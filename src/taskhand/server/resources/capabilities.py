"""The resource `taskhand://capabilities`."""

from pydantic import MISSING

from taskhand.domain.capabilities import Capabilities
from taskhand.domain.priority import PRIORITY_WORDS
from taskhand.domain.task import TaskDraft, TaskPatch
from taskhand.server.arguments.accepted_types import json_types
from taskhand.server.render.answer import Answer
from taskhand.server.resource import Resource
from taskhand.server.schemas.narrowed import input_schema
from taskhand.server.schemas.portable import model_fields
from taskhand.service.app_context import AppContext

__all__ = ["CAPABILITIES", "CapabilitiesAnswer"]

_NOT_HERE = "not here"


class CapabilitiesAnswer(Answer):
    """The features of the backend, by the names of the tools' arguments."""

    backend: str
    fields: dict[str, str]
    priority: dict[str, str]
    responsibles: str
    due_time: str
    lists: str
    bulk: str
    status_effects: str | MISSING = MISSING

    @classmethod
    def of(cls, app: AppContext) -> "CapabilitiesAnswer":
        """The features of the backend of `app`, in words."""
        from taskhand.service.bulk_targets import MAX_TASKS

        can = app.backend.capabilities
        return cls(
            backend=app.connection.backend,
            fields=_fields(can),
            priority={digit: word for word, digit in PRIORITY_WORDS.items() if digit in can.priorities},
            responsibles=_describe_people(can),
            due_time=f"{_describe_kept_zone(can)} {_describe_default_zone(app.timezone)}",
            lists="A list shows a write at once."
            if can.lists_are_current
            else "A list may be a little behind: after a write believe its answer, or get_task.",
            bulk=f"Up to {MAX_TASKS} tasks in one call. "
            f"More than {app.policy.plan_over}, or any filter, stop at a plan.",
            status_effects=can.status_effects or MISSING,
        )


def _fields(can: Capabilities) -> dict[str, str]:
    """The use of each field of the documented body, from the tools' schemas."""
    create, update = input_schema(TaskDraft, can), input_schema(TaskPatch, can)
    names = [field.alias or name for body in (TaskDraft, TaskPatch) for name, field in body.model_fields.items()]
    use_of: dict[str, str] = {}
    for name in dict.fromkeys(name for name in names if name != "clear"):
        uses = []
        if name in create["properties"]:
            uses.append("create (required)" if name in create["required"] else "create")
        if name in update["properties"]:
            may_be_null = "null" in json_types(update["properties"][name]) & json_types(model_fields(TaskPatch)[name])
            uses.append("update (may be null)" if may_be_null else "update")
        use_of[name] = ", ".join(uses) or _NOT_HERE
    return use_of


def _describe_people(can: Capabilities) -> str:
    least, most = can.least_responsibles, can.most_responsibles
    if least == most:
        return f"A task has exactly {most}."
    return f"A task has {least} to {most}."


def _describe_kept_zone(can: Capabilities) -> str:
    return "It keeps its zone." if can.keeps_timezone else "It keeps no zone of its own."


def _describe_default_zone(zone: str | None) -> str:
    return f"Without timezone, {zone} is meant." if zone else "Send timezone with it."


async def _read(app: AppContext, _: str) -> CapabilitiesAnswer:
    return CapabilitiesAnswer.of(app)


CAPABILITIES = Resource(
    uri="taskhand://capabilities",
    name="capabilities",
    title="What this CRM can express",
    description="Which task fields can be set or cleared here, and how due times, lists and bulk changes behave.",
    like=None,
    read=_read,
)
