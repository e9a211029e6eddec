"""What every answer shares: its JSON and text, the limits of its length; pure.

The budget, at four characters to a token: the text of 25 rows stays under 2,000 tokens. No answer passes 20,000 with
its text and its structured content counted together.
"""

import json
from dataclasses import dataclass
from typing import Any, ClassVar

from pydantic import MISSING, BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from taskhand.domain.text import may_hide, plain_json, truncate
from taskhand.server.render.untrusted import mark_untrusted

__all__ = [
    "LARGEST",
    "MOST_ITEMS",
    "Answer",
    "RenderedAnswer",
    "UntrustedAnswer",
    "named_by",
    "render_answer",
    "render_text",
]

LARGEST = 36_000
"""Characters of the longest answer."""
MOST_ITEMS = 150
"""Items of the longest list in an answer."""
_SNIPPET = 200
_COMPACT = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


class Answer(BaseModel):
    """An answer; Taskhand's own fields are in camelCase.

    `free_text` are the dotted paths of the fields that hold text written by others. `listed` are the fields that the
    schema of the answer names, all of them if empty; an answer may have others besides.
    """

    model_config = ConfigDict(
        frozen=True,
        alias_generator=to_camel,
        validate_by_name=True,
        serialize_by_alias=True,
        defer_build=True,  # a start would build all of them, and a session gives a few
    )
    free_text: ClassVar[tuple[str, ...]] = ()
    listed: ClassVar[tuple[str, ...]] = ()


class UntrustedAnswer(Answer):
    """An answer that holds text written by others."""

    untrusted: dict[str, Any] | MISSING = MISSING


@dataclass(frozen=True, slots=True)
class RenderedAnswer:
    """An answer as it is sent: its JSON, and the shortest text of that."""

    value: dict[str, Any]
    text: str


def named_by(answer: BaseModel, connection: str | None) -> BaseModel:
    """The answer with the name of the connection that its ids are of, where there are several and it has the field."""
    if connection is None or "connection" not in type(answer).model_fields:
        return answer
    return answer.model_copy(update={"connection": connection})


def render_answer(answer: BaseModel) -> RenderedAnswer:
    """An answer without hidden characters, its text by others marked; an answer that is too long has its texts cut."""
    value, paths = answer.model_dump(mode="json"), getattr(answer, "free_text", ())
    rendered = _rendered(mark_untrusted(value, paths) | value)
    if may_hide(rendered.text):
        value = plain_json(value)
        rendered = _rendered(mark_untrusted(value, paths) | value)
    return rendered if len(rendered.text) <= LARGEST else _rendered(_trimmed(rendered.value))


def render_text(answer: BaseModel) -> str:
    """The text of an answer."""
    return render_answer(answer).text


def _rendered(value: dict[str, Any]) -> RenderedAnswer:
    return RenderedAnswer(value, _COMPACT.encode(value))


def _trimmed(value: Any) -> Any:
    """The JSON with every text and list cut; only answers far over every limit of their own come here."""
    match value:
        case str():
            return truncate(value, _SNIPPET)
        case list():
            return [_trimmed(item) for item in value[:MOST_ITEMS]]
        case dict():
            return {key: _trimmed(item) for key, item in list(value.items())[:MOST_ITEMS]}
        case _:
            return value
