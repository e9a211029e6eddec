"""The time that each of several connections has for its answer."""

from pathlib import Path

import anyio

from behaviour.world import NOW
from builders import refused
from file_stores import journal_in, store_in
from taskhand.call.deadline import call_deadline, time_left
from taskhand.domain.errors import CallerError, NotFound
from taskhand.service.app_context import AppContext
from taskhand.service.ask_connections import ask_connections
from taskhand.service.lazy import Lazy


async def test_a_connection_is_cut_somewhat_later_than_it_should_end_by_itself(tmp_path: Path) -> None:
    app = AppContext(store_in(tmp_path), Lazy(lambda: journal_in(tmp_path)), lambda: NOW)

    async def ask(_: str, __: AppContext) -> tuple[float, float]:
        return time_left(), anyio.current_effective_deadline() - anyio.current_time()

    with call_deadline(1_001, lambda: 0.0):
        answers = (await ask_connections({"north": app}, ask)).answers
    own_s, cut_s = answers["north"]
    assert own_s == 500
    assert 520 < cut_s <= 550
    await app.aclose()


async def test_if_all_connections_refuse_the_error_is_that_of_the_nearest_to_an_answer(tmp_path: Path) -> None:
    app = AppContext(store_in(tmp_path), Lazy(lambda: journal_in(tmp_path)), lambda: NOW)
    errors = {
        "north": CallerError("There are no deals here.", code="unknown_field"),
        "south": NotFound("No deal is named so.", code="unknown_deal", next_step="Send its id."),
    }

    async def ask(name: str, _: AppContext) -> None:
        raise errors[name]

    with call_deadline(1_001, lambda: 0.0), refused("unknown_deal") as caught:
        await ask_connections(dict.fromkeys(errors, app), ask)
    assert caught.value.next_step == "south: Send its id."
    await app.aclose()
