"""The routes of the pages: what each request is answered with. The addresses are outside of /mcp, without a bearer."""

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
from taskhand.server.linking.browser import Browser, is_from_elsewhere
from taskhand.server.linking.linking import Linking, Refused
from taskhand.server.linking.page import CONTENT_SECURITY_POLICY, Form, Page, render
from taskhand.server.linking.texts import choose_language
from taskhand.vault.link import LinkedMember
from taskhand.vault.ticket import Ticket

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
_MOST_READ: Final = 16 * 1024
"""Bytes of a form."""
_ANSWERED_S: Final = 25.0
"""Seconds within which every page is shown: nobody waits longer in front of an empty one."""
_SEE_OTHER: Final = 303
_ELSEWHERE: Final = frozenset({"consent", "sign_in"})
"""The steps that are taken on pages of others."""
_FAILURES: Final = frozenset({"", "server_error", "temporarily_unavailable"})
"""Errors of a CRM that say nothing of the app."""
_MOST_LOGGED: Final = 100
_IN_THE_FORM: Final = frozenset({"no_key", "key_refused"})
"""What is said beside the field, to be sent again."""


def link_routes(linking: Linking, allows_host: Callable[[str], bool]) -> list[Route]:
    """The page of a ticket, and the addresses to which a CRM and an issuer send the browser back.

    `allows_host` is whether they are served under the Host header of a request: else a web page that has its own name
    lead to this server could read them.
    """

    def answer(act: Callable[[_Visit], Awaitable[Page | str]]) -> Callable[[Request], Awaitable[Response]]:
        answer_visit = _answer(linking, act)

        async def answer_allowed(request: Request) -> Response:
            if not allows_host(request.headers.get("host", "")):
                return PlainTextResponse("Invalid Host header", 421)
            return await answer_visit(request)

        return answer_allowed

    return [
        Route("/link/callback", answer(partial(_come_back, "consent")), methods=["GET"]),
        Route("/link/signed-in", answer(partial(_come_back, "sign_in")), methods=["GET"]),
        Route("/link/{ticket}", answer(_open_or_send), methods=["GET", "POST"]),
    ]


@dataclass(frozen=True, slots=True)
class _Visit:
    """One request: who sends it, in which language, and the ticket's text in its address."""

    linking: Linking
    request: Request
    browser: Browser
    language: str
    text: str = field(default="", repr=False)

    @property
    def address(self) -> str:
        """The page's own address, in the language that was chosen there."""
        asked = self.request.query_params.get("lang")
        return f"/link/{self.text}" + (f"?{urlencode({'lang': self.language})}" if asked else "")

    def names(self, ticket: Ticket, member: LinkedMember | None = None) -> dict[str, str]:
        """What the texts name."""
        way = self.linking.ways.get(ticket.connection)
        who = (member.name or member.id) if member else None
        crm = way.crm if way else ticket.connection
        return {
            "crm": crm,
            "person": ticket.person.shown_name,
            "connection": ticket.connection,
            "member": who or crm,
        }


async def _open_or_send(visit: _Visit) -> Page | str:
    """Show the page of a ticket, or take its form; the address where the browser goes on is a text."""
    ticket = await visit.linking.tickets.find(visit.text)
    if ticket is None:
        return _message("unknown", 404)
    if (closed := await _find_obstacle(visit, ticket)) is not None:
        return closed
    if visit.request.method == "POST":
        return await _take_form(visit, ticket)
    if not visit.linking.tickets.has_tries(ticket):
        return _message("tries", 429)
    return await _show_step(visit, ticket)


async def _find_obstacle(visit: _Visit, ticket: Ticket) -> Page | None:
    """The page that says why a ticket opens nothing for this browser; None where it does.

    Who has linked is told to the browser in which that was done alone.
    """
    is_own = ticket.browser == visit.browser.id
    if ticket.linked_at is not None and is_own:
        return await _done(visit, ticket)
    if ticket.used_at is not None:
        return _message("used", 410)
    if not visit.linking.tickets.is_open(ticket):
        return _message("expired", 410)
    if ticket.may_go_on(visit.browser.id):
        return None
    await visit.linking.tickets.turn_away(visit.text, visit.browser.id)
    return _message("other_browser", 403)


async def _show_step(visit: _Visit, ticket: Ticket, error: str | None = None, status: int = 200) -> Page:
    """The form of what is next."""
    names, step = visit.names(ticket), await visit.linking.next_step(ticket)
    if step is None:
        return replace(_message("not_possible", 403), names=names)
    tells_who = visit.linking.ways[ticket.connection].tells_who
    label = f"{step}_label" if tells_who or step != "paste" else "paste_label_of_any"
    token, has_field = visit.browser.token_for(ticket.id), step not in _ELSEWHERE
    form = Form(step, token, has_field=has_field, error=error, label=label)
    purpose = "purpose" if tells_who else "purpose_of_any"
    said = (purpose, "kept") if has_field else (purpose, f"{step}_hint", "kept")
    return Page("heading", said, names, status, visit.address, shows_ticket=True, form=form)


