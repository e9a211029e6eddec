"""A call that needs a credential of the person's own: the person is asked to link it, and the call goes on."""

import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from anyio.lowlevel import checkpoint
from mcp import Client, ClientSession, MCPError
from mcp.types import (
    ElicitCompleteNotification,
    ElicitRequestParams,
    ElicitResult,
    InputRequiredResult,
    PromptReference,
)

from fixed_clock import NOW
from sandbox.close.served_sandbox import BEN, CALL, LEAD, TASK
from server.link_pages import AtBrowser, LinkPages, open_page, serving_pages
from server.linked_account import CAT, OWNER, LinkedAccount, open_linked_account
from server.store_connections import answer_of
from taskhand.call.parallel_work import concurrent_tasks
from taskhand.domain.link_offer import REFUSALS, LinkOffer, OfferState
from taskhand.domain.policy import Policy
from taskhand.domain.principal import Person, Principal
from taskhand.sandbox.faults import Fault
from taskhand.server.access import Access
from taskhand.server.app import create_server
from taskhand.service.app_context import CallTime
from taskhand.service.connections import Connections
from taskhand.service.link_offers import OpenOffer, OpenOffers

ONLY_OWN = Policy({"own_credential": True})
ERAS = ("auto", "legacy")
DAN, EVA = "dan@example.com", "eva@example.com"
MEMBERS = {DAN: BEN, EVA: CAT}
WRITE = {"id": TASK, "title": "Renew it"}
CALLS: dict[str, dict[str, Any]] = {
    "get_task": {"id": TASK},
    "list_tasks": {},
    "create_task": {"title": "Call", "aiCustomerId": LEAD, "responsibleIds": [OWNER]},
    "bulk_update_tasks": {"taskIds": [TASK, CALL], "changes": {"priority": "2"}},
}


@dataclass
class LinkingServer:
    """A server where only own credentials are used, and the pages where they are linked."""

    account: LinkedAccount
    pages: LinkPages

    def client(self, at: AtBrowser | None = None, mode: str = "auto", person: str = DAN) -> Client:
        """A client with which this person calls; without a browser `at` it, it shows nobody a page."""
        more = {"elicitation_callback": at.answer, "message_handler": at.hear} if at else {}
        return self.account.client(person, ONLY_OWN, offers=self.pages, mode=mode, **more)

    def hurry(self, passing: float = 1.0) -> None:
        """Sleep for no time, though so much of each sleep has passed afterwards."""
        [app] = self.account.connections
        slept = [0.0]

        async def sleep(seconds: float) -> None:
            await checkpoint()
            slept[0] += passing * seconds

        hurried = replace(app, call_time=CallTime(sleep=sleep, monotonic=lambda: time.monotonic() + slept[0]))
        self.account.connections = Connections.of(hurried)


@asynccontextmanager
async def open_served_sandbox(folder: Path, *names: str) -> AsyncIterator[LinkingServer]:
    async with open_linked_account(folder, *names) as account:

        async def link(person: str, connection: str) -> None:
            await account.link(person, MEMBERS[person], connection)

        async with serving_pages(link) as pages:
            yield LinkingServer(account, pages)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[LinkingServer]:
    async with open_served_sandbox(tmp_path) as opened:
        yield opened


@pytest.mark.parametrize("mode", ERAS)
@pytest.mark.parametrize("tool", CALLS)
async def test_the_person_is_asked_to_link_and_the_call_continues(server: LinkingServer, tool: str, mode: str) -> None:
    at = AtBrowser()
    async with server.client(at, mode) as client:
        assert "code" not in await answer_of(client, tool, **CALLS[tool])
        assert "code" not in await answer_of(client, "list_statuses")
    [asked] = at.asked
    assert asked.url == server.pages.urls[0]
    assert "link" not in asked.message.partition("Open the page")[0]
    assert f"for {DAN} alone" in asked.message
    assert asked.url not in asked.message
    assert (asked.elicitation_id is None) is (mode == "auto")
    assert server.account.users() == {BEN}
    completed = [one.params.elicitation_id for one in at.told if isinstance(one, ElicitCompleteNotification)]
    assert completed == ([] if mode == "auto" else [asked.elicitation_id])


