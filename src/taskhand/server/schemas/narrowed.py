"""The input schemas of tools, narrowed by capabilities to the fields and values that a backend can express; pure."""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import groupby
from operator import attrgetter
from typing import Any, Final, Literal, NamedTuple, get_args

from pydantic import BaseModel

from taskhand.domain.capabilities import Capabilities
from taskhand.domain.capability_notes import NOTES
from taskhand.domain.task import TaskDraft, TaskPatch
from taskhand.domain.task_query import TaskFilter
from taskhand.domain.task_times import Known
from taskhand.server.schemas.portable import Schema, model_schema, objects_of
from taskhand.server.tool import Tool, lists_of
from taskhand.server.tools import TOOLS
from taskhand.service.call_options import RepeatableOptions

__all__ = [
    "ARGUMENT_OF_VALUE",
    "CALL_OPTIONS",
    "CLAUSES",
    "Clause",
    "input_schema",
    "join_clauses",
    "schema_in_clauses",
    "shorten_schema",
]

CALL_OPTIONS: Final = frozenset(str(field.alias) for field in RepeatableOptions.model_fields.values())
"""Options of the call; they come after the arguments about tasks."""
_NARROWED = frozenset({"dateField", "countBy", "fields"})
_NEEDED: Final[Mapping[str, Known]] = {
    **{known_field: known_field for known_field in get_args(Known)},
    "completedDay": "completed",
}
"""The fact that a backend must know, by the value of an argument that needs it."""
ARGUMENT_OF_VALUE: Final[Mapping[str, str]] = {"task_type": "taskType", "deal_id": "dealId", "resolution": "resolution"}
"""The argument that a backend must have, by the value of another argument that needs it."""
CLAUSES: Final = "clauses"
"""The key of a description in clauses; no schema that is sent has it."""
_CHANGES: Final = "changes"
_TEXT: Final[Schema] = {"type": "string"}
_TOOL_NAMES: Final = frozenset(tool.name for tool in TOOLS)


class Clause(NamedTuple):
    """A part of a description, and its topic, by which schemas are merged and shortened.

    The topic is the argument itself, one value of its enum, all of these values, the effect of null, or the connections
    that have the argument.
    """

    text: str
    topic: Literal["argument", "value", "values", "null", "connections"] = "argument"


def input_schema(model: type[BaseModel], capabilities: Capabilities) -> Schema:
    """The schema of a tool's arguments, with only the fields and values that the backend can express."""
    return _input_schema(model, capabilities)


@lru_cache(maxsize=256)
def _input_schema(model: type[BaseModel], capabilities: Capabilities) -> Schema:
    described: Schema = join_clauses(schema_in_clauses(model, capabilities))
    return described


def schema_in_clauses(model: type[BaseModel], capabilities: Capabilities) -> Schema:
    """The same schema, its descriptions as clauses: `merge_schemas` makes one of several."""
    return _narrow(model_schema(model), model, capabilities)


def join_clauses(node: Any) -> Any:
    """The schema with its clauses as descriptions."""
    match node:
        case dict():
            described = {"description": _sentence(node[CLAUSES])} if node.get(CLAUSES) else {}
            return described | {key: join_clauses(value) for key, value in node.items() if key != CLAUSES}
        case list():
            return [join_clauses(item) for item in node]
        case _:
            return node


def _sentence(clauses: Sequence[Clause]) -> str:
    """The clauses as one description; those on single values are a list."""
    parts = [
        (", " if topic == "value" else "; ").join(clause.text for clause in same)
        for topic, same in groupby(clauses, attrgetter("topic"))
    ]
    return f"{'; '.join(parts)}."


def shorten_schema(tool: Tool[Any], schema: Schema) -> Schema:
    """The schema that clients see: without null where "" has the same effect, and without the names of the tools.

    "" has the effect of null in `changes`, and in a new task, where also `clear` has nothing to empty.
    """
    shown = {name: _without_tool_names(node) for name, node in schema["properties"].items()}
    if tool.kind == "create":
        shown = {name: _plain_text(node) for name, node in shown.items() if name != "clear"}
    if _CHANGES in shown:
        fields = {name: _plain_text(field) for name, field in shown[_CHANGES]["properties"].items()}
        shown[_CHANGES] = shown[_CHANGES] | {"properties": fields}
    return schema | {"properties": shown}


