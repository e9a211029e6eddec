"""The values that an undo of a deletion cannot restore; pure."""

from collections.abc import Sequence

from taskhand.domain.snapshot import Snapshot

__all__ = ["describe_loss", "unrestorable"]

_ALWAYS_LOST = ("id", "created_at", "creator_id")


def unrestorable(deleted: Snapshot) -> tuple[str, ...]:
    """The fields that a task which is created in place of this one cannot have."""
    return (*_ALWAYS_LOST, *sorted(deleted.unknown), *deleted.lost)


def describe_loss(deleted: Sequence[Snapshot]) -> str:
    """One or two sentences on the values that an undo of the deletion of these tasks cannot restore."""
    whys = {snapshot.cannot_recreate: None for snapshot in deleted if snapshot.cannot_recreate}
    count = sum(snapshot.cannot_recreate is not None for snapshot in deleted)
    which = "it" if len(deleted) == 1 else f"{count} of them"
    sentences = [f"Undo cannot make {which} again: {' '.join(whys)}"] if count else []
    lost = dict.fromkeys(
        name for snapshot in deleted if not snapshot.cannot_recreate for name in unrestorable(snapshot)
    )
    sentences += [f"Undo cannot bring back: {', '.join(lost)}."] if lost else []
    return " ".join(sentences)