@pytest.mark.parametrize("mode", ERAS)
async def test_a_credential_that_the_crm_ends_at_once_is_answered_with_another_page(
    server: LinkingServer, mode: str
) -> None:
    class Unlucky(AtBrowser):
        """A person whose new credential is revoked before it is used."""

        async def answer(self, context: Any, params: ElicitRequestParams) -> ElicitResult:
            answered = await super().answer(context, params)
            server.account.sandbox.authorization.grants.end(BEN)
            return answered

    at = Unlucky()
    async with server.client(at, mode) as client:
        refused = await answer_of(client, "get_task", id=TASK)
    assert (refused["code"], len(at.asked)) == ("link_required", 1)
    assert server.pages.urls[-1] in refused["next"]


@pytest.mark.parametrize("mode", ERAS)
async def test_a_resource_is_read_once_the_person_has_linked(server: LinkingServer, mode: str) -> None:
    at = AtBrowser()
    async with server.client(at, mode) as client:
        await client.read_resource(f"task://{TASK}")
    assert len(at.asked) == 1
    assert server.account.users() == {BEN}


async def test_a_client_that_shows_no_pages_gets_the_link_in_its_answer(server: LinkingServer) -> None:
    async with server.client() as client:
        refused = await answer_of(client, "update_task", **WRITE)
        [url] = server.pages.urls
        assert refused["code"] == "link_required"
        assert refused["next"] == (
            f"Tell the person to open {url} to link default, then send the same call again. "
            f"The link is for {DAN} alone, works once, and expires in 9 minutes."
        )
        assert server.account.users() == set()
        for tool, sent in CALLS.items():
            assert url in (await answer_of(client, tool, **sent))["next"]
        with pytest.raises(MCPError) as unread:
            await client.read_resource(f"task://{TASK}")
        assert url not in unread.value.error.message, "traces have the message of an error"
        assert url in unread.value.error.data["next"]
        assert await open_page(url) == 200
        assert "code" not in await answer_of(client, "update_task", **WRITE)
        assert server.account.users() == {BEN}
    assert len(server.pages.made) == 1


@pytest.mark.parametrize("mode", ERAS)
@pytest.mark.parametrize("says", ["decline", "cancel"])
async def test_a_person_who_does_not_link_is_refused_and_not_asked_again(
    server: LinkingServer, says: Any, mode: str
) -> None:
    at = AtBrowser(says)
    async with server.client(at, mode) as client:
        refused = await answer_of(client, "update_task", **WRITE)
        assert refused["code"] == "link_required"
        # A host without a person cancels by itself: then the link is told. A no is a no.
        assert (server.pages.urls[0] in refused["next"]) is (says == "cancel")
        assert ("The person declined" in refused["next"]) is (says == "decline")
        again = await answer_of(client, "update_task", **WRITE)
        assert server.pages.urls[0] in again["next"]
    assert len(at.asked) == len(server.pages.made) == 1
    assert server.account.users() == set()


@pytest.mark.parametrize("mode", ERAS)
async def test_concurrent_calls_ask_the_person_once_and_all_continue(server: LinkingServer, mode: str) -> None:
    at, answers = AtBrowser(), list[Any]()
    server.hurry(passing=0)

    async def call(client: Client) -> None:
        answers.append(await answer_of(client, "get_task", id=TASK))

    async with server.client(at, mode) as client, concurrent_tasks() as group:
        for _ in range(8):
            group.start_soon(call, client)
    assert [one["task"]["id"] for one in answers] == [TASK] * 8
    assert len(at.asked) == len(server.pages.made) == 1


@pytest.mark.parametrize("mode", ERAS)
async def test_a_person_who_links_at_the_moment_of_a_call_is_not_asked_again(server: LinkingServer, mode: str) -> None:
    at, find_state = AtBrowser("cancel"), server.pages.find_state

    async def link_afterwards(offer_id: str, person: Person) -> OfferState:
        state = await find_state(offer_id, person)
        await open_page(server.pages.urls[0])
        return state

    async with server.client(at, mode) as client:
        assert (await answer_of(client, "get_task", id=TASK))["code"] == "link_required"
        server.pages.find_state = link_afterwards  # type: ignore[method-assign]
        assert "code" not in await answer_of(client, "get_task", id=TASK)
    assert len(at.asked) == len(server.pages.made) == 1


