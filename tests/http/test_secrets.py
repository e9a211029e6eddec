from __future__ import annotations

import logging
from traceback import TracebackException
from typing import TYPE_CHECKING

import pytest

from taskhand.domain.errors import OperatorError, TaskhandError
from taskhand.http.client import Client
from taskhand.http.request import Request
from taskhand.http.upstream import Upstream
from taskhand.http.url_path import Path

if TYPE_CHECKING:
    from collections.abc import Callable
    from http.conftest import Clients, Memory, Server, Steps

TASK = Path.of("/tasks/{id}", id="7")
ENDINGS = ["SILENT", "RESET_AFTER_READING", "NOT_HTTP", "CUT", "400", "401", "403", "404", "429", "500", "302", "200"]
HUSH = "sk-hush-0815"


def everything_about(error: BaseException) -> str:
    """All that a log, a crash reporter or a trace with locals would show; the test's own frame left out."""
    ours = error.__traceback__.tb_next if error.__traceback__ else None
    trace = "".join(TracebackException(type(error), error, ours, capture_locals=True).format())
    return f"{error} {error!r} {error.args} {vars(error)} {trace}"


@pytest.fixture
def logs_and_spans(caplog: pytest.LogCaptureFixture, memory: Memory) -> Callable[[], list[str]]:
    """Whatever any library wrote to any log or span, at any level."""
    caplog.set_level(logging.DEBUG)

    def everything() -> list[str]:
        logged = [f"{record.__dict__} {record.getMessage()}" for record in caplog.records]
        return logged + [f"{span.name} {span.attributes} {span.status}" for span in memory.spans]

    return everything


@pytest.mark.parametrize("case", [f"{method} {ending}" for method in ("GET", "POST") for ending in ENDINGS])
async def test_the_key_is_on_the_wire_and_nowhere_else(
    clients: Clients, server: Server, steps: type[Steps], logs_and_spans: Callable[[], list[str]], case: str
) -> None:
    method, ending = case.split()
    echo = b"<p>bad key sk-very-secret-4711"
    server.steps = [server.answer(int(ending), echo) if ending.isdigit() else getattr(steps, ending)]
    client = await clients(server.url)
    with pytest.raises(TaskhandError) as caught:
        await client.send(Request.of(method, TASK))
    key = server.received[0].headers["x-api-key"]
    assert key.encode() in echo
    texts = [*logs_and_spans(), everything_about(caught.value), repr(client), repr(vars(client))]
    assert len(texts) > 5
    assert not [text for text in texts if key in text]


@pytest.mark.parametrize("odd", ["{}\n", "{}\r\nx-evil: 1", " {}", "{}é", "{}\0", "\N{ZERO WIDTH SPACE}{}"])
async def test_a_key_that_cannot_be_sent_is_refused_without_being_quoted(odd: str) -> None:
    auth = {"x-api-key": odd.format(HUSH)}
    with pytest.raises(OperatorError, match="ACME_KEY") as caught:
        Client(Upstream(name="Acme", base_url="https://api.acme.test", auth=auth, credential_name="ACME_KEY"))
    assert HUSH not in everything_about(caught.value)


async def test_a_base_url_that_is_refused_does_not_show_the_key() -> None:
    upstream = Upstream(name="Acme", base_url="http://acme.test", auth={"x-api-key": HUSH}, credential_name="K")
    with pytest.raises(OperatorError) as caught:
        Client(upstream)
    assert HUSH not in everything_about(caught.value)


def test_the_repr_of_an_upstream_or_a_client_hides_the_key() -> None:
    upstream = Upstream(name="Acme", base_url="https://a.test", auth={"authorization": HUSH}, credential_name="K")
    assert HUSH not in f"{upstream!r} {Client(upstream)!r} {vars(Client(upstream))}"


async def test_the_search_terms_of_a_person_are_not_logged(
    clients: Clients, server: Server, logs_and_spans: Callable[[], list[str]]
) -> None:
    client = await clients(server.url)
    await client.get(Path.of("/contacts/{id}", id="c-4711"), params={"email": "ana@example.test"})
    assert server.received[0].line.startswith("GET /contacts/c-4711?email=ana%40example.test")
    assert logs_and_spans()
    assert not [text for text in logs_and_spans() if "ana@" in text or "ana%40" in text or "c-4711" in text]
