"""The `query` of `GET /lead/`: words, "phrases", `field:value` and `sort:field`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from taskhand.sandbox.close.text_match import has_phrase, has_words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from taskhand.sandbox.close.lead import Lead

TERM = re.compile(r'(?:(?P<field>[a-z_]+):)?(?:"(?P<phrase>[^"]*)"|(?P<word>[^\s"]+))')
ALIASES = {
    "lead_id": "id",
    "company": "name",
    "display_name": "name",
    "lead": "name",
    "contact_name": "contact",
    "email_address": "email",
    "phone_number": "phone",
    "status_label": "status",
    "lead_status": "status",
}
SORTS = {"date_created", "date_updated", "created", "updated", "display_name", "name"}


@dataclass(frozen=True)
class Term:
    """A word or phrase in one field, or in any field."""

    field: str | None
    text: str
    is_phrase: bool

    def matches(self, texts: Mapping[str, Sequence[str]]) -> bool:
        """Whether the term occurs in the texts, given by field; an id must be equal."""
        if self.field == "id":
            return self.text in texts["id"]
        values = texts.get(self.field, ()) if self.field else [value for part in texts.values() for value in part]
        test = has_phrase if self.is_phrase else has_words
        return any(test(value, self.text) for value in values)


@dataclass(frozen=True)
class LeadQuery:
    """The terms, all of which must match, and the sort field."""

    terms: tuple[Term, ...]
    sort: str | None = None

    @classmethod
    def read(cls, text: str) -> LeadQuery:
        """Parse a query; an empty query and `*` match every lead."""
        terms, sort = [], None
        for match in TERM.finditer(text):
            field, phrase = match["field"], match["phrase"]
            content = match["word"] if phrase is None else phrase
            if field == "sort":
                sort = content
            elif content != "*":
                terms.append(Term(ALIASES.get(field, field) if field else None, content, phrase is not None))
        return cls(tuple(terms), sort)

    def matches(self, texts: Mapping[str, Sequence[str]]) -> bool:
        """Whether a lead with these texts matches; an unknown field matches none."""
        return all(term.matches(texts) for term in self.terms)

    def sort_leads(self, leads: Sequence[Lead]) -> list[Lead]:
        """Sort by the field of `sort`, by default newest first; an unknown field does not sort."""
        name = (self.sort or "-date_created").removeprefix("-")
        last = (self.sort or "-").startswith("-")
        if name not in SORTS:
            return list(leads)
        by_name = name in {"display_name", "name"}
        return sorted(leads, key=lambda lead: lead.name if by_name else lead.date_created.isoformat(), reverse=last)
