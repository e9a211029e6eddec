"""What HubSpot's answer to a write says of what was sent; pure.

An update answers with the values that the properties have afterwards, normalised and with what HubSpot calculated from
them: those that changed, not the whole task (recorded; the schema says only that there are `properties`:
https://developers.hubspot.com/docs/api-reference/crm-tasks-v3/batch/update-tasks). So an answer that shows every
property that was sent, with the value that was sent, is HubSpot's own word that the write took: reading the task again
would ask the same store the same question. Whatever an answer is silent about, or shows otherwise, has to be read.
"""

from collections.abc import Mapping
from typing import Final

from taskhand.backends.hubspot.due import moment_of
from taskhand.backends.remote.parsing import JsonObject

__all__ = ["is_complete", "shows"]

_MOMENTS: Final = frozenset({"hs_timestamp"})
_FLAGS: Final = frozenset({"hs_task_is_all_day"})


def is_complete(answer: JsonObject) -> bool:
    """Whether a batch says that it was carried out; one that is PENDING or PROCESSING may still come to nothing."""
    return answer.get("status") == "COMPLETE"


def shows(properties: JsonObject, sent: Mapping[str, str]) -> bool:
    """Whether HubSpot's properties say every value that was sent; what was cleared is empty, and must be named too."""
    return all(name in properties and _same(name, properties[name], value) for name, value in sent.items())


def _same(name: str, shown: object, sent: str) -> bool:
    text = "" if shown is None else str(shown)
    if name in _FLAGS:
        return text.casefold() == sent.casefold()
    if name in _MOMENTS and text and sent:
        try:
            return moment_of(text) == moment_of(sent)
        except (ValueError, OverflowError):
            return False
    return text == sent
