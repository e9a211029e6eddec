"""Note activities, over HTTP and with the vendor's own client, `closeio`."""

from __future__ import annotations

import pytest
from closeio_api import APIError, ValidationError  # type: ignore[import-untyped]  # the vendor's client has no types

from sandbox.close.served_sandbox import ANA, LEAD, open_served_sandbox


async def test_the_vendors_client_writes_finds_edits_and_deletes_a_note() -> None:
    async with open_served_sandbox() as served:
        body = {"lead_id": LEAD, "note": "Called R&D\nSends <an> offer"}
        made = await served.by_vendor("post", "activity/note", data=body)
        assert (made["_type"], made["note"], made["user_id"]) == ("Note", body["note"], ANA)
        assert made["note_html"] == "<body><p>Called R&amp;D</p><p>Sends &lt;an&gt; offer</p></body>"
        found = await served.by_vendor("get", "activity/note", params={"lead_id": f"lead_other,{LEAD}"})
        assert found == {"data": [made], "has_more": False}
        later = {"lead_id": LEAD, "date_created__gt": made["date_created"]}
        assert (await served.by_vendor("get", "activity/note", params=later))["data"] == []
        path = f"activity/note/{made['id']}"
        edited = await served.by_vendor(
            "put", path, data={"note_html": "<p>Paid &amp; <b>closed</b></p>", "note": "no"}
        )
        assert edited["note"].split() == ["Paid", "&", "closed"]
        assert await served.by_vendor("get", path) == edited
        assert await served.by_vendor("delete", path) == {}
        with pytest.raises(APIError) as caught:
            await served.by_vendor("get", path)
        assert caught.value.response.status_code == 404
        actions = [one["action"] for one in (await served.by_vendor("get", "event"))["data"]]
        assert actions == ["deleted", "updated", "created"]


@pytest.mark.parametrize(
    ("body", "field"),
    [({"note": "x"}, "lead"), ({"lead_id": "lead_none", "note": "x"}, "lead"), ({"lead_id": LEAD, "note": 5}, "note")],
)
async def test_a_note_without_its_lead_or_its_text_is_refused(body: dict[str, object], field: str) -> None:
    async with open_served_sandbox() as served:
        with pytest.raises(ValidationError) as caught:
            await served.by_vendor("post", "activity/note", data=body)
        assert list(caught.value.field_errors) == [field]


async def test_a_list_of_notes_may_be_behind() -> None:
    async with open_served_sandbox("note_lag=60") as served:
        made = await served.by_vendor("post", "activity/note", data={"lead_id": LEAD, "note": "Called"})
        assert (await served.by_vendor("get", "activity/note", params={"lead_id": LEAD}))["data"] == []
        assert (await served.by_vendor("get", f"activity/note/{made['id']}"))["note"] == "Called"
