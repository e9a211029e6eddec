"""Every scripted fault, as a client sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import httpx2
import pytest

from sandbox.vambe.served_sandbox import DRAFT, MEMBERS, TASK, TASKS, YEAR, open_served_sandbox
from taskhand.sandbox.faults import Fault, load_faults
from taskhand.sandbox.vambe import VambeSandbox

if TYPE_CHECKING:
    from pathlib import Path

PUT = "PUT /api/public/tasks/{id}"
POST = "POST /api/public/tasks"
LIST = "GET /api/public/tasks"
PATH = f"{TASKS}/{TASK}"


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
async def test_an_error_status_replaces_the_answer_and_the_work(status: int) -> None:
    async with open_served_sandbox(faults=[Fault("status", PUT, status=status)]) as served:
        answer = await served.client.put(PATH, json={"title": "x"})
        assert (answer.status_code, answer.json()["statusCode"]) == (status, status)
        assert "retry-after" not in answer.headers
        assert served.sandbox.tasks[0]["title"] == "Revisar"
        assert (await served.update_task(title="x"))["title"] == "x"


@pytest.mark.parametrize("after", [7, "Wed, 21 Oct 2026 07:28:00 GMT"])
async def test_retry_after_is_in_seconds_or_an_http_date(after: int | str) -> None:
    async with open_served_sandbox(faults=[Fault("status", status=429, retry_after=after)]) as served:
        answer = await served.client.get(MEMBERS)
        assert (answer.status_code, answer.headers["retry-after"]) == (429, str(after))


async def test_an_error_status_may_come_after_the_work_was_done() -> None:
    async with open_served_sandbox(faults=[Fault("status", POST, status=504, commit=True)]) as served:
        assert (await served.client.post(TASKS, json=DRAFT)).status_code == 504
        assert [task["title"] for task in served.sandbox.tasks] == ["Revisar", "Llamar"]
        assert served.sandbox.requests[0].committed


@pytest.mark.parametrize(("kind", "title"), [("reset_before", "Revisar"), ("reset_after", "x")])
async def test_a_reset_happens_before_or_after_the_work(kind: str, title: str) -> None:
    async with open_served_sandbox(faults=[Fault.from_table({"kind": kind, "route": PUT})]) as served:
        with pytest.raises(httpx2.ReadError):
            await served.client.put(PATH, json={"title": "x"})
        assert served.sandbox.tasks[0]["title"] == title
        [entry] = served.sandbox.requests
        assert (entry.status, entry.fault, entry.committed) == (None, kind, title == "x")


async def test_a_reset_sends_a_tcp_reset() -> None:
    async with open_served_sandbox(faults=[Fault("reset_before")]) as served:
        url = served.client.base_url
        async with await anyio.connect_tcp(url.host, url.port or 0) as connection:
            await connection.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            with pytest.raises(anyio.BrokenResourceError) as caught:
                await connection.receive()
            assert isinstance(caught.value.__cause__, ConnectionResetError)


async def test_a_truncated_body_ends_before_its_announced_length() -> None:
    async with open_served_sandbox(faults=[Fault("truncated", PUT)]) as served:
        with pytest.raises(httpx2.RemoteProtocolError):
            await served.client.put(PATH, json={"title": "x"})
        assert served.sandbox.tasks[0]["title"] == "x"


async def test_a_slow_answer_does_the_work_before_waiting() -> None:
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)
        assert served.sandbox.tasks[0]["title"] == "x"

    async with open_served_sandbox(faults=[Fault("slow", PUT, seconds=30)], sleep=sleep) as served:
        assert (await served.update_task(title="x"))["title"] == "x"
        assert waited == [30]


async def test_a_client_that_gives_up_has_changed_the_task() -> None:
    async with open_served_sandbox(faults=[Fault("slow", PUT, seconds=3600)]) as served:
        with pytest.raises(httpx2.ReadTimeout):
            await served.client.put(PATH, json={"title": "x"}, timeout=0.05)
        assert served.sandbox.tasks[0]["title"] == "x"


async def test_can_answer_with_a_proxys_html() -> None:
    async with open_served_sandbox(faults=[Fault("html"), Fault("html", nth=2, status=200)]) as served:
        for status in (502, 200):
            answer = await served.client.get(MEMBERS)
            assert answer.status_code == status
            assert answer.headers["content-type"].startswith("text/html")
            assert answer.text.startswith("<!doctype html>")


async def test_a_redirect_leads_to_another_host_and_keeps_the_path() -> None:
    async with open_served_sandbox(faults=[Fault("redirect", to="http://other.invalid")]) as served:
        answer = await served.client.get(MEMBERS, params={"a": "1"})
        assert answer.status_code == 307
        assert answer.headers["location"] == f"http://other.invalid{MEMBERS}?a=1"


async def test_a_stale_list_misses_the_last_write() -> None:
    async with open_served_sandbox(faults=[Fault("stale_list", LIST)]) as served:
        await served.create_task()
        assert len(await served.list_tasks()) == 1
        assert len(await served.list_tasks()) == 2


@pytest.mark.parametrize(("kind", "body"), [("empty_body", ""), ("not_json", "upstream said: ok")])
async def test_a_success_may_have_no_json(kind: str, body: str) -> None:
    async with open_served_sandbox(faults=[Fault.from_table({"kind": kind, "route": POST})]) as served:
        answer = await served.client.post(TASKS, json=DRAFT)
        assert (answer.status_code, answer.text) == (201, body)
        assert len(served.sandbox.tasks) == 2


async def test_a_fault_strikes_only_the_nth_request_of_its_route() -> None:
    async with open_served_sandbox(faults=[Fault("status", LIST, nth=2, times=2)]) as served:
        statuses = []
        for _ in range(4):
            await served.client.get(MEMBERS)
            statuses.append((await served.client.get(TASKS, params=YEAR)).status_code)
        assert statuses == [200, 500, 500, 200]


@pytest.mark.parametrize("route", ["*", "GET *", "* /api/public/team-members/all"])
async def test_a_fault_can_strike_every_request_of_a_pattern(route: str) -> None:
    async with open_served_sandbox(faults=[Fault("status", route, nth="every")]) as served:
        assert [(await served.client.get(MEMBERS)).status_code for _ in range(3)] == [500] * 3


async def test_the_first_listed_fault_strikes_and_both_count() -> None:
    async with open_served_sandbox(faults=[Fault("status", status=503), Fault("html", nth="every")]) as served:
        assert [(await served.client.get(MEMBERS)).status_code for _ in range(3)] == [503, 502, 502]
    async with open_served_sandbox(faults=[Fault("status", status=503), Fault("html", nth=2)]) as served:
        assert [(await served.client.get(MEMBERS)).status_code for _ in range(3)] == [503, 502, 200]


async def test_setting_faults_restarts_their_counts() -> None:
    async with open_served_sandbox() as served:
        for _ in range(2):
            served.sandbox.faults = (Fault("status", LIST),)
            assert (await served.client.get(TASKS, params=YEAR)).status_code == 500


async def test_faults_are_scripted_over_http() -> None:
    async with open_served_sandbox() as served:
        script = [{"kind": "status", "route": LIST, "status": 503}]
        assert (await served.client.put("/_sandbox/faults", json=script)).status_code == 200
        assert (await served.client.get(TASKS, params=YEAR)).status_code == 503
        bad = await served.client.put("/_sandbox/faults", json=[{"kind": "flood"}])
        assert (bad.status_code, "reset_before" in bad.json()["message"]) == (400, True)


def test_reads_faults_from_a_toml_file(tmp_path: Path) -> None:
    path = tmp_path / "rough-day.toml"
    path.write_text(
        f"""
        [[fault]]
        route = "{POST}"
        nth = 2
        kind = "reset_after"

        [[fault]]
        kind = "status"
        nth = "every"
        status = 429
        retry_after = 3
        """
    )
    assert load_faults(path) == (
        Fault("reset_after", POST, nth=2),
        Fault("status", nth="every", status=429, retry_after=3),
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[fault]]\nkind = 'flood'", "flood.*one of"),
        ("[[fault]]\nkind = 'slow'\nlong = 3", "a fault takes kind, route"),
        ("[[fault]]\nroute = '*'", "needs kind"),
        ("[[fault]]\nkind = 'slow'\nnth = 0", "nth 0"),
        ("[[fault]]\nkind = 'slow'\nnth = 'second'", "wrong type: nth"),
        ("[[fault]]\nkind = 'status'\nstatus = '429'", "wrong type: status"),
        ("[[fault]]\nkind = 'slow'\ntimes = 0", "times must be"),
        ("fault = 3", "expected a list"),
        ("[[fault", "scenario.toml"),
    ],
)
def test_refuses_an_invalid_file_and_names_it(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "scenario.toml"
    path.write_text(text)
    with pytest.raises(ValueError, match=message) as caught:
        load_faults(path)
    assert "scenario.toml" in str(caught.value)


def test_refuses_a_fault_on_an_unknown_route() -> None:
    with pytest.raises(ValueError, match=r"no route 'GET /api/public/task'.*GET /api/public/tasks"):
        VambeSandbox(faults=[Fault("slow", "GET /api/public/task")])
