"""Which of many edits go together in one request, which by themselves, and in what order; pure."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from taskhand.backends.close.client import CHUNK
from taskhand.backends.close.mapping import bulk_body
from taskhand.backends.remote.parsing import JsonObject
from taskhand.domain.edit import Edit
from taskhand.domain.errors import CallerError
from taskhand.domain.task import Task

__all__ = ["Chunk", "Place", "accepted_row", "chunks_of", "ids_of", "rounds_of"]

_FEWEST: Final = 3
"""Up to two tasks take no more requests one by one, and each of those answers with the task."""
_PLAIN_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,200}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Place:
    """One edit of many, and where in the answer its outcome belongs."""

    number: int
    before: Task
    edit: Edit


Chunk = tuple[dict[str, Any], list[Place]]


def rounds_of(edits: Sequence[tuple[Task, Edit]]) -> list[list[Place]]:
    """The edits one round after the other, each task once in a round: a second edit of it goes after the first."""
    rounds: list[list[Place]] = []
    times: Counter[str] = Counter()
    for number, (before, edit) in enumerate(edits):
        if times[before.id] == len(rounds):
            rounds.append([])
        rounds[times[before.id]].append(Place(number, before, edit))
        times[before.id] += 1
    return rounds


def chunks_of(places: Sequence[Place]) -> tuple[list[Chunk], list[Place]]:
    """The edits that go together, up to 100 with the same values, and those that go by themselves."""
    groups: dict[str, Chunk] = {}
    alone: list[Place] = []
    for place in places:
        values = _values(place)
        if values is None:
            alone.append(place)
        else:
            groups.setdefault(json.dumps(values, sort_keys=True), (values, []))[1].append(place)
    chunks = [(values, part) for values, group in groups.values() for part in _parts(group)]
    alone += [place for _, part in chunks if len(part) < _FEWEST for place in part]
    return [chunk for chunk in chunks if len(chunk[1]) >= _FEWEST], alone


def ids_of(places: Sequence[Place]) -> list[str]:
    """Each task once."""
    return list(dict.fromkeys(place.before.id for place in places))


def accepted_row(raw: JsonObject, values: dict[str, Any]) -> JsonObject:
    """A task as it is after a bulk update that Close confirmed."""
    dated = {"is_dateless": False, "due_date": values["date"]} if "date" in values else {}
    return raw | dated | values


def _values(place: Place) -> dict[str, Any] | None:
    """What to send for many; None where the edit goes by itself, be it to be refused there."""
    try:
        return bulk_body(place.edit) if _PLAIN_ID.fullmatch(place.before.id) else None
    except CallerError:
        return None


def _parts(places: list[Place]) -> Iterator[list[Place]]:
    for start in range(0, len(places), CHUNK):
        yield places[start : start + CHUNK]
