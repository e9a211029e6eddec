"""The HTML of the pages: forms without script, for narrow screens, both colour schemes and screen readers; pure."""

import hashlib
import re
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Final

from taskhand.domain.display_text import one_line
from taskhand.server.linking.texts import TEXTS

__all__ = ["CONTENT_SECURITY_POLICY", "Form", "PageContent", "render"]

_STYLE: Final = """\
:root{color-scheme:light dark;--text:#1b1f24;--back:#f6f7f9;--card:#fff;--line:#6b7280;--mark:#0b57d0;--on:#fff;\
--bad:#b3261e;--soft:#4b5563}
@media(prefers-color-scheme:dark){:root{--text:#e6e8eb;--back:#14171a;--card:#1e2226;--line:#8b93a1;--mark:#8ab4f8;\
--on:#0b1b33;--bad:#f2b8b5;--soft:#b3bac5}}
*{box-sizing:border-box}
body{margin:0;background:var(--back);color:var(--text);font:1rem/1.5 system-ui,sans-serif;overflow-wrap:anywhere}
header,main{max-width:34rem;margin:0 auto;padding:1rem}
header{display:flex;justify-content:space-between;flex-wrap:wrap;gap:.5rem}
main{background:var(--card);border:1px solid var(--line);border-radius:.75rem;padding:1.25rem;width:calc(100% - 1.5rem)}
h1{font-size:1.4rem;line-height:1.25;margin:0 0 1rem}
dl{margin:0 0 1rem}dt{color:var(--soft)}dd{margin:0 0 .5rem;font-weight:600}
@media(min-width:30rem){dl{display:grid;grid-template-columns:auto 1fr;gap:.25rem 1rem}dd{margin:0;min-width:0}}
a{color:var(--mark)}
label{display:block;font-weight:600;margin-top:1.25rem}
input{width:100%;min-height:2.75rem;font:inherit;padding:.5rem;margin-top:.25rem;color:inherit;background:var(--back);\
border:1px solid var(--line);border-radius:.4rem}
input[aria-invalid]{border-color:var(--bad)}
.bad{color:var(--bad);font-weight:600}.soft{color:var(--soft)}
button,.button{display:inline-block;font:inherit;font-weight:600;min-height:2.75rem;padding:.6rem 1.1rem;\
margin-top:1rem;border:1px solid var(--mark);border-radius:.4rem;color:var(--on);background:var(--mark);cursor:pointer;\
text-decoration:none}
:focus-visible{outline:3px solid var(--mark);outline-offset:2px}
"""

