"""Merges schemas: what any connection takes, with the missing parts of single connections in the description; pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from taskhand.server.schemas.narrowed import ARGUMENT_OF_VALUE, CALL_OPTIONS, CLAUSES, Clause
from taskhand.server.schemas.portable import Schema

__all__ = ["merge_schemas"]

_BOUNDS: Final = frozenset({"minItems", "maxItems"})
_MAX_NAMED: Final = 3
"""Values of only one connection that are named; list_connections has all."""


def merge_schemas(schemas: Mapping[str, Schema], order: Collection[str]) -> Schema:
    """The schema of an object that any of these connections takes, by the connection's name.

    The schemas have their descriptions in clauses, and so has the merged one. `order` are the names of all fields.
    """
    return _merge_objects(schemas, order, describes=True)


def _merge_objects(schemas: Mapping[str, Schema], order: Collection[str], *, describes: bool) -> Schema:
    known = {name for schema in schemas.values() for name in schema["properties"]}
    ordered = [*(name for name in order if name in known), *sorted(known.difference(order))]
    required = [name for name in ordered if all(name in schema.get("required", ()) for schema in schemas.values())]
    ordered = [*required, *sorted((name for name in ordered if name not in required), key=CALL_OPTIONS.__contains__)]
    properties = {name: _merge_field(name, schemas, describes=describes) for name in ordered}
    return {"type": "object", "properties": properties} | ({"required": required} if required else {})


def _merge_field(name: str, schemas: Mapping[str, Schema], *, describes: bool) -> Schema:
    nodes = {key: schema["properties"][name] for key, schema in schemas.items() if name in schema["properties"]}
    needed = [key for key, schema in schemas.items() if name in schema.get("required", ())]
    clauses = _merge_clauses(nodes) if describes else [*next(iter(nodes.values())).get(CLAUSES, ())]
    if describes and 0 < len(needed) < len(schemas):
        clauses.append(Clause(f"required on {', '.join(needed)}"))
    if describes and len(nodes) < len(schemas):
        clauses.append(Clause(_describe_holders(nodes, schemas, on=" on"), "connections"))
    described: Schema = {CLAUSES: tuple(clauses)} if clauses else {}
    values = [_value_of(node) for node in nodes.values()]
    value, may_be_null = _merge_values(values), any("anyOf" in node for node in nodes.values())
    return described | ({"anyOf": [value, {"type": "null"}]} if may_be_null else value)


def _value_of(node: Schema) -> Schema:
    """The schema of the values besides null, without a description."""
    branch = node["anyOf"][0] if "anyOf" in node else node
    return {key: part for key, part in branch.items() if key != CLAUSES}


def _merge_values(values: Sequence[Schema]) -> Schema:
    """The schema of a value that any of these accepts: all values of an enum, and a bound only if all have it."""
    first = values[0]
    if "properties" in first:
        fields = dict.fromkeys(name for schema in values for name in schema["properties"])
        return _merge_objects({str(at): schema for at, schema in enumerate(values)}, fields, describes=False)
    merged = {key: part for key, part in first.items() if key not in {"items", "enum", *_BOUNDS}}
    if "items" in first:
        merged["items"] = _merge_values([schema["items"] for schema in values])
    if all("enum" in schema for schema in values):
        merged["enum"] = [*dict.fromkeys(choice for schema in values for choice in schema["enum"])]
    merged |= {
        bound: first[bound]
        for bound in _BOUNDS
        if all(schema.get(bound) == first.get(bound) for schema in values) and bound in first
    }
    return merged


def _merge_clauses(nodes: Mapping[str, Schema]) -> list[Clause]:
    """The clauses of all schemas, each with the connections for which it does not hold; those on values come first."""
    choices = {key: found for key, node in nodes.items() if (found := _choices(node)) is not None}
    is_open = 0 < len(choices) < len(nodes)  # one of them takes any text
    keys_of: dict[Clause, list[str]] = {}
    for key, node in nodes.items():
        of_any_text = 1 if is_open and key in choices else 0  # the others describe the argument
        for clause in node.get(CLAUSES, ())[of_any_text:]:
            keys_of.setdefault(clause, []).append(key)
    merged = [
        clause
        if is_open or len(keys) == len(nodes)
        else Clause(f"{clause.text} ({_describe_holders(keys, nodes)})", clause.topic)
        for clause, keys in keys_of.items()
    ]
    merged.sort(key=lambda clause: (0, clause.text) if clause.topic == "value" else (1, ""))
    if is_open:
        merged += [Clause(f"{key}: {_shorten_list(values)}") for key, values in choices.items()]
    elif not any(clause.topic == "value" for clause in merged):
        merged += [Clause(f"{', '.join(values)} ({holders})") for holders, values in _missing_values(choices).items()]
    return [*merged, *_bounds(nodes)]


def _shorten_list(values: Sequence[str]) -> str:
    more = [f"{len(values) - _MAX_NAMED} more"] if len(values) > _MAX_NAMED else []
    return ", ".join([*values[:_MAX_NAMED], *more])


def _choices(node: Schema) -> list[str] | None:
    """The values of an enum, also of the items of a list; None if any text is accepted."""
    value = _value_of(node)
    values: list[str] | None = value.get("items", value).get("enum")
    return values


def _missing_values(choices: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """The values that some connection lacks, by the words for those that have them."""
    missing: dict[str, list[str]] = {}
    for value in dict.fromkeys(value for values in choices.values() for value in values):
        holders = [key for key, values in choices.items() if value in values]
        if len(holders) < len(choices) and value not in ARGUMENT_OF_VALUE:  # of which the argument says it
            missing.setdefault(_describe_holders(holders, choices), []).append(value)
    return missing


def _bounds(nodes: Mapping[str, Schema]) -> list[Clause]:
    """The number of items in some connections, if it differs from the others."""
    keys_of: dict[str, list[str]] = {}
    for key, node in nodes.items():
        value = _value_of(node)
        low, high = value.get("minItems"), value.get("maxItems")
        bound = f"exactly {high}" if low == high else f"at most {high}" if high else f"at least {low}"
        if low or high:
            keys_of.setdefault(bound, []).append(key)
    return [Clause(f"{bound} on {', '.join(keys)}") for bound, keys in keys_of.items() if len(keys) < len(nodes)]


def _describe_holders(holders: Collection[str], everyone: Iterable[str], *, on: str = "") -> str:
    """The connections that have something, in the shorter wording: `only A` or `not B`; with `on` after that word."""
    lacking = [key for key in everyone if key not in holders]
    return min(f"not{on} {', '.join(lacking)}", f"only{on} {', '.join(holders)}", key=len)
