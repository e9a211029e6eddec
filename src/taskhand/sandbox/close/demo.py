"""The demo organization: a sales team in Denver, its leads, and a few weeks of tasks of every type around today."""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import Any, NamedTuple

DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
ID_LENGTH = 43  # of the part after the prefix, as in the documented samples
OFFSET = dt.timezone(dt.timedelta(hours=-7))  # Denver in winter


def _id(prefix: str, name: str) -> str:
    number = int.from_bytes(hashlib.sha256(name.encode()).digest(), "big")
    letters = ""
    for _ in range(ID_LENGTH):
        number, digit = divmod(number, len(DIGITS))
        letters += DIGITS[digit]
    return f"{prefix}_{letters}"


ORGANIZATION = _id("orga", "organization")
LEAD_STATUSES = tuple((_id("stat", label), label) for label in ("Potential", "Qualified", "Customer", "Bad Fit"))
KENNETH, SARAH, DANIEL, OTHER_DANIEL, PRIYA, MARCUS = (
    _id("user", name) for name in ("kenneth", "sarah", "daniel 1", "daniel 2", "priya", "marcus")
)

_USERS = (
    (KENNETH, "Kenneth", "Jones", "kenneth@northwind.example", "+13035550101", True),
    (SARAH, "Sarah", "Whitfield", "sarah@northwind.example", "+13035550102", True),
    (DANIEL, "Daniel", "Reyes", "daniel@northwind.example", "+13035550103", True),
    (OTHER_DANIEL, "Daniel", "Reyes", "dreyes@northwind.example", None, True),  # the same name on purpose
    (PRIYA, "Priya", "Nair", "priya@northwind.example", None, True),
    (MARCUS, "Marcus", "Bell", "marcus@northwind.example", None, False),  # left the organization
)

_LEADS: tuple[tuple[str, str, tuple[tuple[str, str | None, str | None], ...]], ...] = (
    ("Wayne Enterprises", "Customer", (
        ("Bruce Wayne", "bruce@wayne.example", "+12015550110"),
        ("Lucius Fox", "lucius@wayne.example", None),
    )),
    ("Harbor Coffee Roasters", "Potential", (("Mia Lindqvist", "mia@harborcoffee.example", "+12065550111"),)),
    ("Blue Mesa Outfitters", "Qualified", (
        ("Tom Okafor", "tom@bluemesa.example", "+15055550112"),
        ("Ana Beltrán", "ana@bluemesa.example", "+15055550113"),
    )),
    ("Summit Dental Group", "Qualified", (("Dr. Helen Park", "helen@summitdental.example", "+13035550114"),)),
    ("Acme", "Potential", (("Road Runner", None, "+14805550115"),)),
    ("Acme", "Customer", (("Wile Coyote", "wile@acme.example", None),)),  # the same name on purpose
    ("Prairie Solar", "Customer", (
        ("Joan Meyer", "joan@prairiesolar.example", "+14025550116"),
        ("", None, "+14025550117"),
    )),
    ("Lakeside Property Management", "Bad Fit", (("Greg Olsen", "greg@lakeside.example", None),)),
    ("Café Andino", "Potential", (("Sofía Castro", "sofia@cafeandino.example", "+573015550118"),)),
)  # fmt: skip


class _DemoTask(NamedTuple):
    """One task of the demo: `day` counts from today, None is dateless; `time` None is the whole day."""

    text: str | None
    who: str
    lead: int
    day: int | None
    time: str | None = None
    contact: int | None = None
    kind: str = "lead"
    is_complete: bool = False
    is_high: bool = False