@pytest.mark.parametrize("mode", ERAS)
async def test_a_person_who_takes_longer_than_a_call_gets_the_link_in_the_answer(
    server: LinkingServer, mode: str
) -> None:
    server.hurry()
    at = AtBrowser(links=False)
    async with server.client(at, mode) as client:
        refused = await answer_of(client, "get_task", id=TASK)
        assert server.pages.urls[0] in refused["next"]
        assert await open_page(server.pages.urls[0]) == 200
        assert "code" not in await answer_of(client, "get_task", id=TASK)
    assert len(at.asked) == 1


@pytest.mark.parametrize("mode", ERAS)
async def test_each_person_has_links_of_their_own(server: LinkingServer, mode: str) -> None:
    dan, eva = AtBrowser(), AtBrowser()
    async with server.client(dan, mode) as his, server.client(eva, mode, EVA) as hers:
        async with concurrent_tasks() as group:
            for client in (his, hers):
                group.start_soon(answer_of, client, "get_task")
        assert "code" not in await answer_of(his, "get_task", id=TASK)
        assert "code" not in await answer_of(hers, "get_task", id=TASK)
    by_person = {person: offer.url for person, offer in server.pages.made}
    assert [one.url for one in dan.asked] == [by_person[DAN]]
    assert [one.url for one in eva.asked] == [by_person[EVA]]


@pytest.mark.parametrize("mode", ERAS)
async def test_a_credential_that_was_revoked_or_altered_is_linked_again(server: LinkingServer, mode: str) -> None:
    at = AtBrowser()
    async with server.client(at, mode) as client:
        assert "code" not in await answer_of(client, "get_task", id=TASK)
        server.account.sandbox.authorization.grants.end(BEN)
        assert "code" not in await answer_of(client, "get_task", id=TASK)
        assert "is not accepted any more" in at.asked[-1].message
    assert len(at.asked) == len(server.pages.made) == 2
    assert server.account.users() == {BEN}


@pytest.mark.parametrize("mode", ERAS)
async def test_plans_questions_and_undo_continue_after_the_person_has_linked(server: LinkingServer, mode: str) -> None:
    at, revoke = AtBrowser(), server.account.sandbox.authorization.grants.end
    async with server.client(at, mode) as client:
        plan = await answer_of(client, "update_task", **WRITE, dryRun=True)
        revoke(BEN)
        applied = await answer_of(client, "apply_plan", planId=plan["planId"])
        assert applied["task"]["title"] == "Renew it"
        revoke(BEN)
        undone = await answer_of(client, "undo_change", changeId=applied["changeId"])
        assert undone["task"]["title"] == "Renew"
        revoke(BEN)
        deleted = await answer_of(client, "delete_task", id=TASK)
        assert deleted["changeId"]
    assert len(at.asked) == 4
    assert server.account.users() == {BEN}


@pytest.mark.parametrize("links", [False, True])
@pytest.mark.parametrize("mode", ERAS)
async def test_a_write_that_was_begun_is_not_repeated_by_a_question_or_a_link(
    server: LinkingServer, mode: str, *, links: bool
) -> None:
    await server.account.link(DAN, BEN)
    server.account.sandbox.faults = (Fault("status", "PUT /api/v1/task/{id}", status=401),)
    at, offer = AtBrowser(), server.pages.offer

    async def offer_and_link(person: Person, connection: str) -> LinkOffer | None:
        made = await offer(person, connection)
        assert made is not None
        if links:
            await server.pages.open(made.url)
        return made

    server.pages.offer = offer_and_link  # type: ignore[method-assign]
    async with server.client(at, mode) as client:
        refused = await answer_of(client, "update_task", **WRITE)
        assert refused["code"] == "link_required"
        assert server.pages.urls[0] in refused["next"]
    assert at.asked == []
    assert [one.method for one in server.account.sandbox.requests].count("PUT") == 1


