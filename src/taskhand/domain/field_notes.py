"""Notes on a field of a request body: parts of its JSON schema that depend on the backend's capabilities."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

__all__ = ["NOTES", "field_notes"]

NOTES: Final = "notes"
"""The key of the notes in a field's JSON schema; no schema that is sent has it."""


def field_notes(
    *,
    null: str | None = None,
    empty: str | None = None,
    meanings: Mapping[str, str] | None = None,
    needs: str | None = None,
    for_several_people: bool = False,
    null_is_not_given: bool = False,
    me: str | None = None,
    unless_listed: str | None = None,
    without_description: str | None = None,
    empty_beside: Sequence[str] = (),
    deals: str | None = None,
    finished: bool = False,
) -> dict[str, Any]:
    """The notes, as a field's `json_schema_extra`.

    `null` and `empty` are clauses of the description on the effect of null and []. `meanings` are the words for the
    values of an enum; they are its description. `me` is a clause that holds if it is known who `me` is, and
    `unless_listed` one if the values are not an enum. `without_description` is the description where a task has no
    description of its own. `needs` is the field without which this one means nothing. `deals` is a clause that holds if
    tasks have deals. `for_several_people` is true of an argument that means nothing if a task has one person, and
    `finished` of a status that must be a finished one.

    `null_is_not_given` offers null in the schema of an optional argument: a host that must fill in every argument has
    no other value that means "not given". `empty_beside` are the arguments beside which {} or 0 is not given.
    """
    notes = {
        "null": null,
        "empty": empty,
        "meanings": dict(meanings) if meanings else None,
        "needs": needs,
        "for_several_people": for_several_people,
        "null_is_not_given": null_is_not_given,
        "me": me,
        "unless_listed": unless_listed,
        "without_description": without_description,
        "empty_beside": tuple(empty_beside),
        "deals": deals,
        "finished": finished,
    }
    return {NOTES: {name: note for name, note in notes.items() if note}}
