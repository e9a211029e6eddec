"""The limits of callers who are asked for a key: they count for each person, wherever the person calls from."""

from pathlib import Path

import pytest

from server.transports.keyed_server import ERAS, KeyCaller, keyed_server
from taskhand.keys.key import make_key_text
from taskhand.server.transports.http_limits import HttpLimits

OLDER = ERAS[-1]


@pytest.mark.parametrize("era", ERAS)
async def test_an_address_with_too_many_wrong_keys_has_to_wait_except_with_a_valid_key(
    tmp_path: Path, era: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with keyed_server(tmp_path, limits=HttpLimits(wrong_keys=3)) as server:
        key, expired, revoked = await server.make_key(), await server.make_key(seconds=-1), await server.make_key()
        await server.revoke(revoked)
        wrong = [make_key_text().text, expired.text, revoked.text, "no key", f"{key.text}0", key.text[:-1]]
        answers = [await KeyCaller(server.http, text, era).post("tools/list") for text in wrong]
        assert [answer.status_code for answer in answers] == [401, 401, 401, 429, 429, 429]
        assert len({answer.text for answer in answers[3:]}) == 1
        assert all(1 <= int(answer.headers["retry-after"]) <= 20 for answer in answers[3:])
        assert answers[3].json()["error"]["data"]["limit"] == "wrong_keys"
        assert (await KeyCaller(server.http, None, era).post("tools/list")).status_code == 401
        assert await (await server.caller(key, era)).tools()
    assert "Over the limit wrong_keys: 1 times, last by address 127.0.0.1." in caplog.messages
    assert not [text for text in wrong if text in caplog.text]


async def test_two_keys_of_one_person_are_one_caller_and_another_person_is_served(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with keyed_server(tmp_path, limits=HttpLimits(requests_s=0.01)) as server:
        first, second = await server.make_key("ana@x.test"), await server.make_key("Ana@X.test")
        other = await server.make_key("leo@x.test")
        answers = [await KeyCaller(server.http, key.text).post("tools/list") for key in (first, second, other)]
        assert [answer.status_code for answer in answers] == [200, 429, 200]
    assert "Over the limit requests_a_second: 1 times, last by person ana@x.test." in caplog.messages
    assert not [key for key in (first, second, other) if key.text in caplog.text]


async def test_a_person_who_opens_many_sessions_ends_no_other_s(tmp_path: Path) -> None:
    async with keyed_server(tmp_path, limits=HttpLimits(sessions=4, sessions_of_one=2)) as server:
        first, second, other = [await server.make_key(person) for person in ("ana@x.test", "ana@x.test", "leo@x.test")]
        theirs = await server.caller(other, OLDER)
        callers = [await server.caller(key, OLDER) for key in (first, second, first, second, first)]
        statuses = [(await caller.post("tools/list")).status_code for caller in (*callers, theirs)]
        assert statuses == [404, 404, 404, 200, 200, 200]
