"""One call of a tool, seen from outside: what the CRM was sent and holds, and what the agent read."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from behaviour.agent import Agent, Refused
from passing import Time
from taskhand.sandbox.close import CloseSandbox
from taskhand.sandbox.vambe import VambeSandbox

__all__ = ["Asked", "Seen", "seen_of"]


class Asked(Protocol):
    """A tool with arguments; `asked` is what the task must be afterwards, None for a tool that reads."""

    @property
    def tool(self) -> str: ...
    @property
    def arguments(self) -> Mapping[str, Any]: ...
    @property
    def asked(self) -> dict[str, Any] | None: ...
    @property
    def kind(self) -> Literal["read", "write", "create"]: ...


@dataclass(frozen=True)
class Seen:
    """What the CRM was sent and holds, and what the agent read, an answer or an error."""

    sent: str
    posts_kept: int
    before: list[dict[str, Any]]
    after: list[dict[str, Any]]
    elsewhere: int
    slept_s: float
    answer: dict[str, Any] | None
    error: dict[str, Any]

    @property
    def text(self) -> str:
        """All that the agent reads."""
        return json.dumps([self.answer, self.error], ensure_ascii=False)

    @property
    def told(self) -> tuple[str | None, str | None, bool, float | None]:
        """Code, note, whether to try again, and after how many seconds."""
        note = self.answer.get("note") if self.answer else None
        error = self.error
        return error.get("code"), note, error.get("retryable", False), error.get("retry_after_s")

    def shows(self, call: Asked) -> bool:
        """Whether exactly what was asked for is different from before: one task, or none for a tool that reads."""
        changed = [task for task in self.after if task not in self.before]
        if call.asked is None:
            return self.after == self.before
        is_it = len(changed) == 1 and changed[0] == changed[0] | call.asked
        added = len(self.after) - len(self.before)
        if call.kind == "create":
            return is_it and added == 1
        return is_it and added == 0 and changed[0]["id"] == call.arguments["id"]


async def seen_of(
    call: Asked,
    agent: Agent,
    time: Time,
    *,
    crm: CloseSandbox | VambeSandbox,
    elsewhere: CloseSandbox | VambeSandbox,
    posts: str,
) -> Seen:
    """Make the call, and look at everything; `posts` is how the route of what creates tasks begins."""
    before, answer, error = crm.tasks, None, {}
    try:
        answer = await agent(call.tool, **call.arguments)
    except Refused as refused:
        error = refused.error
    return Seen(
        sent=" ".join(request.method for request in crm.requests),
        posts_kept=sum(request.committed for request in crm.requests if (request.route or "").startswith(posts)),
        before=before,
        after=crm.tasks,
        elsewhere=len(elsewhere.requests),
        slept_s=sum(time.slept),
        answer=answer,
        error=error,
    )
