"""The account around the tasks: contacts and companies."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr

from backends.hubspot.sandboxed_app import BRUNO, CAROLINA, COMPANY, SANTIAGO, Time, hubspot, served
from fixed_clock import FixedClock
from taskhand.backends.factory import OpenContext
from taskhand.backends.hubspot.factory import HubSpotSettings, open_backend
from taskhand.call.observers import Budget
from taskhand.domain.errors import CallerError, OperatorError, TaskhandError
from taskhand.domain.own_credential import OwnCredential
from taskhand.http.rate_limiter import Rate
from taskhand.http.upstream import Runtime
from taskhand.sandbox.faults import Fault
from taskhand.sandbox.hubspot.account import USER
from taskhand.service.resolve_contact import check_contact

OPEN = ("burst=0", "searches=0", "search_lag=0")


async def test_finds_contacts_and_companies_with_their_ids() -> None:
    async with served() as crm:
        (carolina,) = await crm.backend.account.find_contacts("carolina", 5)
        assert (carolina.id, carolina.name, carolina.email) == (CAROLINA, "Carolina Vega", "carolina@acme.example")
        (company,) = await crm.backend.account.find_contacts("initech", 5)
        assert (company.id, company.name, company.customer_id) == (None, "Initech", "202")
        assert company.phone == "+1 555 0100"
        with pytest.raises(CallerError) as refused:
            await check_contact(crm.app, "initech")
        assert [candidate.value for candidate in refused.value.candidates] == ["202"]
        assert await crm.backend.account.find_contacts("nobody at all", 5) == ()
        [of_company] = await crm.backend.account.find_contacts("acme spa", 5)
        assert (of_company.id, of_company.customer_id, of_company.customer_name) == (CAROLINA, COMPANY, "Acme SpA")


async def test_a_found_contact_names_its_company() -> None:
    time = Time()
    async with served(hubspot(time, spec_variant=OPEN), time) as crm:
        (carolina,) = await crm.backend.account.find_contacts("Carolina", 5)
        assert (carolina.id, carolina.customer_id) == (CAROLINA, COMPANY)


@pytest.mark.parametrize("status", [400, 403, 404])
async def test_a_found_contact_has_no_company_name_if_companies_cannot_be_read(status: int) -> None:
    time, route = Time(), "POST /crm/v3/objects/companies/batch/read"
    async with served(hubspot(time, spec_variant=OPEN, faults=[Fault("status", route, status=status)]), time) as crm:
        (carolina,) = await crm.backend.account.find_contacts("Carolina", 1)
        assert (carolina.id, carolina.customer_id, carolina.customer_name) == (CAROLINA, COMPANY, None)


async def test_found_contacts_and_companies_without_contacts_both_have_the_name_of_the_company() -> None:
    async with served() as crm:
        found = await crm.backend.account.find_contacts("example", 9)
    names: dict[str | None, str | None] = {CAROLINA: "Acme SpA", BRUNO: None, None: "Initech"}
    assert sorted((str(one.id), str(one.customer_name)) for one in found) == sorted(
        (str(one), str(names[one])) for one in names
    )


async def test_a_queue_that_owns_tasks_is_not_a_member() -> None:
    async with served() as crm:
        store = crm.hubspot._store  # noqa: SLF001  the API makes no owners
        store.owners = (replace(store.owners[0], type="QUEUE"), *store.owners[1:])
        members = await crm.backend.account.members()
    assert [one.name for one in members][:2] == ["Ana Soto", "Luis Pereira"]


async def test_a_refused_token_is_an_error_although_a_missing_scope_for_pipelines_is_none() -> None:
    fault = Fault("status", "GET /crm/v3/pipelines/{kind}", status=401, nth="every")
    async with served(hubspot(faults=[fault])) as crm:
        with pytest.raises(OperatorError) as refused:
            await crm.backend.statuses()
    assert refused.value.code == "unauthorized"


@pytest.mark.parametrize("status", [400, 403, 404])
async def test_nobody_is_me_if_the_token_cannot_be_looked_up(status: int) -> None:
    route = "POST /oauth/v2/private-apps/get/access-token-info"
    async with served(hubspot(faults=[Fault("status", route, status=status)]), hubspot_user_id=None) as crm:
        assert await crm.backend.account.me() is None
        assert await crm.backend.account.me() is not None, "it is looked up again"


@pytest.mark.parametrize(("configured", "number"), [(None, 0), (str(USER), 1)])
async def test_me_is_the_owner_of_the_token_though_the_id_of_another_is_their_user_id(
    configured: str | None, number: int
) -> None:
    async with served(hubspot(), hubspot_user_id=configured) as crm:
        store = crm.hubspot._store  # noqa: SLF001  the API makes no owners
        mine, other = (replace(store.owners[0], user_id=USER), replace(store.owners[1], id=str(USER)))
        store.owners = (mine, other, *store.owners[2:])
        assert await crm.backend.account.me() == (mine, other)[number].id


@pytest.mark.parametrize("status", [400, 403, 404])
async def test_days_are_in_the_configured_zone_if_that_of_the_account_cannot_be_read(status: int) -> None:
    faults = [Fault("status", "GET /account-info/v3/details", status=status, nth="every")]
    async with served(hubspot(faults=faults)) as crm:
        assert (await crm.backend.account.zones()).days.key == SANTIAGO


async def test_names_at_most_a_hundred_linked_records() -> None:
    async with served() as crm:
        found = await crm.backend.account.find_linked("ai_contact_id", [CAROLINA, *map(str, range(1_000, 1_100))])
        assert found.keys() == {CAROLINA}


async def test_a_search_without_a_name_finds_the_records_changed_last() -> None:
    async with served() as crm:
        await crm.backend.account.find_deals(None, 5)
        await crm.backend.account.find_contacts("nobody at all", 5)
        sorted_by = {one.path.split("/")[-2]: one.body.get("sorts") for one in crm.hubspot.requests}
    assert sorted_by == {
        "deals": [{"propertyName": "hs_lastmodifieddate", "direction": "DESCENDING"}],
        "contacts": [{"propertyName": "lastmodifieddate", "direction": "DESCENDING"}],
        "companies": [{"propertyName": "hs_lastmodifieddate", "direction": "DESCENDING"}],
    }


class RecordedBudgets:
    """The budgets that the metrics show."""

    def __init__(self) -> None:
        self.budgets: list[Callable[[], Budget]] = []

    def turn_came(self, waited_s: float) -> None:
        """Nothing is sent."""

    def request_ended(self, method: str, status: int | None, took_s: float) -> None:
        """Nothing is sent."""

    def watch_budget(self, read: Callable[[], Budget]) -> None:
        """Show one more."""
        self.budgets.append(read)


class PersonalCredential:
    """The credential of a person; nothing is sent with it."""

    renewed = None

    async def reject(self, sent: OwnCredential | None, *, again: bool) -> TaskhandError | None:
        """Never called."""
        raise AssertionError((sent, again))


async def test_searches_with_any_credential_of_an_account_share_one_budget(tmp_path: Path) -> None:
    watched = RecordedBudgets()
    context = OpenContext(FixedClock(), None, tmp_path / "tasks.db", runtime=Runtime(observer=watched))
    async with context.stack:
        await open_backend(HubSpotSettings(hubspot_access_token=SecretStr("pat-na1-one")), context)
        [searches] = context.limiters.values()
        personal = replace(context, uses_own_credential=True, own_token=PersonalCredential())
        await open_backend(HubSpotSettings(hubspot_access_token=SecretStr("pat-na1-two")), personal)
    assert context.limiters == {(Rate(5, 1.0), 3): searches}
    assert len(watched.budgets) == 2, "of requests and of searches, and none of a person"
