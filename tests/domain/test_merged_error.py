"""The errors of several connections as one."""

from taskhand.domain.errors import Ambiguous, Candidate, LinkRequired, NotFound, RateLimited, UpstreamFailed
from taskhand.domain.merged_error import merge_errors


def test_an_error_of_several_connections_may_be_retried_if_one_of_them_may_after_the_longest_wait() -> None:
    for_good, busy = UpstreamFailed("It fails.", retryable=False), RateLimited("Wait.", retry_after_s=3)
    busier = RateLimited("Wait.", retry_after_s=60)
    merged = merge_errors({"north": for_good, "south": busy, "home": busier})
    assert (type(merged), merged.retryable, merged.retry_after_s) == (UpstreamFailed, True, 60)
    assert merged.message == "north: It fails. south, home: Wait."
    alone = merge_errors({"north": NotFound("Gone."), "south": NotFound("Gone.")})
    assert (alone.message, alone.retryable, alone.retry_after_s) == ("Gone.", False, None)


def test_namesakes_in_several_connections_are_counted_for_the_connections_that_have_them() -> None:
    def unclear(*ids: str) -> Ambiguous:
        candidates = [Candidate(one, f"Ana {one}") for one in ids]
        return Ambiguous("2 people match 'Ana'.", code="ambiguous_member", candidates=candidates)

    merged = merge_errors({"north": unclear("1", "2"), "south": unclear("3", "4")})
    assert (merged.message, len(merged.candidates)) == ("north, south: 2 people match 'Ana'.", 4)
    assert merge_errors({"north": unclear("1", "2"), "south": unclear("1", "2")}).message == "2 people match 'Ana'."
    partly = merge_errors({"north": unclear("1", "2"), "south": unclear("1")})
    assert (partly.message, len(partly.candidates)) == ("north, south: 2 people match 'Ana'.", 2)


def test_the_steps_of_the_first_code_are_taken_and_the_one_to_link_a_credential() -> None:
    failed = UpstreamFailed("It fails.", next_step="Try again.")
    other = NotFound("Gone.", next_step="List them.")
    unlinked = LinkRequired("Nothing is linked.", next_step="Link a credential.")
    merged = merge_errors({"north": failed, "south": other, "home": unlinked})
    assert merged.code == failed.code
    assert merged.next_step == "north: Try again. home: Link a credential."
    offered = unlinked.but(private_step="Open the page.")
    merged = merge_errors({"north": failed, "south": other, "home": offered})
    assert merged.private_step == "north: Try again. home: Open the page."
    assert merged.next_step == "north: Try again. home: Link a credential."


def test_ids_and_not_names_are_said_to_belong_to_their_own_connections() -> None:
    for is_free_text, step in ((False, "An id is known in its own connection only."), (True, None)):
        unclear = {
            name: Ambiguous("2 statuses.", candidates=[Candidate(f"Won {name}", is_free_text=is_free_text)])
            for name in ("north", "south")
        }
        merged = merge_errors(unclear)
        assert [candidate.connections for candidate in merged.candidates] == [("north",), ("south",)]
        assert merged.next_step == step
