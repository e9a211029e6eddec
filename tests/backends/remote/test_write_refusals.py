"""The explanation of a refused write."""

import pytest

from taskhand.backends.remote.write_messages import Messages
from taskhand.backends.remote.write_refusals import UnknownLink, explain_refusal, is_doubtful
from taskhand.call.request_log import record_foreign_refusal, record_request, recorded_requests
from taskhand.domain.edit import Edit
from taskhand.domain.errors import CallerError, NotFound, UpstreamFailed
from taskhand.domain.task import StatusChoice
from taskhand.http.errors import refused_values_error

REFERRING = Edit(title="Send it", responsible_ids=("ana",), deal_id="7")
PLAIN = Edit(title="Send it")


@pytest.mark.parametrize(
    ("edit", "task_id", "code", "named"),
    [
        (REFERRING, "t1", "unknown_reference", "list_team_members or find_contacts"),
        (REFERRING, None, "unknown_reference", "list_team_members or find_contacts"),
        (Edit(status=StatusChoice(name="Open")), "t1", "unknown_status", "list_statuses"),
        (PLAIN, "t1", "task_not_found", "get_task"),
        (Edit(responsible_ids=()), "t1", "task_not_found", "get_task"),
        (PLAIN, None, NotFound.default_code, ""),
    ],
)
def test_a_404_refers_to_a_sent_reference_or_else_to_the_task(
    edit: Edit, task_id: str | None, code: str, named: str
) -> None:
    told = explain_refusal(NotFound("There is no such thing."), "Close", edit, task_id)
    assert isinstance(told, NotFound)
    assert told.code == code
    assert named in (told.next_step or "")


@pytest.mark.parametrize("refused", [NotFound("The task is gone.", code="task_not_found"), CallerError("No.")])
def test_a_specific_refusal_is_passed_on_unchanged(refused: CallerError) -> None:
    assert explain_refusal(refused, "Close", REFERRING, "t1") is refused


BARE = refused_values_error("Close", None)
UNLINKED = refused_values_error("Close", UnknownLink("Close has no such record."))


@pytest.mark.parametrize(
    ("refused", "edit", "message"),
    [
        (BARE, PLAIN, "Close refused the value of title."),
        (BARE, Edit(title="Send it", priority=1), "Close refused the value of title or priority."),
        (BARE, Edit(status=StatusChoice(name="Open")), "Close refused the value of newStatusName."),
        (BARE, Edit(status=StatusChoice(position=1)), "Close refused the value of newStatusPosition."),
        (UNLINKED, REFERRING, "Close does not know the value of dealId."),
        (
            UNLINKED,
            Edit(title="Send it", ai_contact_id="1", deal_id="7"),
            "Close does not know the value of aiContactId or dealId.",
        ),
        (
            NotFound("No."),
            Edit(
                title="Send it",
                responsible_ids=("ana",),
                deal_id=None,
                ai_contact_id="1",
                status=StatusChoice(name="A"),
            ),
            "Close does not know the value of responsibleIds, aiContactId or newStatusName.",
        ),
    ],
)
def test_a_refusal_without_details_names_the_sent_fields(refused: CallerError, edit: Edit, message: str) -> None:
    told = explain_refusal(refused, "Close", edit, "t1")
    assert told.message == message
    assert refused is not BARE or (told.code, told.next_step) == (BARE.code, BARE.next_step)


@pytest.mark.parametrize("refused", [UNLINKED, CallerError("No.")])
def test_a_refusal_about_links_is_passed_on_unchanged_if_no_link_was_sent(refused: CallerError) -> None:
    assert explain_refusal(refused, "Close", PLAIN, "t1") is refused
    assert explain_refusal(refused, "Close", Edit(responsible_ids=("ana",)), "t1") is refused


def test_a_refused_deletion_names_the_task_unless_the_refusal_says_more() -> None:
    told = Messages("Close").refused_deletion("t1", BARE)
    assert told.message == "Close refused to delete task t1."
    assert told.code == BARE.code
    other = CallerError("It is locked.")
    assert Messages("Close").refused_deletion("t1", other) is other


@pytest.mark.parametrize(
    ("statuses", "is_doubtful_then"),
    [((400, 401, 402, 403, 413, 414, 422), False), ((404, 405, 407, 409, 500, 511), True)],
)
def test_a_refusal_is_doubtful_unless_its_status_is_about_the_values_or_the_credential(
    statuses: tuple[int, ...], *, is_doubtful_then: bool
) -> None:
    for status in statuses:
        with recorded_requests() as requests:
            record_request("POST", "/tasks", status)
            assert is_doubtful(requests, CallerError("No.")) == is_doubtful_then, status
            record_foreign_refusal()
        assert is_doubtful(requests, CallerError("No.")), status


@pytest.mark.parametrize("retryable", [True, False])
def test_the_error_of_a_write_that_failed_and_was_read_back_keeps_its_code_and_its_wait(*, retryable: bool) -> None:
    fault = UpstreamFailed("It failed.", code="upstream_redirect", retryable=retryable, retry_after_s=7.0)
    failed = Messages("Close").failed_write(fault)
    assert (failed.code, failed.retryable, failed.retry_after_s) == ("upstream_redirect", retryable, 7.0)
