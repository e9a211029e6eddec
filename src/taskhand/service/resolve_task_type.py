"""Find the type of task that a call names."""

from taskhand.domain import task_type_lookup
from taskhand.domain.name_matching import Match
from taskhand.service.app_context import AppContext

__all__ = ["resolve_task_type"]


async def resolve_task_type(app: AppContext, text: str, *, new: bool = False) -> tuple[str, tuple[Match, ...]]:
    """The value of the type given by value or label, and the name that was resolved; CallerError, Ambiguous.

    `new` is whether a new task is to have it.
    """
    known, of_new = await app.backend.account.task_types(), app.backend.capabilities.new_task_types
    return task_type_lookup.match_task_type(
        text, [known_type for known_type in known if not (new and of_new) or known_type.value in of_new]
    )
