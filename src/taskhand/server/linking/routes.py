"""The routes of the pages and the responses to their requests, outside of /mcp and without a bearer token."""

import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final
from urllib.parse import parse_qs, urlencode, urlsplit

from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from taskhand.domain.deadline import call_deadline
from taskhand.domain.errors import CallerError, OperatorError, TaskhandError
from taskhand.domain.link_offer import REFUSALS
from taskhand.server.linking.browser import Browser, is_cross_site
from taskhand.server.linking.link_flow import Linking, Refused
from taskhand.server.linking.page_html import CONTENT_SECURITY_POLICY, Form, Page, render
from taskhand.server.linking.texts import choose_language
from taskhand.vault.link import LinkedMember
from taskhand.vault.ticket import Errand, Ticket

__all__ = ["link_routes"]

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
_MAX_READ: Final = 16 * 1024
"""Maximum size of a form in bytes."""
_ANSWERED_S: Final = 25.0
"""Seconds within which every request is answered with a page."""
_SEE_OTHER: Final = 303
_EXTERNAL_STEPS: Final = frozenset({"consent", "sign_in"})
"""The steps on the pages of an issuer or a CRM."""
_CRM_FAILURES: Final = frozenset({"", "server_error", "temporarily_unavailable"})
"""Errors of a CRM that are not caused by the app."""
_MAX_LOGGED: Final = 100
_SHOWN_IN_FORM: Final = frozenset({"no_key", "key_refused"})
"""Reasons of refusals that are shown beside the field, so that the person can send it again."""


def link_routes(linking: Linking, allows_host: Callable[[str], bool]) -> list[Route]:
    """The routes of a ticket's page and of the redirects from a CRM and an issuer.

    `allows_host` checks the Host header of a request: otherwise a web page could read the pages by DNS rebinding.
    """

    def answer(act: Callable[[_Visit], Awaitable[Page | str]]) -> Callable[[Request], Awaitable[Response]]:
        answer_visit = _answer(linking, act)

        async def answer_allowed(request: Request) -> Response:
            if not allows_host(request.headers.get("host", "")):
                return PlainTextResponse("Invalid Host header", 421)
            return await answer_visit(request)

        return answer_allowed

    return [
        Route("/link/callback", answer(partial(_take_redirect, "consent")), methods=["GET"]),
        Route("/link/signed-in", answer(partial(_take_redirect, "sign_in")), methods=["GET"]),
        Route("/link/{ticket}", answer(_open_page), methods=["GET", "POST"]),
    ]


@dataclass(frozen=True, slots=True)
class _Visit:
    """One request: its browser, its language, and the ticket's text in its path."""

    linking: Linking
    request: Request
    browser: Browser
    language: str
    text: str = field(default="", repr=False)

    @property
    def address(self) -> str:
        """The page's own path, with the language unless the browser prefers it."""
        preferred = choose_language(None, self.request.headers.get("accept-language", ""))
        return f"/link/{self.text}" + ("" if self.language == preferred else f"?{urlencode({'lang': self.language})}")

    def names(self, ticket: Ticket, member: LinkedMember | None = None) -> dict[str, str]:
        """The names for the placeholders in the texts."""
        method = self.linking.methods.get(ticket.connection)
        who = (member.name or member.id) if member else None
        crm = method.crm if method else ticket.connection
        return {
            "crm": crm,
            "person": ticket.person.shown_name,
            "connection": ticket.connection,
            "member": who or crm,
        }


async def _open_page(visit: _Visit) -> Page | str:
    """Show the page of a ticket, or take its form; a string is the URL of a redirect."""
    ticket = await visit.linking.tickets.find(visit.text)
    if ticket is None:
        return _message_page("unknown", 404)
    if (closed := await _find_obstacle(visit, ticket)) is not None:
        return closed
    if visit.request.method == "POST":
        return await _take_form(visit, ticket)
    if not visit.linking.tickets.has_tries(ticket):
        return _message_page("tries", 429)
    return await _show_step(visit, ticket)


async def _find_obstacle(visit: _Visit, ticket: Ticket) -> Page | None:
    """The page that explains why a ticket is closed to this browser; None if it is open.

    Only the browser in which the person has linked is shown the linked member.
    """
    is_own = ticket.browser == visit.browser.id
    if ticket.linked_at is not None and is_own:
        return await _show_linked(visit, ticket)
    if ticket.used_at is not None:
        return _message_page("used", 410)
    if not visit.linking.tickets.is_open(ticket):
        return _message_page("expired", 410)
    if ticket.may_go_on(visit.browser.id):
        return None
    await visit.linking.tickets.turn_away(visit.text, visit.browser.id)
    return _message_page("other_browser", 403)


