"""The tasks of a mass change that go to Close in one common request, because they get equal values; pure."""

import json
import re
from collections.abc import Sequence

from taskhand.backends.close.client import CHUNK
from taskhand.backends.close.mapping import CAPABILITIES, bulk_body
from taskhand.backends.remote.bulk_item import Item
from taskhand.backends.remote.parsing import JsonObject
from taskhand.domain.chunks import chunks

__all__ = ["group_updates"]


def group_updates(
    items: Sequence[Item[JsonObject]], at_least: int
) -> tuple[list[list[Item[JsonObject]]], list[Item[JsonObject]]]:
    """Groups of up to 100 items with equal values, and the items to update one by one.

    An item is updated alone if a field of its edit cannot be updated in bulk, or if its group has less than `at_least`.
    """
    groups: dict[str, list[Item[JsonObject]]] = {}
    singles: list[Item[JsonObject]] = []
    for item in items:
        is_plain = re.fullmatch(CAPABILITIES.id_pattern, item.id)  # the ids are joined by commas
        values = bulk_body(item.edit) if is_plain else None
        group = singles if values is None else groups.setdefault(json.dumps(values, sort_keys=True), [])
        group.append(item)
    requests = [[*part] for group in groups.values() for part in chunks(group, CHUNK)]
    singles += [item for request in requests if len(request) < at_least for item in request]
    return [request for request in requests if len(request) >= at_least], singles
