"""The page of one ticket in one browser: what it shows, and what its forms and the redirects back to it do."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urlsplit

from taskhand.domain.errors import CallerError, Forbidden, OperatorError, TaskhandError
from taskhand.domain.link_offer import REFUSALS
from taskhand.server.linking.csrf_cookie import is_cross_site
from taskhand.server.linking.link_flow import Linking, Step
from taskhand.server.linking.link_saver import RefusedCredential
from taskhand.server.linking.page_html import Form, PageContent
from taskhand.server.linking.page_request import Visit
from taskhand.server.linking.submitted_form import read_form
from taskhand.vault.credential_link import LinkedMember
from taskhand.vault.ticket import Errand, Ticket

__all__ = ["TicketPage"]

_log = logging.getLogger(__name__)

_EXTERNAL_STEPS: Final[frozenset[Step]] = frozenset({"consent", "sign_in"})
"""The steps on the pages of an issuer or a CRM."""
_CRM_FAILURES: Final = frozenset({"", "server_error", "temporarily_unavailable"})
"""Errors of a CRM that are not caused by the app."""
_MAX_LOGGED: Final = 100
_SHOWN_IN_FORM: Final = frozenset({"no_key", "key_refused"})
"""Reasons of refusals that are shown beside the field, so that the person can send it again."""


@dataclass(frozen=True, slots=True)
class TicketPage:
    """The page of a ticket for the browser of a visit. A method returns the page, or a string to redirect to."""

    visit: Visit
    ticket: Ticket

    async def open(self) -> PageContent | str:
        """Show the page, or take its form."""
        if (closed := await self._find_obstacle()) is not None:
            return closed
        if self.visit.request.method == "POST":
            return await self._take_form()
        if not self._linking.tickets.has_tries(self.ticket):
            return PageContent.message("tries", 429)
        return await self._show_step()

    async def take_answer(self, errand: Errand) -> PageContent | str:
        """Take the answer of a CRM or an issuer to this browser."""
        query = self.visit.request.query_params
        if (closed := await self._find_obstacle()) is not None:
            return closed
        if errand.kind == "sign_in":
            try:
                await self._linking.take_sign_in(self.ticket, errand, self.visit.browser.id, dict(query))
            except RefusedCredential as refused:
                return await self._try_again(refused.reason, 403)
            return self.visit.address
        if not query.get("code"):
            return await self._refuse_consent(query.get("error", ""))
        take = self._linking.take_code
        return await self._try_linking(lambda: take(self.ticket, errand, self.visit.browser.id, query["code"]))

    @property
    def _linking(self) -> Linking:
        return self.visit.linking

    async def _find_obstacle(self) -> PageContent | None:
        """The page that explains why the ticket is closed to this browser; None if it is open.

        Only the browser in which the person has linked is shown the linked member.
        """
        visit, ticket = self.visit, self.ticket
        if ticket.linked_at is not None and ticket.browser == visit.browser.id:
            return await self._show_linked()
        if ticket.used_at is not None:
            return PageContent.message("used", 410)
        if not self._linking.tickets.is_open(ticket):
            return PageContent.message("expired", 410)
        if ticket.may_go_on(visit.browser.id):
            return None
        await self._linking.tickets.turn_away(visit.text, visit.browser.id)
        return PageContent.message("other_browser", 403)

    async def _show_step(self, error: str | None = None, status: int = 200) -> PageContent:
        """The page with the form of the next step."""
        names, step = self._names(), await self._linking.next_step(self.ticket)
        if step is None:
            return replace(PageContent.message("not_possible", 403), names=names)
        names_holder = self._linking.methods[self.ticket.connection].names_holder
        label = f"{step}_label" if names_holder or step != "paste" else "paste_label_of_any"
        token, has_field = self.visit.browser.form_token(self.ticket.id), step not in _EXTERNAL_STEPS
        form = Form(step, token, has_field=has_field, error=error, label=label)
        purpose = "purpose" if names_holder else "purpose_of_any"
        paragraphs = (purpose, "kept") if has_field else (purpose, f"{step}_hint", "kept")
        return PageContent("heading", paragraphs, names, status, self.visit.address, shows_ticket=True, form=form)

    async def _take_form(self) -> PageContent | str:
        """Carry out the step of a form; refused if the form is not from a page that was shown to this browser."""
        visit, ticket, browser = self.visit, self.ticket, self.visit.browser
        form = await read_form(visit.request)
        is_own = browser.accepts_token(form.get("token", ""), ticket.id)
        if not is_own or is_cross_site(visit.request.headers, self._linking.base):
            return replace(PageContent.message("stale", 403), address=visit.address, opens_again=True)
        step = await self._linking.next_step(ticket)
        if step is None or form.get("step") != step:
            return visit.address  # a form of an earlier step, sent after the browser's back button
        if not await self._linking.tickets.begin(ticket, browser.id):
            return PageContent.message("tries", 429)
        if step in _EXTERNAL_STEPS:
            return await self._leave(step)
        secret = form.get("secret", "")
        if step == "prove":
            is_proved = await self._linking.prove(ticket, browser.id, secret)
            return visit.address if is_proved else await self._show_step("wrong_proof", 422)
        return await self._try_linking(lambda: self._linking.take_key(ticket, browser.id, secret))

    async def _leave(self, step: Step) -> PageContent | str:
        """The page from which the browser continues to an issuer or a CRM."""
        visit = self.visit
        goes_to = await self._linking.send(self.ticket, step, visit.text, visit.browser.id, visit.language)
        if goes_to is None:
            return visit.address
        names = self._names()
        names |= {"where": names["crm"] if step == "consent" else urlsplit(goes_to).netloc}
        return PageContent("leaving", ("leaving_hint",), names, goes_to=goes_to)

    async def _refuse_consent(self, error: str) -> PageContent:
        """The page for a redirect from the CRM without a code (RFC 6749 §4.1.2.1)."""
        if error == "access_denied":
            return await self._try_again("denied", 403)
        ticket = self.ticket
        _log.warning("no consent to %s for %s: %r", ticket.connection, ticket.person.id, error[:_MAX_LOGGED])
        if error in _CRM_FAILURES:
            return await self._try_again("crm_failed", 502)
        return await self._try_again("app_refused", 403)

    async def _try_linking(self, take: Callable[[], Awaitable[LinkedMember]]) -> PageContent | str:
        """Link, and redirect to the page, which then shows the link; or return the page that explains the failure."""
        try:
            await take()
        except RefusedCredential as refused:
            if refused.reason in _SHOWN_IN_FORM:
                return await self._show_step(refused.reason, 422)
            if refused.reason == "used":
                return self.visit.address  # sent twice: the page shows the state
            if refused.reason == "not_possible":
                return replace(PageContent.message(refused.reason, 403), names=self._names())
            return await self._try_again(refused.reason, 403, refused.member)
        except Forbidden:
            return await self._try_again("forbidden", 403)
        except OperatorError:
            raise  # the person in front of the page cannot fix it
        except TaskhandError as error:
            _log.warning("%s could not be linked on the page: %s", self.ticket.connection, error.message)
            if isinstance(error, CallerError):  # the CRM has answered
                return await self._try_again("app_refused", 403)
            return await self._try_again("crm_failed", 502)
        return self.visit.address

    async def _try_again(self, reason: str, status: int, member: LinkedMember | None = None) -> PageContent:
        """A page that explains the failure and offers another try; notifies a call that waits for the link."""
        if reason in REFUSALS:
            await self._linking.tickets.note_refusal(self.ticket, reason)
        return PageContent(
            reason, (f"{reason}_hint",), self._names(member), status, self.visit.address, opens_again=True
        )

    async def _show_linked(self) -> PageContent:
        member, is_of_everybody = await self._linking.find_linked(self.ticket)
        done = "done_as" if member.name or member.id else "done_unnamed"
        paragraphs = (done, "done_shared", "done_next") if is_of_everybody else (done, "done_next")
        return PageContent("done", paragraphs, self._names(member), address=self.visit.address, shows_ticket=True)

    def _names(self, member: LinkedMember | None = None) -> dict[str, str]:
        """The names for the placeholders in the texts."""
        ticket = self.ticket
        method = self._linking.methods.get(ticket.connection)
        crm = method.crm if method else ticket.connection
        return {
            "crm": crm,
            "person": ticket.person.shown_name,
            "connection": ticket.connection,
            "member": (member.name or member.id if member else None) or crm,
        }
