"""Masked texts: the journal keeps task texts without configured keys, and a masked text is never written to a CRM."""

import re
from typing import Final

from taskhand.domain.edit import Edit, known_properties
from taskhand.domain.errors import CallerError
from taskhand.domain.task import Task
from taskhand.journal.journal import MASK

__all__ = ["has_mask", "is_same_but_for_keys", "refuse_masked", "with_keys_of"]

_TEXTS: Final = ("title", "description", "note")


def has_mask(edit: Edit | None) -> bool:
    """Whether an edit from the journal contains a mask in place of a key."""
    if edit is None:
        return False
    texts = (*(value for _, value in edit.given_fields()), *(edit.native or {}).values())
    return any(isinstance(text, str) and MASK in text for text in texts)


def refuse_masked(edit: Edit | None, noun: str) -> None:
    """Refuse to write an edit from the journal that contains a mask; `noun` begins the sentence."""
    if has_mask(edit):
        raise CallerError(
            f"{noun} contained a configured key, which the journal does not keep; nothing was written.",
            code="key_not_kept",
            next_step="Send the text once more with create_task or update_task, without dryRun.",
        )


def with_keys_of(kept_task: Task, now: Task) -> Task:
    """The journaled task, with the texts of `now` if they differ only in masked keys."""
    same: dict[str, object] = {
        name: getattr(now, name)
        for name in _TEXTS
        if is_same_but_for_keys(getattr(kept_task, name), getattr(now, name))
    }
    read = known_properties(now)
    own = {
        name: read[name]
        for name, text in known_properties(kept_task).items()
        if is_same_but_for_keys(text, read.get(name))
    }
    same |= {"properties": {**known_properties(kept_task), **own}} if own else {}
    return kept_task.model_copy(update=same) if same else kept_task


def is_same_but_for_keys(journaled: object, now: object) -> bool:
    """Whether a journaled text equals the text `now` except for masked keys."""
    if not isinstance(journaled, str) or not isinstance(now, str) or MASK not in journaled:
        return False
    return re.fullmatch(".+?".join(map(re.escape, journaled.split(MASK))), now, re.DOTALL) is not None