def _plain_text(node: Schema) -> Schema:
    """The schema without null, if all other values are texts of any kind."""
    plain = _without_null(node)
    return plain if plain | _TEXT == plain and "enum" not in plain else node


def _without_tool_names(node: Schema) -> Schema:
    """The schema of a text in place of one that lists the names of tools, which the client has."""
    if _TOOL_NAMES.isdisjoint(_without_null(node).get("enum", ())):
        return node
    return {key: node[key] for key in ("description",) if key in node} | _TEXT


def _narrow(schema: Schema, model: type[BaseModel], capabilities: Capabilities) -> Schema:
    """An object's schema with what the backend can express, the required fields first."""
    properties = _expressible(schema["properties"], model, capabilities)
    for name, body in objects_of(model).items():
        if name in properties:
            properties[name] = _narrow_object(properties[name], body, capabilities)
    for name, body in lists_of(model).items():
        properties[name] = _list_of(properties[name], body, capabilities)
    needed = capabilities.required_on_create if issubclass(model, TaskDraft) else frozenset()
    for name in needed:
        properties[name] = _without_null(properties[name])
    properties = {
        name: _describe_field(node, capabilities, is_new=issubclass(model, TaskDraft))
        for name, node in properties.items()
    }
    required = [name for name in properties if name in {*schema.get("required", ()), *needed}]
    optional = sorted((name for name in properties if name not in required), key=CALL_OPTIONS.__contains__)
    shaped: Schema = {"type": "object", "properties": {name: properties[name] for name in [*required, *optional]}}
    return shaped | ({"required": required} if required else {})


def _expressible(properties: Schema, model: type[BaseModel], capabilities: Capabilities) -> Schema:
    """The fields that the backend has, with the values that it has."""
    absent = capabilities.absent | (capabilities.absent_on_update if issubclass(model, TaskPatch) else frozenset())
    several = capabilities.most_responsibles > 1
    kept = {
        name: _without_null(node) if name in capabilities.not_clearable else node
        for name, node in properties.items()
        if name not in absent
        and (notes := node.get(NOTES, {})).get("needs") not in absent
        and (several or not notes.get("for_several_people"))
    }
    kept |= {name: _known_values(kept[name], capabilities) for name in _NARROWED & kept.keys()}
    if "enum" in kept.get("priority", ()):
        kept["priority"] = kept["priority"] | {"enum": list(capabilities.priorities)}
    if "taskType" in kept and capabilities.task_types:
        kept["taskType"] = _listed_types(kept["taskType"], capabilities, is_new=issubclass(model, TaskDraft))
    if capabilities.status_names:
        kept |= _listed_statuses(kept, capabilities)
    if "responsibleIds" in kept and not issubclass(model, TaskFilter):
        kept["responsibleIds"] = kept["responsibleIds"] | _number_of_people(capabilities)
    return kept


def _known_values(node: Schema, capabilities: Capabilities) -> Schema:
    """The schema of an argument without the values that this backend cannot know or does not have."""
    known: Schema = {
        key: [_known_values(branch, capabilities) for branch in value]
        if key == "anyOf"
        else _known_values(value, capabilities)
        if key == "items"
        else value
        for key, value in node.items()
    }
    if "enum" in known:
        unknown = {value for value, needed in _NEEDED.items() if needed not in capabilities.known}
        unknown |= {value for value, argument in ARGUMENT_OF_VALUE.items() if argument in capabilities.absent}
        known["enum"] = [value for value in known["enum"] if value not in unknown]
    return known


def _listed_statuses(properties: Schema, capabilities: Capabilities) -> Schema:
    """The arguments that take a status, with the known names."""
    listed: Schema = {}
    if (status_schema := properties.get("newStatusName")) is not None:
        names = (
            capabilities.finished_names if status_schema.get(NOTES, {}).get("finished") else capabilities.status_names
        )
        listed["newStatusName"] = status_schema | {"enum": [*names]}
    if (several := properties.get("status")) is not None:
        listed["status"] = several | {"items": {"type": "string", "enum": [*capabilities.status_names]}}
    return listed


def _listed_types(node: Schema, capabilities: Capabilities, *, is_new: bool) -> Schema:
    """The argument that takes a type of task, with the known types."""
    types = capabilities.new_task_types if is_new else capabilities.task_types
    note = {"types": capabilities.new_task_types_note} if is_new and capabilities.new_task_types_note else {}
    return node | {"description": "Kind", "enum": [*types], NOTES: node[NOTES] | note}


