"""Every request to every CRM: a response of another shape is an error, and only reads are repeated."""

from contextlib import nullcontext
from typing import Any

import pytest

from backends.every_request import FILE, OPENERS, answered, requests_of, send, sent_requests_text
from taskhand.domain.errors import RateLimited, TaskhandError
from taskhand.http.client import Client

NEVER_SENT = {"close webhooks create", "close webhooks add_missing"}
"""Methods of CRMs with a subscription for each event; Close has one subscription for all events."""
CREATES = {"close create", "close create_note", "hubspot create", "hubspot create_many", "vambe create"}
"""The requests before whose repetition the caller searches for what they may have made."""
WRITES = {
    *CREATES,
    *(f"close {name}" for name in ("update", "delete", "update_many", "delete_note")),
    *(f"hubspot {name}" for name in ("update", "archive", "update_many", "link", "link_as", "unlink")),
    *("vambe update", "vambe delete"),
}
UNREAD = {"hubspot link_as", "hubspot unlink", "close webhooks delete", "hubspot webhooks delete"}
"""The requests whose successful responses are not read: their status tells all."""


CASES = [
    case
    for crm, opener in OPENERS.items()
    for name in requests_of(opener)
    if (case := f"{crm} {name}") not in NEVER_SENT
]


async def send_case(client: Client, case: str, **others: Any) -> object:
    """Call the method of a case."""
    crm, _, name = case.rpartition(" ")
    return await send(getattr(OPENERS[crm](client), name), **others)


@pytest.mark.parametrize("case", CASES)
async def test_a_response_of_another_shape_is_an_error_with_a_message(case: str) -> None:
    async with answered(200, b"7") as (client, _):
        expected = nullcontext() if case in UNREAD else pytest.raises(TaskhandError, match="a number instead of an ")
        with expected:
            await send_case(client, case)


@pytest.mark.parametrize("case", [one for one in CASES if "webhooks" not in one])
async def test_only_reads_are_repeated_after_a_failure_of_the_crm(case: str) -> None:
    async with answered(500, b"") as (client, answers):
        with pytest.raises(TaskhandError):
            await send_case(client, case)
    assert (len(answers.requests) > 1) == (case not in WRITES)


@pytest.mark.parametrize("case", ["hubspot link", "hubspot link_as", "hubspot unlink"])
async def test_a_change_of_one_link_is_repeated_after_a_lost_response_because_twice_does_no_harm(case: str) -> None:
    async with answered(504, b"") as (client, answers):
        with pytest.raises(TaskhandError):
            await send_case(client, case, pairs=[("1", "2")])
    assert len(answers.requests) > 1


@pytest.mark.parametrize("case", sorted(CREATES))
async def test_a_create_that_the_crm_throttles_is_not_repeated_by_the_client(case: str) -> None:
    async with answered(429, b"") as (client, answers):
        with pytest.raises(RateLimited):
            await send_case(client, case)
    assert len(answers.requests) == 1


def test_every_request_is_sent_as_the_file_of_sent_requests_has_it() -> None:
    assert sent_requests_text() == FILE.read_text(encoding="utf-8")
