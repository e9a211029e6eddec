"""The hint of a webhook that tasks were changed: stored on disk, so that a poll follows even after a crash."""

from collections.abc import Collection

from taskhand.domain.errors import OperatorError
from taskhand.domain.webhook import Verdict
from taskhand.service.app_context import AppContext
from taskhand.service.events.feed_poll import feed_of

__all__ = ["keep_hint"]


async def keep_hint(app: AppContext, task_ids: Collection[str], verdict: Verdict) -> bool:
    """Keep that these tasks, or some task, were changed; False if the same delivery was taken before.

    OperatorError if it cannot be stored: the CRM then sends it again.
    """
    if (store := app.events) is None:
        raise OperatorError("This server has no store for the feed of changes.")
    feed, now = await feed_of(app.shared), app.clock()
    if verdict.proof is None or verdict.valid_until is None:
        await store.add_hint(feed, task_ids, now)
        return True
    return await store.add_hint_once(feed, task_ids, now, verdict.proof, verdict.valid_until)
