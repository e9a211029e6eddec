"""The addresses to which a client can subscribe: a task, or the feed of changes; each as its caller may see it."""

from dataclasses import dataclass
from typing import Protocol

from taskhand.domain.errors import NotFound, TaskhandError
from taskhand.server.internal_error import internal_errors
from taskhand.server.subscriptions import update_key
from taskhand.service.app_context import AppContext

__all__ = ["FeedAddress", "SubscriptionUri", "TaskAddress"]


class SubscriptionUri(Protocol):
    """An address of changing content; `app` is the application of its connection for this caller."""

    @property
    def app(self) -> AppContext:
        """The application."""
        ...

    async def key(self) -> str:
        """The key under which changes of all connections are published; TaskhandError if the content is unknown."""
        ...

    async def is_readable(self) -> bool:
        """Whether the caller may read it; False if that cannot be determined."""
        ...


@dataclass(frozen=True, slots=True)
class TaskAddress:
    """A task by its connection and its id."""

    app: AppContext
    task_id: str

    async def key(self) -> str:
        """The key of the task."""
        return update_key(self.app.connection.name, self.task_id)

    async def is_readable(self) -> bool:
        """Whether the caller may read the task, or the task is deleted; False if that cannot be determined."""
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
        """The key of the feed that the caller is shown, or of the caller's part of it."""
        from taskhand.service.change_announcements import feed_id  # noqa: PLC0415
        from taskhand.service.events.feed_poll import feed_of  # noqa: PLC0415  no start waits for it

        member = await self.app.backend.account.me() if self.app.principal.rules.own_tasks_only else None
        feed = await feed_of(self.app)
        return update_key(self.app.connection.name, feed_id(feed.person, member))

    async def is_readable(self) -> bool:
        """Whether the caller may read any part of the feed: a caller restricted to own tasks must be a member."""
        if not self.app.principal.rules.own_tasks_only:
            return True
        try:
            with internal_errors("subscription"), self.app.call_deadline():
                return await self.app.backend.account.me() is not None
        except TaskhandError:
            return False
