"""Resolves task properties by name: checks them against the account's definitions, and finds tasks by unique values."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Final

from taskhand.backends.base import OwnProperties
from taskhand.backends.hubspot.properties.definitions import ARGUMENTS, PropertyDefinition
from taskhand.backends.hubspot.properties.values import written_value
from taskhand.backends.hubspot.task_reader import TaskReader
from taskhand.domain.errors import CallerError, Candidate
from taskhand.domain.name_matching import fold
from taskhand.domain.snapshot import Snapshot

__all__ = ["HubSpotProperties"]

_RECORD_ID: Final = "hs_object_id"
_MAX_CANDIDATES: Final = 10
_ALIKE: Final = 0.6


class HubSpotProperties(OwnProperties):
    """The task properties of an account."""

    def __init__(self, reader: TaskReader) -> None:
        self._reader = reader
        self._account = reader.account

    async def resolve(self, given: Mapping[str, str | None]) -> Mapping[str, str | None]:
        """The values to write; CallerError for a property that has an argument of its own or is read-only."""
        known = await self._account.definitions()
        values: dict[str, str | None] = {}
        for name, text in given.items():
            definition = _writable(name, known)
            values[name] = None if text is None else written_value(definition, text)
        return values

    async def find_names(self, names: Collection[str]) -> Mapping[str, str]:
        """The names of properties given by name or label; CallerError for an unknown property."""
        known = await self._account.definitions()
        return {name: name if name in ARGUMENTS else _find_definition(name, known).name for name in names}

    async def snapshots(
        self, ids: Sequence[str], names: Collection[str], *, to_delete: bool = False
    ) -> dict[str, Snapshot]:
        """Tasks with HubSpot's raw values and these properties."""
        return await self._reader.snapshots(ids, whole=to_delete, names=frozenset(names))

    async def find_ids(self, name: str, values: Sequence[str]) -> Mapping[str, str]:
        """The ids of tasks by the given values of a property; CallerError if its values are not unique."""
        if name != _RECORD_ID:
            name = _unique(name, await self._account.definitions())
        return await self._reader.find_ids(name, values)


def _find_definition(name: str, definitions: Mapping[str, PropertyDefinition]) -> PropertyDefinition:
    """The definition of a property given by name or by a unique label; CallerError with similar ones as candidates."""
    if (found := definitions.get(name)) is not None:
        return found
    word = fold(name)
    labelled = [
        definition for definition in definitions.values() if word in (fold(definition.label), fold(definition.name))
    ]
    if len(labelled) == 1:
        return labelled[0]
    own = [definition for definition in definitions.values() if definition.is_own]
    near = _alike(name, definitions.values())
    raise CallerError(
        f"HubSpot's tasks have no property {name[:60]!r}.",
        code="unknown_property",
        candidates=[Candidate(definition.name, definition.label) for definition in (near or own)[:_MAX_CANDIDATES]],
        next_step="Send the name of one of the candidates." if near or own else "Leave it out.",
    )


def _alike(name: str, definitions: Iterable[PropertyDefinition]) -> list[PropertyDefinition]:
    """The definitions whose names or labels resemble or contain this name, most similar first."""
    word, of_words = fold(name), dict[str, PropertyDefinition]()
    for definition in definitions:
        of_words |= {fold(definition.label): definition, fold(definition.name): definition}
    near = get_close_matches(word, of_words, n=_MAX_CANDIDATES, cutoff=_ALIKE)
    near += [other for other in of_words if len(word) > 2 and word in other]  # noqa: PLR2004  shorter parts match any
    return list({of_words[other].name: of_words[other] for other in near}.values())


def _writable(name: str, definitions: Mapping[str, PropertyDefinition]) -> PropertyDefinition:
    if (argument := ARGUMENTS.get(name)) is not None:
        raise CallerError(
            f"{name} is written by the argument {argument}, not in properties.",
            code="property_has_argument",
            candidates=[Candidate(argument)],
            next_step=f"Send {argument} instead.",
        )
    definition = _find_definition(name, definitions)
    if not definition.is_writable:
        raise CallerError(
            f"HubSpot sets the property {name} itself; it cannot be written.",
            code="read_only_property",
            next_step="Leave it out.",
        )
    return definition


def _unique(name: str, definitions: Mapping[str, PropertyDefinition]) -> str:
    """The name of a property given by name or label; CallerError if its values are not unique."""
    if (found := _find_definition(name, definitions)).is_unique:
        return found.name
    unique = [definition for definition in definitions.values() if definition.is_unique]
    raise CallerError(
        f"Several tasks may have the same {name}, so it cannot be idProperty.",
        code="property_not_unique",
        candidates=[Candidate(definition.name, definition.label) for definition in unique[:_MAX_CANDIDATES]],
        next_step="Send one of the candidates."
        if unique
        else "This account has no unique task property: send HubSpot's ids, without idProperty.",
    )