CONTENT_SECURITY_POLICY: Final = (
    f"default-src 'none'; style-src 'sha256-{b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()}'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
"""Only the style of the page itself, and forms to this server.

The browser continues to a CRM by a link and not by a form: `form-action` would apply to each redirect of a form too,
and the hosts through which a CRM redirects are unknown.
"""

_MAX_NAME: Final = 120
"""Maximum length of a name in characters."""
_NAME: Final = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Form:
    """A form with a button and an optional secret field with a `label`; all but `token` are keys of the texts."""

    step: str
    token: str = field(repr=False)
    has_field: bool = True
    error: str | None = None
    label: str = ""


@dataclass(frozen=True, slots=True)
class PageContent:
    """The content of a page. All texts are given by their keys, and `names` fill their placeholders.

    `address` is the page's own path, which opens it again; None if it cannot be opened again. `shows_ticket` is whether
    the page shows the person and the connection. `goes_to` is the URL to which the browser continues by itself.
    `language` is None for that of the request.
    """

    heading: str
    paragraphs: tuple[str, ...]
    names: Mapping[str, str] = field(default_factory=dict)
    status: int = 200
    address: str | None = None
    shows_ticket: bool = False
    form: Form | None = None
    goes_to: str | None = field(default=None, repr=False)
    opens_again: bool = False
    language: str | None = None

    @classmethod
    def message(cls, key: str, status: int) -> "PageContent":
        """A page with one message and its hint."""
        return cls(key, (f"{key}_hint",), status=status)


def render(page: PageContent, language: str) -> str:
    """The page as HTML in a language."""
    texts = TEXTS[language]
    names = {name: one_line(text)[:_MAX_NAME] for name, text in page.names.items()}
    parts = [f"<h1>{_fill(texts[page.heading], names)}</h1>"]
    if page.shows_ticket:
        rows = ((texts["for_whom"], names["person"]), (texts["connection"], names["connection"]))
        listed = "".join(f"<dt>{escape(label)}</dt><dd><bdi>{escape(name)}</bdi></dd>" for label, name in rows)
        parts.append(f"<dl>{listed}</dl>")
    parts += [f"<p>{_fill(texts[key], names)}</p>" for key in page.paragraphs]
    if page.form:
        parts.append(_render_form(page.form, page.address or "", texts, names))
    if page.goes_to:
        parts.append(f'<p><a class="button" href="{escape(page.goes_to)}">{_fill(texts["go_on"], names)}</a></p>')
    if page.opens_again and page.address:
        parts.append(f'<p><a class="button" href="{escape(page.address)}">{escape(texts["again"])}</a></p>')
    if page.form:
        parts.append(f'<p class="soft">{_fill(texts["not_yours"], names)}</p>')
    title = _NAME.sub(lambda match: names.get(match[1], ""), texts[page.heading])
    going = f'<meta http-equiv="refresh" content="0;url={escape(page.goes_to)}">' if page.goes_to else ""
    return (
        f'<!doctype html>\n<html lang="{language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1"><meta name="robots" content="noindex">'
        f"{going}<title>{escape(title)} - Taskhand</title><style>{_STYLE}</style></head>\n"
        f"<body><header><span>Taskhand</span>{_render_languages(page, language)}</header>\n"
        f"<main>{''.join(parts)}</main></body></html>\n"
    )


def _render_languages(page: PageContent, language: str) -> str:
    """Links to the page in the other languages."""
    if page.address is None or page.goes_to:
        return ""
    path = page.address.partition("?")[0]
    return "".join(
        f'<a href="{escape(path)}?lang={other}" lang="{other}" hreflang="{other}">{escape(texts["language"])}</a>'
        for other, texts in TEXTS.items()
        if other != language
    )


def _render_form(form: Form, address: str, texts: Mapping[str, str], names: Mapping[str, str]) -> str:
    hidden = f'<input type="hidden" name="token" value="{escape(form.token)}">'
    hidden += f'<input type="hidden" name="step" value="{escape(form.step)}">'
    field_ = _render_field(form, texts, names) if form.has_field else ""
    button = f'<button type="submit">{_fill(texts[form.step], names)}</button>'
    return f'<form method="post" action="{escape(address)}">{hidden}{field_}<div>{button}</div></form>'


def _render_field(form: Form, texts: Mapping[str, str], names: Mapping[str, str]) -> str:
    sentence = _fill(texts[form.error], names) if form.error else ""
    error = f'<p class="bad" id="error" role="alert">{sentence}</p>' if sentence else ""
    state = 'aria-invalid="true" aria-describedby="error hint"' if error else 'aria-describedby="hint"'
    return (
        f'<label for="secret">{_fill(texts[form.label], names)}</label>'
        f'<input id="secret" name="secret" type="password" required maxlength="10000" autocomplete="off" '
        f'autocapitalize="none" spellcheck="false" autofocus {state}>{error}'
        f'<p class="soft" id="hint">{_fill(texts[f"{form.step}_hint"], names)}</p>'
    )


def _fill(text: str, names: Mapping[str, str]) -> str:
    """The text as HTML with its placeholders filled; `<bdi>` isolates the writing direction of each name."""
    return _NAME.sub(lambda match: f"<bdi>{escape(names.get(match[1], ''))}</bdi>", escape(text, quote=False))
