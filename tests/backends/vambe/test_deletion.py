"""Deletions at Vambe with every fault: how often they are sent, their outcomes, and that the task stays hidden."""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest

from backends.vambe.sandboxed_app import EVER, KEY, LIST, TASK, backend_at, status, task_id, vambe
from taskhand.backends.remote.write_messages import Messages
from taskhand.backends.vambe.adapter import VambeAdapter
from taskhand.domain.edit import Edit
from taskhand.domain.errors import CallerError, NotFound, OutcomeUnknown, TaskhandError
from taskhand.domain.task import StatusChoice, Task
from taskhand.domain.task_query import TaskQuery
from taskhand.sandbox.faults import Fault
from taskhand.sandbox.messages import ReceivedRequest
from taskhand.sandbox.server import serve_sandbox
from taskhand.sandbox.vambe import SpecVariant, VambeSandbox
from virtual_time import Time

DELETE = "DELETE /api/public/tasks/{id}"
VAMBE = Messages("Vambe")


LOOKED = "DELETE GET GET"
"""A task that is gone is looked for in both lists; one that is there is in the first."""
TWICE = f"{LOOKED} GET GET"
"""It is looked for once more if its deletion was not confirmed."""
AGAIN = "DELETE GET DELETE"
ROWS: dict[str, tuple[Sequence[Fault], str, str | None]] = {
    "nothing": ([], LOOKED, None),
    "an empty body": ([Fault("empty_body")], TWICE, VAMBE.removed),
    "a body that is not JSON": ([Fault("not_json")], TWICE, VAMBE.removed),
    "a body cut off": ([Fault("truncated")], TWICE, VAMBE.removed),
    "JSON that confirms nothing": ([status(200, commit=True)], TWICE, VAMBE.removed),
    "JSON that confirms nothing, not committed": ([status(200)], f"{AGAIN} GET GET", VAMBE.sent_again),
    "a page as 200, not committed": ([Fault("html", status=200)], f"{AGAIN} GET GET", VAMBE.sent_again),
    "404": ([status(404, commit=True)], TWICE, VAMBE.removed),
    "lost twice": ([Fault("reset_before"), Fault("reset_after", nth=2)], f"{AGAIN} GET GET GET GET", VAMBE.removed),
    "a list that is behind": (
        [Fault("reset_after"), Fault("stale_list", LIST)],
        f"{AGAIN} GET GET GET GET",
        VAMBE.removed,
    ),
}
"""What Vambe alone answers to a deletion, the requests that follow, and the note; the rest is in the table of all."""


@dataclass(frozen=True)
class VambeAccount:
    """A backend that has read the task, Vambe behind it, and the time they are in."""

    backend: VambeAdapter
    sandbox: VambeSandbox
    task: Task
    time: Time

    @property
    def sent(self) -> str:
        return " ".join(request.method for request in self.sandbox.requests)

    def has_it(self) -> bool:
        return TASK in {task["id"] for task in self.sandbox.tasks}

    async def shows_it(self, *, fresh: bool = False) -> list[bool]:
        """Whether the task is in a page, among snapshots, and to be had by itself."""
        page = await self.backend.list_tasks(TaskQuery())
        found = await self.backend.snapshots([TASK], fresh=fresh)
        try:
            await self.backend.get_task(TASK, fresh=fresh)
        except NotFound:
            return [TASK in {task.id for task in page.tasks}, bool(found), False]
        return [TASK in {task.id for task in page.tasks}, bool(found), True]


@asynccontextmanager
async def open_account(
    faults: Iterable[Fault] = (), *spec_variants: str, **settings: Any
) -> AsyncIterator[VambeAccount]:
    sandbox, time = vambe(spec_variant=SpecVariant.parse(spec_variants)), Time()
    async with serve_sandbox(sandbox) as url, backend_at(url, time, **settings) as backend:
        task = await backend.get_task(TASK)
        if not spec_variants:
            await backend.list_tasks(TaskQuery())
        sandbox.clear_requests()
        sandbox.faults = tuple(replace(one, route=DELETE if one.route == "*" else one.route) for one in faults)
        yield VambeAccount(backend, sandbox, task, time)


@pytest.mark.parametrize("name", ROWS)
async def test_an_answer_that_confirms_no_deletion_is_looked_up(name: str) -> None:
    faults, sent, note = ROWS[name]
    async with open_account(faults) as account:
        assert await account.backend.delete_task(account.task) == note
        assert account.sent == sent
        assert not account.has_it()
        account.sandbox.faults = ()
        assert await account.shows_it() == [False, False, False]


