"""What a task is linked to, and what has to be linked and unlinked for an edit; pure.

https://developers.hubspot.com/docs/api-reference/crm-associations-v4/guide. A task may be linked to several contacts
and companies, of which the contract can say one: such links are left alone, and changing them is refused.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pydantic import MISSING

from taskhand.backends.hubspot.mapping import ID_OF, KINDS, Kind, Record, linked_ids
from taskhand.backends.hubspot.raw_values import raw_links
from taskhand.backends.remote.parsing import JsonObject, Malformed, objects
from taskhand.domain.edit import Edit
from taskhand.domain.errors import CallerError, NotFound

__all__ = [
    "MOST_PAIRS",
    "Relinking",
    "association_of",
    "changes_links",
    "left_linked",
    "links_in",
    "pairs_body",
    "relinkings",
    "still_linked",
    "unknown_link",
]

MOST_PAIRS: Final = 1_000
"""Inputs of one batch request: reading takes 1,000, creating 2,000."""
_CATEGORY: Final = "HUBSPOT_DEFINED"
_LONGEST_ID: Final = 20


@dataclass(frozen=True, slots=True)
class Relinking:
    """For one task and one kind: the id to link and the ids to unlink."""

    task_id: str
    kind: Kind
    link: str | None
    unlink: tuple[str, ...]


def changes_links(edit: Edit) -> bool:
    """Whether an edit says anything about contacts or companies."""
    return any(getattr(edit, ID_OF[kind][0]) is not MISSING for kind in KINDS)


def relinkings(record: Record, edit: Edit) -> list[Relinking]:
    """What has to be done to the links of a task; CallerError where there are several, or where an id is none."""
    found = []
    for kind in KINDS:
        field, argument, _ = ID_OF[kind]
        wanted, linked = getattr(edit, field), record.links.get(kind, ())
        if wanted is MISSING or linked == ((wanted,) if wanted else ()):
            continue
        if len(linked) > 1:
            raise CallerError(
                f"Task {record.id} is linked to {len(linked)} {kind} in HubSpot, and {argument} can say only one; "
                "nothing was written.",
                code="several_links",
                next_step=f"Leave {argument} out, and change these links in HubSpot.",
            )
        _check_id(wanted, argument)
        found.append(Relinking(record.id, kind, wanted, linked))
    return found


def _check_id(value: str | None, argument: str) -> None:
    """Refuse an id that no record of HubSpot's can have."""
    if value is not None and not (value.isascii() and value.isdecimal() and len(value) <= _LONGEST_ID):
        raise CallerError(
            f"{argument} {value[:60]!r} is not an id of HubSpot's.",
            code="invalid_id",
            next_step=f"Take {argument} from find_contacts, exactly as it stands there.",
        )


def association_of(edit: Edit) -> list[JsonObject]:
    """The `associations` of a new task, all of them where native values say so; CallerError for an id that is none."""
    rows: list[JsonObject] = []
    for kind in KINDS:
        _, argument, type_id = ID_OF[kind]
        for other in _linked(edit, kind):
            _check_id(other, argument)
            types = [{"associationCategory": _CATEGORY, "associationTypeId": type_id}]
            rows.append({"to": {"id": other}, "types": types})
    return rows


def _linked(edit: Edit, kind: Kind) -> tuple[str, ...]:
    """What a new task is to be linked to."""
    wanted = getattr(edit, ID_OF[kind][0])
    if wanted is MISSING:
        return ()
    known = raw_links(edit, kind)
    return known if known is not None else (wanted,) if wanted else ()


def pairs_body(kind: Kind, pairs: Iterable[tuple[str, str]], *, link: bool) -> JsonObject:
    """The body of `batch/create`, or of `batch/archive`, for pairs of a task's id and another's."""
    types = [{"associationCategory": _CATEGORY, "associationTypeId": ID_OF[kind][2]}]
    if link:
        return {"inputs": [{"from": {"id": one}, "to": {"id": other}, "types": types} for one, other in pairs]}
    return {"inputs": [{"from": {"id": one}, "to": [{"id": other}]} for one, other in pairs]}


def links_in(answer: JsonObject, asked: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
    """What each task asked for is linked to, out of an answer to `batch/read`.

    A task without links is left out of it, or is an error of its own; Malformed for any other error.
    """
    for error in objects(answer.get("errors")):
        said = f"{error.get('category')} {error.get('subCategory')}".upper()
        if "NO_ASSOCIATIONS" not in said and "NOT_FOUND" not in said:
            raise Malformed("with only some of the associations")
    found = dict.fromkeys(asked, ())
    rows = [(_from_id(row), linked_ids(row.get("to"))) for row in objects(answer.get("results"))]
    return found | {one: ids for one, ids in rows if one in found}


def still_linked(record: Record, relinked: Iterable[Relinking]) -> str | None:
    """What is to be said when a former link could not be removed; None when all are gone."""
    for one in relinked:
        if left := [other for other in one.unlink if other in record.links.get(one.kind, ())]:
            return f"The task is still linked to {one.kind} {', '.join(left)} too: HubSpot did not remove that."
    return None


def left_linked(relinked: Iterable[Relinking]) -> str | None:
    """What is to be said of new links when nobody can tell whether the rest was written; None without any."""
    if new := [f"{one.kind} {one.link}" for one in relinked if one.link is not None]:
        return f"It may be newly linked to {' and '.join(new)}, beside what it was linked to before."
    return None


def unknown_link(one: Relinking) -> NotFound:
    """The error for a contact or company that is not there."""
    _, argument, _ = ID_OF[one.kind]
    return NotFound(
        f"HubSpot has nothing to link by {argument} {str(one.link)[:20]}.",
        code="unknown_reference",
        next_step=f"Take {argument} from find_contacts, and send the call again.",
    )


def _from_id(row: JsonObject) -> str:
    source = row.get("from")
    return str(source.get("id")) if isinstance(source, dict) else ""