async def _show_step(visit: _Visit, ticket: Ticket, error: str | None = None, status: int = 200) -> Page:
    """The page with the form of the next step."""
    names, step = visit.names(ticket), await visit.linking.next_step(ticket)
    if step is None:
        return replace(_message_page("not_possible", 403), names=names)
    names_holder = visit.linking.methods[ticket.connection].names_holder
    label = f"{step}_label" if names_holder or step != "paste" else "paste_label_of_any"
    token, has_field = visit.browser.form_token(ticket.id), step not in _EXTERNAL_STEPS
    form = Form(step, token, has_field=has_field, error=error, label=label)
    purpose = "purpose" if names_holder else "purpose_of_any"
    paragraphs = (purpose, "kept") if has_field else (purpose, f"{step}_hint", "kept")
    return Page("heading", paragraphs, names, status, visit.address, shows_ticket=True, form=form)


async def _take_form(visit: _Visit, ticket: Ticket) -> Page | str:
    """Carry out the step of a form; refused if the form is not from a page that was shown to this browser."""
    form = await _read_form(visit.request)
    base, browser = visit.linking.base, visit.browser
    if is_cross_site(visit.request.headers, base) or not browser.accepts_token(form.get("token", ""), ticket.id):
        return replace(_message_page("stale", 403), address=visit.address, opens_again=True)
    step = await visit.linking.next_step(ticket)
    if step is None or form.get("step") != step:
        return visit.address  # a form of an earlier step, sent after the browser's back button
    if not await visit.linking.tickets.begin(ticket, browser.id):
        return _message_page("tries", 429)
    if step in _EXTERNAL_STEPS:
        goes_to = await visit.linking.send(ticket, step, visit.text, browser.id, visit.language)
        if goes_to is None:
            return visit.address
        names = visit.names(ticket)
        names |= {"where": names["crm"] if step == "consent" else urlsplit(goes_to).netloc}
        return Page("leaving", ("leaving_hint",), names, goes_to=goes_to)
    if step == "prove":
        is_proved = await visit.linking.prove(ticket, browser.id, form.get("secret", ""))
        return visit.address if is_proved else await _show_step(visit, ticket, "wrong_proof", 422)
    return await _try_linking(visit, ticket, lambda: visit.linking.take_key(ticket, browser.id, form.get("secret", "")))


async def _take_redirect(kind: str, visit: _Visit) -> Page | str:
    """Take the redirect from a CRM or an issuer, once, from the browser that was redirected there."""
    query = visit.request.query_params
    found = await visit.linking.tickets.take(query.get("state", ""), visit.browser.id)
    if found is None or found[1].kind != kind:
        await visit.linking.tickets.turn_away(query.get("state", ""), visit.browser.id)
        return replace(
            _message_page("lost", 403), address=visit.request.url.path
        )  # the other language shows the same page
    ticket, errand = found
    visit = replace(visit, text=errand.ticket, language=choose_language(errand.language, ""))
    shown = await _take_answer(visit, ticket, errand)
    return replace(shown, language=visit.language) if isinstance(shown, Page) else shown


async def _take_answer(visit: _Visit, ticket: Ticket, errand: Errand) -> Page | str:
    """Take the answer of a CRM or an issuer to this browser."""
    query = visit.request.query_params
    if (closed := await _find_obstacle(visit, ticket)) is not None:
        return closed
    if errand.kind == "sign_in":
        try:
            await visit.linking.take_sign_in(ticket, errand, visit.browser.id, dict(query))
        except Refused as refused:
            return await _try_again(visit, ticket, refused.reason, 403)
        return visit.address
    if not query.get("code"):
        return await _refuse_consent(visit, ticket, query.get("error", ""))
    take = visit.linking.take_code
    return await _try_linking(visit, ticket, lambda: take(ticket, errand, visit.browser.id, query["code"]))


