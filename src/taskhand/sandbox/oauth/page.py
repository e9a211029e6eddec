"""The pages of the authorization server: plain HTML forms without script."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from taskhand.sandbox.messages import Response

if TYPE_CHECKING:
    from collections.abc import Iterable

    from taskhand.sandbox.oauth.grants import OAuthUser

HEADERS = (("content-type", "text/html; charset=utf-8"), ("cache-control", "no-store"))


def consent_page(crm: str, client_id: str, scopes: Iterable[str], users: Iterable[OAuthUser]) -> Response:
    """Return the form that asks for the user and for consent; it is sent to the page's own address."""
    people = "".join(
        f'<option value="{escape(user.id)}">{escape(user.name)} ({escape(user.email)})</option>' for user in users
    )
    wanted = "".join(f"<li>{escape(scope)}</li>" for scope in scopes)
    return _page(
        crm,
        f"<p>The app <b>{escape(client_id)}</b> asks for:</p><ul>{wanted}</ul>"
        f'<form method="post"><p><label>Sign in as <select name="user">{people}</select></label></p>'
        '<p><button name="decision" value="allow">Allow</button> '
        '<button name="decision" value="deny">Deny</button></p></form>',
    )


def message_page(crm: str, message: str, status: int = 200) -> Response:
    """Return a page with a message for the person; nothing is sent to the app."""
    return _page(crm, f"<p>{escape(message)}</p>", status)


def _page(crm: str, content: str, status: int = 200) -> Response:
    title = f"{escape(crm)} (sandbox)"
    html = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title><h1>{title}</h1>{content}</html>'
    )
    return Response(status, html.encode(), HEADERS)
