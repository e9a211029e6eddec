"""Merges schemas: what any connection takes, with the missing parts of single connections in the description; pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from taskhand.server.narrowed_schema import ARGUMENT_OF_VALUE, CALL_OPTIONS, CLAUSES
from taskhand.server.portable_schema import Schema

__all__ = ["merge_schemas"]

_DESCRIBING: Final = frozenset({"description", CLAUSES})
_BOUNDS: Final = frozenset({"minItems", "maxItems"})
_MAX_NAMED: Final = 3
"""Values of only one connection that are named; list_connections has all."""
_Clause = str | Mapping[str, str]


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
    clauses = _merge_clauses(nodes) if describes else []
    if describes and 0 < len(needed) < len(schemas):
        clauses.append(f"required on {', '.join(needed)}")
    if describes and len(nodes) < len(schemas):
        clauses.append(_on(nodes, schemas))
    described: Schema = {CLAUSES: clauses} if clauses else {}
    if not clauses and (plain := next((node["description"] for node in nodes.values() if "description" in node), None)):
        described = {"description": plain}
    values = [_value_of(node) for node in nodes.values()]
    value, may_be_null = _merge_values(values), any("anyOf" in node for node in nodes.values())
    return described | ({"anyOf": [value, {"type": "null"}]} if may_be_null else value)


def _value_of(node: Schema) -> Schema:
    """The schema of the values besides null, without a description."""
    branch = node["anyOf"][0] if "anyOf" in node else node
    return {key: part for key, part in branch.items() if key not in _DESCRIBING}


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


def _merge_clauses(nodes: Mapping[str, Schema]) -> list[_Clause]:
    """The clauses of all schemas, each with the connections for which it does not hold."""
    choices = {key: found for key, node in nodes.items() if (found := _choices(node)) is not None}
    is_open = 0 < len(choices) < len(nodes)  # one of them takes any text
    listed = {key for key in choices if is_open}
    keys_of: dict[str, list[str]] = {}
    for key, node in nodes.items():
        for at, clause in enumerate(_clauses(node)):
            if isinstance(clause, str) and not (at == 0 and key in listed and len(nodes) > len(listed)):
                keys_of.setdefault(clause, []).append(key)
    plain: list[_Clause] = [
        text if is_open or len(keys) == len(nodes) else f"{text} ({_describe_holders(keys, nodes)})"
        for text, keys in keys_of.items()
    ]
    meanings = {
        value: word
        for node in nodes.values()
        for clause_part in _clauses(node)
        if isinstance(clause_part, Mapping)
        for value, word in clause_part.items()
    }
    lacking = {} if is_open else _lacking(choices)
    if meanings:
        words = sorted(meanings.items())
        plain.insert(0, {value: f"{word} ({lacking[value]})" if value in lacking else word for value, word in words})
    elif lacking:
        plain += [f"{', '.join(values)} ({wording})" for wording, values in _group_values(lacking).items()]
    plain += [f"{key}: {_shorten_list(choices[key])}" for key in listed]
    return plain + _bounds(nodes)


def _shorten_list(values: Sequence[str]) -> str:
    more = [f"{len(values) - _MAX_NAMED} more"] if len(values) > _MAX_NAMED else []
    return ", ".join([*values[:_MAX_NAMED], *more])


def _clauses(node: Schema) -> Sequence[_Clause]:
    if CLAUSES in node:
        found: Sequence[_Clause] = node[CLAUSES]
        return found
    return [node["description"].removesuffix(".")] if "description" in node else []


def _choices(node: Schema) -> list[str] | None:
    """The values of an enum, also of the items of a list; None if any text is accepted."""
    value = _value_of(node)
    found: list[str] | None = value.get("items", value).get("enum")
    return found


def _lacking(choices: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """The values that some connection lacks, each with those that lack it."""
    values = dict.fromkeys(value for found in choices.values() for value in found)
    having = {value: [key for key, found in choices.items() if value in found] for value in values}
    return {
        value: _describe_holders(keys, choices)
        for value, keys in having.items()
        if len(keys) < len(choices) and value not in ARGUMENT_OF_VALUE  # of which the argument says it
    }


def _bounds(nodes: Mapping[str, Schema]) -> list[_Clause]:
    """The number of items in some connections, if it differs from the others."""
    wording: dict[str, list[str]] = {}
    for key, node in nodes.items():
        value = _value_of(node)
        low, high = value.get("minItems"), value.get("maxItems")
        words = f"exactly {high}" if low == high else f"at most {high}" if high else f"at least {low}"
        if low or high:
            wording.setdefault(words, []).append(key)
    return [f"{words} on {', '.join(keys)}" for words, keys in wording.items() if len(keys) < len(nodes)]


def _group_values(lacking: Mapping[str, str]) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = {}
    for value, wording in lacking.items():
        grouped.setdefault(wording, []).append(value)
    return grouped


def _describe_holders(having: Collection[str], everyone: Iterable[str]) -> str:
    """The connections that have something, in the shorter wording: `only A` or `not B`."""
    lack = [key for key in everyone if key not in having]
    return min(f"not {', '.join(lack)}", f"only {', '.join(having)}", key=len)


def _on(having: Collection[str], everyone: Iterable[str]) -> str:
    """The same, as the end of a sentence."""
    adverb, _, names = _describe_holders(having, everyone).partition(" ")
    return f"{adverb} on {names}"
