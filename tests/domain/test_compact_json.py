"""JSON without blanks."""

import json

import pytest

from taskhand.domain.compact_json import compact_json

HALF = "\ud83d"
"""Half of a surrogate pair, which UTF-8 cannot encode."""


@pytest.mark.parametrize("text", ["Llamar a Peñalolén 📞", f"cut {HALF}", '\x00\x07\x7f\u2028"\\/'])
@pytest.mark.parametrize("ensure_ascii", [True, False])
def test_any_text_is_the_same_after_it_was_written_and_read(text: str, *, ensure_ascii: bool) -> None:
    value = {"title": text, "people": ["ana", None], "priority": 2, "is_all_day": False}
    written = compact_json(value, ensure_ascii=ensure_ascii)
    assert json.loads(written) == value
    assert written.isascii() or not ensure_ascii
    assert written.startswith('{"title":"')
    assert written.endswith('","people":["ana",null],"priority":2,"is_all_day":false}')


def test_a_tuple_is_a_list() -> None:
    assert compact_json({"requests": ("GET /task 200",)}) == '{"requests":["GET /task 200"]}'