async def test_a_404_of_a_task_that_is_still_listed_says_so_and_hides_nothing() -> None:
    async with open_account([status(404)]) as account:
        with pytest.raises(CallerError, match="Vambe shows task"):
            await account.backend.delete_task(account.task)
        assert account.sent == "DELETE GET GET GET"
        assert await account.shows_it() == [True, True, True]


@pytest.mark.parametrize("fault", [status(401, **EVER), status(400, **EVER)], ids=["401", "400"])
async def test_a_lost_deletion_is_unknown_where_the_lists_are_refused(fault: Fault) -> None:
    async with open_account([Fault("reset_after"), replace(fault, route=LIST)]) as account:
        with pytest.raises(OutcomeUnknown):
            await account.backend.delete_task(account.task)
        assert account.sent.startswith("DELETE GET")


# What is gone stays gone.


async def test_a_deleted_task_leaves_the_cached_lists_without_a_request() -> None:
    async with open_account() as account:
        await account.backend.delete_task(account.task)
        account.sandbox.clear_requests()
        page = await account.backend.list_tasks(TaskQuery())
        assert [task.id for task in page.tasks] == [task_id(2)]
        assert account.sent == ""


@pytest.mark.parametrize("keep_s", [0, 5, 300])
async def test_a_stale_list_does_not_show_a_deleted_task(keep_s: int) -> None:
    async with open_account([Fault("stale_list", LIST, **EVER)], vambe_cache_s=keep_s) as account:
        await account.backend.delete_task(account.task)
        for _ in range(3):
            account.time.now += 15
            assert await account.shows_it() == [False, False, False]
            assert await account.shows_it(fresh=True) == [False, False, False]


async def test_a_write_before_a_deletion_is_forgotten() -> None:
    async with open_account() as account:
        written = await account.backend.update_task(account.task, Edit(title="last words"))
        await account.backend.delete_task(written.task)
        assert await account.shows_it() == [False, False, False]


@pytest.mark.parametrize("code", [405, 409])
async def test_a_write_before_a_deletion_does_not_stand_for_the_task_that_is_gone(code: int) -> None:
    async with open_account([status(code, commit=True)]) as account:
        written = await account.backend.update_task(account.task, Edit(title="last words"))
        assert await account.backend.delete_task(written.task) == VAMBE.removed
        assert not account.has_it()
        assert await account.shows_it() == [False, False, False]


async def test_a_task_is_deleted_whatever_the_case_of_its_id() -> None:
    async with open_account() as account:
        await account.backend.delete_task(account.task.model_copy(update={"id": TASK.upper()}))
        assert not account.has_it()
        assert await account.shows_it() == [False, False, False]


async def test_a_change_of_a_deleted_task_is_not_sent() -> None:
    async with open_account() as account:
        await account.backend.delete_task(account.task)
        account.sandbox.clear_requests()
        with pytest.raises(NotFound):
            await account.backend.update_task(account.task, Edit(title="x"))
        assert {request.method for request in account.sandbox.requests} <= {"GET"}


async def test_a_change_of_a_task_that_was_just_deleted_by_another_user_is_refused() -> None:
    async with open_account() as account:
        assert await account.shows_it() == [True, True, True]
        theirs = ReceivedRequest("DELETE", f"/api/public/tasks/{TASK}", headers=(("x-api-key", KEY),))
        assert account.sandbox.answer(theirs, stale=False).status == 200
        with pytest.raises(NotFound) as caught:
            await account.backend.update_task(account.task, Edit(status=StatusChoice(name="Completado")))
        assert caught.value.code == "task_not_found"


async def test_a_deleted_task_that_still_exists_after_a_minute_is_shown() -> None:
    async with open_account() as account:
        await account.backend.delete_task(account.task)
        account.sandbox.reset()
        account.time.now += 66
        assert await account.shows_it() == [True, True, True]


async def test_a_failed_or_unknown_deletion_hides_no_task() -> None:
    for faults in ([status(500, **EVER)], [Fault("reset_before", **EVER)]):
        async with open_account(faults) as account:
            with pytest.raises(TaskhandError):
                await account.backend.delete_task(account.task)
            assert await account.shows_it() == [True, True, True]


async def test_a_deletion_after_which_vambe_answers_404_to_its_lists_is_unknown() -> None:
    lists = Fault("status", LIST, status=404, **EVER)
    async with open_account([Fault("reset_before"), lists]) as account:
        with pytest.raises(OutcomeUnknown):
            await account.backend.delete_task(account.task)


async def test_a_lost_deletion_is_unknown_where_vambe_refuses_the_widest_list() -> None:
    async with open_account([Fault("reset_after")], "max_window_days=400") as account:
        with pytest.raises(TaskhandError) as caught:
            await account.backend.delete_task(account.task)
        assert caught.value.code == "outcome_unknown"
        assert TASK in (caught.value.next_step or "")
