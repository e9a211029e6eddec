"""The credential of a person's requests: their own as it is at each request, also after they have linked again."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from backends.events.feed import Feed
from backends.local.open_store import create, open_store
from fixed_clock import NOW
from taskhand.backends.base import Backend
from taskhand.domain.edit import Edit
from taskhand.domain.principal import Person, Principal
from taskhand.domain.task import Task
from taskhand.domain.task_query import TaskQuery
from taskhand.service.forwarding_backend import ForwardingBackend
from taskhand.service.own_credential_backend import with_own_credential


@dataclass
class OpenedBackend:
    """A backend that was opened with a person's credential."""

    value: Backend
    member_id: str | None = None


class OwnCredentials:
    """The own credentials of a connection, for which one backend is open now."""

    connection = "default"

    def __init__(self, *backends: Backend) -> None:
        self.backends = [*backends]

    @asynccontextmanager
    async def lease(self, names: Sequence[str]) -> AsyncIterator[OpenedBackend]:
        assert [*names] == ["ana@x.test"]
        yield OpenedBackend(self.backends[0])

    async def is_linked(self, names: Sequence[str]) -> bool:
        raise AssertionError(names)

    async def aclose(self) -> None:
        pass


async def test_a_person_who_links_again_during_a_call_is_served_by_the_new_link(tmp_path: Path) -> None:
    async with (
        open_store(tmp_path / "shared.sqlite") as shared,
        open_store(tmp_path / "first.sqlite") as first,
        open_store(tmp_path / "second.sqlite") as second,
    ):
        for store, title in ((shared, "shared"), (first, "first"), (second, "second")):
            await create(store, Edit(title=title, priority=0))
        own, ana = OwnCredentials(first, second), Principal(Person.parse("ana@x.test"))
        backend, is_own = with_own_credential(shared, own, ana, "default", lambda one, _: one)
        found = []
        for _ in own.backends:
            found += [task.title for task in (await backend.list_tasks(TaskQuery())).tasks]
            assert await is_own()
            own.backends.reverse()
    assert found == ["first", "second"]


async def test_the_changes_of_a_person_are_read_with_their_own_credential(tmp_path: Path) -> None:
    async with open_store(tmp_path / "shared.sqlite") as shared, open_store(tmp_path / "own.sqlite") as own:
        ana = Principal(Person.parse("ana@x.test"))
        backend, _ = with_own_credential(shared, OwnCredentials(own), ana, "default", lambda one, _: one)
        source, known = backend.event_source, shared.event_source
        assert source is not None
        assert known is not None
        assert (source.compares, source.remark) == (known.compares, known.remark)
        await create(shared, Edit(title="shared", priority=0))
        feed = Feed(source, await source.begin(NOW))
        await create(own, Edit(title="own", priority=0))
        assert [event.title for event in await feed.look()] == ["own"]


async def test_the_certainty_of_a_due_time_is_that_of_the_backend_of_the_latest_request(tmp_path: Path) -> None:
    class UnsureBackend(ForwardingBackend):
        """A backend that has read no due time with certainty."""

        def sure_of_due(self, task: Task, *, of_day: bool = False) -> bool:  # noqa: ARG002
            return False

    async with open_store(tmp_path / "shared.sqlite") as shared, open_store(tmp_path / "own.sqlite") as own:
        ana = Principal(Person.parse("ana@x.test"))
        backend, _ = with_own_credential(shared, OwnCredentials(UnsureBackend(own)), ana, "default", lambda one, _: one)
        task = await create(own, Edit(title="Call", priority=0))
        assert backend.sure_of_due(task)
        await backend.get_task(task.id)
        assert not backend.sure_of_due(task)