_TASKS = (
    _DemoTask("Connect with Account Manager", KENNETH, 0, 0, None, 0, is_high=True),
    _DemoTask("Send the renewal quote", KENNETH, 0, 0, "15:00", 1),
    _DemoTask("Book a tasting", SARAH, 1, 1, "10:30", 0),
    _DemoTask("Check references", SARAH, 1, None),
    _DemoTask("Prepare the spring order", DANIEL, 2, 2, None, 0),
    _DemoTask("Follow up on the price list", DANIEL, 2, -1, None, 1, is_high=True),
    _DemoTask("Confirm the delivery address", OTHER_DANIEL, 2, 3, "09:00", 1),
    _DemoTask("Demo for the front desk", PRIYA, 3, 4, "14:15", 0),
    _DemoTask("Send the security questionnaire", PRIYA, 3, -4, None, 0, is_high=True),
    _DemoTask("Ask for the purchase order", KENNETH, 4, 7, None, 0),
    _DemoTask("Return the signed contract", KENNETH, 5, -2, "17:00", 0, is_complete=True),
    _DemoTask("Thank them for the referral", SARAH, 5, -9, None, 0, is_complete=True),
    _DemoTask("Yearly review", SARAH, 6, 21, "11:00", 0),
    _DemoTask("Update the billing contact", OTHER_DANIEL, 6, None, None, 0),
    _DemoTask("Find out who decides", DANIEL, 7, None),
    _DemoTask("Close out the file", PRIYA, 7, -15, None, 0, is_complete=True),
    _DemoTask("Translate the brochure", PRIYA, 8, 10, None, 0),
    _DemoTask("Call after the holiday", DANIEL, 8, 30, "08:00", 0),
    _DemoTask("Hand over Marcus's accounts", MARCUS, 0, 5, None, 0),
    _DemoTask("Clean up duplicates", KENNETH, 4, None, is_complete=True),
    _DemoTask("Send late-night recap", SARAH, 2, 0, "23:30", 0),
    _DemoTask("Qualify this lead", KENNETH, 0, 1, "09:00", 0, "outgoing_call"),
    _DemoTask("Call about the invoice", DANIEL, 6, 0, None, 0, "outgoing_call"),
    _DemoTask(None, OTHER_DANIEL, 1, -3, "13:00", 0, "outgoing_call", is_complete=True),
    _DemoTask(None, KENNETH, 3, 0, "08:12", 0, "incoming_email"),
    _DemoTask(None, SARAH, 2, 2, "09:00", 1, "email_followup"),
    _DemoTask(None, PRIYA, 6, -1, "16:40", 0, "missed_call"),
    _DemoTask(None, PRIYA, 6, -6, "10:05", 0, "answered_detached_call", is_complete=True),
    _DemoTask(None, DANIEL, 8, 0, "07:55", 0, "voicemail"),
    _DemoTask(None, KENNETH, 2, 6, None, 0, "opportunity_due"),
    _DemoTask("Can you resend the quote?", SARAH, 1, -1, "18:21", 0, "incoming_sms"),
)

_PHONES = {
    "phone": "+14025550116",
    "phone_formatted": "+1 402-555-0116",
    "phone_number_description": "Office",
    "local_phone": "+13035550100",
}
_EXTRAS: dict[str, dict[str, Any]] = {
    "incoming_email": {"emails": [], "subject": "Question about the quote", "body_preview": "Hi Kenneth, could you"},
    "email_followup": {"email_id": _id("acti", "mail"), "subject": "Price list", "body_preview": "Here is the list"},
    "missed_call": _PHONES,
    "answered_detached_call": _PHONES | {"recording_url": "https://recordings.example/1"},
    "voicemail": _PHONES | {"voicemail_duration": 34, "voicemail_url": "https://recordings.example/2"},
    "opportunity_due": {
        "opportunity_note": "Spring order",
        "opportunity_value": 450_000,
        "opportunity_value_currency": "USD",
        "opportunity_value_formatted": "$4,500",
        "opportunity_value_period": "one_time",
    },
    "incoming_sms": {
        "remote_phone": "+12065550111",
        "remote_phone_formatted": "+1 206-555-0111",
        "remote_phone_description": "Mobile",
        "local_phone": "+13035550100",
        "attachments": [],
    },
}


def demo_users() -> dict[str, Any]:
    """Return the users, who are also in the seed "empty"."""
    keys = ("id", "first_name", "last_name", "email", "phone", "active")
    return {"users": [dict(zip(keys, row, strict=True)) | {"zone": "America/Denver"} for row in _USERS]}


def demo(now: dt.datetime) -> dict[str, Any]:
    """Return the leads with their contacts, and the tasks, dated around `now`."""
    leads = [_lead(number) for number in range(len(_LEADS))]
    return {"leads": leads, "tasks": [_task(row, number, leads, now) for number, row in enumerate(_TASKS)]}


def _lead(number: int) -> dict[str, Any]:
    name, status, contacts = _LEADS[number]
    rows = [
        {
            "id": _id("cont", f"{number} {index}"),
            "name": contact,
            "emails": [email] if email else [],
            "phones": [phone] if phone else [],
        }
        for index, (contact, email, phone) in enumerate(contacts)
    ]
    return {"id": _id("lead", str(number)), "name": name, "status": status, "contacts": rows}


def _task(row: _DemoTask, number: int, leads: list[dict[str, Any]], now: dt.datetime) -> dict[str, Any]:
    lead = leads[row.lead]
    prefix = "task" if row.kind in {"lead", "outgoing_call"} else "noti"
    return _EXTRAS.get(row.kind, {}) | {
        "id": _id(prefix, f"task {number}"),
        "_type": row.kind,
        "text": row.text,
        "lead_id": lead["id"],
        "contact_id": None if row.contact is None else lead["contacts"][row.contact]["id"],
        "assigned_to": row.who,
        "date": _date(row, now),
        "is_complete": row.is_complete,
        "priority": "high" if row.is_high else "medium",
        "date_created": (now - dt.timedelta(days=40 - number)).isoformat(),
    }


def _date(row: _DemoTask, now: dt.datetime) -> str | None:
    if row.day is None:
        return None
    day = now.astimezone(OFFSET).date() + dt.timedelta(days=row.day)
    if row.time is None:
        return day.isoformat()
    return dt.datetime.combine(day, dt.time.fromisoformat(row.time), OFFSET).isoformat()