async def test_the_answer_to_a_question_is_its_persons_alone_at_any_server(server: LinkingServer) -> None:
    server.hurry()
    async with (
        server.client(AtBrowser()) as his,
        server.client(AtBrowser()) as his_at_another_server,
        server.client(AtBrowser(), person=EVA) as hers,
    ):
        asked = await his.session.call_tool("get_task", {"id": TASK}, allow_input_required=True)
        assert isinstance(asked, InputRequiredResult)
        assert await open_page(server.pages.urls[0]) == 200
        call = partial(
            ClientSession.call_tool,
            name="get_task",
            arguments={"id": TASK},
            input_responses={"link": ElicitResult(action="accept")},
            request_state=asked.request_state,
        )
        stolen = await call(hers.session)
        assert stolen.is_error
        assert "link_required" in str(stolen.content)
        assert server.pages.urls[0] not in str(stolen.content)
        assert server.account.users() == set()
        assert not (await call(his_at_another_server.session)).is_error
        assert len(server.pages.made) == 2
    assert server.account.users() == {BEN}


@pytest.mark.parametrize("says", ["accept", "decline"])
@pytest.mark.parametrize("mode", ERAS)
async def test_a_call_stops_waiting_once_its_person_has_linked_elsewhere(
    server: LinkingServer, mode: str, says: Any
) -> None:
    """By another page, or by `taskhand people link`: whatever becomes of the question."""

    class OtherPersonAtBrowser(AtBrowser):
        async def answer(self, _: Any, params: Any) -> ElicitResult:
            await server.account.link(DAN, BEN)
            return await super().answer(_, params)

    async with server.client(OtherPersonAtBrowser(says, links=False), mode) as client:
        assert "code" not in await answer_of(client, "get_task", id=TASK)
    assert server.account.users() == {BEN}
    assert server.pages.taken == set()


@pytest.mark.parametrize("mode", ERAS)
@pytest.mark.parametrize("reason", REFUSALS)
async def test_a_call_that_waits_for_a_link_ends_with_the_reason_if_the_page_refuses_the_account(
    server: LinkingServer, mode: str, reason: str
) -> None:
    """Nothing is hurried: a call that waited would take half a minute."""

    class RefusingAtBrowser(AtBrowser):
        async def answer(self, _: Any, params: Any) -> ElicitResult:
            server.pages.refusal = reason
            return await super().answer(_, params)

    at, began = RefusingAtBrowser(links=False), time.monotonic()
    async with server.client(at, mode) as client:
        for _ in range(2):
            refused = await answer_of(client, "get_task", id=TASK)
            assert refused["next"].startswith(
                f"{REFUSALS[reason].format(connection='default')} Tell the person to open"
            )
            assert server.pages.urls[0] in refused["next"]
        server.pages.refusal = None
        await server.account.link(DAN, BEN)
        assert "code" not in await answer_of(client, "get_task", id=TASK)
    assert time.monotonic() - began < 10
    assert len(at.asked) == 1


async def test_a_page_that_refuses_the_account_ends_the_waiting_at_another_server_too(server: LinkingServer) -> None:
    """Nothing is hurried: a call that waited would take half a minute."""
    async with server.client(AtBrowser()) as at_one, server.client(AtBrowser()) as at_another:
        asked = await at_one.session.call_tool("get_task", {"id": TASK}, allow_input_required=True)
        assert isinstance(asked, InputRequiredResult)
        server.pages.refusal, began = next(iter(REFUSALS)), time.monotonic()
        answered = await at_another.session.call_tool(
            "get_task",
            {"id": TASK},
            input_responses={"link": ElicitResult(action="accept")},
            request_state=asked.request_state,
        )
        assert (answered.is_error, "link_required" in str(answered.content)) == (True, True)
        assert time.monotonic() - began < 10


@pytest.mark.parametrize("mode", ERAS)
async def test_a_refusal_from_before_the_question_does_not_end_the_waiting_for_its_answer(
    server: LinkingServer, mode: str
) -> None:
    server.hurry()
    find_state, looks = server.pages.find_state, list[str]()

    async def link_at_last(offer_id: str, person: Person) -> OfferState:
        looks.append(offer_id)
        if len(looks) == 4:
            assert await open_page(server.pages.urls[0]) == 200
            server.pages.refusal = None
        return await find_state(offer_id, person)

    access = Access(lambda: ONLY_OWN, Person.parse(DAN))
    linking, at = create_server(server.account.connections, access=access, offers=server.pages), AtBrowser(links=False)
    async with Client(linking) as client:
        assert (await answer_of(client, "get_task", id=TASK))["code"] == "link_required"
    server.pages.refusal = next(iter(REFUSALS))
    server.pages.find_state = link_at_last  # type: ignore[method-assign]
    more: dict[str, Any] = {"elicitation_callback": at.answer}
    async with Client(linking, mode=mode, **more) as client:
        assert "code" not in await answer_of(client, "get_task", id=TASK)
    assert [one.url for one in at.asked] == server.pages.urls
    assert server.account.users() == {BEN}


