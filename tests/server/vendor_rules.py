"""What each model vendor publishes about the schemas of tools, as data, and the schema that OpenAI's strict mode takes.

Strict mode needs every argument in `required`, and `additionalProperties: false`. A schema with optional arguments gets
both from OpenAI's own libraries. Gemini has no `additionalProperties` in the declaration of a function.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

__all__ = ["VENDORS", "VendorRules", "nodes_of", "offences", "to_strict"]

Schema = dict[str, Any]

_ANYWHERE = {"type", "description", "properties", "required", "items", "enum", "anyOf", "minItems", "maxItems"}
_NUMBERS = {"minimum", "maximum"}


@dataclass(frozen=True)
class VendorRules:
    """The rules of one interface: `page` is where they are published.

    `keywords` are those that a schema may have, None for all of JSON Schema. A request fails for the keywords in
    `refused_at_top` and `refused`.
    """

    page: str
    tool_name: str
    property_name: str = r"[a-zA-Z0-9_.-]{1,64}"
    keywords: frozenset[str] | None = None
    refused_at_top: frozenset[str] = frozenset({"oneOf", "anyOf", "allOf", "enum", "not"})
    refused: frozenset[str] = frozenset({"$ref"})
    strict: bool = False
    most_properties: int = 5_000
    most_levels: int = 10
    most_choices: int = 1_000
    most_characters: int = 120_000


VENDORS: dict[str, VendorRules] = {
    "openai": VendorRules(
        page="https://developers.openai.com/api/docs/guides/function-calling",
        tool_name=r"[a-zA-Z0-9_-]{1,64}",
    ),
    "openai strict": VendorRules(
        page="https://developers.openai.com/api/docs/guides/structured-outputs#supported-schemas",
        tool_name=r"[a-zA-Z0-9_-]{1,64}",
        keywords=frozenset(_ANYWHERE | _NUMBERS | {"additionalProperties", "pattern", "format", "multipleOf", "$defs"}),
        strict=True,
    ),
    "gemini, parametersJsonSchema": VendorRules(
        page="https://ai.google.dev/api/caching#FunctionDeclaration",
        tool_name=r"[a-zA-Z_][a-zA-Z0-9_.-]{0,63}",
        keywords=frozenset(
            _ANYWHERE | _NUMBERS | {"additionalProperties", "format", "title", "prefixItems", "oneOf", "$defs"}
        ),
    ),
    "gemini, parameters": VendorRules(
        page="https://ai.google.dev/api/caching#Schema",
        tool_name=r"[a-zA-Z_][a-zA-Z0-9_.-]{0,63}",
        keywords=frozenset(_ANYWHERE | _NUMBERS | {"format", "title", "nullable", "pattern", "minLength", "default"}),
    ),
    "claude": VendorRules(
        page="https://platform.claude.com/docs/en/managed-agents/self-hosted-sandboxes",
        tool_name=r"[a-zA-Z0-9_-]{1,64}",
    ),
}


def to_strict(schema: Schema) -> Schema:
    """The schema with every argument required and no other allowed, as OpenAI's own libraries make it."""
    made = {key: value for key, value in schema.items() if key not in ("properties", "anyOf", "items")}
    if "properties" in schema:
        made["properties"] = {name: to_strict(node) for name, node in schema["properties"].items()}
        made |= {
            "required": list(schema["properties"]),
            "additionalProperties": schema.get("additionalProperties", False),
        }
    if "anyOf" in schema:
        made["anyOf"] = [to_strict(branch) for branch in schema["anyOf"]]
    if "items" in schema:
        made["items"] = to_strict(schema["items"])
    return made


def nodes_of(schema: Schema, level: int = 1) -> Iterator[tuple[Schema, int]]:
    """Every schema inside a schema with the level of its object; names of properties are not keywords."""
    yield schema, level
    for child in [*schema.get("anyOf", ()), *([schema["items"]] if "items" in schema else [])]:
        yield from nodes_of(child, level)
    for child in schema.get("properties", {}).values():
        yield from nodes_of(child, level + 1)


def offences(rules: VendorRules, tool: str, schema: Schema) -> list[str]:
    """What a vendor would refuse of a tool."""
    nodes = list(nodes_of(to_strict(schema) if rules.strict else schema))
    names = [name for node, _ in nodes for name in node.get("properties", ())]
    choices = [str(choice) for node, _ in nodes for choice in node.get("enum", ())]
    found = [] if re.fullmatch(rules.tool_name, tool) else [f"tool name {tool}"]
    found += [f"argument name {name}" for name in names if not re.fullmatch(rules.property_name, name)]
    if schema.get("type") != "object" or rules.refused_at_top & schema.keys():
        found.append(f"top of the schema: {sorted(schema)}")
    if len(names) > rules.most_properties or max(level for _, level in nodes) > rules.most_levels:
        found.append(f"{len(names)} arguments")
    if len(choices) > rules.most_choices or len("".join([*names, *choices])) > rules.most_characters:
        found.append(f"{len(choices)} choices")
    for node, _ in nodes:
        used = node.keys()
        if unknown := used & rules.refused or (rules.keywords is not None and used - rules.keywords):
            found.append(f"keywords {sorted(unknown)}")
        found += _shape(node)
        if rules.strict and "properties" in node:
            if node.get("additionalProperties") is not False:
                found.append("an object without additionalProperties: false")
            if set(node["required"]) != set(node["properties"]):
                found.append("an object with an optional argument")
    return found


def _shape(node: Schema) -> list[str]:
    """What every vendor refuses, or reads in different ways."""
    found = []
    if not isinstance(node.get("type", ""), str):
        found.append("a list of types")
    if ("type" in node) == ("anyOf" in node):
        found.append(f"neither a type nor a choice of types, or both: {sorted(node)}")
    if node.get("type") == "array" and "type" not in node.get("items", {}):
        found.append("a list of anything")
    if not all(isinstance(choice, str) for choice in node.get("enum", ())) or node.get("enum") == []:
        found.append("choices that are not texts")
    if "enum" in node and node.get("type") != "string":
        found.append("choices of another type")
    return found
