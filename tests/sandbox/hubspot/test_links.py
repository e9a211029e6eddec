"""Associations: created, read and removed, one by one and in batches."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.hubspot.served_sandbox import ACME, DONE, NOBODY, ROSA, TASK, TOM, open_served_sandbox

ONE = f"/crm/v4/objects/tasks/{TASK}/associations"
MANY = "/crm/v4/associations/tasks/contacts"
TYPE = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 204}


def ids(page: dict[str, Any]) -> list[object]:
    return [row["toObjectId"] for row in page["results"]]


async def test_a_default_association_has_its_type() -> None:
    async with open_served_sandbox() as served:
        status, body = await served.send("PUT", f"{ONE}/default/companies/{ACME}")
        spec = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 192}
        assert (status, body["status"]) == (200, "COMPLETE")
        assert body["results"] == [{"from": {"id": TASK}, "to": {"id": ACME}, "associationSpec": spec}]
    async with open_served_sandbox("directions=both") as served:
        _, body = await served.send("PUT", f"{ONE}/default/companies/{ACME}")
        assert [row["associationSpec"]["associationTypeId"] for row in body["results"]] == [192, 191]


@pytest.mark.parametrize(
    "base", ["/crm/v4/objects/tasks", "/crm/v4/objects/0-27", "/crm/objects/2026-03/tasks", "/crm/objects/2026-09/0-27"]
)
async def test_links_have_a_path_in_every_version(base: str) -> None:
    async with open_served_sandbox() as served:
        path = f"{base}/{TASK}/associations/0-1"
        assert (await served.send("PUT", f"{path}/{TOM}", [TYPE]))[0] == 201
        assert ids(await served.get(path)) == [ROSA, TOM]
        assert (await served.send("DELETE", f"{path}/{ROSA}"))[0] == 204
        assert ids(await served.get(path)) == [TOM]


async def test_a_wrong_type_is_refused_when_linking() -> None:
    async with open_served_sandbox() as served:
        status, body = await served.send("PUT", f"{ONE}/contacts/{TOM}", [TYPE | {"associationTypeId": 2}])
        assert status == 400
        assert "invalid from object type 0-27 for associations to be created. expected: 0-1" in body["message"]
        assert (await served.send("PUT", f"{ONE}/contacts/{TOM}", []))[0] == 400
        assert (await served.send("PUT", f"{ONE}/default/contacts/{NOBODY}"))[0] == 400
        assert (await served.send("PUT", f"/crm/v4/objects/tasks/{NOBODY}/associations/default/contacts/{TOM}"))[
            0
        ] == 404
        assert (await served.send("PUT", f"/crm/v4/objects/contacts/{ROSA}/associations/default/companies/{ACME}"))[
            0
        ] == 400


async def test_associates_by_the_guides_older_path() -> None:
    async with open_served_sandbox() as served:
        path = f"/crm/v3/objects/tasks/{TASK}/associations/contacts/{TOM}"
        status, body = await served.send("PUT", f"{path}/task_to_contact")
        assert (status, len(body["associations"]["contacts"]["results"])) == (200, 2)
        assert (await served.send("DELETE", f"{path}/204"))[0] == 204
        assert ids(await served.get(f"{ONE}/contacts")) == [ROSA]
        assert (await served.send("PUT", f"{path}/2"))[0] == 400


async def test_lists_associations_in_pages() -> None:
    async with open_served_sandbox() as served:
        await served.send("PUT", f"{ONE}/default/contacts/{TOM}")
        first = await served.get(f"{ONE}/contacts", limit="1")
        assert (ids(first), first["paging"]["next"]["after"]) == ([ROSA], "1")
        assert ids(await served.get(f"{ONE}/contacts", limit="1", after="1")) == [TOM]


async def test_association_ids_are_strings_or_numbers() -> None:
    async with open_served_sandbox("association_ids=number") as served:
        assert ids(await served.get(f"{ONE}/contacts")) == [101]


async def test_creates_reads_and_removes_associations_in_batches() -> None:
    async with open_served_sandbox() as served:
        pairs = [{"from": {"id": one}, "to": {"id": TOM}} for one in (TASK, DONE)]
        assert (await served.send("POST", f"{MANY}/batch/associate/default", {"inputs": pairs[:1]}))[0] == 200
        typed = [pair | {"types": [TYPE]} for pair in pairs]
        assert (await served.send("POST", f"{MANY}/batch/create", {"inputs": typed}))[0] == 201
        wanted = {"inputs": [{"id": TASK}, {"id": DONE}, {"id": NOBODY}]}
        status, body = await served.send("POST", f"{MANY}/batch/read", wanted)
        seen = {row["from"]["id"]: [to["toObjectId"] for to in row["to"]] for row in body["results"]}
        assert (status, seen) == (200, {TASK: [ROSA, TOM], DONE: [TOM]})
        gone = [{"from": {"id": TASK}, "to": [{"id": ROSA}, {"id": TOM}]}]
        assert (await served.send("POST", f"{MANY}/batch/archive", {"inputs": gone}))[0] == 204
        assert ids(await served.get(f"{ONE}/contacts")) == []


@pytest.mark.parametrize("row", [{}, {"from": {"id": TASK}}, {"from": {"id": NOBODY}, "to": {"id": TOM}}])
async def test_an_invalid_pair_fails_the_batch(row: dict[str, Any]) -> None:
    async with open_served_sandbox() as served:
        good = {"from": {"id": TASK}, "to": {"id": TOM}}
        status, _ = await served.send("POST", f"{MANY}/batch/associate/default", {"inputs": [good, row]})
        assert status in {400, 404}
        assert ids(await served.get(f"{ONE}/contacts")) == [ROSA]


async def test_records_without_associations_may_be_errors_of_a_207() -> None:
    async with open_served_sandbox("no_associations=error") as served:
        status, body = await served.send("POST", f"{MANY}/batch/read", {"inputs": [{"id": TASK}, {"id": DONE}]})
        assert (status, [row["from"]["id"] for row in body["results"]]) == (207, [TASK])
        assert DONE in body["errors"][0]["message"]


async def test_lists_the_association_types_of_a_pair() -> None:
    async with open_served_sandbox() as served:
        [label] = (await served.get(f"{MANY}/labels"))["results"]
        assert label == {"category": "HUBSPOT_DEFINED", "typeId": 204, "label": None}


async def test_an_archived_contact_has_no_associations() -> None:
    async with open_served_sandbox() as served:
        await served.client.delete(f"/crm/v3/objects/contacts/{ROSA}")
        assert ids(await served.get(f"{ONE}/contacts")) == []
