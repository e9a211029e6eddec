"""The custom objects of an account, which tasks may be linked to; pure.

https://developers.hubspot.com/docs/api-reference/legacy/crm/objects/schemas/get-schemas
"""

import re
from collections.abc import Mapping
from typing import Final

from taskhand.backends.remote.parsing import JsonObject, filled_text, rows_in

__all__ = ["custom_objects_in"]

_TYPE_ID: Final = re.compile(r"2-[0-9]{1,20}", re.ASCII)


def custom_objects_in(json: JsonObject) -> Mapping[str, str]:
    """What custom objects are called, by the ids of their types: `2-` and the id of the schema."""
    found: dict[str, str] = {}
    for row in rows_in("HubSpot", json, "results"):
        own, labels = str(row.get("id") or ""), row.get("labels")
        type_id = filled_text(row.get("objectTypeId")) or (f"2-{own}" if own.isdecimal() else own)
        if _TYPE_ID.fullmatch(type_id) and row.get("archived") is not True:
            plural = labels.get("plural") if isinstance(labels, dict) else None
            found[type_id] = filled_text(plural) or filled_text(row.get("name")) or type_id
    return found
