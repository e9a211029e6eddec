"""Which deal a name means."""

import pytest

from builders import refused
from taskhand.domain.deal_lookup import match_deal
from taskhand.domain.errors import Ambiguous, NotFound
from taskhand.domain.task import Deal, DealList

ACME, OTHER = Deal(id="1", name="Acme renewal"), Deal(id="2", name="Umbrella upsell")


@pytest.mark.parametrize("given", ["acme renewal", "Renewal"])
def test_a_deal_is_resolved_by_its_name_or_words_if_the_list_is_complete(given: str) -> None:
    assert match_deal(given, DealList((ACME, OTHER))) == ACME
    with refused("ambiguous_deal", Ambiguous) as caught:
        match_deal(given, DealList((ACME, OTHER), complete=False))
    assert [one.value for one in caught.value.candidates] == ["1"]


def test_a_part_of_a_word_matches_no_deal() -> None:
    with refused("unknown_deal", NotFound):
        match_deal("renew", DealList((ACME, OTHER)))


UPSELL = Deal(id="3", name="Acme upsell")


def test_a_full_name_is_preferred_to_words_and_several_deals_are_candidates() -> None:
    named = Deal(id="4", name="Acme")
    assert match_deal("ACME", DealList((ACME, named, UPSELL))) == named
    with refused("ambiguous_deal", Ambiguous) as caught:
        match_deal("Acme", DealList((ACME, OTHER, UPSELL)))
    assert caught.value.message == "2 deals match 'Acme'."
    assert {one.value for one in caught.value.candidates} == {"1", "3"}
    with refused("ambiguous_deal", Ambiguous) as caught:
        match_deal("Acme", DealList((ACME, UPSELL), complete=False))
    assert caught.value.message == "More than one deal may match 'Acme'."


def test_of_an_unknown_deal_those_that_share_a_word_are_candidates_the_nearest_first() -> None:
    many = tuple(Deal(id=f"m-{n}", name=f"Acme {n}") for n in range(20))
    with refused("unknown_deal", NotFound) as caught:
        match_deal("Acme renewals", DealList((OTHER, UPSELL, ACME)))
    assert [one.value for one in caught.value.candidates] == ["1", "3"]
    for text in ("!", "  "):
        with refused("unknown_deal", NotFound) as caught:
            match_deal(text, DealList((ACME,)))
        assert caught.value.candidates == ()
    with refused("ambiguous_deal", Ambiguous) as caught:
        match_deal("Acme", DealList(many))
    assert len(caught.value.candidates) == 10
