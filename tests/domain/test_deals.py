"""Which deal a name means."""

import pytest

from builders import refused
from taskhand.domain.deals import resolve_deal
from taskhand.domain.errors import Ambiguous, NotFound
from taskhand.domain.task import Deal, DealList

ACME, OTHER = Deal(id="1", name="Acme renewal"), Deal(id="2", name="Umbrella upsell")


@pytest.mark.parametrize("given", ["acme renewal", "Renewal"])
def test_the_only_deal_with_a_name_or_its_words_is_meant_unless_others_may_have_them_too(given: str) -> None:
    assert resolve_deal(given, DealList((ACME, OTHER))) == ACME
    with refused("ambiguous_deal", Ambiguous) as caught:
        resolve_deal(given, DealList((ACME, OTHER), complete=False))
    assert [one.value for one in caught.value.candidates] == ["1"]


def test_a_part_of_a_word_means_no_deal() -> None:
    with refused("unknown_deal", NotFound):
        resolve_deal("renew", DealList((ACME, OTHER)))
