"""A Close that shows a new task late."""

from taskhand.sandbox.close import CloseSandbox
from taskhand.sandbox.messages import ReceivedRequest, Response

__all__ = ["LateSandbox"]


class LateSandbox(CloseSandbox):
    """A Close whose single tasks are not there yet for some calls after they were made."""

    missing = 0

    def answer(self, call: ReceivedRequest, *, stale: bool) -> Response:
        if self.missing and call.path.startswith("/api/v1/task/task_"):
            self.missing -= 1
            return Response.of_json(404, {"error": "Empty query: Task matching query does not exist."})
        return super().answer(call, stale=stale)
