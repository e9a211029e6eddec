"""The properties of a body: what each may be, and the text under which it is kept."""

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

SECONDS = range(10**8, 10**11)  # what was meant as epoch seconds, from 1973 to 5138


class PropertyRules:
    """What values are checked against: the definitions, the reading, and the owners."""

    def __init__(self, known: Mapping[str, Definition], spec_variant: SpecVariant, owners: tuple[Owner, ...]) -> None:
        self.known = known
        self.spec_variant = spec_variant
        self.owners = {owner.id for owner in owners if spec_variant.archived_owner == "accepted" or not owner.archived}

    def checked(self, properties: object) -> dict[str, str]:
        """Read the `properties` of a body: names to texts, "" for what is cleared; all that is wrong at once."""
        sent = _texts(properties, self.spec_variant)
        complaints = [said for name, text in sent.items() if (said := self._complaint(name, text))]
        if complaints:
            raise invalid_values(complaints)
        return {name: _kept(self.known[name], text or "") for name, text in sent.items()}

    def _complaint(self, name: str, text: str | None) -> Complaint | None:
        definition = self.known.get(name)
        if definition is None:  # SPEC and every recording against the guide, which says ignored
            return Complaint(name, "PROPERTY_DOESNT_EXIST", f'Property "{name}" does not exist')
        if definition.is_read_only:
            said = f'"{name}" is a calculated property; its value cannot be set.'
            return Complaint(name, "READ_ONLY_VALUE", said)
        if text is None:  # not documented
            return Complaint(name, "INVALID_VALUE", f"{name} cannot be null")
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
    # numbers and booleans are read as their text
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise ApiError(400, "Invalid input JSON on line 1, column 1: Cannot deserialize value of type String", None)


def _string(rules: PropertyRules, definition: Definition, text: str) -> Complaint | None:
    limit = rules.spec_variant.body_limit
    if definition.name == "hs_task_body" and 0 < limit < len(text):  # the text is not recorded
        return Complaint(definition.name, "INVALID_LENGTH", f"{definition.name} is longer than {limit} characters")
    return None


def _number(_: PropertyRules, definition: Definition, text: str) -> Complaint | None:
    if definition.name == "hs_task_reminders" and not MILLIS.fullmatch(text):  # epoch milliseconds only
        return Complaint(definition.name, "INVALID_LONG", f"{text} was not a valid long.")
    if not text.lstrip("-").replace(".", "", 1).isdigit():
        return Complaint(definition.name, "INVALID_INTEGER", f"{text} was not a valid number")
    return None


def _moment(rules: PropertyRules, definition: Definition, text: str) -> Complaint | None:
    moment = parse_instant(text)
    is_seconds = MILLIS.fullmatch(text) and int(text) in SECONDS and rules.spec_variant.epoch_seconds == "rejected"
    if moment is not None and not is_seconds:
        return None
    said = {"INVALID_LONG": f"{text} was not a valid long.", "INVALID_DATE": f"{text} was not a valid date."}
    return Complaint(definition.name, rules.spec_variant.bad_datetime, said[rules.spec_variant.bad_datetime])


def _choice(rules: PropertyRules, definition: Definition, text: str) -> Complaint | None:
    if definition.name == "hubspot_owner_id":
        said = f"Owner {text} does not exist"  # the code; its text is not recorded
        return None if text in rules.owners else Complaint(definition.name, "INVALID_OWNER_ID", said)
    if definition.is_external or text in {option.value for option in definition.options}:
        return None
    return Complaint(
        definition.name, "INVALID_OPTION", f"{text} was not one of the allowed options: {_list(definition)}"
    )


def _list(definition: Definition) -> str:
    # the options as text, one field a line
    rows = [
        f'label: "{option.label}"\nvalue: "{option.value}"\ndisplay_order: {order}\nhidden: false\nread_only: false\n'
        for order, option in enumerate(definition.options)
    ]
    return f"[{', '.join(rows)}]"


_CHECKS: dict[str, Check] = {
    "string": _string,
    "number": _number,
    "datetime": _moment,
    "enumeration": _choice,
    "bool": _choice,
}


def _kept(definition: Definition, text: str) -> str:
    """Give the text that is kept: moments in ISO, all else as it came."""
    moment = parse_instant(text) if definition.type == "datetime" and text else None
    return format_instant(moment) if isinstance(moment, dt.datetime) else text
