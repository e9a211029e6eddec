"""What a client can subscribe to: a task at its address, and the feed of changes; each as whoever asks may see it."""

from dataclasses import dataclass
from typing import Protocol

from taskhand.domain.errors import NotFound, TaskhandError
from taskhand.server.internal_error import internal_errors
from taskhand.server.session_feed import update_key
from taskhand.service.app_context import AppContext

__all__ = ["Address", "FeedAddress", "TaskAddress"]


class Address(Protocol):
    """Something that changes; `app` is the application of its connection for whoever asks."""

    @property
    def app(self) -> AppContext:
        """The application."""
        ...

    async def key(self) -> str:
        """What is told where it has changed, among what is told of all connections; TaskhandError if unknown."""
        ...

    async def is_readable(self) -> bool:
        """Whether the caller may read it; False too where the CRM does not tell."""
        ...


@dataclass(frozen=True, slots=True)
class TaskAddress:
    """A task by its connection and its id."""

    app: AppContext
    task_id: str

    async def key(self) -> str:
        """That of the task."""
        return update_key(self.app.connection, self.task_id)

    async def is_readable(self) -> bool:
        """Whether the caller may read the task, or it is gone; False too where the CRM does not tell."""
        if not self.app.principal.rules.own_tasks_only:
            return True
        try:
            with internal_errors("subscription"), self.app.call_deadline():
                await self.app.backend.get_task(self.task_id)
        except NotFound:
            return True
        except TaskhandError:
            return False
        return True


@dataclass(frozen=True, slots=True)
class FeedAddress:
    """The feed of changes of a connection."""

    app: AppContext

    async def key(self) -> str:
        """That of the feed which the caller is shown, or of the caller's part of it."""
        from taskhand.service.feed import feed_of  # noqa: PLC0415  no start waits for it
        from taskhand.service.task_updates import feed_id  # noqa: PLC0415

        member = await self.app.backend.me() if self.app.principal.rules.own_tasks_only else None
        feed = await feed_of(self.app)
        return update_key(self.app.connection, feed_id(feed.person, member))

    async def is_readable(self) -> bool:
        """Whether the caller has a part in the feed: who sees own tasks only and is no member has none."""
        if not self.app.principal.rules.own_tasks_only:
            return True
        try:
            with internal_errors("subscription"), self.app.call_deadline():
                return await self.app.backend.me() is not None
        except TaskhandError:
            return False
