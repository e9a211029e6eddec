"""The end of a page: further results are read as long as one of them may belong to the page."""

import json

from backends.hubspot.sandboxed_app import KEY, Time, row, seed, served, task_id
from taskhand.domain.task_query import TaskQuery
from taskhand.sandbox.hubspot import HubSpotSandbox, SpecVariant
from taskhand.sandbox.messages import ReceivedRequest, Response


class Undated(HubSpotSandbox):
    """A HubSpot whose tasks have the same creation date, which is unreadable for the last result of each search."""

    def answer(self, request: ReceivedRequest, *, stale: bool) -> Response:
        """The sandbox's answer, with these dates."""
        answer = super().answer(request, stale=stale)
        if not request.path.endswith("/tasks/search"):
            return answer
        body = json.loads(answer.body)
        body["results"] = [one | {"createdAt": "2026-03-01T10:00:00Z"} for one in body["results"]]
        body["results"][-1]["createdAt"] = "yesterday"
        return Response.of_json(answer.status, body)


async def test_a_result_whose_creation_date_is_unreadable_does_not_end_a_page_of_the_oldest_tasks() -> None:
    time = Time()
    rows = [row(number) | {"createdAt": f"2026-03-01T10:00:00.{999 - number}Z"} for number in range(1, 251)]
    variant = SpecVariant.parse(("burst=0", "searches=0", "search_lag=0"))
    async with served(Undated(seed=seed(rows=rows), token=KEY, clock=time.moment, spec_variant=variant), time) as crm:
        page = await crm.backend.list_tasks(TaskQuery(order="oldest", limit=2))
    # The search finds the tasks in the opposite order, and the last one is the one that cannot be dated.
    assert [task.id for task in page.tasks] == [task_id(2), task_id(3)]
