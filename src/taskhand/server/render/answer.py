"""The common part of all answers: their JSON and text, and the limits of their length; pure.

The budget, at four characters a token: the text of 25 rows stays under 2,000 tokens. No answer exceeds 20,000 tokens of
text and structured content together.
"""

import json
from typing import Any, ClassVar, NamedTuple

from pydantic import MISSING, BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from taskhand.domain.display_text import may_hide, plain_json
from taskhand.domain.truncation import truncate
from taskhand.server.render.untrusted import mark_untrusted

__all__ = [
    "MAX_ITEMS",
    "MAX_LENGTH",
    "Answer",
    "RenderedAnswer",
    "UntrustedAnswer",
    "named_by",
    "render_answer",
    "render_text",
]

MAX_LENGTH = 36_000
"""Maximum length of an answer in characters."""
MAX_ITEMS = 150
"""Maximum number of items of a list in an answer."""
_SNIPPET = 200
_COMPACT = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False)
"""It does not look for cycles, which takes a fifth of its time: a model's dump has none."""


class Answer(BaseModel):
    """An answer; Taskhand's own fields are in camelCase.

    `free_text` are the dotted paths of the fields with text written by others. `listed` are the fields that the
    answer's schema names, all of them if empty; an answer may have more fields.
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


class RenderedAnswer(NamedTuple):
    """An answer as it is sent: its JSON, and that JSON as the shortest text."""

    value: dict[str, Any]
    text: str


def named_by(answer: BaseModel, connection: str | None) -> BaseModel:
    """The answer with the connection of its ids, if there are several connections and the answer has the field."""
    if connection is None or "connection" not in type(answer).model_fields:
        return answer
    return answer.model_copy(update={"connection": connection})


def render_answer(answer: BaseModel) -> RenderedAnswer:
    """An answer without hidden characters, with untrusted text marked; the texts of a too long answer are cut."""
    value, paths = answer.model_dump(mode="json"), getattr(answer, "free_text", ())
    rendered = _rendered(mark_untrusted(value, paths) | value)
    if may_hide(rendered.text):
        value = plain_json(value)
        rendered = _rendered(mark_untrusted(value, paths) | value)
    return rendered if len(rendered.text) <= MAX_LENGTH else _rendered(_trimmed(rendered.value))


def render_text(answer: BaseModel) -> str:
    """The text of an answer."""
    return render_answer(answer).text


def _rendered(value: dict[str, Any]) -> RenderedAnswer:
    return RenderedAnswer(value, _COMPACT.encode(value))


def _trimmed(value: Any) -> Any:
    """The JSON with every text and list cut; needed only for answers far over all their own limits."""
    match value:
        case str():
            return truncate(value, _SNIPPET)
        case list():
            return [_trimmed(item) for item in value[:MAX_ITEMS]]
        case dict():
            return {key: _trimmed(item) for key, item in list(value.items())[:MAX_ITEMS]}
        case _:
            return value
