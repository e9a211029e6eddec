"""Which clients can be asked for a form or to open a page."""

from types import SimpleNamespace
from typing import Any

import pytest
from mcp.types import ClientCapabilities, ElicitationCapability, FormElicitationCapability, UrlElicitationCapability

from taskhand.server.elicitation import can_elicit, can_elicit_url

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