async def _take_form(visit: _Visit, ticket: Ticket) -> Page | str:
    """Do what a form asks for: nothing where it is not from the page that this browser was shown."""
    form = await _read_form(visit.request)
    base, browser = visit.linking.base, visit.browser
    if is_from_elsewhere(visit.request.headers, base) or not browser.has_sent(form.get("token", ""), ticket.id):
        return replace(_message("stale", 403), address=visit.address, opens_again=True)
    step = await visit.linking.next_step(ticket)
    if step is None or form.get("step") != step:
        return visit.address  # a form of an earlier step, by the button that goes back
    if not await visit.linking.tickets.begin(ticket, browser.id):
        return _message("tries", 429)
    if step in _ELSEWHERE:
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


async def _come_back(kind: str, visit: _Visit) -> Page | str:
    """Take the answer of a CRM or an issuer: of the browser that was sent there, once."""
    query = visit.request.query_params
    found = await visit.linking.tickets.take(query.get("state", ""), visit.browser.id)
    if found is None or found[1].kind != kind:
        await visit.linking.tickets.turn_away(query.get("state", ""), visit.browser.id)
        return replace(_message("lost", 403), address=visit.request.url.path)  # in the other language it is lost too
    ticket, errand = found
    visit = replace(visit, text=errand.ticket, language=choose_language(errand.language, ""))
    if (closed := await _find_obstacle(visit, ticket)) is not None:
        return closed
    if kind == "sign_in":
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
    """What became of a consent that the CRM sends back without a code (RFC 6749 §4.1.2.1)."""
    if error == "access_denied":
        return await _try_again(visit, ticket, "denied", 403)
    _log.warning("no consent to %s for %s: %r", ticket.connection, ticket.person.id, error[:_MOST_LOGGED])
    if error in _FAILURES:
        return await _try_again(visit, ticket, "crm_failed", 502)
    return await _try_again(visit, ticket, "app_refused", 403)


async def _try_linking(visit: _Visit, ticket: Ticket, take: Callable[[], Awaitable[LinkedMember]]) -> Page | str:
    """Link, and open the page again, which says that it is done; or the page that says why it is not."""
    try:
        await take()
    except Refused as refused:
        if refused.reason in _IN_THE_FORM:
            return await _show_step(visit, ticket, refused.reason, 422)
        if refused.reason == "used":
            return visit.address  # sent twice: the page says what has become of it
        if refused.reason == "not_possible":
            return replace(_message(refused.reason, 403), names=visit.names(ticket))
        return await _try_again(visit, ticket, refused.reason, 403, refused.member)
    except OperatorError as error:
        if error.code != "forbidden":
            raise  # nobody in front of the page can mend it
        return await _try_again(visit, ticket, "forbidden", 403)
    except TaskhandError as error:
        _log.warning("%s could not be linked on the page: %s", ticket.connection, error.message)
        if isinstance(error, CallerError):  # the CRM has answered
            return await _try_again(visit, ticket, "app_refused", 403)
        return await _try_again(visit, ticket, "crm_failed", 502)
    return visit.address


async def _try_again(visit: _Visit, ticket: Ticket, what: str, status: int, member: LinkedMember | None = None) -> Page:
    """A page that says what went wrong, from which the person can begin again; who waits for that is told."""
    if what in REFUSALS:
        await visit.linking.tickets.note_refusal(ticket, what)
    names = visit.names(ticket, member)
    return Page(what, (f"{what}_hint",), names, status, visit.address, opens_again=True)


async def _done(visit: _Visit, ticket: Ticket) -> Page:
    member, is_of_everybody = await visit.linking.find_linked(ticket)
    who = "done_as" if member.name or member.id else "done_unnamed"
    said = (who, "done_shared", "done_next") if is_of_everybody else (who, "done_next")
    return Page("done", said, visit.names(ticket, member), address=visit.address, shows_ticket=True)


def _message(what: str, status: int) -> Page:
    return Page(what, (f"{what}_hint",), status=status)


def _answer(
    linking: Linking, act: Callable[[_Visit], Awaitable[Page | str]]
) -> Callable[[Request], Awaitable[Response]]:
    """The endpoint of a route; what cannot be done now is a page too."""

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
            shown = _message("unavailable", 503)
        if isinstance(shown, Page) and shown.address is None and visit.text:
            shown = replace(shown, address=visit.address)
        response = _respond(shown, visit)
        if browser.is_new and not isinstance(shown, str) and shown.form is not None:
            response.headers["Set-Cookie"] = browser.cookie(linking.base)
        return response

    return answer


def _respond(shown: Page | str, visit: _Visit) -> Response:
    if isinstance(shown, str):
        return RedirectResponse(shown, _SEE_OTHER, headers=_HEADERS)
    return Response(render(shown, visit.language), shown.status, _HEADERS, "text/html; charset=utf-8")


async def _read_form(request: Request) -> dict[str, str]:
    """The fields of a form; none of one that is too long or no form."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > _MOST_READ:
            return {}
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/x-www-form-urlencoded":
        return {}
    try:
        return {name: values[0] for name, values in parse_qs(body.decode("ascii"), max_num_fields=10).items()}
    except (UnicodeDecodeError, ValueError):
        return {}
