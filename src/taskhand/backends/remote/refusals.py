"""What a refused write was refused for, as far as its status tells, and whether to believe it; pure.

Only what was sent is named.
"""

from collections.abc import Sequence
from typing import Final

from taskhand.domain.edit import Edit
from taskhand.domain.errors import CallerError, NotFound, TaskhandError
from taskhand.domain.field_names import argument_name
from taskhand.domain.request_log import RequestLog
from taskhand.domain.task import StatusChoice
from taskhand.http.errors import refused_values

__all__ = ["explain_deletion", "explain_refusal", "is_doubtful", "references", "unknown_link"]

_FROM: Final = {
    "status": "list_statuses",
    "responsible_ids": "list_team_members",
    "ai_contact_id": "find_contacts",
    "ai_customer_id": "find_contacts",
    "deal_id": "find_contacts",
}
"""The fields that refer to something, and the tool that has its ids or names."""
_LINKS: Final = frozenset({"ai_contact_id", "ai_customer_id", "deal_id"})
"""The fields that link a task to a record."""
_DEFINITE: Final = frozenset({"400", "401", "402", "403", "413", "414", "422"})
"""The statuses that refuse the values, their size or the credential: then nothing was written."""


def is_doubtful(requests: RequestLog) -> bool:
    """Whether one of these requests was refused in a way that does not prove that it wrote nothing.

    A proxy that loses an answer may send the request again: then a 404 or a 409 is about what the first one has done.
    """
    return any(one.isdigit() and one.startswith("4") and one not in _DEFINITE for one in requests.write_outcomes)


def explain_refusal(refused: TaskhandError, name: str, edit: Edit, task_id: str | None) -> TaskhandError:
    """The refusal of an edit of a task (None: a new one) by the CRM of that `name`, where its status is all it says.

    A 404 is about something that the edit refers to: that the task is there was looked at before.
    """
    if refused.message == refused_values(name):
        sent = _arguments(edit, [field for field, _ in edit.given()])
        return CallerError(f"{name} refused what was sent as {sent}.", code=refused.code, next_step=refused.next_step)
    if refused.message == unknown_link(name) and (links := [one for one in references(edit) if one in _LINKS]):
        said = f"{name} does not know what was sent as {_arguments(edit, links)}."
        return CallerError(said, code=refused.code, next_step=refused.next_step)
    if not isinstance(refused, NotFound) or refused.code != NotFound.default_code:
        return refused
    if referring := references(edit):
        tools = dict.fromkeys(_FROM[field] for field in referring)
        return NotFound(
            f"{name} does not know what was sent as {_arguments(edit, referring)}.",
            code="unknown_reference",
            next_step=f"Take it from {' or '.join(tools)}, and send the call again.",
        )
    if task_id is None:
        return refused
    return NotFound(
        f"{name} lists task {task_id}, but answers that it does not exist when it is to be changed: it was deleted "
        "just now, or this credential may not change it.",
        code="task_not_found",
        next_step=f"Read it with get_task; if it is still there, look at it in {name}.",
    )


def references(edit: Edit) -> list[str]:
    """The fields of an edit that refer to something: a person, a contact, a customer, a status."""
    return [field for field, value in edit.given() if field in _FROM and value]


def unknown_link(name: str) -> str:
    """The message of a refusal because a record does not exist that a task was to be linked to, before it is named."""
    return f"{name} does not have what the task was to be linked to."


def explain_deletion(refused: TaskhandError, name: str, task_id: str) -> TaskhandError:
    """The refusal of a deletion, where the CRM does not say why."""
    if refused.message != refused_values(name):
        return refused
    return CallerError(
        f"{name} refused to delete task {task_id[:200]}.",
        code=refused.code,
        next_step=f"Read it with get_task; if it is there, look at it in {name}.",
    )


def _arguments(edit: Edit, names: Sequence[str]) -> str:
    """The arguments that set these fields, as a list."""
    by_position = isinstance(edit.status, StatusChoice) and edit.status.name is None
    status = "newStatusPosition" if by_position else "newStatusName"
    *others, last = [status if name == "status" else argument_name(name) for name in names]
    return f"{', '.join(others)} or {last}" if others else last
