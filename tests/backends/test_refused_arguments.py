"""A refused value is named by the argument that wrote it, whatever its name is in the requests of a CRM."""

from collections.abc import Callable, Iterable
from datetime import date

import pytest

from taskhand.backends.close import errors as close_errors
from taskhand.backends.close.mapping import create_body, update_body
from taskhand.backends.hubspot import errors as hubspot_errors
from taskhand.backends.hubspot.fields.due import Zones
from taskhand.backends.hubspot.fields.statuses import TaskStatuses
from taskhand.backends.hubspot.mapping import AccountData, properties_of
from taskhand.backends.vambe import errors as vambe_errors
from taskhand.backends.vambe.mapping import body_of
from taskhand.domain.due import Due
from taskhand.domain.edit import Edit, without
from taskhand.domain.errors import Explanation
from taskhand.domain.task import StatusChoice

Explain = Callable[[str], Explanation | None]

DAY = Due(date(2026, 3, 2))
LINKS = Edit(ai_customer_id="lead_1", ai_contact_id="cont_1")
OF_EVERY_CRM = [
    ("title", Edit(title="Call Acme")),
    ("responsibleIds", Edit(responsible_ids=("1",))),
    ("priority", Edit(priority=2)),
    ("dueDate", Edit(due=DAY)),
]
CLOSE = [
    *OF_EVERY_CRM,
    ("dueDate", Edit(due=None)),
    ("newStatusName", Edit(status=StatusChoice(name="Open"))),
    ("resolution", Edit(resolution="done")),
    ("aiContactId", Edit(ai_contact_id="cont_1")),
]
STAGES = [{"id": "s", "label": "Open"}, {"id": "t", "label": "Closed", "metadata": {"isClosed": "true"}}]
STATUSES = TaskStatuses.of_pipelines({"results": [{"id": "p", "stages": STAGES}, {"id": "q", "stages": []}]})
HUBSPOT = [
    *OF_EVERY_CRM,
    ("description", Edit(description="Bring the offer")),
    ("taskType", Edit(task_type="CALL")),
    ("newStatusName", Edit(status=StatusChoice(id="s"))),
    ("newStatusName", Edit(status=StatusChoice(id="COMPLETED"))),
]
VAMBE = [
    *OF_EVERY_CRM,
    ("description", Edit(description="Bring the offer")),
    ("newStatusName", Edit(status=StatusChoice(name="Open"))),
    ("newStatusPosition", Edit(status=StatusChoice(position=1))),
    ("aiContactId", Edit(ai_contact_id="1")),
    ("aiCustomerId", Edit(ai_customer_id="1")),
]


def named(names: Iterable[str], explain: Explain) -> set[str]:
    """The arguments that refusals of these fields are about."""
    return {argument for name in names for found in [explain(name)] if found for argument in found.arguments}


def in_close(name: str) -> Explanation | None:
    return close_errors.explain(400, {"errors": [], "field-errors": {name: "not valid"}})


def in_hubspot(name: str) -> Explanation | None:
    return hubspot_errors.explain(400, {"errors": [{"code": "INVALID_LONG", "context": {"propertyName": [name]}}]})


def in_vambe(name: str) -> Explanation | None:
    return vambe_errors.explain(400, {"errors": [{"field": name, "message": "not valid"}]})


@pytest.mark.parametrize(("argument", "edit"), CLOSE)
def test_close_refuses_a_field_of_an_argument(argument: str, edit: Edit) -> None:
    assert named(update_body(edit, dateless=True), in_close) == {argument}


def test_close_refuses_a_link_of_a_new_task() -> None:
    links = create_body(LINKS, "lead").keys() - create_body(without(LINKS, "ai_contact_id"), "lead").keys()
    assert (named(["lead_id", "lead"], in_close), named(links, in_close)) == ({"aiCustomerId"}, {"aiContactId"})


@pytest.mark.parametrize(("argument", "edit"), HUBSPOT)
def test_hubspot_refuses_a_property_of_an_argument(argument: str, edit: Edit) -> None:
    assert STATUSES is not None
    assert named(properties_of(edit, None, AccountData(Zones(None), STATUSES)), in_hubspot) == {argument}


@pytest.mark.parametrize(("argument", "edit"), VAMBE)
def test_vambe_refuses_a_field_of_an_argument(argument: str, edit: Edit) -> None:
    assert named(body_of(edit, None), in_vambe) == {argument}
