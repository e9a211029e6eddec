"""The limits on fields of a task: characters of a text, the number of properties and of responsibles; pure."""

from collections.abc import Sequence

from taskhand.domain.capabilities import Capabilities
from taskhand.domain.errors import CallerError
from taskhand.domain.name_matching import shown_form
from taskhand.domain.properties import FEW_PROPERTIES
from taskhand.domain.task import TaskDraft, TaskPatch

__all__ = [
    "check_description",
    "check_lengths",
    "check_no_empty_entry",
    "check_number_of_properties",
    "check_responsibles",
]

_MAX_CHARACTERS = {"description": 50_000, "ai_contact_id": 200, "ai_customer_id": 200, "deal_id": 200}
"""By field. A longer text is most likely a mistake, and would fill the context of a model that reads it."""


def check_lengths(body: TaskDraft | TaskPatch, capabilities: Capabilities) -> None:
    """Refuse a body with a text that is too long."""
    for name, maximum in (_MAX_CHARACTERS | {"title": capabilities.longest_title}).items():
        text = getattr(body, name)
        if isinstance(text, str) and len(text) > maximum:
            argument = type(body).model_fields[name].alias
            raise CallerError(
                f"{argument} has {len(text)} characters.", code="too_long", next_step=f"Send at most {maximum}."
            )


def check_description(text: str) -> None:
    """Refuse a description that a note has made too long."""
    if len(text) > (maximum := _MAX_CHARACTERS["description"]):
        raise CallerError(
            f"With the note, the description has {len(text)} characters; at most {maximum} are allowed.",
            code="too_long",
            next_step="Send a shorter note, or shorten the description with update_task.",
        )


def check_number_of_properties(count: int) -> None:
    """Refuse more properties than one call may name."""
    if count > FEW_PROPERTIES:
        raise CallerError(
            f"{count} properties were given.", code="too_long", next_step=f"Send at most {FEW_PROPERTIES}."
        )


def check_no_empty_entry(people: Sequence[str], argument: str = "responsibleIds") -> None:
    """Refuse an empty entry in a list of people."""
    empty = sum(not shown_form(text) for text in people)
    if 0 < empty < len(people):
        entry = "entry" if empty == 1 else "entries"
        raise CallerError(
            f"{argument} has {'an' if empty == 1 else empty} empty {entry}.",
            code="unknown_member",
            next_step=f"Leave the empty {entry} out.",
        )


def check_responsibles(people: Sequence[str], capabilities: Capabilities) -> None:
    """Refuse more or fewer responsibles than a task can have, and an empty entry among them."""
    check_no_empty_entry(people)
    count = len(set(people))
    least, most = capabilities.least_responsibles, capabilities.most_responsibles
    if least <= count <= most:
        return
    has, allowed = ("needs", f"exactly {most}") if least == most else ("can have", f"at most {most}")
    raise CallerError(
        f"{count} responsibles were given; a task {has} {allowed}.",
        code="too_many_responsibles" if count > most else "responsible_required",
        next_step=f"Send {allowed} in responsibleIds.",
    )
