"""Explains refused writes by the arguments that were sent, and decides whether a refusal is doubtful; pure."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Final

from taskhand.call.request_log import RequestLog
from taskhand.domain.edit import Edit
from taskhand.domain.errors import CallerError, Explanation, NotFound, RateLimited, TaskhandError
from taskhand.domain.field_names import argument_name
from taskhand.domain.task import StatusChoice
from taskhand.http.errors import UnnamedValues

__all__ = ["UnknownLink", "explain_refusal", "is_doubtful", "references"]

_FROM: Final = {
    "status": "list_statuses",
    "responsible_ids": "list_team_members",
    "ai_contact_id": "find_contacts",
    "ai_customer_id": "find_contacts",
    "deal_id": "find_contacts",
}
"""The fields that refer to a record, and the tool that lists its ids or names."""
_LINKS: Final = frozenset({"ai_contact_id", "ai_customer_id", "deal_id"})
"""The fields that link a task to a record."""
_DEFINITE: Final = frozenset({400, 401, 402, 403, 413, 414, 422})
"""The HTTP statuses that refuse the values, their size or the credential: nothing was written."""


class UnknownLink(Explanation):
    """The record to link a task to does not exist."""


def is_doubtful(requests: RequestLog, refused: TaskhandError) -> bool:
    """Whether these requests, which ended with `refused`, leave open whether a write was applied.

    A request to wait leaves it open if one of the requests was sent. A 404 or a 409 leaves it open, because a proxy
    that loses a response may send the request again, and the second response may be an effect of the first request. A
    407, a 511, and a body of any status that is not the CRM's error come from a proxy or a network, which may have
    passed the request on.
    """
    if isinstance(refused, RateLimited):
        return requests.has_write_left
    failures = {
        status_code
        for status_code in requests.write_outcomes
        if isinstance(status_code, int) and status_code >= HTTPStatus.BAD_REQUEST
    }
    return requests.has_foreign_refusal or bool(failures - _DEFINITE)


def explain_refusal(refused: TaskhandError, name: str, edit: Edit, task_id: str | None) -> TaskhandError:
    """The error to report for a refused edit of a task (None: a new task) by the CRM with this `name`.

    A refusal with a status alone gets a message that names the arguments. A 404 is about a record that the edit refers
    to, because the task itself was read before.
    """
    if isinstance(refused.explanation, UnnamedValues):
        sent = _arguments(edit, [field for field, _ in edit.given_fields()])
        return CallerError(f"{name} refused the value of {sent}.", code=refused.code, next_step=refused.next_step)
    links = [reference for reference in references(edit) if reference in _LINKS]
    if links and isinstance(refused.explanation, UnknownLink):
        message = f"{name} does not know the value of {_arguments(edit, links)}."
        return CallerError(message, code=refused.code, next_step=refused.next_step)
    if not isinstance(refused, NotFound) or refused.code != NotFound.default_code:
        return refused
    if referring := references(edit):
        tools = dict.fromkeys(_FROM[field] for field in referring)
        return NotFound(
            f"{name} does not know the value of {_arguments(edit, referring)}.",
            code="unknown_status" if referring == ["status"] else "unknown_reference",
            next_step=f"Take it from {' or '.join(tools)}, and send the call again.",
        )
    if task_id is None:
        return refused
    return NotFound(
        f"{name} lists task {task_id}, but refused the change as if the task did not exist: it was deleted just now, "
        "or this credential may not change it.",
        code="task_not_found",
        next_step=f"Read it with get_task; if it is still there, look at it in {name}.",
    )


def references(edit: Edit) -> list[str]:
    """The fields of an edit that refer to a record: a status, a person, a contact, a customer or a deal."""
    return [field for field, value in edit.given_fields() if field in _FROM and value]


def _arguments(edit: Edit, names: Sequence[str]) -> str:
    """The arguments that set these fields, as text: "a, b or c"."""
    by_position = isinstance(edit.status, StatusChoice) and edit.status.name is None
    status = "newStatusPosition" if by_position else "newStatusName"
    *others, last = [status if name == "status" else argument_name(name) for name in names]
    return f"{', '.join(others)} or {last}" if others else last
