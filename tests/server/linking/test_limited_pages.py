"""The pages behind a server's own limits: they are for callers whom nobody asks for a bearer, by their addresses."""

from pathlib import Path

from server.linking.link_site import open_link_site
from server.transports.keyed_server import asking_server
from taskhand.server.linking.routes import LinkPages
from taskhand.server.transports.http_limits import HttpLimits
from taskhand.server.transports.key_auth import KeyAuth


def _no_other(_: str) -> bool:
    return False


async def test_the_limit_on_bodies_and_the_host_names_count_for_the_pages(tmp_path: Path) -> None:
    limits = HttpLimits(body_bytes=64 * 1024)
    async with open_link_site(tmp_path) as site:
        pages = LinkPages(site.linking)
        async with asking_server(tmp_path, KeyAuth(None), limits=limits, pages=pages) as (_, http, said):
            assert "Persons can link credentials of their own at https://tasks.example.com, on pages that" in said[-1]
            page = await site.ticket()
            shown = await http.get(
                f"{page}/", headers={"Authorization": "Bearer thk_wrong", "Host": "tasks.example.com"}
            )
            assert (shown.status_code, "ben@example.com" in shown.text) == (200, True)
            assert (
                "start it with --allow-host evil.example"
                in (await http.post(page, headers={"Host": "evil.example"})).text
            )
            assert (await http.post(page, content=b"x" * 70_000)).status_code == 413


async def test_the_requests_of_an_address_count_for_the_pages(tmp_path: Path) -> None:
    limits = HttpLimits(requests_s=0.01)  # one in 100 seconds
    async with open_link_site(tmp_path) as site:
        pages = LinkPages(site.linking)
        async with asking_server(tmp_path, KeyAuth(None), limits=limits, pages=pages) as (_, http, _):
            answers = [await http.get("/link/nothing") for _ in range(2)]
    assert [one.status_code for one in answers] == [404, 429]
    assert 1 < int(answers[1].headers["retry-after"]) <= 100


async def test_a_server_that_others_reach_has_no_pages_without_a_configured_address(tmp_path: Path) -> None:
    async with open_link_site(tmp_path) as site:
        pages = LinkPages(site.linking)
        site.linking.resource = ""
        assert pages.routes(None, _no_other) == []
        assert "pages for it need --resource" in pages.describe()
        assert len(pages.routes("http://127.0.0.1:8000/mcp", _no_other)) == 3
        assert site.linking.callback == "http://127.0.0.1:8000/link/callback"
