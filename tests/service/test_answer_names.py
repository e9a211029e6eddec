"""The names of people in answers, also while the CRM does not tell them."""

from pathlib import Path
from typing import NoReturn

from behaviour.world import NOW
from file_stores import journal_in, store_in
from taskhand.call.deadline import call_deadline, time_left
from taskhand.domain.errors import UpstreamFailed
from taskhand.service.answer_names import load_wording
from taskhand.service.app_context import AppContext
from taskhand.service.lazy import Lazy


async def test_people_have_the_names_that_were_read_last_where_the_team_cannot_be_read(tmp_path: Path) -> None:
    async def fail() -> NoReturn:
        raise UpstreamFailed("The CRM failed.")

    app = AppContext(store_in(tmp_path), Lazy(lambda: journal_in(tmp_path)), lambda: NOW)
    me = await app.backend.account.me()
    assert me is not None
    assert (await load_wording(app, [me])).people([me]) == ["Elena"]
    app.backend.account.members = fail  # type: ignore[method-assign]  # the CRM is away
    assert (await load_wording(app, [me])).people([me]) == ["Elena"]
    await app.aclose()


async def test_a_crm_that_is_away_is_asked_only_for_names_that_were_never_read(tmp_path: Path) -> None:
    asked = list[float]()

    async def fail() -> NoReturn:
        asked.append(time_left())
        raise UpstreamFailed("The CRM failed.")

    app = AppContext(store_in(tmp_path), Lazy(lambda: journal_in(tmp_path)), lambda: NOW)
    app.remember_names({"1": "Ana"})
    app.backend.account.members = fail  # type: ignore[method-assign]  # the CRM is away
    with call_deadline(100):
        assert (await load_wording(app, ["1"], is_away=True)).people(["1"]) == ["Ana"]
        assert asked == []
        assert (await load_wording(app, ["1", "2"], is_away=True)).people(["1", "2"]) == ["Ana", "2"]
        assert 0 < asked.pop() < 25
    await app.aclose()
