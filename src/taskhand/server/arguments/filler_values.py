"""Decides which values a host only filled in, and for a task's body which fields to set and which to empty; pure.

A host may send null, "", 0 or [] for every omitted argument. In a new task they have no effect. In a change null
empties a field, so a change is refused unless every null is certainly intended.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from pydantic import BaseModel

from taskhand.domain.capability_notes import NOTES
from taskhand.domain.errors import CallerError, Candidate
from taskhand.domain.name_matching import normalize_argument
from taskhand.domain.task import TaskDraft, TaskPatch
from taskhand.domain.task_query import TaskFilter
from taskhand.server.arguments.accepted_types import choices, json_types
from taskhand.server.arguments.coercion import NULL_AS_TEXT, is_empty
from taskhand.server.schemas.portable import Schema, model_fields

__all__ = ["OtherArguments", "TaskBody"]

_ADDITIONS = frozenset({"addNote", "addResponsibleIds", "removeResponsibleIds", "properties"})
"""Fields that add to a task, remove from it, or set only what they name: an empty value in them has no effect."""
_DUE = frozenset({"dueDate", "dueTime", "timezone"})
"""Fields that together describe the due date."""
_ANY_TEXT = frozenset({"text", "reason", "query", "newStatusName"})
"""Arguments that may be any words, "null" too."""
_FALSE_IF_LEFT_OUT = frozenset({"dryRun", "withoutDate"})
"""Switches for which 0 has the same effect as leaving them out."""


class OtherArguments(NamedTuple):
    """The arguments of `model` that are not fields of a task's body: `properties` are their schemas.

    `reads` is whether the tool only reads. `is_replaced` is whether another argument of the call takes their place.
    """

    model: type[BaseModel]
    properties: Schema
    required: Sequence[str]
    reads: bool
    is_replaced: bool

    def is_filler(self, name: str, value: Any, arguments: Mapping[str, Any]) -> bool:
        """Whether a value has the same effect as leaving the argument out, beside the other `arguments`."""
        if name in self.required:
            return False
        if value is None:
            return "null" not in json_types(model_fields(self.model)[name])
        if isinstance(value, str) and value in NULL_AS_TEXT and name not in _ANY_TEXT:
            return True
        if issubclass(self.model, TaskFilter) and not self.reads and not self.is_replaced:
            return False
        return self._is_empty(name, value, arguments)

    def has_replacement(self, name: str, arguments: Mapping[str, Any]) -> bool:
        """Whether another argument is given that can take the place of this one."""
        notes = model_fields(self.model)[name].get(NOTES, {})
        return any(not is_empty(arguments.get(other)) for other in notes.get("empty_beside", ()))

    def _is_empty(self, name: str, value: Any, arguments: Mapping[str, Any]) -> bool:
        """Whether a value is empty and certainly a filler."""
        types = json_types(self.properties[name])
        match value:
            case "":
                return True
            case bool():
                return False
            case 0 | 0.0 if "boolean" in types:
                return name in _FALSE_IF_LEFT_OUT
            case 0 | 0.0:
                return self.reads or self.has_replacement(name, arguments) or "string" in types
            case ():
                return self.reads or self.is_replaced or "array" not in types
            case dict():
                return not value and (self.reads or self.has_replacement(name, arguments) or "object" not in types)
            case _:
                return False


class TaskBody(NamedTuple):
    """A body of `kind`: `properties` are the schemas of its fields and of the arguments beside them.

    `within` is the argument that contains the body, "" for none. `beside_change` is whether the call changes the same
    tasks in another way too.
    """

    kind: type[TaskDraft | TaskPatch]
    properties: Schema
    required: Sequence[str]
    within: str
    beside_change: bool = False

    def read(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The values as they are meant; a field to empty is None, or () for people.

        CallerError if `clear` names a field that cannot be emptied, or a value may be filled in by a host.
        """
        arguments = _without_blank_additions(arguments)
        listed = self._list_of_clear(arguments.get("clear"))
        if not isinstance(listed, tuple | None) or not all(isinstance(name, str) for name in listed or ()):
            return dict(arguments)  # refused by its type
        others = {name: value for name, value in arguments.items() if name not in model_fields(self.kind)}
        body = {name: value for name, value in arguments.items() if name not in {*others, "clear"}}
        cleared = None if listed is None else [self._find_clearable(name) for name in listed]
        if cleared is not None or self.kind is TaskDraft:
            body = {name: value for name, value in body.items() if name in self.required or not _is_blank(name, value)}
        else:
            body = self._without_fillers(body)
        if self.kind is TaskDraft:
            return others | body
        self._check_certain(body)
        return others | body | self._empty_fields(cleared or (), body)

    def _without_fillers(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """The body without certain fillers; CallerError if null or "" may be a filler or may be intended."""
        if not any(_is_blank(name, value) for name, value in body.items()):
            return dict(body)
        nullable = self._nullable
        kept = {name: value for name, value in body.items() if value is not None or self._takes_null(name)}
        emptied = [name for name, value in kept.items() if name in nullable and _is_blank(name, value)]
        if emptied == ["description"] and "addNote" in kept:  # this text is appended to it
            return {name: value for name, value in kept.items() if not _is_blank(name, value)}
        if self.beside_change or not all(_is_blank(name, value) for name, value in kept.items()):
            if len(emptied) > 1 or any(kept[name] is not None for name in emptied):
                raise self._ambiguity_error(emptied)
            return {name: value for name, value in kept.items() if name in emptied or not _is_blank_text(name, value)}
        if any(_is_null_as_text(kept[name]) for name in emptied):
            raise self._ambiguity_error(emptied)
        if {*emptied} == {*nullable} and not {*emptied} <= _DUE:
            raise self._ambiguity_error(emptied)
        return kept

    def _check_certain(self, body: Mapping[str, Any]) -> None:
        """Refuse values of a change that may be fillers, and that would change a task."""
        if body.get("responsibleIds") == () and "responsibleIds" in self._clearable:
            raise CallerError(
                f"{self._dotted_name('responsibleIds')} is empty.",
                code="responsible_required",
                next_step="Send at least one person, or leave it out; "
                f'to leave the task to nobody, send {self._dotted_name("clear")} ["responsibleIds"].',
            )
        if _is_null_as_text(title := body.get("title")) and len(body) > 1:
            raise CallerError(
                f"{self._dotted_name('title')} is {title!r} beside another change: a host may have filled it in.",
                code="invalid_arguments",
                next_step=f"Leave {self._dotted_name('title')} out, or send it as the only change.",
            )
        position = body.get("newStatusPosition")
        if position in (0, "0", "0.0") and len(body) > 1 and "newStatusName" not in body:
            raise CallerError(
                f"{self._dotted_name('newStatusPosition')} is 0 beside another change: a host may have filled it in.",
                code="invalid_arguments",
                next_step="Send newStatusName instead, or leave newStatusPosition out.",
            )

    def _list_of_clear(self, clear: Any) -> Any:
        """`clear` without empty entries; any other empty value becomes an empty list."""
        if isinstance(clear, tuple):
            return tuple(name for name in clear if not is_empty(name))
        return () if clear is not None and is_empty(clear) else clear

    def _empty_fields(self, cleared: Sequence[str], body: Mapping[str, Any]) -> dict[str, Any]:
        """The fields that `clear` names, emptied; CallerError for a field that also has a value."""
        if both := [name for name in cleared if name in body]:
            raise CallerError(
                f"{self._dotted_name(both[0])} has a value, and {self._dotted_name('clear')} names it.",
                code="invalid_arguments",
                next_step="Send one of the two.",
            )
        return {name: () if name == "responsibleIds" else None for name in cleared}

    def _find_clearable(self, sent: str) -> str:
        """The field that `clear` names; CallerError if it cannot be emptied."""
        for name in self._clearable:
            if normalize_argument(name) == normalize_argument(sent[:60]):
                return name
        raise CallerError(
            f"{self._dotted_name('clear')} names {sent[:60]!r}, which {self._reason_not_clearable(sent[:60])}.",
            code="invalid_arguments",
            candidates=[Candidate(name) for name in self._clearable],
            next_step=f"Name only fields among: {', '.join(self._clearable) or 'none'}.",
        )

    def _reason_not_clearable(self, sent: str) -> str:
        """Why `clear` may not name this, as the end of a sentence."""
        fields = {normalize_argument(name): name for name in model_fields(self.kind)}
        name = fields.get(normalize_argument(sent))
        if name is None or name == "clear":
            return "is no argument"
        if name in _ADDITIONS:
            return "only adds to a task or takes from it"
        if name not in self.properties:
            return "is no argument with this CRM"
        if values := choices(self.properties[name]):
            return f"has no empty value: send it with one of {', '.join(map(str, values))}"
        return "cannot be emptied: a task of this CRM must have one"

    def _ambiguity_error(self, emptied: Sequence[str]) -> CallerError:
        """The error for fields that may be emptied on purpose, or filled in by a host."""
        return CallerError(
            "Nothing was written: it is unclear whether to empty these fields or leave them as they are: "
            f"{', '.join(map(self._dotted_name, emptied))}.",
            code="ambiguous_nulls",
            candidates=[Candidate(name) for name in emptied],
            next_step=f"Send the call again with {self._dotted_name('clear')}: the names of the fields to empty, or [] "
            "for none. Null then means left out.",
        )

    @property
    def _nullable(self) -> list[str]:
        """The fields that null empties on this backend."""
        return [
            name
            for name, node in self.properties.items()
            if name in model_fields(self.kind) and self._takes_null(name) and "null" in json_types(node)
        ]

    @property
    def _clearable(self) -> list[str]:
        """The fields that can be emptied on this backend."""
        people = self.properties.get("responsibleIds", {"minItems": 1})
        nobody = "responsibleIds" not in self.required and not any(
            branch.get("minItems") for branch in people.get("anyOf", [people])
        )
        only_listed = ["resolution"] if self.kind is TaskPatch and "resolution" in self.properties else []
        return [*self._nullable, *(["responsibleIds"] if nobody else []), *only_listed]

    def _takes_null(self, name: str) -> bool:
        """Whether the documentation lets null empty the field."""
        return "null" in json_types(model_fields(self.kind)[name])

    def _dotted_name(self, name: str) -> str:
        return f"{self.within}.{name}" if self.within else name


def _without_blank_additions(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The values without empty additions; beside an addition with content, empty responsibleIds are dropped too."""
    kept = {name: value for name, value in arguments.items() if name not in _ADDITIONS or not _is_blank(name, value)}
    if kept.get("responsibleIds") == () and {"addResponsibleIds", "removeResponsibleIds"} & kept.keys():
        del kept["responsibleIds"]
    return kept


def _is_blank(name: str, value: Any) -> bool:
    """Whether a value may be filled in by a host; [] removes every responsible, and 0 is a position."""
    if _is_null_as_text(value):
        return name != "newStatusName"  # a status may have that name
    if isinstance(value, str):
        return not value.strip()
    return value is None or (name not in ("responsibleIds", "newStatusPosition") and is_empty(value))


def _is_blank_text(name: str, value: Any) -> bool:
    """Whether a value that cannot empty a field is a filler beside another change."""
    return isinstance(value, str) and not value.strip() and name != "responsibleIds"


def _is_null_as_text(value: Any) -> bool:
    return isinstance(value, str) and value in NULL_AS_TEXT
