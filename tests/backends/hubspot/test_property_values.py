"""The value of a property is checked by its type before sending, and HubSpot's forms of one value are the same."""

from dataclasses import replace
from typing import Any

import pytest

from taskhand.backends.hubspot.properties.definitions import PropertyDefinition, definitions_in
from taskhand.backends.hubspot.properties.values import shown_value, written_value
from taskhand.domain.errors import CallerError

REGIONS = {"emea": "EMEA region", "latam": "Latin America", "b": "B"}
YES_NO = {"true": "Si", "false": "No"}


def definition(of_type: str, *, is_many: bool = False, name: str = "own") -> PropertyDefinition:
    options = {"enumeration": REGIONS, "bool": YES_NO}.get(of_type, {})
    return PropertyDefinition(name, "Own", of_type, options, is_writable=True, is_many=is_many)


TAKEN = [
    (definition("number"), {"17": "17", "17.50": "17.5", "1e3": "1000", "-0": "0", "98765432109876543210": None}),
    (definition("date"), {"2026-12-30": None, "1798588800000": "2026-12-30"}),
    (
        definition("datetime"),
        {
            "2026-12-30T15:00:00-03:00": "2026-12-30T18:00:00.000Z",
            "2026-12-30T18:00:00Z": "2026-12-30T18:00:00.000Z",
            "1798588800000": "2026-12-30T00:00:00.000Z",
        },
    ),
    (definition("bool"), {"true": None, "TRUE": "true", "Sí": "true", "no": "false"}),
    (definition("enumeration"), {"emea": None, "EMEA": "emea", "latin america": "latam"}),
    (definition("enumeration", is_many=True), {"b;emea": "emea;b", "Latin America; EMEA region": "emea;latam"}),
    (replace(definition("enumeration", is_many=True), options={}), {"c;a;d;b;b": "a;b;c;d"}),
    (definition("string"), {"any; text": None}),
    (definition("phone_number"), {"+56 9 5555": None}),
    (
        definition("string", name="hs_task_reminders"),
        {"2026-12-30T00:00:00Z": "1798588800000", "1798588800000;1798588900000": None},
    ),
]
REFUSED = [
    (definition("number"), ["1,5", "nan", "inf", "1e99999", "twelve"], "a number"),
    (definition("date"), ["tomorrow", "2026-02-30", "2026-12-30T10:00:00Z", "1798588800001"], "a day"),
    (definition("datetime"), ["2026-12-30", "2026-12-30T15:00:00", "1798588800", "soon"], "an instant"),
    (definition("bool"), ["1", "maybe"], "true or false"),
    (definition("enumeration"), ["emae", "emea;b"], "one of its options"),
    (definition("enumeration", is_many=True), ["b;zz"], "one of its options"),
    (definition("enumeration", is_many=True), [";b", "b;;emea"], "an empty option"),
    (definition("number", name="hs_task_reminders"), ["12", "1798588800000;x"], "an instant"),
    (definition("string"), ["x" * 65_537], "65,537 characters"),
]


@pytest.mark.parametrize(("own", "values"), TAKEN)
def test_a_value_is_written_in_one_form_and_read_in_the_same(
    own: PropertyDefinition, values: dict[str, str | None]
) -> None:
    assert {sent: written_value(own, sent) for sent in values} == {sent: kept or sent for sent, kept in values.items()}
    assert {sent: shown_value(own, sent) for sent in values} == {sent: kept or sent for sent, kept in values.items()}


@pytest.mark.parametrize(("own", "values", "wanted"), REFUSED)
def test_an_invalid_property_value_is_refused_with_a_next_step_and_shown_unchanged(
    own: PropertyDefinition, values: list[str], wanted: str
) -> None:
    for sent in values:
        with pytest.raises(CallerError, match=wanted) as refused:
            written_value(own, sent)
        assert refused.value.next_step
        assert shown_value(own, sent) == sent


def test_an_empty_property_shows_no_value_and_one_without_a_definition_its_raw_value() -> None:
    assert [shown_value(own, raw) for own in (definition("date"), None) for raw in ("", None)] == [None] * 4
    assert shown_value(None, "1798588800000") == "1798588800000"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, {}),
        ({"modificationMetadata": {"readOnlyValue": True}}, {"is_writable": False}),
        ({"calculated": True}, {"is_writable": False}),
        ({"archived": True}, {"is_writable": False}),
        ({"externalOptions": True}, {"options": {}}),
        ({"fieldType": "checkbox"}, {"is_many": True}),
        ({"hasUniqueValue": True}, {"is_unique": True}),
        ({"hubspotDefined": True}, {"is_own": False}),
        ({"label": ""}, {"label": "own"}),
    ],
)
def test_a_definition_is_read_as_hubspot_documents_it(given: dict[str, Any], expected: dict[str, Any]) -> None:
    row = {
        "name": "own",
        "label": "Own",
        "type": "enumeration",
        "options": [{"value": "b", "label": "B"}, {"label": "x"}],
    }
    usual = PropertyDefinition("own", "Own", "enumeration", {"b": "B"}, is_writable=True, is_own=True)
    assert definitions_in({"results": [row | given, {"label": "nameless"}]}) == {"own": replace(usual, **expected)}
