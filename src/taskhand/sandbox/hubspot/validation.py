"""Validates the properties of a request body, and converts them to the stored texts."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from taskhand.sandbox.hubspot.dates import MILLIS, format_instant, parse_instant
from taskhand.sandbox.hubspot.errors import ApiError, Complaint, invalid_values

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from taskhand.sandbox.hubspot.people import Owner
    from taskhand.sandbox.hubspot.property_definitions import Definition
    from taskhand.sandbox.hubspot.spec_variant import SpecVariant

    Check = Callable[["PropertyRules", Definition, str], Complaint | None]

SECONDS = range(10**8, 10**11)  # numbers that look like epoch seconds, from 1973 to 5138


class PropertyRules:
    """Validates property values against the definitions, the spec variant and the owners.

    `holder_of` returns the id of another record that has a value of a unique property.
    """

    def __init__(
        self,
        definitions: Mapping[str, Definition],
        spec_variant: SpecVariant,
        owners: tuple[Owner, ...],
        holder_of: Callable[[str, str], str | None],
    ) -> None:
        self.known = definitions
        self.spec_variant = spec_variant
        self.holder_of = holder_of
        self.owners = {owner.id for owner in owners if spec_variant.archived_owner == "accepted" or not owner.archived}

    def validate(self, properties: object) -> dict[str, str]:
        """Return the stored text of each property, "" for a cleared one; a 400 lists all invalid values."""
        sent = _texts(properties, self.spec_variant)
        found = [self._complaint(name, text) for name, text in sent.items()]
        complaints = [complaint for complaint in found if complaint]
        if complaints:
            raise invalid_values(complaints)
        return {name: _stored_text(self.known[name], text or "") for name, text in sent.items()}

    def _complaint(self, name: str, text: str | None) -> Complaint | None:
        definition = self.known.get(name)
        if definition is None:  # recorded; the guide says that unknown properties are ignored
            return Complaint(name, "PROPERTY_DOESNT_EXIST", f'Property "{name}" does not exist')
        if definition.is_read_only:
            message = f'"{name}" is a calculated property; its value cannot be set.'
            return Complaint(name, "READ_ONLY_VALUE", message)
        if text is None:
            return Complaint(name, "INVALID_VALUE", f"{name} cannot be null")
        if text and definition.is_unique and (holder := self.holder_of(name, text)) is not None:
            return Complaint(name, "CONFLICTING_UNIQUE_VALUE", f"{holder} already has that value.")  # assumed
        return _CHECKS[definition.type](self, definition, text) if text else None


def _texts(properties: object, spec_variant: SpecVariant) -> dict[str, str | None]:
    if properties is None:
        return {}
    if not isinstance(properties, dict):
        raise ApiError(400, "Invalid input JSON on line 1, column 1: Expected properties to be an object", None)
    nothing = {"clears": "", "rejected": None}
    kept = {
        name: value for name, value in properties.items() if value is not None or spec_variant.null_value in nothing
    }
    return {name: nothing[spec_variant.null_value] if value is None else _text(value) for name, value in kept.items()}


def _text(value: Any) -> str:
    # recorded: numbers and booleans are accepted as their text
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise ApiError(400, "Invalid input JSON on line 1, column 1: Cannot deserialize value of type String", None)


def _string(rules: PropertyRules, definition: Definition, text: str) -> Complaint | None:
    limit = rules.spec_variant.body_limit
    if definition.name == "hs_task_body" and 0 < limit < len(text):  # the text is assumed
        return Complaint(definition.name, "INVALID_LENGTH", f"{definition.name} is longer than {limit} characters")
    return None


def _number(_: PropertyRules, definition: Definition, text: str) -> Complaint | None:
    if definition.name == "hs_task_reminders" and not MILLIS.fullmatch(text):
        return Complaint(definition.name, "INVALID_LONG", f"{text} was not a valid long.")
    if not text.lstrip("-").replace(".", "", 1).isdigit():
        return Complaint(definition.name, "INVALID_INTEGER", f"{text} was not a valid number")
    return None


def _moment(rules: PropertyRules, definition: Definition, text: str) -> Complaint | None:
    moment = parse_instant(text)
    is_seconds = MILLIS.fullmatch(text) and int(text) in SECONDS and rules.spec_variant.epoch_seconds == "rejected"
    if moment is not None and not is_seconds:
        return None
    messages = {"INVALID_LONG": f"{text} was not a valid long.", "INVALID_DATE": f"{text} was not a valid date."}
    return Complaint(definition.name, rules.spec_variant.bad_datetime, messages[rules.spec_variant.bad_datetime])


def _day(_: PropertyRules, definition: Definition, text: str) -> Complaint | None:
    moment = parse_instant(text)
    if moment is not None and moment.time() == dt.time():
        return None
    return Complaint(definition.name, "INVALID_DATE", f"{text} was not a valid date.")


def _choice(rules: PropertyRules, definition: Definition, text: str) -> Complaint | None:
    if definition.name == "hubspot_owner_id":
        message = f"Owner {text} does not exist"  # the text is assumed
        return None if text in rules.owners else Complaint(definition.name, "INVALID_OWNER_ID", message)
    allowed = {option.value for option in definition.options}
    wrong = [value for value in _several(definition, text) if value not in allowed]
    if definition.is_external or not wrong:
        return None
    message = f"{wrong[0]} was not one of the allowed options: {_list(definition)}"
    return Complaint(definition.name, "INVALID_OPTION", message)


def _several(definition: Definition, text: str) -> list[str]:
    """Return the options of a value: a checkbox has several, joined by semicolons."""
    return text.split(";") if definition.field_type == "checkbox" else [text]


def _list(definition: Definition) -> str:
    # recorded: the options as text, one field on each line
    rows = [
        f'label: "{option.label}"\nvalue: "{option.value}"\ndisplay_order: {order}\nhidden: false\nread_only: false\n'
        for order, option in enumerate(definition.options)
    ]
    return f"[{', '.join(rows)}]"


_CHECKS: dict[str, Check] = {
    "string": _string,
    "number": _number,
    "date": _day,
    "datetime": _moment,
    "enumeration": _choice,
    "bool": _choice,
}


def _stored_text(definition: Definition, text: str) -> str:
    """Return the text to store: dates in ISO 8601, other values unchanged."""
    moment = parse_instant(text) if definition.type in ("date", "datetime") and text else None
    if not isinstance(moment, dt.datetime):
        return text
    return moment.date().isoformat() if definition.type == "date" else format_instant(moment)