async def _refuse_consent(visit: _Visit, ticket: Ticket, error: str) -> Page:
    """The page for a redirect from the CRM without a code (RFC 6749 §4.1.2.1)."""
    if error == "access_denied":
        return await _try_again(visit, ticket, "denied", 403)
    _log.warning("no consent to %s for %s: %r", ticket.connection, ticket.person.id, error[:_MAX_LOGGED])
    if error in _CRM_FAILURES:
        return await _try_again(visit, ticket, "crm_failed", 502)
    return await _try_again(visit, ticket, "app_refused", 403)


async def _try_linking(visit: _Visit, ticket: Ticket, take: Callable[[], Awaitable[LinkedMember]]) -> Page | str:
    """Link, and redirect to the page, which then shows the link; or return the page that explains the failure."""
    try:
        await take()
    except Refused as refused:
        if refused.reason in _SHOWN_IN_FORM:
            return await _show_step(visit, ticket, refused.reason, 422)
        if refused.reason == "used":
            return visit.address  # sent twice: the page shows the state
        if refused.reason == "not_possible":
            return replace(_message_page(refused.reason, 403), names=visit.names(ticket))
        return await _try_again(visit, ticket, refused.reason, 403, refused.member)
    except OperatorError as error:
        if error.code != "forbidden":
            raise  # the person in front of the page cannot fix it
        return await _try_again(visit, ticket, "forbidden", 403)
    except TaskhandError as error:
        _log.warning("%s could not be linked on the page: %s", ticket.connection, error.message)
        if isinstance(error, CallerError):  # the CRM has answered
            return await _try_again(visit, ticket, "app_refused", 403)
        return await _try_again(visit, ticket, "crm_failed", 502)
    return visit.address


async def _try_again(visit: _Visit, ticket: Ticket, what: str, status: int, member: LinkedMember | None = None) -> Page:
    """A page that explains the failure and offers another try; notifies a call that waits for the link."""
    if what in REFUSALS:
        await visit.linking.tickets.note_refusal(ticket, what)
    names = visit.names(ticket, member)
    return Page(what, (f"{what}_hint",), names, status, visit.address, opens_again=True)


async def _show_linked(visit: _Visit, ticket: Ticket) -> Page:
    member, is_of_everybody = await visit.linking.find_linked(ticket)
    who = "done_as" if member.name or member.id else "done_unnamed"
    paragraphs = (who, "done_shared", "done_next") if is_of_everybody else (who, "done_next")
    return Page("done", paragraphs, visit.names(ticket, member), address=visit.address, shows_ticket=True)


def _message_page(what: str, status: int) -> Page:
    return Page(what, (f"{what}_hint",), status=status)


def _answer(
    linking: Linking, act: Callable[[_Visit], Awaitable[Page | str]]
) -> Callable[[Request], Awaitable[Response]]:
    """The endpoint of a route; a failure is answered with a page too."""

    async def answer(request: Request) -> Response:
        browser = Browser.of(request.headers, linking.base)
        language = choose_language(request.query_params.get("lang"), request.headers.get("accept-language", ""))
        visit = _Visit(linking, request, browser, language, request.path_params.get("ticket", ""))
        if request.method == "HEAD":
            return Response(headers=_HEADERS)
        try:
            with call_deadline(_ANSWERED_S, time.monotonic):
                shown = await act(visit)
        except ClientDisconnect:
            return Response(status_code=400)
        except TaskhandError as error:
            _log.error("a page to link a credential does not work: %s %s", error.message, error.next_step or "")
            shown = _message_page("unavailable", 503)
        if isinstance(shown, Page) and shown.address is None and visit.text:
            shown = replace(shown, address=visit.address)
        response = _make_response(shown, visit)
        if browser.is_new and not isinstance(shown, str) and shown.form is not None:
            response.headers["Set-Cookie"] = browser.cookie(linking.base)
        return response

    return answer


def _make_response(shown: Page | str, visit: _Visit) -> Response:
    if isinstance(shown, str):
        return RedirectResponse(shown, _SEE_OTHER, headers=_HEADERS)
    return Response(render(shown, shown.language or visit.language), shown.status, _HEADERS, "text/html; charset=utf-8")


async def _read_form(request: Request) -> dict[str, str]:
    """The fields of a form; empty if the body is too long or is not a form."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > _MAX_READ:
            return {}
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/x-www-form-urlencoded":
        return {}
    try:
        return {name: values[0] for name, values in parse_qs(body.decode("ascii"), max_num_fields=10).items()}
    except (UnicodeDecodeError, ValueError):
        return {}
