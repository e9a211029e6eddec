"""The names of people in answers, also while the CRM does not tell them."""

from pathlib import Path
from typing import NoReturn

from behaviour.arms import NOW
from safety.victim import journal_in, store_in
from taskhand.domain.errors import UpstreamFailed
from taskhand.service.app_context import AppContext
from taskhand.service.lazy import Lazy
from taskhand.service.load_wording import load_wording


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
