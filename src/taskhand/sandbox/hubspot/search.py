"""`POST /search`: https://developers.hubspot.com/docs/api-reference/crm-search-v3/guide.

The search has its own rate limit, and its index lags behind the records.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from taskhand.sandbox.hubspot.context import find_object_type
from taskhand.sandbox.hubspot.errors import read_list, validation_error
from taskhand.sandbox.hubspot.filters import ASSOCIATED, WORD, Filter, comparable, matches_condition
from taskhand.sandbox.hubspot.links import associated_ids
from taskhand.sandbox.hubspot.paging import read_offset
from taskhand.sandbox.hubspot.rendering import all_properties, property_definitions, render_requested
from taskhand.sandbox.hubspot.reply import JsonResponse

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from taskhand.sandbox.hubspot.context import RequestContext
    from taskhand.sandbox.hubspot.property_definitions import Definition
    from taskhand.sandbox.hubspot.record import RecordVersion

PAGE, MAX_PAGE = 10, 200
GROUPS, FILTERS, ALL_FILTERS = 5, 6, 18
CHARACTERS = 3000


@dataclass(frozen=True)
class SearchQuery:
    """The query of a search; `sort` is a property and whether the order is descending."""

    groups: tuple[tuple[Filter, ...], ...]
    words: str
    sort: tuple[str, bool] | None
    names: tuple[str, ...]
    limit: int
    after: int


class View(NamedTuple):
    """A record of the index with all its properties, including calculated ones."""

    record: RecordVersion
    properties: Mapping[str, str]


def search_objects(ctx: RequestContext) -> JsonResponse:
    """Search the records of one object type in the index."""
    query = _query(ctx, ctx.object())
    views = [View(record, all_properties(ctx, record)) for record in _indexed(ctx)]
    definitions = property_definitions(ctx, ctx.object_type)
    rows = _sort_views(query, [view for view in views if _matches_query(ctx, query, view, definitions)], definitions)
    last = query.after + query.limit
    page = {
        "total": len(rows),
        "results": [render_requested(ctx, row.record, query.names) for row in rows[query.after : last]],
    }
    return JsonResponse(200, page | ({"paging": {"next": {"after": str(last)}}} if last < len(rows) else {}))


def _query(ctx: RequestContext, body: Mapping[str, Any]) -> SearchQuery:
    """Read the body; its limits are documented, the error texts are assumed."""
    words = str(body.get("query") or "")
    if len(ctx.request.body) > CHARACTERS or len(words) > CHARACTERS:
        raise validation_error(f"The request body must be at most {CHARACTERS} characters")
    limit, after = _limit(body.get("limit")), read_offset(str(body.get("after") or ""))
    if after + limit > ctx.spec_variant.search_cap:
        raise validation_error(f"Paging past {ctx.spec_variant.search_cap} results is not supported")
    names = tuple(str(name) for name in read_list(body, "properties"))
    return SearchQuery(_groups(ctx, body), words, _sort(ctx, read_list(body, "sorts")), names, limit, after)


def _limit(sent: object) -> int:
    text = str(PAGE if sent in (None, 0) else sent)
    if not (text.isdigit() and int(text) <= MAX_PAGE):
        raise validation_error(f"limit must be from 1 to {MAX_PAGE}", limit=[text])
    return int(text)


def _groups(ctx: RequestContext, body: Mapping[str, Any]) -> tuple[tuple[Filter, ...], ...]:
    bare = read_list(body, "filters")  # a list without group is accepted too
    rows = [*read_list(body, "filterGroups"), *([{"filters": bare}] if bare else [])]
    if not all(isinstance(row, dict) for row in rows):
        raise validation_error("Invalid filter group")
    known_names = property_definitions(ctx, ctx.object_type)
    groups = tuple(
        tuple(Filter.from_json(condition, known_names) for condition in read_list(row, "filters")) for row in rows
    )
    sizes = [len(group) for group in groups]
    if len(groups) > GROUPS or max(sizes, default=0) > FILTERS or sum(sizes) > ALL_FILTERS:
        raise validation_error(f"At most {GROUPS} filter groups, {FILTERS} filters in one, {ALL_FILTERS} in all")
    return groups


def _sort(ctx: RequestContext, rules: list[Any]) -> tuple[str, bool] | None:
    if not rules:
        return None
    [rule] = rules if len(rules) == 1 else [None]
    if isinstance(rule, dict):  # as in the guide
        name, descends = str(rule.get("propertyName", "")), rule.get("direction") == "DESCENDING"
    else:  # `-name`, as in the OpenAPI file
        name, descends = str(rule).lstrip("-"), str(rule).startswith("-")
    if rule is None or name not in property_definitions(ctx, ctx.object_type):
        raise validation_error("sorts takes one rule with the name of a property")
    return name, descends


def _indexed(ctx: RequestContext) -> list[RecordVersion]:
    """Return the records of the index, which lags by some seconds and has no archived records."""
    if ctx.is_stale:
        return [record for record in ctx.store.all(ctx.object_type, stale=True) if not record.is_archived]
    hides = ctx.spec_variant.archived_index == "hidden"
    live = [record for record in ctx.store.all(ctx.object_type) if not (hides and record.is_archived)]
    indexed = [ctx.store.as_of(record, _horizon(ctx, record)) for record in live]
    return [record for record in indexed if record is not None and not record.is_archived]


def _horizon(ctx: RequestContext, record: RecordVersion) -> dt.datetime:
    late = ctx.spec_variant.late_records if int(record.id) % 2 else 0
    return ctx.after(seconds=-ctx.spec_variant.search_lag - late)


def _matches_query(ctx: RequestContext, query: SearchQuery, view: View, definitions: Mapping[str, Definition]) -> bool:
    if words := WORD.findall(query.words.casefold()):
        text = " ".join(view.properties.get(name, "") for name in view.record.object_type.searched).casefold()
        if not all(word in text for word in words):
            return False
    groups = (all(_matches_filter(ctx, condition, view, definitions) for condition in group) for group in query.groups)
    return any(groups) or not query.groups  # OR between groups, AND within a group


def _matches_filter(ctx: RequestContext, condition: Filter, view: View, definitions: Mapping[str, Definition]) -> bool:
    if not condition.name.startswith(ASSOCIATED):
        return matches_condition(
            condition, view.properties.get(condition.name), definitions[condition.name], ctx.spec_variant
        )
    record = view.record
    object_type = find_object_type(condition.name.removeprefix(ASSOCIATED))
    ids = associated_ids(
        ctx.store, record.object_type, record.id, object_type, None if ctx.is_stale else _horizon(ctx, record)
    )
    wanted = {condition.value, *condition.values} - {""}
    return bool(wanted & set(ids)) if wanted else bool(ids) == (condition.operator == "HAS_PROPERTY")


def _sort_views(query: SearchQuery, views: list[View], definitions: Mapping[str, Definition]) -> list[View]:
    """Sort by the query's rule, records without the property last; by default oldest first."""
    rows = sorted(views, key=lambda view: (view.record.created_at, int(view.record.id)))
    if query.sort is None:
        return rows
    name, descends = query.sort
    valued = [view for view in rows if view.properties.get(name) is not None]
    valued.sort(key=lambda view: comparable(view.properties[name], definitions[name]), reverse=descends)
    return valued + [view for view in rows if view.properties.get(name) is None]
