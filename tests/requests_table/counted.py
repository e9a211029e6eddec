"""Count the requests that every tool sends to every sandboxed CRM."""

from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

from backends.crm_modules import CRM_MODULES
from requests_table.counted_crm import CountedCrm, OpenApp
from requests_table.table import Counts, Requests
from server.example_calls import REQUIRED, TASK, VALID, fill_in
from taskhand.call.request_log import recorded_requests
from taskhand.domain.bulk_receipt import BulkReceipt
from taskhand.domain.errors import CallerError
from taskhand.domain.plan import Plan
from taskhand.domain.principal import ANYONE, Principal
from taskhand.domain.receipt import Receipt
from taskhand.events.sqlite import SqliteEventStore
from taskhand.journal.journal import Caller
from taskhand.server.arguments.parsing import parse_arguments
from taskhand.server.schemas.narrowed import input_schema
from taskhand.server.tools import TOOLS
from taskhand.service.app_context import AppContext
from taskhand.service.call_options import Options
from taskhand.service.write_call import Call

if TYPE_CHECKING:
    from pydantic import BaseModel

__all__ = ["COUNTED_CRMS", "WrongExample", "count_all_requests", "count_requests"]

_MANY: Final = 10
_TOOLS: Final = {tool.name: tool for tool in TOOLS}
COUNTED_CRMS: Final[Mapping[str, CountedCrm]] = {
    name: crm_module.COUNTED_CRM for name, crm_module in CRM_MODULES.items()
}


class WrongExample(Exception):
    """The example call of a tool is missing, or a CRM does not apply it: then no requests are counted."""

    def __init__(self, tool: str, why: str) -> None:
        super().__init__(
            f"{tool}: {why} Correct its example in tests/server/example_calls.py, or give the tool arguments of its "
            "own in tests/requests_table/counted.py."
        )


async def count_all_requests() -> Counts:
    """The requests of each tool at each CRM."""
    return {name: await count_requests(crm) for name, crm in COUNTED_CRMS.items()}


async def count_requests(crm: CountedCrm, principal: Principal = ANYONE) -> dict[str, Requests]:
    """The cold and warm requests of each tool, called by a principal; no two calls are about the same task."""
    with TemporaryDirectory() as folder:
        async with crm.open() as open_app, open_app() as opened, aclosing(_in_folder(folder)) as events:
            return await _count_all(crm, open_app, replace(opened, open_events=lambda: events).of_principal(principal))


def _in_folder(folder: str) -> SqliteEventStore:
    return SqliteEventStore(Path(folder) / "events.db")


async def _count_all(crm: CountedCrm, open_app: OpenApp, shared: AppContext) -> dict[str, Requests]:
    examples = _Examples(crm)
    counts: dict[str, Requests] = {}
    for tool in _TOOLS:
        async with open_app() as fresh:
            app = replace(fresh, lazy_journal=shared.lazy_journal, open_events=shared.open_events).of_principal(
                shared.principal
            )
            try:
                cold = await _count(app, tool, await examples.arguments(tool, shared))
            except CallerError as error:
                if error.code != "unsupported":
                    raise WrongExample(tool, f"{app.connection.title} refuses its example. {error.message}") from error
                continue
            counts[tool] = Requests(cold, await _count(app, tool, await examples.arguments(tool, app)))
    return counts


@dataclass
class _Examples:
    """Example arguments for each tool, every time about another task."""

    crm: CountedCrm
    used: int = 0

    async def arguments(self, tool: str, app: AppContext) -> dict[str, Any]:
        """The arguments of one call of `tool`; a plan or a change that it needs is made through `app`."""
        match tool:
            case "find_contacts":
                return {"query": "Carolina"}
            case "create_task":
                title = f"Call Initech {self._next_task()}"
                return {"title": title, "responsibleIds": ["Ana Soto"], "priority": "1"} | self.crm.required
            case "create_tasks":
                title = f"Call Initech {self._next_task()}"
                body = {"responsibleIds": ["Ana Soto"], "priority": "1"} | self.crm.required
                return {"tasks": [body | {"title": f"{title} {number}"} for number in range(_MANY)]}
            case "update_task":
                return {"id": self._next_task(), "title": "Call Globex"}
            case "reassign_task":
                return {"id": self._next_task(), "responsibleIds": ["Ana Soto"]}
            case "bulk_update_tasks":
                ids = [self._next_task() for _ in range(_MANY)]
                return {"taskIds": ids, "changes": {"responsibleIds": ["Ana Soto"]}}
            case "apply_plan":
                plan = await _call(app, "delete_task", {"id": self._next_task()})
                assert isinstance(plan, Plan)
                return {"planId": plan.id}
            case "undo_change":
                receipt = await _call(app, "update_task", {"id": self._next_task(), "title": "Call Globex"})
                assert isinstance(receipt, Receipt)
                return {"changeId": receipt.change_id}
        if tool not in VALID:
            raise WrongExample(tool, "It has no example.")
        needed = {name: VALID[tool][name] for name in REQUIRED[tool]}
        return dict(fill_in(needed, {TASK: self._next_task()}))

    def _next_task(self) -> str:
        self.used += 1
        return self.crm.task_id(self.used)


async def _count(app: AppContext, tool: str, arguments: dict[str, Any]) -> int:
    with recorded_requests() as sent:
        await _call(app, tool, arguments)
    return len(sent)


async def _call(app: AppContext, name: str, given: dict[str, Any]) -> object:
    """The answer of a tool; WrongExample unless it has applied everything."""
    tool = _TOOLS[name]
    model: type[BaseModel] = tool.arguments
    schema = input_schema(model, app.backend.capabilities)
    arguments = parse_arguments(model, schema, given, reads=tool.kind == "read")
    options = arguments if isinstance(arguments, Options) else Options()
    caller = Caller(subject=app.principal.subject)
    answer = await tool.run(Call(app, name, caller, given, options), arguments)
    is_applied = not isinstance(answer, Receipt) or (answer.change_id and not answer.unapplied)
    if not is_applied or (isinstance(answer, BulkReceipt) and answer.totals.keys() != {"applied"}):
        raise WrongExample(name, f"{app.connection.title} does not apply all of its example.")
    return answer