async def test_an_ended_link_page_is_not_offered_again(server: LinkingServer) -> None:
    async with server.client() as client:
        for number in range(2):
            assert server.pages.urls[number:] == []
            refused = await answer_of(client, "get_task", id=TASK)
            assert server.pages.urls[number] in refused["next"]
            server.pages.over.add(f"offer-{number}")


async def test_a_person_who_declined_is_not_asked_by_the_next_offer(server: LinkingServer) -> None:
    server.pages.minutes = 6
    at = AtBrowser("decline")
    async with server.client(at) as client:
        for _ in range(3):
            assert (await answer_of(client, "get_task", id=TASK))["code"] == "link_required"
    assert (len(at.asked), len(server.pages.made)) == (1, 3)


async def test_the_answer_names_the_link_command_if_no_page_can_be_offered(server: LinkingServer) -> None:
    at = AtBrowser()
    async with server.client(at) as client:
        for what in ("has_none", "fails"):
            setattr(server.pages, what, True)
            refused = await answer_of(client, "get_task", id=TASK)
            assert refused["code"] == "link_required"
            assert "taskhand people link" in refused["next"]
            with pytest.raises(MCPError, match="taskhand people link"):
                await client.read_resource(f"task://{TASK}")
    assert at.asked == []


async def test_calls_at_once_share_an_offer_that_takes_a_while_to_make(server: LinkingServer) -> None:
    offer = server.pages.offer

    async def offer_later(person: Person, connection: str) -> LinkOffer | None:
        await checkpoint()
        return await offer(person, connection)

    server.pages.offer = offer_later  # type: ignore[method-assign]
    async with server.client() as client, concurrent_tasks() as group:
        for _ in range(4):
            group.start_soon(partial(answer_of, client, "get_task", id=TASK))
    assert len(server.pages.made) == 1


def test_a_person_who_closed_the_question_is_asked_again_after_ten_minutes() -> None:
    offer = LinkOffer("offer", "default", "https://x.test", NOW)
    asked = OpenOffer(offer, Person.parse(DAN), asked_at=100.0, is_closed=True)
    assert [asked.is_quiet(now) for now in (100.0, 699.0, 700.0)] == [True, True, False]
    assert not replace(asked, is_closed=False).is_quiet(100.0)


async def test_an_offer_that_ends_soon_is_replaced(server: LinkingServer) -> None:
    server.pages.minutes = 4
    async with server.client() as client:
        for number in range(3):
            assert f"secret-ticket-{number} " in (await answer_of(client, "get_task", id=TASK))["next"]
            assert len(server.pages.made) == number + 1


async def test_an_answer_to_an_offer_that_was_replaced_closes_no_newer_one(server: LinkingServer) -> None:
    offers, caller = OpenOffers(server.pages), Principal(Person.parse(DAN))
    app = server.account.connections.of_principal(caller).first
    replaced = await offers.find(app)
    assert replaced is not None
    server.pages.over.add(replaced.offer.id)
    newer = await offers.find(app)
    assert newer is not None
    assert [offers.find_known(app, one.offer.id) for one in (replaced, newer)] == [None, newer]


async def test_a_bulk_create_that_loses_its_credential_offers_a_link_and_can_be_resumed(server: LinkingServer) -> None:
    drafts = [CALLS["create_task"] | {"title": f"Call {number}"} for number in range(3)]
    await server.account.link(DAN, BEN)
    async with server.client(AtBrowser()) as client:
        server.account.sandbox.faults = (Fault("status", "POST /api/v1/task", nth=2, status=401),)
        made = await answer_of(client, "create_tasks", tasks=drafts)
        assert {one.get("code", "") for one in made["tasks"]} == {"", "link_required"}
        assert (
            f"{server.pages.urls[0]} to link default, then call apply_plan with planId {made['planId']}."
            in made["note"]
        )
        server.account.sandbox.faults = ()
        assert await open_page(server.pages.urls[0]) == 200
        done = await answer_of(client, "apply_plan", planId=made["planId"])
        assert done["totals"] == {"applied": 3}
        created = [one for one in server.account.sandbox.tasks if one.get("text", "").startswith("Call ")]
        assert len({one["text"] for one in created}) == len(created) == 3


