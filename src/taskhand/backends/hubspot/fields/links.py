"""The links of a task that fields of the contract show: one contact, one company and one deal; pure."""

from collections.abc import Collection, Mapping
from typing import Final, Literal, NamedTuple

from pydantic import MISSING

from taskhand.backends.remote.parsing import objects
from taskhand.domain.edit import Edit
from taskhand.domain.task import Task

__all__ = ["KINDS", "LINKS", "Kind", "further_links", "linked_ids", "links_of", "links_set", "shown_link"]

Kind = Literal["contacts", "companies", "deals"]
"""The kinds of records that the contract links tasks to."""

KINDS: Final[tuple[Kind, ...]] = ("contacts", "companies", "deals")


class LinkType(NamedTuple):
    """The field of an edit for a kind of link, and HubSpot's type id of the association.

    https://developers.hubspot.com/docs/api-reference/crm-associations-v4/guide, "Association type ID values".
    """

    field: str
    type_id: int


LINKS: Final[Mapping[Kind, LinkType]] = {
    "contacts": LinkType("ai_contact_id", 204),
    "companies": LinkType("ai_customer_id", 192),
    "deals": LinkType("deal_id", 216),
}


def linked_ids(results: object) -> tuple[str, ...]:
    """The ids in a list of associations, ascending: `toObjectId` (v4) or `id` (v3), as text or numbers."""
    ids = {str(row.get("toObjectId", row.get("id"))) for row in objects(results)}
    return tuple(sorted(filter(str.isdecimal, ids), key=lambda linked_id: (len(linked_id), linked_id)))


def links_of(task: Task) -> Mapping[Kind, tuple[str, ...]]:
    """The links that the fields of a task show, by kind."""
    shown = {kind: getattr(task, LINKS[kind].field) for kind in KINDS}
    return {kind: (linked_id,) if linked_id else () for kind, linked_id in shown.items() if linked_id is not MISSING}


def links_set(edit: Edit) -> Mapping[Kind, str | None]:
    """The contact, the company and the deal that an edit sets, by kind; None for one that it removes."""
    values = {kind: getattr(edit, LINKS[kind].field) for kind in KINDS}
    return {kind: linked_id for kind, linked_id in values.items() if linked_id is not MISSING}


def shown_link(links: Mapping[Kind, tuple[str, ...]], kind: Kind, of_links: Collection[str]) -> str | None:
    """The link of a kind that a field shows: one in `of_links`, else the lowest id."""
    ids = links.get(kind, ())
    return next((linked_id for linked_id in ids if linked_id in of_links), next(iter(ids), None))


def further_links(links: Mapping[Kind, tuple[str, ...]], of_links: Collection[str]) -> dict[str, tuple[str, ...]]:
    """The links that no field shows, by the field that shows another link of their kind."""
    further = {
        LINKS[kind].field: tuple(linked_id for linked_id in ids if linked_id != shown_link(links, kind, of_links))
        for kind, ids in links.items()
    }
    return {field: ids for field, ids in further.items() if ids}
