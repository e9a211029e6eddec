"""Record the transcript of a journey: each call with its requests to the CRM, questions to the person, and answer.

A line begins with `>` for a call, `!` for a fault at the CRM, `-` for a request, `?` for a question, `<` for an answer,
and at the end with `=` for a stored task that the journey made or changed.
"""

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import asdict, replace
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final
from urllib.parse import urlencode

from mcp.types import TextContent

from backends.crm_modules import CRM_MODULES
from taskhand.backends.registry import NAMES
from taskhand.config.settings import BackendName
from taskhand.sandbox.faults import Fault
from taskhand.sandbox.request_log import Logged
from taskhand.testing.server_under_test import Bench, open_bench
from taskhand.testing.setup import Setup
from taskhand.testing.stored_task import FIELDS
from transcripts.answers import Answers
from transcripts.journey import Call, Journey
from transcripts.journeys import JOURNEYS

__all__ = ["BACKENDS", "KEPT", "record", "record_all", "transcript_file"]

BACKENDS: Final = [name for name in NAMES if find_spec(f"taskhand.testing.populated.{name}")]
"""The backends that can be opened with known data."""

KEPT: Final = Path(__file__).parent / "kept"
"""The folder of the transcripts."""
_BETWEEN_CALLS: Final = timedelta(seconds=90)
_FIRST: Final = Call("find_contacts", {"query": "Carolina"})
"""The call before each journey, which is not recorded: the agent knows a contact and its customer."""

_REQUIRED: Final = {"dueDate": "2026-03-20", "aiCustomerId": "{aiCustomerId of Carolina Vega}"}
"""Values of the fields that some backend requires of a new task, for calls that lack them."""


def transcript_file(backend: str, journey: str) -> Path:
    """The file of a transcript."""
    return KEPT / backend / f"{journey}.txt"


async def record_all() -> dict[Path, str]:
    """Every transcript, by its file."""
    return {transcript_file(backend, name): await record(backend, name) for backend in BACKENDS for name in JOURNEYS}


async def record(backend: BackendName, name: str) -> str:
    """The transcript of a journey on a backend."""
    journey = JOURNEYS[name]
    with TemporaryDirectory() as folder:
        async with open_bench(Path(folder), replace(Setup(**journey.setup), backend=backend)) as bench:
            return "\n".join([line async for line in _lines(bench, journey)]) + "\n"


async def _lines(bench: Bench, journey: Journey) -> AsyncIterator[str]:
    answers, before = Answers(), await bench.state()
    await _call(bench, answers, _FIRST)
    for step in journey.steps:
        bench.clock.advance(_BETWEEN_CALLS)
        if isinstance(step, Fault):
            if bench.populated.sandbox is not None:
                bench.faults(_table(step))
                yield f"\n! {_json(_table(step))}"
            continue
        call = Call(step.tool, answers.fill_in(_with_required(step, bench.populated.backend)))
        sent, asked = len(bench.sent), len(bench.questions)
        answer = await _call(bench, answers, call)
        yield f"\n> {call.tool} {_json(call.arguments)}"
        for request in bench.sent[sent:]:
            yield f"- {_request(request)}"
        for question in bench.questions[asked:]:
            yield f"? {_json(question)}"
        yield f"< {answer}"
    yield ""
    for task in await bench.state():
        if task not in before:
            yield f"= {_json({name: task.value_of(name) for name in ('id', *FIELDS)})}"


async def _call(bench: Bench, answers: Answers, call: Call) -> str:
    """The text of the answer, which is remembered."""
    result = await bench.client.call_tool(call.tool, dict(call.arguments))
    text = "".join(part.text for part in result.content if isinstance(part, TextContent))
    assert result.is_error or result.structured_content == json.loads(text)
    answers.remember(call.tool, json.loads(text))
    return text


def _with_required(call: Call, backend: BackendName) -> dict[str, Any]:
    """The arguments of a call, with the fields that the backend requires of a new task."""
    required = (
        {name: _REQUIRED[name] for name in CRM_MODULES[backend].COUNTED_CRM.required} if backend in CRM_MODULES else {}
    )
    arguments = dict(call.arguments)
    if call.tool == "create_task" and arguments:
        return required | arguments
    if call.tool == "create_tasks":
        return arguments | {"tasks": [required | body for body in arguments["tasks"]]}
    return arguments


def _table(fault: Fault) -> dict[str, Any]:
    """The fields of a fault that are not the default."""
    default = asdict(Fault(fault.kind))
    return {"kind": fault.kind} | {name: value for name, value in asdict(fault).items() if value != default[name]}


def _request(request: Logged) -> str:
    query = urlencode(request.query, doseq=True)
    body = "" if request.body is None else f" {json.dumps(request.body, ensure_ascii=False, sort_keys=True)}"
    return f"{request.method} {request.path}{'?' if query else ''}{query} {request.status}{body}"


def _json(value: Mapping[str, Any] | str | list[Any]) -> str:
    return json.dumps(value, ensure_ascii=False)
