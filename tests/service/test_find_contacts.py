"""Which words of a query contacts are found by."""

from pathlib import Path

import pytest

from behaviour.arms import NOW
from safety.victim import journal_in, store_in
from taskhand.service.app_context import AppContext
from taskhand.service.find_contacts import find_contacts
from taskhand.service.lazy import Lazy


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("Acme <ana@acme.cl>", ["Ana Soto"]),
        ("mailto:ana@acme.cl", ["Ana Soto"]),
        ("Acme (Chile)", ["Acme (Chile)"]),
        ("(Chile)", ["Acme (Chile)"]),
        ("chile", ["Acme (Chile)", "Chile Sur"]),
        ("Acme <chile>", []),
    ],
)
async def test_an_address_is_looked_for_by_its_mail_and_other_brackets_are_words(
    tmp_path: Path, query: str, names: list[str]
) -> None:
    store = store_in(tmp_path)
    for name, mail in (("Ana Soto", "ana@acme.cl"), ("Acme (Chile)", "x@acme.cl"), ("Chile Sur", "sur@acme.cl")):
        await store.edit(lambda one, name=name, mail=mail: one.add_contact(name, None, mail))  # type: ignore[misc]
    app = AppContext(store, Lazy(lambda: journal_in(tmp_path)), lambda: NOW)
    assert sorted(str(one.name) for one in (await find_contacts(app, query, 9)).contacts) == names
    await app.aclose()
