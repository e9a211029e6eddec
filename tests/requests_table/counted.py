"""The requests of every tool on every sandboxed CRM, counted where they leave."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from backends.close import wired as on_close
from backends.hubspot import wired as on_hubspot
from backends.vambe import wired as on_vambe
from requests_table.table import Requests
from taskhand.domain.bulk import BulkReceipt
from taskhand.domain.change import Receipt
from taskhand.domain.plan import Plan
from taskhand.domain.request_log import recorded_requests
from taskhand.sandbox.server import serve
from taskhand.server.arguments import understood
from taskhand.server.schema import input_schema
from taskhand.server.tools import TOOLS
from taskhand.service.app_context import AppContext
from taskhand.service.call import Call, Options

if TYPE_CHECKING:
    from pydantic import BaseModel

__all__ = ["PLACES", "Place", "counted"]

_TASKS: Final = 100
_MANY: Final = 10
_TOOLS: Final = {tool.name: tool for tool in TOOLS}


Fresh = Callable[[], AbstractAsyncContextManager[AppContext]]
"""What gives desks that know nothing yet of the place they are at."""


@dataclass(frozen=True)
class Place:
    """A sandboxed CRM with tasks of Elena's; `needs` is what a new task cannot be without there."""

    open: Callable[[], AbstractAsyncContextManager[Fresh]]
    task_id: Callable[[int], str]
    needs: dict[str, str] = field(default_factory=dict)


async def counted(place: Place) -> dict[str, Requests]:
    """Cold and warm, tool by tool; every call is about tasks that none before was about."""
    async with place.open() as fresh, fresh() as busy:
        cases = _Cases(place)
        made: dict[str, Requests] = {}
        for tool in _TOOLS:
            async with fresh() as other:
                at = replace(other, journal=busy.journal)
                cold = await _count(at, tool, await cases.asked(tool, busy))
                made[tool] = Requests(cold, await _count(at, tool, await cases.asked(tool, at)))
        return made


@dataclass
class _Cases:
    """What is asked of the tools, each time about other tasks."""

    place: Place
    used: int = 0

    async def asked(self, tool: str, before: AppContext) -> dict[str, Any]:
        """The arguments of a call; what has to be there for it is made at the app context `before`."""
        match tool:
            case "get_task" | "complete_task" | "delete_task":
                return {"id": self._task()}
            case "find_contacts":
                return {"query": "Carolina"}
            case "create_task":
                title = f"Call Initech {self._task()}"
                return {"title": title, "responsibleIds": ["Ana Soto"], "priority": "1"} | self.place.needs
            case "update_task":
                return {"id": self._task(), "title": "Call Globex"}
            case "reassign_task":
                return {"id": self._task(), "responsibleIds": ["Ana Soto"]}
            case "bulk_update_tasks":
                return {"taskIds": [self._task() for _ in range(_MANY)], "changes": {"responsibleIds": ["Ana Soto"]}}
            case "apply_plan":
                plan = await _called(before, "delete_task", {"id": self._task()})
                assert isinstance(plan, Plan)
                return {"planId": plan.id}
            case "undo_change":
                receipt = await _called(before, "update_task", {"id": self._task(), "title": "Call Globex"})
                assert isinstance(receipt, Receipt)
                return {"changeId": receipt.change_id}
        return {}

    def _task(self) -> str:
        self.used += 1
        return self.place.task_id(self.used)


async def _count(at: AppContext, tool: str, asked: dict[str, Any]) -> int:
    with recorded_requests() as sent:
        await _called(at, tool, asked)
    return len(sent)


async def _called(at: AppContext, tool: str, asked: dict[str, Any]) -> object:
    """What a tool answers, that has done what was asked."""
    called = _TOOLS[tool]
    model: type[BaseModel] = called.arguments
    schema = input_schema(model, at.backend.capabilities)
    arguments = understood(model, schema, asked, reads=called.kind == "read")
    options = arguments if isinstance(arguments, Options) else Options()
    answer = await called.run(Call(at, tool, arguments=asked, options=options), arguments)
    assert not isinstance(answer, Receipt) or (answer.change_id and not answer.unapplied)
    assert not isinstance(answer, BulkReceipt) or answer.totals == {"applied": _MANY}
    return answer


@asynccontextmanager
async def _vambe() -> AsyncIterator[Fresh]:
    time = on_vambe.Time()
    async with serve(on_vambe.vambe(_TASKS)) as url:
        yield lambda: on_vambe.wired(url, time)


@asynccontextmanager
async def _close() -> AsyncIterator[Fresh]:
    time = on_close.Time()
    async with serve(on_close.close(_TASKS)) as url:
        yield lambda: on_close.wired(url, time)


@asynccontextmanager
async def _hubspot() -> AsyncIterator[Fresh]:
    time = on_hubspot.Time()
    # Time stands still there: a limit on searches in a second would never end.
    there = on_hubspot.hubspot(time, on_hubspot.seed(_TASKS), spec_variant=["searches=0"])
    async with serve(there) as url:
        yield lambda: on_hubspot.wired(url, time, timezone=on_hubspot.SANTIAGO)


PLACES: Final = {
    "vambe": Place(_vambe, on_vambe.task_id),
    "close": Place(_close, on_close.task_id, {"aiCustomerId": on_close.LEAD}),
    "hubspot": Place(_hubspot, on_hubspot.task_id, {"dueDate": "2026-03-09"}),
}