def _narrow_object(node: Schema, model: type[BaseModel], capabilities: Capabilities) -> Schema:
    """An argument that is an object, narrowed like a tool's arguments.

    A body that is a tool's arguments refers to that tool instead of describing its fields again.
    """
    tool = next((tool.name for tool in TOOLS if issubclass(tool.arguments, model)), None)
    description = ". ".join(filter(None, [node.get("description"), tool and f"Fields as in {tool}"]))

    def shaped(branch: Schema) -> Schema:
        if "properties" not in branch:
            return branch
        narrowed = _narrow(branch, model, capabilities)
        if issubclass(model, TaskFilter):
            # In a write's filter null means not given; "" and [] are refused.
            narrowed["properties"] = {name: _with_null(node) for name, node in narrowed["properties"].items()}
        return _without_descriptions(narrowed) if tool else narrowed

    inner = {"anyOf": [shaped(branch) for branch in node["anyOf"]]} if "anyOf" in node else shaped(node)
    return ({"description": description} if description else {}) | inner


def _list_of(node: Schema, model: type[BaseModel], capabilities: Capabilities) -> Schema:
    """An argument that is a list of new tasks, narrowed like any other body.

    In a new task, null and `clear` have nothing to empty: they are accepted, but not in the schema.
    """
    items = _narrow_object(model_schema(model), model, capabilities)
    described = {"description": ". ".join(filter(None, [node.get("description"), items.pop("description", None)]))}
    fields = {name: _without_null(field) for name, field in items["properties"].items() if name != "clear"}
    return described | {"type": "array", "items": items | {"properties": fields}}


def _without_descriptions(schema: Schema) -> Schema:
    """The object's schema without the descriptions of its fields."""
    fields = {
        name: {key: value for key, value in node.items() if key != CLAUSES}
        for name, node in schema["properties"].items()
    }
    return schema | {"properties": fields}


def _describe_field(node: Schema, capabilities: Capabilities, *, is_new: bool) -> Schema:
    """The field's schema with its description in clauses.

    `is_new` is whether the field belongs to a new task, where null has nothing to empty.
    """
    clauses = tuple(_clauses(node, node.get(NOTES, {}), capabilities, is_new=is_new))
    kept: Schema = {key: value for key, value in node.items() if key not in (NOTES, "description")}
    described: Schema = {CLAUSES: clauses} if clauses else {}
    return described | (_with_null(kept) if "null_is_not_given" in node.get(NOTES, ()) else kept)


def _clauses(node: Schema, notes: Mapping[str, Any], capabilities: Capabilities, *, is_new: bool) -> Iterator[Clause]:
    """The field's own description, and those of its notes that apply."""
    replaced = "without_description" in notes and "description" in capabilities.absent
    if text := notes["without_description"] if replaced else node.get("description"):
        yield Clause(text, "values" if "names_values" in notes else "argument")
    if "meanings" in notes:
        yield from (Clause(f"{value} {notes['meanings'][value]}", "value") for value in node["enum"])
    if "types" in notes:
        yield Clause(notes["types"])
    if "me" in notes and capabilities.knows_me:
        yield Clause(notes["me"])
    if "deals" in notes and "dealId" not in capabilities.absent:
        yield Clause(notes["deals"])
    if "unless_listed" in notes and "enum" not in node and "enum" not in node.get("items", ()):
        yield Clause(notes["unless_listed"])
    if "null" in notes and not is_new and any(branch.get("type") == "null" for branch in node.get("anyOf", ())):
        yield Clause(notes["null"], "null")
    if "empty" in notes and not node.get("minItems"):
        yield Clause(notes["empty"])


def _number_of_people(capabilities: Capabilities) -> Schema:
    most = {"maxItems": 1} if capabilities.most_responsibles == 1 else {}
    least = {"minItems": capabilities.least_responsibles} if capabilities.least_responsibles else {}
    return most | least


def _without_null(node: Schema) -> Schema:
    branches = [branch for branch in node.get("anyOf", ()) if branch.get("type") != "null"]
    if not branches:
        return node
    kept: Schema = {key: value for key, value in node.items() if key != "anyOf"} | branches[0]
    return kept


def _with_null(node: Schema) -> Schema:
    if "anyOf" in node:
        return node
    clauses = {CLAUSES: node[CLAUSES]} if CLAUSES in node else {}
    return clauses | {"anyOf": [{key: value for key, value in node.items() if key != CLAUSES}, {"type": "null"}]}
