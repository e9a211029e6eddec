"""Which clients can be asked for a form or to open a page."""

from types import SimpleNamespace
from typing import Any

import anyio
import pytest
from mcp.shared.exceptions import MCPError
from mcp.types import (
    INTERNAL_ERROR,
    ClientCapabilities,
    ElicitationCapability,
    ElicitResult,
    FormElicitationCapability,
    UrlElicitationCapability,
)

from taskhand.call.deadline import call_deadline
from taskhand.server.elicitation import asker, can_elicit, can_elicit_url
from taskhand.service.ask_person import Approval, Question

FORM, URL = FormElicitationCapability(), UrlElicitationCapability()


@pytest.mark.parametrize(
    ("declared", "form", "url"),
    [
        (None, False, False),
        (ElicitationCapability(), True, False),
        (ElicitationCapability(form=FORM), True, False),
        (ElicitationCapability(url=URL), False, True),
        (ElicitationCapability(form=FORM, url=URL), True, True),
    ],
)
def test_a_client_is_asked_only_in_the_forms_that_it_declares(
    declared: ElicitationCapability | None, *, form: bool, url: bool
) -> None:
    session = SimpleNamespace(client_capabilities=ClientCapabilities(elicitation=declared))
    ctx: Any = SimpleNamespace(session=session)
    assert (can_elicit(ctx), can_elicit_url(ctx)) == (form, url)
    session.client_capabilities = None
    assert not can_elicit(ctx)
    assert not can_elicit_url(ctx)


class Session:
    """A client of the older era that answers a form with this, or with an error; None: it never answers."""

    def __init__(self, answer: ElicitResult | MCPError | None) -> None:
        self._answer = answer
        self.left_s = 0.0

    async def elicit_form(self, *_: object) -> ElicitResult:
        self.left_s = anyio.current_effective_deadline() - anyio.current_time()
        if self._answer is None:
            await anyio.sleep_forever()
        if isinstance(self._answer, MCPError):
            raise self._answer
        assert self._answer is not None
        return self._answer


@pytest.mark.parametrize(
    ("told", "answer"),
    [
        (ElicitResult(action="accept", content={"confirm": True}), "yes"),
        (ElicitResult(action="accept", content={"confirm": False}), "no"),
        (ElicitResult(action="decline"), "no"),
        (ElicitResult(action="cancel"), "none"),
        (MCPError(INTERNAL_ERROR, "It has no forms."), "none"),
        (None, "none"),
    ],
)
async def test_only_a_person_s_no_declines_a_plan(told: ElicitResult | MCPError | None, answer: Approval) -> None:
    ctx: Any = SimpleNamespace(protocol_version="2025-11-25", session=Session(told), request_id=1)
    with call_deadline(0.05):
        assert await asker(ctx)(Question("plan_1", "Carry it out?")) == answer
    ctx.protocol_version = "2026-07-28"
    assert await asker(ctx)(Question("plan_1", "Carry it out?")) is None, "the answer comes with the next call"


async def test_a_person_may_answer_while_time_is_left_to_carry_the_plan_out() -> None:
    session = Session(ElicitResult(action="accept"))
    ctx: Any = SimpleNamespace(protocol_version="2025-11-25", session=session, request_id=1)
    with call_deadline(101.0):
        assert await asker(ctx)(Question("plan_1", "Carry it out?")) == "yes"
    assert 50.0 < session.left_s <= 65.0
