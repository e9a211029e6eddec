"""Note activities on leads: https://developer.close.com/api/resources/activities/note."""

from __future__ import annotations

import datetime as dt
import html
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from taskhand.sandbox.close import event
from taskhand.sandbox.close.date_range import DateRange
from taskhand.sandbox.close.dates import format_instant
from taskhand.sandbox.close.errors import ABSENT, REQUIRED, not_found, validation_error
from taskhand.sandbox.close.paging import render_page, select_fields

if TYPE_CHECKING:
    from collections.abc import Mapping

    from taskhand.sandbox.close.context import RequestContext

OBJECT = "activity.note"
LISTS = ("id__in", "lead_id", "contact_id", "user_id")  # comma-separated
TEXTS = ("note", "note_html", "title", "contact_id")
TAG = re.compile(r"<[^>]*>")


@dataclass(frozen=True)
class Note:
    """One activity of type Note; `note_html` is the displayed text, `note` its plain form."""

    id: str
    lead_id: str
    user_id: str
    made: dt.datetime
    changed: dt.datetime
    note: str = ""
    note_html: str = ""
    title: str | None = None
    contact_id: str | None = None
    pinned: bool = False


def list_notes(ctx: RequestContext) -> dict[str, Any]:
    """`GET /activity/note/`: latest first (assumed), delayed by the seconds of `note_lag`."""
    spans = [DateRange.read(ctx, name) for name in ("date_created", "activity_at")]
    wanted = {name: ctx.params[name].split(",") for name in LISTS if ctx.params.get(name)}
    shown = ctx.now - dt.timedelta(seconds=ctx.spec_variant.note_lag)
    found = [
        note
        for note in reversed(ctx.store.notes.values())
        if all(getattr(note, name.removesuffix("__in")) in ids for name, ids in wanted.items())
        and all(span.contains(note.made) for span in spans)
        and note.made <= shown
    ]
    return render_page(found, ctx, lambda note: render_note(note, ctx))


def get_note(ctx: RequestContext) -> dict[str, Any]:
    """`GET /activity/note/{id}/`."""
    return select_fields(render_note(_find(ctx), ctx), ctx)


def create_note(ctx: RequestContext) -> dict[str, Any]:
    """`POST /activity/note/`: answers 200 with the object."""
    lead_id = ctx.body.get("lead_id")
    if lead_id is None:
        raise validation_error(lead=REQUIRED)
    if lead_id not in ctx.store.leads:
        raise validation_error(lead=ABSENT)
    _check(ctx.body)
    blank = Note(ctx.store.fresh_id("acti"), lead_id, ctx.user_id, ctx.now, ctx.now)
    made = ctx.store.notes[blank.id] = _edited(blank, ctx.body)
    event.emit(ctx, event.ObjectChange(OBJECT, "created", made.id, made.lead_id, render_note(made, ctx)))
    return select_fields(render_note(made, ctx), ctx)


def update_note(ctx: RequestContext) -> dict[str, Any]:
    """`PUT /activity/note/{id}/`: changes the sent fields only."""
    before = _find(ctx)
    _check(ctx.body)
    after = ctx.store.notes[before.id] = replace(_edited(before, ctx.body), changed=ctx.now)
    data = render_note(after, ctx)
    event.emit(ctx, event.ObjectChange(OBJECT, "updated", after.id, after.lead_id, data, render_note(before, ctx)))
    return select_fields(data, ctx)


def delete_note(ctx: RequestContext) -> dict[str, Any]:
    """`DELETE /activity/note/{id}/`: deletes for good; deleting again is a 404."""
    gone = ctx.store.notes.pop(_find(ctx).id)
    event.emit(ctx, event.ObjectChange(OBJECT, "deleted", gone.id, gone.lead_id, None, render_note(gone, ctx)))
    return {}


def render_note(note: Note, ctx: RequestContext) -> dict[str, Any]:
    """Write the note object."""
    made, who = format_instant(note.made), ctx.store.user_name(note.user_id)
    return {
        "_type": "Note",
        "id": note.id,
        "organization_id": ctx.store.organization.id,
        "lead_id": note.lead_id,
        "contact_id": note.contact_id,
        "user_id": note.user_id,
        "user_name": who,
        "title": note.title,
        "note": note.note,
        "note_html": note.note_html,
        "pinned": note.pinned,
        "attachments": [],
        "activity_at": made,
        "date_created": made,
        "date_updated": format_instant(note.changed),
        "created_by": note.user_id,
        "created_by_name": who,
        "updated_by": note.user_id,
        "updated_by_name": who,
        "users": [],
    }


def _check(body: Mapping[str, Any]) -> None:
    wrong = [name for name in TEXTS if not isinstance(body.get(name), str | None)]
    if wrong:
        raise validation_error(**dict.fromkeys(wrong, "Value must be of basestring type."))


def _edited(note: Note, body: Mapping[str, Any]) -> Note:
    """Apply a body; `note_html` takes precedence over `note`, and each overwrites the other."""
    changes = {name: body[name] for name in ("title", "contact_id", "pinned") if name in body}
    if body.get("note_html") is not None:
        markup = body["note_html"]
        changes |= {"note_html": markup, "note": html.unescape(TAG.sub(" ", markup)).strip()}
    elif "note" in body:
        text = body["note"] or ""
        lines = "".join(f"<p>{html.escape(line, quote=False)}</p>" for line in text.split("\n"))
        changes |= {"note": text, "note_html": f"<body>{lines}</body>"}
    return replace(note, **changes)


def _find(ctx: RequestContext) -> Note:
    note = ctx.store.notes.get(ctx.values["id"])
    if note is None:
        raise not_found("Note")
    return note
