"""The sandbox works with the vendor's own client."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from sandbox.hubspot.served_sandbox import (
    ACME,
    ANA,
    BINNED,
    DONE,
    DRAFT,
    DUE,
    NOBODY,
    ROSA,
    SEED,
    TASK,
    ServedSandbox,
    open_served_sandbox,
    threaded,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

hubspot = pytest.importorskip("hubspot", reason="hubspot-api-client is not installed")
associations = pytest.importorskip("hubspot.crm.associations.v4")
contacts = pytest.importorskip("hubspot.crm.contacts")
deals = pytest.importorskip("hubspot.crm.deals")
pager = pytest.importorskip("hubspot.utils.objects")
objects = pytest.importorskip("hubspot.crm.objects.tasks")


class Vendor(NamedTuple):
    client: Any
    served: ServedSandbox

    @property
    def tasks(self) -> Any:
        return self.client.crm.objects.tasks


@asynccontextmanager
async def at_home(*spec_variant: str, token: str | None = None, **options: Any) -> AsyncIterator[Vendor]:
    async with open_served_sandbox(*spec_variant, **options) as served:
        host = str(served.client.base_url).rstrip("/")
        yield Vendor(hubspot.Client.create(access_token=token or served.sandbox.token, host=host), served)


def draft(**properties: str) -> Any:
    return objects.SimplePublicObjectInputForCreate(properties=DRAFT | properties, associations=[])


async def test_creates_reads_updates_and_archives_a_task() -> None:
    async with at_home() as vendor:
        api = vendor.tasks.basic_api
        made = await threaded(api.create, draft(hubspot_owner_id=ANA))
        assert (made.properties["hs_task_subject"], made.properties["hs_task_completion_count"]) == ("Llamar", "0")
        change = objects.SimplePublicObjectInput(properties={"hs_task_status": "COMPLETED"})
        changed = await threaded(api.update, made.id, change)
        assert changed.properties["hs_task_is_completed"] == "1"
        read = await threaded(api.get_by_id, made.id, properties=["hs_task_status", "hs_timestamp"])
        assert (read.properties["hs_task_status"], read.properties["hs_timestamp"]) == ("COMPLETED", DUE)
        await threaded(api.archive, made.id)
        with pytest.raises(objects.exceptions.NotFoundException):
            await threaded(api.get_by_id, made.id)
        gone = await threaded(api.get_by_id, made.id, archived=True)
        assert (gone.archived, gone.archived_at is not None) == (True, True)


async def test_reads_the_associations_of_a_new_task() -> None:
    async with at_home() as vendor:
        spec = objects.AssociationSpec(association_category="HUBSPOT_DEFINED", association_type_id=204)
        link = objects.PublicAssociationsForObject(to=objects.PublicObjectId(id=ROSA), types=[spec])
        body = objects.SimplePublicObjectInputForCreate(properties=DRAFT, associations=[link])
        made = await threaded(vendor.tasks.basic_api.create, body)
        read = await threaded(vendor.tasks.basic_api.get_by_id, made.id, associations=["contacts", "companies"])
        assert [row.id for row in read.associations["contacts"].results] == [ROSA]
        assert "companies" not in read.associations


async def test_the_clients_pager_reads_every_task() -> None:
    async with at_home() as vendor:
        for _ in range(120):
            await vendor.served.create_task()
            vendor.served.clock.advance(1)
        every = await threaded(pager.fetch_all, vendor.tasks.basic_api)
        assert len(every) == len({task.id for task in every}) == 122
        binned = await threaded(pager.fetch_all, vendor.tasks.basic_api, archived=True)
        assert [task.id for task in binned] == [BINNED]


async def test_a_page_has_the_cursor_of_the_next() -> None:
    async with at_home() as vendor:
        first = await threaded(vendor.tasks.basic_api.get_page, limit=1)
        second = await threaded(vendor.tasks.basic_api.get_page, limit=1, after=first.paging.next.after)
        assert [first.results[0].id, second.results[0].id, second.paging] == [TASK, DONE, None]


async def test_a_batch_answers_results_and_errors() -> None:
    async with at_home() as vendor:
        api = vendor.tasks.batch_api
        wanted = [
            objects.SimplePublicObjectBatchInput(
                id=TASK, properties={"hs_task_subject": "x"}, object_write_trace_id="a"
            ),
            objects.SimplePublicObjectBatchInput(id=NOBODY, properties={}, object_write_trace_id="b"),
        ]
        done = await threaded(api.update, objects.BatchInputSimplePublicObjectBatchInput(inputs=wanted))
        assert (done.status, done.num_errors) == ("COMPLETE", 1)
        assert [(row.id, row.object_write_trace_id) for row in done.results] == [(TASK, "a")]
        assert done.errors[0].context == {"ids": [NOBODY], "objectWriteTraceId": ["b"]}
        ids = [objects.SimplePublicObjectId(id=one) for one in (TASK, DONE)]
        body = objects.BatchReadInputSimplePublicObjectId(
            inputs=ids, properties=["hs_task_subject"], properties_with_history=["hs_task_subject"]
        )
        read = {row.id: row for row in (await threaded(api.read, body)).results}
        assert read[DONE].properties["hs_task_subject"] is None
        history = read[TASK].properties_with_history["hs_task_subject"]
        assert [(one.value, one.source_type) for one in history] == [
            ("x", "INTEGRATION"),
            ("Revisar contrato", "CRM_UI"),
        ]
        await threaded(api.archive, objects.BatchInputSimplePublicObjectId(inputs=ids))
        assert vendor.served.sandbox.tasks == []


async def test_reads_and_updates_tasks_by_a_unique_property() -> None:
    async with at_home("unique_property=order") as vendor:
        vendor.served.sandbox.edit(TASK, order="P-1")
        api = vendor.tasks.batch_api
        body = objects.BatchReadInputSimplePublicObjectId(
            inputs=[objects.SimplePublicObjectId(id="P-1")],
            id_property="order",
            properties=["order"],
            properties_with_history=[],
        )
        assert [row.id for row in (await threaded(api.read, body)).results] == [TASK]
        one = objects.SimplePublicObjectBatchInput(id="P-1", id_property="order", properties={"hs_task_subject": "x"})
        done = await threaded(api.update, objects.BatchInputSimplePublicObjectBatchInput(inputs=[one]))
        assert [(row.id, row.properties["hs_task_subject"]) for row in done.results] == [(TASK, "x")]
        [order] = [
            row
            for row in (await threaded(vendor.client.crm.properties.core_api.get_all, "tasks")).results
            if row.name == "order"
        ]
        assert (order.has_unique_value, order.hubspot_defined) == (True, False)


async def test_creates_tasks_in_a_batch() -> None:
    async with at_home() as vendor:
        rows = [
            objects.SimplePublicObjectBatchInputForCreate(
                properties=DRAFT, associations=[], object_write_trace_id=str(number)
            )
            for number in range(3)
        ]
        made = await threaded(
            vendor.tasks.batch_api.create, objects.BatchInputSimplePublicObjectBatchInputForCreate(inputs=rows)
        )
        assert sorted(row.object_write_trace_id for row in made.results) == ["0", "1", "2"]


async def test_the_vendor_client_searches_tasks() -> None:
    async with at_home() as vendor:
        request = objects.PublicObjectSearchRequest(
            filter_groups=[
                {"filters": [{"propertyName": "hubspot_owner_id", "operator": "EQ", "value": ANA}]},
                {"filters": [{"propertyName": "hs_task_status", "operator": "IN", "values": ["COMPLETED"]}]},
            ],
            sorts=["-hs_createdate"],
            properties=["hs_task_subject"],
            limit=1,
        )
        page = await threaded(vendor.tasks.search_api.do_search, request)
        assert (page.total, page.results[0].id, page.paging.next.after) == (2, DONE, "1")


async def test_reads_owners_statuses_and_stages() -> None:
    async with at_home() as vendor:
        crm = vendor.client.crm
        owners = await threaded(crm.owners.get_all)
        assert [owner.first_name for owner in owners] == ["Ana", "Ben"]
        one = await threaded(crm.owners.owners_api.get_by_id, 12, id_property="userId")
        assert one.email == "ben@example.com"
        status = await threaded(crm.properties.core_api.get_by_name, "tasks", "hs_task_status")
        assert [option.value for option in status.options] == [
            "COMPLETED",
            "DEFERRED",
            "IN_PROGRESS",
            "NOT_STARTED",
            "WAITING",
        ]
        every = await threaded(crm.properties.core_api.get_all, "tasks")
        assert {"hs_timestamp", "hs_task_is_all_day"} <= {one.name for one in every.results}
        [pipeline] = (await threaded(crm.pipelines.pipelines_api.get_all, "tasks")).results
        assert [served.metadata["isClosed"] for served in pipeline.stages].count("true") == 1


async def test_contacts_are_found_and_read_by_email() -> None:
    async with at_home() as vendor:
        request = contacts.PublicObjectSearchRequest(query="rosa")
        page = await threaded(vendor.client.crm.contacts.search_api.do_search, request)
        assert [row.properties["firstname"] for row in page.results] == ["Rosa", "Tomás"]
        rosa = await threaded(vendor.client.crm.contacts.basic_api.get_by_id, "rosa@example.com", id_property="email")
        assert rosa.id == ROSA


async def test_creates_reads_and_removes_associations() -> None:
    async with at_home() as vendor:
        api = vendor.client.crm.associations.v4.basic_api
        made = await threaded(api.create_default, "tasks", TASK, "companies", ACME)
        assert made.results[0].association_spec.association_type_id == 192
        spec = associations.AssociationSpec(association_category="HUBSPOT_DEFINED", association_type_id=192)
        pair = await threaded(api.create, "tasks", DONE, "companies", ACME, [spec])
        assert (pair.from_object_type_id, pair.to_object_type_id) == ("0-27", "0-2")
        page = await threaded(api.get_page, "tasks", TASK, "companies")
        assert [(row.to_object_id, row.association_types[0].type_id) for row in page.results] == [(ACME, 192)]
        back = await threaded(api.get_page, "companies", ACME, "tasks")
        assert [row.to_object_id for row in back.results] == [TASK, DONE]
        await threaded(api.archive, "tasks", TASK, "companies", ACME)
        assert (await threaded(api.get_page, "tasks", TASK, "companies")).results == []


async def test_reads_associations_in_batches() -> None:
    async with at_home() as vendor:
        inputs = [associations.PublicFetchAssociationsBatchRequest(id=one) for one in (TASK, DONE)]
        body = associations.BatchInputPublicFetchAssociationsBatchRequest(inputs=inputs)
        read = await threaded(vendor.client.crm.associations.v4.batch_api.get_page, "tasks", "contacts", body)
        assert [(row._from.id, row.to[0].to_object_id) for row in read.results] == [(TASK, ROSA)]  # noqa: SLF001  # the vendor's name


async def test_reads_finds_and_searches_by_the_deal_of_a_task() -> None:
    seed = SEED | {"deals": [{"id": "301", "properties": {"dealname": "Acme renewal"}}]}
    async with at_home(seed=seed) as vendor:
        v4 = vendor.client.crm.associations.v4.basic_api
        spec = associations.AssociationSpec(association_category="HUBSPOT_DEFINED", association_type_id=216)
        await threaded(v4.create, "tasks", TASK, "deals", "301", [spec])
        page = await threaded(v4.get_page, "tasks", TASK, "deals")
        assert [(row.to_object_id, row.association_types[0].type_id) for row in page.results] == [("301", 216)]
        read = await threaded(vendor.tasks.basic_api.get_by_id, TASK, associations=["deals"])
        assert [row.id for row in read.associations["deals"].results] == ["301"]
        named = await threaded(
            vendor.client.crm.deals.search_api.do_search, deals.PublicObjectSearchRequest(query="acme")
        )
        assert [row.properties["dealname"] for row in named.results] == ["Acme renewal"]
        vendor.served.clock.advance(60)
        of_deal = {"filters": [{"propertyName": "associations.deal", "operator": "EQ", "value": "301"}]}
        found = await threaded(
            vendor.tasks.search_api.do_search, objects.PublicObjectSearchRequest(filter_groups=[of_deal])
        )
        assert [row.id for row in found.results] == [TASK]


async def test_the_clients_exceptions_have_the_error_body() -> None:
    async with at_home() as vendor:
        with pytest.raises(objects.ApiException) as caught:
            await threaded(vendor.tasks.basic_api.create, draft(missing="x"))
        body = json.loads(caught.value.body)
        assert (caught.value.status, body["errors"][0]["code"]) == (400, "PROPERTY_DOESNT_EXIST")


async def test_a_wrong_token_is_401_and_a_missing_scope_403() -> None:
    async with at_home(token="pat-na1-other") as vendor:  # noqa: S106  # opens nothing
        with pytest.raises(objects.exceptions.UnauthorizedException):
            await threaded(vendor.tasks.basic_api.get_page)
    async with at_home("missing_scopes=crm.objects.contacts.write") as vendor:
        with pytest.raises(objects.exceptions.ForbiddenException):
            await threaded(vendor.tasks.basic_api.create, draft())
