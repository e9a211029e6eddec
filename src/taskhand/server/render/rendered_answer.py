"""The JSON and the text of an answer; pure."""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from pydantic import BaseModel

from taskhand.domain.compact_json import compact_json
from taskhand.domain.display_text import may_hide, plain_json
from taskhand.domain.truncation import truncate
from taskhand.server.render.answer import MAX_ITEMS, MAX_LENGTH
from taskhand.server.render.untrusted import mark_untrusted

__all__ = ["RenderedAnswer", "fit_rows", "named_by", "render_answer", "render_text"]

_SNIPPET = 200
SomeAnswer = TypeVar("SomeAnswer", bound=BaseModel)


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
    rendered = _render(mark_untrusted(value, paths) | value)
    if may_hide(rendered.text):
        value = plain_json(value)
        rendered = _render(mark_untrusted(value, paths) | value)
    return rendered if len(rendered.text) <= MAX_LENGTH else _render(_trim(rendered.value))


def render_text(answer: BaseModel) -> str:
    """The text of an answer."""
    return render_answer(answer).text


def fit_rows(answer_of: Callable[[int], SomeAnswer], count: int, longest: int = MAX_LENGTH) -> tuple[SomeAnswer, int]:
    """The answer with `count` rows, or with half as many until its text is short enough; with the number of its rows.

    `longest` is the maximum number of characters; an answer of one row may be longer.
    """
    answer = answer_of(count)
    while count > 1 and len(render_text(answer)) > longest:
        count //= 2
        answer = answer_of(count)
    return answer, count


def _render(value: dict[str, Any]) -> RenderedAnswer:
    return RenderedAnswer(value, compact_json(value))


def _trim(value: Any) -> Any:
    """The JSON with every text and list cut; needed only for answers far over all their own limits."""
    match value:
        case str():
            return truncate(value, _SNIPPET)
        case list():
            return [_trim(item) for item in value[:MAX_ITEMS]]
        case dict():
            return {key: _trim(item) for key, item in list(value.items())[:MAX_ITEMS]}
        case _:
            return value
