"""The differences that a write makes: the values before and after, and the fields that were not applied; pure."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from pydantic import MISSING

from taskhand.domain.plan import Difference
from taskhand.domain.receipt import FieldChange
from taskhand.domain.truncation import truncate, truncate_change
from taskhand.domain.unapplied_fields import Unapplied
from taskhand.server.render.write_fields import DifferenceRow, UnappliedRow

if TYPE_CHECKING:
    from taskhand.domain.wording import Wording

__all__ = ["difference_row", "or_missing", "render_changed", "shorten", "shorten_change", "unapplied_rows"]

_NAME, _SNIPPET = 60, 200
_MAX_SHOWN = 8
"""Maximum number of items of a list in a difference."""
_FEW_PEOPLE = 3
"""Number of people shown for a task to delete."""


def render_changed(changed: Iterable[FieldChange], wording: "Wording") -> dict[str, Any]:
    """The fields that change, by name, each with the value before (`from`) and after (`to`).

    Ids of links come with their `names`.
    """
    difference = wording.difference(changed)
    shown = {field: shorten_change(sides["from"], sides["to"]) for field, sides in difference.items()}
    for field, sides in difference.items():
        if names := wording.links(field, *sides.values()):
            shown[field]["names"] = names
    return shown


def difference_row(difference: Difference, wording: "Wording") -> DifferenceRow:
    """The row for the change of one task."""
    return DifferenceRow(
        id=difference.id,
        title=truncate(difference.title, _NAME),
        does=difference.does,
        due=or_missing(wording.due(difference.due)),
        responsibles=tuple(wording.people(difference.responsible_ids)[:_FEW_PEOPLE]) or MISSING,
        changed=render_changed(difference.changed, wording) or MISSING,
    )


def unapplied_rows(missed: Iterable[Unapplied], wording: "Wording") -> tuple[UnappliedRow, ...]:
    """A row for each field that was not applied."""
    return tuple(
        UnappliedRow(
            field=unapplied.field,
            asked=shorten(wording.value(unapplied.asked)),
            got=shorten(wording.value(unapplied.got)),
            was=MISSING if unapplied.was is MISSING else shorten(wording.value(unapplied.was)),
            id=or_missing(unapplied.task_id),
        )
        for unapplied in missed
    )


def shorten_change(before: object, after: object) -> dict[str, object]:
    """Both values of a difference, cut to fit an answer around the first difference."""
    if isinstance(before, str) and isinstance(after, str):
        before, after = truncate_change(before, after, _SNIPPET)
        return {"from": before, "to": after}
    return {"from": shorten(before), "to": shorten(after)}


def shorten(value: object) -> object:
    """A value of a difference, cut to fit an answer."""
    if isinstance(value, list) and len(value) > _MAX_SHOWN:
        return [*value[:_MAX_SHOWN], f"… (+{len(value) - _MAX_SHOWN})"]
    return truncate(value, _SNIPPET) if isinstance(value, str) else value


def or_missing(text: str | None) -> str | MISSING:
    """The text as a field of an answer."""
    return MISSING if text is None else text
