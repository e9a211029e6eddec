"""Writes of one task: the sent requests and the values that are read back."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from backends.hubspot.sandboxed_app import (
    ANA,
    BRUNO,
    CAROLINA,
    COMPANY,
    ELENA,
    KEY,
    Account,
    Time,
    hubspot,
    row,
    seed,
    served,
    task_id,
)
from taskhand.domain.due import Due
from taskhand.domain.edit import Edit
from taskhand.domain.errors import CallerError, NotFound, OperatorError
from taskhand.domain.task import StatusChoice, Task
from taskhand.domain.task_query import TaskQuery
from taskhand.sandbox.hubspot import SpecVariant
from taskhand.sandbox.hubspot.errors import PORTAL

OPEN = ("burst=0", "searches=0")
DUE = Due.instant(datetime(2026, 3, 6, 13, tzinfo=UTC), "America/Santiago")
TASKS = "/crm/v3/objects/tasks"


def written_bodies(crm: Account) -> list[Any]:
    """The bodies of the requests that write."""
    return [one.body for one in crm.hubspot.requests if one.committed]


async def test_a_new_task_is_sent_as_documented_and_read_back() -> None:
    async with served() as crm:
        await crm.backend.get_task(task_id(1))
        crm.hubspot.clear_requests()
        edit = Edit(
            title="Call",
            description="a < b\nc",
            due=DUE,
            responsible_ids=(ANA,),
            ai_contact_id=CAROLINA,
            ai_customer_id=COMPANY,
            priority=2,
        )
        made = await crm.backend.create_task(edit)
        assert crm.sent == [f"POST {TASKS}", f"GET {TASKS}/{made.task.id}"]
        assert written_bodies(crm) == [
            {
                "properties": {
                    "hs_task_subject": "Call",
                    "hs_task_body": "a &lt; b<br>c",
                    "hs_timestamp": "2026-03-06T13:00:00.000Z",
                    "hubspot_owner_id": ANA,
                    "hs_task_priority": "HIGH",
                    "hs_task_status": "NOT_STARTED",
                },
                "associations": [
                    {
                        "to": {"id": CAROLINA},
                        "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 204}],
                    },
                    {
                        "to": {"id": COMPANY},
                        "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 192}],
                    },
                ],
            }
        ]
        assert not list(edit.unmet_by(made.task).given_fields())


async def test_an_update_sends_only_the_given_fields_and_reads_the_task_back() -> None:
    async with served() as crm:
        before = await crm.backend.get_task(task_id(1))
        crm.hubspot.clear_requests()
        done = await crm.backend.update_task(before, Edit(description=None, responsible_ids=()))
        assert crm.sent == [f"PATCH {TASKS}/{before.id}", f"GET {TASKS}/{before.id}"]
        assert written_bodies(crm) == [{"properties": {"hs_task_body": "", "hubspot_owner_id": ""}}]
        assert done.task == before.model_copy(update={"task_responsibles": ()})


async def test_dated_versions_send_the_same_to_dated_paths() -> None:
    async with served(hubspot_api_version="2026-03") as crm:
        before = await crm.backend.get_task(task_id(1))
        await crm.backend.update_task(before, Edit(title="New", ai_contact_id=CAROLINA))
        await crm.backend.update_tasks([(before, Edit(ai_contact_id=BRUNO))])
        await crm.backend.account.members()
        assert all("/2026-03" in path or path.endswith("/account-info/v3/details") for path in crm.sent)
        assert all(one.status is not None and one.status < 300 for one in crm.hubspot.requests)
        assert (await crm.backend.get_task(task_id(1))).ai_contact_id == BRUNO


async def test_an_invalid_api_version_is_refused() -> None:
    with pytest.raises(OperatorError, match="HUBSPOT_API_VERSION"):
        async with served(hubspot_api_version="latest"):
            raise AssertionError


async def test_a_link_is_made_changed_and_removed_and_read_back() -> None:
    async with served() as crm:
        task = await crm.backend.get_task(task_id(1))
        for wanted in (CAROLINA, BRUNO, None):
            task = (await crm.backend.update_task(task, Edit(ai_contact_id=wanted, ai_customer_id=COMPANY))).task
            assert (task.ai_contact_id, task.ai_customer_id) == (wanted, COMPANY)
        assert [link["other"] for link in crm.hubspot.state()["links"]] == ["companies"]


@pytest.mark.parametrize(
    ("edit", "code"),
    [
        (Edit(title="New", ai_contact_id="999"), "unknown_reference"),
        (Edit(title="New", ai_customer_id="../contacts"), "invalid_id"),
        (Edit(title="New", ai_contact_id=BRUNO, responsible_ids=("5",)), "upstream_refused"),
        (Edit(title="New", due=None), "due_date_required"),
        (Edit(title="New", status=StatusChoice(name="Archivado")), "unknown_status"),
    ],
)
async def test_a_refused_update_leaves_the_task_unchanged(edit: Edit, code: str) -> None:
    time = Time()
    world = seed(rows=[row(1, {"contacts": [CAROLINA]})])
    async with served(hubspot(time, world, spec_variant=OPEN), time) as crm:
        before = await crm.backend.get_task(task_id(1))
        state = crm.hubspot.state()
        with pytest.raises(CallerError) as refused:
            await checked_update(crm, before, edit)
        assert refused.value.code == code
        assert refused.value.next_step
        assert crm.hubspot.state() == state


async def checked_update(crm: Account, before: Task, edit: Edit) -> None:
    await crm.backend.check_edit(before, edit)
    await crm.backend.update_task(before, edit)


async def test_a_change_of_one_of_several_contacts_is_refused_and_the_links_stay() -> None:
    time = Time()
    world = seed(rows=[row(1, {"contacts": [CAROLINA, BRUNO]})])
    async with served(hubspot(time, world, spec_variant=OPEN), time) as crm:
        before = await crm.backend.get_task(task_id(1))
        for wanted in (None, BRUNO):
            with pytest.raises(CallerError) as refused:
                await crm.backend.update_task(before, Edit(ai_contact_id=wanted))
            assert refused.value.code == "several_links"
        after = await crm.backend.update_task(before, Edit(title="New"))
        assert after.task == before.model_copy(update={"title": "New"})
        assert len(crm.hubspot.state()["links"]) == 2


async def test_a_priority_that_was_not_sent_stays_none() -> None:
    time = Time()
    world = seed(rows=[row(1, hs_task_priority="NONE")])
    async with served(hubspot(time, world, spec_variant=OPEN), time) as crm:
        before = await crm.backend.get_task(task_id(1))
        await crm.backend.update_task(before, Edit(title="New"))
        assert crm.stored_properties(1)["hs_task_priority"] == "NONE"


async def test_a_new_task_needs_a_due_date() -> None:
    async with served() as crm:
        with pytest.raises(CallerError) as refused:
            await crm.backend.check_edit(None, Edit(title="Call", responsible_ids=(), priority=1))
        assert refused.value.code == "due_date_required"
        assert written_bodies(crm) == []


async def test_a_task_that_is_gone_is_not_found_whatever_the_tool() -> None:
    async with served() as crm:
        before = (await crm.backend.get_task(task_id(1))).model_copy(update={"id": "99999999999"})
        with pytest.raises(NotFound) as spec_variant:
            await crm.backend.get_task(before.id)
        with pytest.raises(NotFound) as writing:
            await crm.backend.update_task(before, Edit(title="New", responsible_ids=(ANA,)))
        assert (spec_variant.value.code, writing.value.code) == ("task_not_found", "task_not_found")


async def test_me_is_the_configured_user_or_the_owner_of_the_token() -> None:
    for user, expected in ((ANA, ANA), ("Ana@Example.com", ANA), ("98499706", ANA), (None, ELENA), ("nobody", None)):
        async with served(hubspot_user_id=user) as crm:
            assert await crm.backend.account.me() == expected
            # HubSpot records the owner of the token as the author, whoever is configured as `me`.
            assert crm.backend.capabilities.writes_as_me is (user is None)
            assert await crm.backend.account.upstream_account() == str(PORTAL)


async def test_the_token_is_sent_for_introspection_in_a_body_and_never_in_a_path() -> None:
    async with served(hubspot_user_id=None) as crm:
        await crm.backend.account.me()
        assert all(KEY not in str((one.path, one.query, one.body)) for one in crm.hubspot.requests)


async def test_owners_are_read_page_by_page_without_queues_and_those_archived() -> None:
    time = Time()
    owners = [
        {
            "id": str(number),
            "firstName": "P",
            "lastName": str(number),
            "email": f"p{number}@x.example",
            "userId": number,
        }
        for number in range(1, 231)
    ]
    world = seed(0) | {"owners": [*owners[:200], *(one | {"archived": True} for one in owners[200:])]}
    sandbox = hubspot(time, world, spec_variant=OPEN)
    store = sandbox._store  # noqa: SLF001  a seed has people only
    store.owners = tuple(replace(one, type="QUEUE") if int(one.id) <= 10 else one for one in store.owners)
    async with served(sandbox, time) as crm:
        assert len(await crm.backend.account.members()) == 190


async def test_a_task_is_identified_by_a_configured_unique_property() -> None:
    time = Time()
    world = seed(rows=[row(number, ref=f"REF {number}") for number in range(1, 4)])
    spec_variant = (*OPEN, "unique_property=ref", "search_lag=0")
    async with served(hubspot(time, world, spec_variant=spec_variant), time, hubspot_id_property="ref") as crm:
        task = await crm.backend.get_task("REF 1")
        assert task.id == "REF 1"
        changed = await crm.backend.update_task(task, Edit(title="New", ai_contact_id=CAROLINA))
        assert (changed.task.id, changed.task.title, changed.task.ai_contact_id) == ("REF 1", "New", CAROLINA)
        (outcome,) = await crm.backend.update_tasks([(task, Edit(title="Newer"))])
        assert outcome.written is not None
        assert (outcome.written.task.id, crm.stored_properties(1)["hs_task_subject"]) == ("REF 1", "Newer")
        others = [await crm.backend.get_task(f"REF {number}") for number in (2, 3)]
        linked = await crm.backend.update_tasks([(one, Edit(title="New", ai_contact_id=CAROLINA)) for one in others])
        assert [one.written.task.ai_contact_id for one in linked if one.written] == [CAROLINA, CAROLINA]
        made = await crm.backend.create_task(Edit(title="New", due=DUE, ai_contact_id=CAROLINA, priority=1))
        assert made.task.ai_contact_id == CAROLINA
        assert {one.id for one in (await crm.backend.list_tasks(TaskQuery())).tasks} == {
            "REF 1",
            "REF 2",
            "REF 3",
            made.task.id,
        }


READINGS = [
    f"{name}={value}"
    for name, values in SpecVariant.allowed().items()
    for value in values[1:]
    if value not in {"expired", "any text", "pending_never", "canceled"}
    if name not in {"limit_policy", "unknown_credentials"}
    if not values[0].startswith(("a whole", "any"))
    if not name.startswith("oauth_")  # nobody signs in here
]


@pytest.mark.parametrize("spec_variant", [*READINGS, "settle_ms=0", "search_lag=30", "association_ids=number"])
async def test_a_task_is_made_changed_linked_and_listed_under_every_reading(spec_variant: str) -> None:
    time = Time()
    async with served(hubspot(time, seed(1), spec_variant=(*OPEN, spec_variant)), time) as crm:
        made = await crm.backend.create_task(Edit(title="Call", due=DUE, responsible_ids=(ANA,), priority=1))
        edit = Edit(
            title="Again",
            description="x\ny",
            due=Due.instant(datetime(2026, 3, 7, 9, 30, 0, 5000, tzinfo=UTC), "America/Santiago"),
            responsible_ids=(),
            priority=2,
            status=StatusChoice(id="COMPLETED"),
            ai_contact_id=CAROLINA,
        )
        changed = await crm.backend.update_task(made.task, edit)
        assert not list(edit.unmet_by(changed.task).given_fields())
        (outcome,) = await crm.backend.update_tasks([(changed.task, Edit(ai_contact_id=None, title="Third"))])
        assert outcome.written is not None
        assert (outcome.written.task.title, outcome.written.task.ai_contact_id) == ("Third", None)


@pytest.mark.parametrize(("maker", "creator"), [({}, ELENA), ({"scopes": ["crm.objects.contacts.read"]}, None)])
async def test_the_creator_is_the_owner_whose_user_made_the_task(maker: dict[str, Any], creator: str | None) -> None:
    time = Time()
    async with served(hubspot(time, seed(1), spec_variant=OPEN, **maker), time) as crm:
        task = await crm.backend.get_task(task_id(1))
        assert task.creator_id == creator
        if creator is not None:
            assert [one.name for one in await crm.backend.account.former_members()] == ["Gil Paz"]
            written = await crm.backend.update_task(task, Edit(title="New"))
            made = await crm.backend.create_task(Edit(title="Other", due=DUE))
            assert (written.task.creator_id, made.task.creator_id) == (creator, None)
