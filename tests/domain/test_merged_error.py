"""The errors of several connections as one."""

from taskhand.domain.errors import NotFound, RateLimited, UpstreamFailed
from taskhand.domain.merged_error import merge_errors


def test_an_error_of_several_connections_may_be_retried_if_one_of_them_may_after_the_longest_wait() -> None:
    for_good, busy = UpstreamFailed("It fails.", retryable=False), RateLimited("Wait.", retry_after_s=3)
    busier = RateLimited("Wait.", retry_after_s=60)
    merged = merge_errors({"north": for_good, "south": busy, "home": busier})
    assert (type(merged), merged.retryable, merged.retry_after_s) == (UpstreamFailed, True, 60)
    assert merged.message == "north: It fails. south, home: Wait."
    alone = merge_errors({"north": NotFound("Gone."), "south": NotFound("Gone.")})
    assert (alone.message, alone.retryable, alone.retry_after_s) == ("Gone.", False, None)
