"""Converts the value of a property between the caller's form and HubSpot's, by the property's type; pure.

https://developers.hubspot.com/docs/api-reference/crm-properties-v3/guide, "Property type and fieldType values", and the
form of values in https://developers.hubspot.com/docs/api-reference/crm-objects-v3/guide: several options are joined by
semicolons, a date is a day, a datetime is an instant, and an instant may be in epoch milliseconds.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Final

from taskhand.backends.hubspot.fields.due import millis_of, parse_moment
from taskhand.backends.hubspot.properties.definitions import PropertyDefinition
from taskhand.domain.due import instant_text
from taskhand.domain.errors import CallerError, Candidate
from taskhand.domain.name_matching import fold, nearest_first
from taskhand.domain.properties import property_field

__all__ = ["shown_value", "written_value"]

_MAX_CHARACTERS: Final = 65_536
"""Maximum characters of a text property (https://knowledge.hubspot.com/properties/property-field-types-in-hubspot)."""
_MAX_CANDIDATES: Final = 20
_SECONDS: Final = len("9999999999")
"""Maximum digits of epoch seconds, which HubSpot would read as milliseconds in 1970."""
_REMINDERS: Final = "hs_task_reminders"
"""Its values are epoch milliseconds, whatever its type: https://developers.hubspot.com/docs/api-reference/crm-tasks-v3/guide."""
_TRUE: Final = frozenset({"true", "yes", "si"})
_FALSE: Final = frozenset({"false", "no"})


def written_value(definition: PropertyDefinition, text: str) -> str:
    """The value to write for a caller's text; CallerError if the property does not accept it."""
    read, wanted, next_step = _form_of(definition)
    try:
        return read(definition, text.strip())
    except (ValueError, OverflowError, InvalidOperation):
        raise _refusal(definition, text, wanted, next_step) from None


def shown_value(definition: PropertyDefinition | None, raw: object) -> str | None:
    """HubSpot's value in the form in which callers write it; unchanged if it has another form; None if empty."""
    text = "" if raw is None else str(raw)
    if not text or definition is None:
        return text or None
    try:
        return _form_of(definition)[0](definition, text)
    except (ValueError, OverflowError, InvalidOperation, CallerError):
        return text


def _form_of(definition: PropertyDefinition) -> "_Form":
    return _FORMS.get(definition.name if definition.name == _REMINDERS else definition.type, _TEXT)


def _number(_: PropertyDefinition, text: str) -> str:
    number = Decimal(text)
    if not number.is_finite() or abs(number.adjusted()) > _SECONDS + _SECONDS:
        raise ValueError(text)
    return f"{number.normalize() + 0:f}"


def _date(_: PropertyDefinition, text: str) -> str:
    if not text.lstrip("-").isdecimal():
        return date.fromisoformat(text).isoformat()
    moment = _instant(text)
    if moment.time() != time():
        raise ValueError(text)
    return moment.date().isoformat()


def _datetime(_: PropertyDefinition, text: str) -> str:
    return instant_text(_instant(text))


def _reminders(_: PropertyDefinition, text: str) -> str:
    return ";".join(str(millis_of(_instant(part.strip()))) for part in text.split(";"))


def _instant(text: str) -> datetime:
    """An unambiguous instant; ValueError for a day, a time without an offset, and epoch seconds."""
    is_number = text.isascii() and text.isdecimal()
    moment = parse_moment(text) if not is_number or len(text) > _SECONDS else None
    if moment is None or (not is_number and datetime.fromisoformat(text).tzinfo is None):
        raise ValueError(text)
    return moment.astimezone(UTC)


def _bool(definition: PropertyDefinition, text: str) -> str:
    word = fold(text)
    labels = {fold(label): value for value, label in definition.options.items()}
    if word in _TRUE | _FALSE:
        return str(word in _TRUE).lower()
    if (found := labels.get(word)) is None:
        raise ValueError(text)
    return found.lower()


def _text(definition: PropertyDefinition, text: str) -> str:
    if len(text) > _MAX_CHARACTERS:
        raise CallerError(
            f"{property_field(definition.name)} has {len(text):,} characters.",
            code="text_too_long",
            next_step=f"Send at most {_MAX_CHARACTERS:,}.",
        )
    return text


def _choice(definition: PropertyDefinition, text: str) -> str:
    if not definition.is_many:
        return _option(definition, text)
    parts = [part.strip() for part in text.split(";")]
    if not all(parts):
        raise CallerError(
            f"{property_field(definition.name)} {text[:60]!r} has an empty option.",
            code="invalid_property_value",
            next_step="Send all options that it should have, joined by semicolons: they replace the present ones.",
        )
    chosen = {_option(definition, part) for part in parts}
    known = [value for value in definition.options if value in chosen]
    return ";".join([*known, *sorted(chosen.difference(known))])


def _option(definition: PropertyDefinition, text: str) -> str:
    """The value of an option given by value or label; CallerError if no option or several match."""
    options = definition.options
    if not options or text in options:
        return text
    word = fold(text)
    matching = [value for value, label in options.items() if word in (fold(value), fold(label))]
    if len(matching) != 1:
        raise _refusal(definition, text, *_OPTION, matching or nearest_first(text, options, options.__getitem__))
    return matching[0]


_Form = tuple[Callable[[PropertyDefinition, str], str], str, str]
"""A function that converts a value or raises an error, the expected form, and the next step of the error."""
_TEXT: Final[_Form] = (_text, "a text", "Send a text.")
_INSTANT: Final = ("an instant", "Send it with its offset, 2026-12-30T15:00:00-03:00, or in epoch milliseconds.")
_OPTION: Final = ("one of its options", "Send one of the candidates.")
_FORMS: Final[Mapping[str, _Form]] = {
    "number": (_number, "a number", "Send digits, with a point for decimals: 1250.5."),
    "date": (_date, "a day", "Send YYYY-MM-DD."),
    "datetime": (_datetime, *_INSTANT),
    "bool": (_bool, "true or false", "Send true or false."),
    "enumeration": (_choice, *_OPTION),
    _REMINDERS: (_reminders, *_INSTANT),
}


def _refusal(
    definition: PropertyDefinition, text: str, expected: str, next_step: str, options: Sequence[str] = ()
) -> CallerError:
    return CallerError(
        f"{property_field(definition.name)} {text[:60]!r} is not {expected}.",
        code="invalid_property_value",
        candidates=[Candidate(option, definition.options[option]) for option in options[:_MAX_CANDIDATES]],
        next_step=next_step,
    )