async def test_a_plan_that_loses_its_credential_can_be_resumed_and_gives_the_reason_once(server: LinkingServer) -> None:
    drafts = [CALLS["create_task"] | {"title": f"Ring {number}"} for number in range(7)]
    await server.account.link(DAN, BEN)
    async with server.client() as client:
        ids = [one["id"] for one in (await answer_of(client, "create_tasks", tasks=drafts))["tasks"]]
        plan = await answer_of(client, "bulk_update_tasks", taskIds=ids, changes={"title": "Ring!"}, dryRun=True)
        server.account.sandbox.faults = tuple(
            Fault("status", "PUT /api/v1/task/{id}", nth=nth, status=401) for nth in range(3, 8)
        )
        part = await answer_of(client, "apply_plan", planId=plan["planId"])
        assert part["totals"] == {"applied": 2, "refused": 5}
        assert part["retryIds"] == [one["id"] for one in part["tasks"] if one.get("code") == "link_required"]
        assert str(part).count("is not accepted any more") == 1
        assert part["note"].startswith("5 of 7 tasks are left: ")
        assert f"then call apply_plan with planId {plan['planId']}." in part["note"]
        server.account.sandbox.faults = ()
        await open_page(server.pages.urls[0])
        done = await answer_of(client, "apply_plan", planId=plan["planId"])
        assert done["totals"] == {"applied": 7}
        assert (await answer_of(client, "apply_plan", planId=plan["planId"]))["code"] == "plan_used"


async def test_a_connection_that_needs_a_link_does_not_break_lists_of_other_connections(tmp_path: Path) -> None:
    async with open_served_sandbox(tmp_path, "north", "south") as server:
        at = AtBrowser()
        await server.account.link(DAN, BEN, "north")
        async with server.client(at) as client:
            for sent in ({}, {"countBy": "status"}):
                listed = await answer_of(client, "list_tasks", **sent)
                assert listed.get("tasks") or listed["connections"] == {"north": listed["total"]}
                [missing] = listed["unreachable"]
                assert (missing["connection"], missing["code"]) == ("south", "link_required")
                assert missing["message"].count(server.pages.urls[0]) == 1
            names = PromptReference(type="ref/prompt", name="hand_over")
            await client.complete(names, {"name": "from", "value": "b"})
            assert len(server.pages.made) == 1
            await open_page(server.pages.urls[0])
            assert "unreachable" not in await answer_of(client, "list_tasks")
        async with server.client(at, person=EVA) as client:
            refused = await answer_of(client, "list_tasks")
            assert refused["code"] == "link_required"
            assert all(url in refused["next"] for url in server.pages.urls[1:])
            with pytest.raises(MCPError, match="taskhand people link"):
                await client.complete(names, {"name": "from", "value": "b"})
        assert [(person, one.connection) for person, one in server.pages.made] == [
            (DAN, "south"),
            (EVA, "north"),
            (EVA, "south"),
        ]
        assert at.asked == []


async def test_the_link_is_in_no_log_and_not_in_the_journal(
    server: LinkingServer, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    caplog.set_level(logging.DEBUG)
    at = AtBrowser("cancel")
    for mode in ERAS:
        async with server.client(at, mode) as client:
            await answer_of(client, "update_task", **WRITE)
            await answer_of(client, "bulk_update_tasks", **CALLS["bulk_update_tasks"])
            with pytest.raises(MCPError):
                await client.read_resource(f"task://{TASK}")
    assert server.pages.made
    logged = [one for one in caplog.records if one.name.partition(".")[0] in {"taskhand", "mcp"}]
    assert not [one for one in logged if "secret-ticket" in one.getMessage()]
    assert not [one for one in _files(tmp_path) if b"secret-ticket" in one]


def _files(folder: Path) -> list[bytes]:
    return [file.read_bytes() for file in folder.glob("journal*")]
