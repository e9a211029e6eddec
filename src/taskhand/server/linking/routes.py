"""The routes of the pages and the responses to their requests, outside of /mcp and without a bearer token."""

import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import Final
from urllib.parse import urlsplit

from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from taskhand.call.deadline import call_deadline
from taskhand.domain.errors import TaskhandError
from taskhand.server.linking.link_flow import Linking
from taskhand.server.linking.page_html import CONTENT_SECURITY_POLICY, PageContent, render
from taskhand.server.linking.page_request import Visit
from taskhand.server.linking.texts import choose_language
from taskhand.server.linking.ticket_page import TicketPage

__all__ = ["LinkPages"]

_log = logging.getLogger(__name__)

_HEADERS: Final = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Robots-Tag": "noindex",
    "Vary": "Accept-Language, Cookie",
}
_ANSWERED_S: Final = 25.0
"""Seconds within which every request is answered with a page."""
_SEE_OTHER: Final = 303


class LinkPages:
    """The pages of one server."""

    def __init__(self, linking: Linking) -> None:
        self.linking = linking

    def routes(self, url: str | None, allows_host: Callable[[str], bool]) -> list[Route]:
        """The routes of the pages; none if the URL for persons is unknown.

        `url` is the server's URL if only this machine reaches it, else None. The pages are served under the URL for
        persons, and under the Host headers that `allows_host` accepts.
        """
        self.linking.resource = self.linking.resource or url or ""
        netloc = urlsplit(self.linking.base).netloc.lower()
        return _link_routes(self.linking, lambda host: host.lower() == netloc or allows_host(host)) if netloc else []

    def describe(self) -> str:
        """The address of the pages, as a text for the operator."""
        if not self.linking.base:
            return "Persons link credentials with `taskhand people link` only: pages for it need --resource."
        given_out = "on pages that calls and `taskhand people invite` give out"
        return f"Persons can link credentials of their own at {self.linking.base}, {given_out}."


def _link_routes(linking: Linking, allows_host: Callable[[str], bool]) -> list[Route]:
    """The routes of a ticket's page and of the redirects from a CRM and an issuer.

    `allows_host` checks the Host header of a request: otherwise a web page could read the pages by DNS rebinding.
    """
    endpoint = partial(_endpoint, linking, allows_host)
    return [
        Route("/link/callback", endpoint(partial(_take_redirect, "consent")), methods=["GET"]),
        Route("/link/signed-in", endpoint(partial(_take_redirect, "sign_in")), methods=["GET"]),
        Route("/link/{ticket}", endpoint(_open_page), methods=["GET", "POST"]),
    ]


async def _open_page(visit: Visit) -> PageContent | str:
    """Show the page of a ticket, or take its form; a string is the URL of a redirect."""
    ticket = await visit.linking.tickets.find(visit.text)
    return await TicketPage(visit, ticket).open() if ticket is not None else PageContent.message("unknown", 404)


async def _take_redirect(kind: str, visit: Visit) -> PageContent | str:
    """Take the redirect from a CRM or an issuer, once, from the browser that was redirected there."""
    state, browser = visit.request.query_params.get("state", ""), visit.browser.id
    found = await visit.linking.tickets.take(state, browser)
    if found is None or found[1].kind != kind:
        await visit.linking.tickets.turn_away(state, browser)
        # the other language shows the same page
        return replace(PageContent.message("lost", 403), address=visit.request.url.path)
    ticket, errand = found
    visit = replace(visit, text=errand.ticket, language=choose_language(errand.language, ""))
    shown = await TicketPage(visit, ticket).take_answer(errand)
    return replace(shown, language=visit.language) if isinstance(shown, PageContent) else shown


def _endpoint(
    linking: Linking, allows_host: Callable[[str], bool], act: Callable[[Visit], Awaitable[PageContent | str]]
) -> Callable[[Request], Awaitable[Response]]:
    """The endpoint of a route; a failure is answered with a page too."""

    async def answer(request: Request) -> Response:
        if not allows_host(request.headers.get("host", "")):
            return PlainTextResponse("Invalid Host header", 421)
        visit = Visit.of_request(request, linking)
        if request.method == "HEAD":
            return Response(headers=_HEADERS)
        try:
            with call_deadline(_ANSWERED_S, time.monotonic):
                shown = await act(visit)
        except ClientDisconnect:
            return Response(status_code=400)
        except TaskhandError as error:
            _log.error("a page to link a credential does not work: %s %s", error.message, error.next_step or "")
            shown = PageContent.message("unavailable", 503)
        if isinstance(shown, PageContent) and shown.address is None and visit.text:
            shown = replace(shown, address=visit.address)
        response = _make_response(shown, visit)
        if visit.browser.is_new and not isinstance(shown, str) and shown.form is not None:
            response.headers["Set-Cookie"] = visit.browser.cookie(linking.base)
        return response

    return answer


def _make_response(page: PageContent | str, visit: Visit) -> Response:
    if isinstance(page, str):
        return RedirectResponse(page, _SEE_OTHER, headers=_HEADERS)
    return Response(render(page, page.language or visit.language), page.status, _HEADERS, "text/html; charset=utf-8")
