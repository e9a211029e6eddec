"""Notes on a field of a request body: parts of its JSON schema that depend on the backend's capabilities."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypedDict, Unpack

__all__ = ["NOTES", "field_notes"]

NOTES: Final = "notes"
"""The key of the notes in a field's JSON schema; no schema that is sent has it."""


class _Notes(TypedDict, total=False):
    """The notes on one field; each applies only if it is given.

    `null` and `empty` are clauses of the description on the effect of null and []. `meanings` are the words for the
    values of an enum; they are its description. `names_values` is true of a description that names all of them. `me` is
    a clause that holds if it is known who `me` is, and `unless_listed` one if the values are not an enum.
    `without_description` is the description where a task has no description of its own. `needs` is the field without
    which this one means nothing. `deals` is a clause that holds if tasks have deals. `for_several_people` is true of an
    argument that means nothing if a task has one person, and `finished` of a status that must be a finished one.

    `null_is_not_given` offers null in the schema of an optional argument: a host that must fill in every argument has
    no other value that means "not given". `empty_beside` are the arguments beside which {} or 0 is not given.
    """

    null: str
    empty: str
    meanings: Mapping[str, str]
    names_values: bool
    needs: str
    for_several_people: bool
    null_is_not_given: bool
    me: str
    unless_listed: str
    without_description: str
    empty_beside: Sequence[str]
    deals: str
    finished: bool


def field_notes(**notes: Unpack[_Notes]) -> dict[str, Any]:
    """The notes, as a field's `json_schema_extra`."""
    return {NOTES: notes}
