"""The common part of all answers, and the limits of their length; pure.

The budget, at four characters a token: the text of 25 rows stays under 2,000 tokens. No answer exceeds 20,000 tokens of
text and structured content together.
"""

from typing import Any, ClassVar

from pydantic import MISSING, BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

__all__ = ["MAX_ITEMS", "MAX_LENGTH", "Answer", "UntrustedAnswer"]

MAX_LENGTH = 36_000
"""Maximum length of an answer in characters."""
MAX_ITEMS = 150
"""Maximum number of items of a list in an answer."""


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
