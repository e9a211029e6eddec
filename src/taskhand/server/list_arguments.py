"""Lists of objects in a tool's arguments: each is checked alone, and an error in one does not refuse the others."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from pydantic import BaseModel

from taskhand.domain.errors import CallerError

__all__ = ["ListItem", "ListOf", "lists_of"]


@dataclass(frozen=True, slots=True)
class ListOf:
    """Marks an argument as a list of these objects; the tool gets a `ListItem` for each."""

    body: type[BaseModel]


class ListItem:
    """One object of a list: as it was `sent`, and either parsed or with the error that says what is wrong."""

    def __init__(self, sent: Any, value: BaseModel | CallerError) -> None:
        self.sent = sent
        self.value = value

    def text(self, name: str) -> str:
        """A field as it was sent, if it is a text; else empty."""
        found = self.sent.get(name) if isinstance(self.sent, Mapping) else None
        return found if isinstance(found, str) else ""


@cache
def lists_of(model: type[BaseModel]) -> dict[str, type[BaseModel]]:
    """The models of the objects in lists, by the argument's alias."""
    return {
        field.alias or name: mark.body
        for name, field in model.model_fields.items()
        for mark in field.metadata
        if isinstance(mark, ListOf)
    }
