"""The tests of the suite that cannot pass on a backend, each with the reason: they follow from its capabilities."""

from collections.abc import Callable
from typing import Final

from behaviour.world import STATUSES
from taskhand.domain.capabilities import Capabilities

__all__ = ["gaps_of"]

_ANY: Final = Capabilities()
_STATUS_NAMES: Final = tuple(status["name"] for status in STATUSES)
_GAPS: Final[tuple[tuple[Callable[[Capabilities], bool], str, tuple[str, ...]], ...]] = (
    (
        lambda can: "description" in can.absent,
        "a task has no description",
        (
            "test_get_task_answers_the_documented_object_and_nothing_else",
            "test_text_finds_words_in_title_and_description_whatever_the_accents",
            "test_a_new_task_has_the_requested_fields_and_the_initial_status",
            "test_only_given_fields_change",
            "test_null_clears_every_nullable_field",
            "test_text_of_customers_is_stored_unchanged",
            "test_a_note_is_appended_with_date_and_author_and_undone",
            "test_a_note_is_the_description_of_a_task_that_has_none",
            "test_the_same_note_is_written_once_a_day_and_another_is_appended",
            "test_completing_with_a_note_is_one_change_and_a_finished_task_takes_one_too",
            "test_a_bulk_change_appends_to_each_description_and_a_repetition_does_not",
            "test_a_planned_note_is_bound_to_the_description_that_was_shown",
            "test_a_note_that_cannot_be_appended_is_refused_and_nothing_is_written",
            "test_an_empty_note_is_not_given",
            "test_a_note_on_a_long_description_is_seen_in_the_plan_and_in_the_answer",
            "test_notes_written_at_the_same_moment_are_all_kept",
            "test_a_note_beside_a_null_that_says_nothing_keeps_the_description",
            "test_the_edit_that_a_refused_undo_offers_can_empty_a_field",
            "test_a_text_that_was_appended_to_since_is_a_conflict_of_that_field_alone",
        ),
    ),
    (
        lambda can: "dueDate" in can.not_clearable,
        "a task always has a due date",
        (
            "test_only_tasks_without_a_date_are_listed_where_that_is_asked_for",
            "test_a_null_date_removes_the_due_date",
            "test_null_clears_every_nullable_field",
            "test_a_date_window_includes_both_its_days_and_by_default_dateless_tasks",
            "test_a_list_has_the_requested_order",
        ),
    ),
    (
        lambda can: "dueTime" in can.absent,
        "a due date has no time",
        (
            "test_the_answer_has_a_note_if_the_crm_does_not_keep_the_time_zone",
            "test_due_dates_are_shifted_by_days_and_keep_their_times",
            "test_a_bulk_change_combines_fields_people_and_days",
            "test_a_shifted_due_date_takes_the_time_that_comes_with_it",
            "test_several_tasks_are_created_in_one_call_as_each_was_asked_for",
            "test_fillers_in_a_body_are_ignored_as_in_create_task",
            "test_a_due_date_in_words_is_written_and_named",
            "test_a_due_date_as_a_list_shows_it_can_be_sent_back",
            "test_words_are_noted_to_be_counted_in_utc_if_no_zone_is_set",
            "test_a_date_without_a_time_stays_a_date",
            "test_a_date_with_time_and_zone_is_an_instant",
            "test_the_documented_sample_means_its_local_time",
            "test_a_full_datetime_is_an_instant",
            "test_midnight_in_utc_on_a_timed_task_is_an_instant_or_a_reported_day",
            "test_moving_the_day_keeps_the_time",
            "test_a_time_alone_goes_to_the_day_and_zone_the_task_has",
            "test_a_null_time_makes_the_task_all_day_again",
            "test_a_null_date_removes_the_due_date",
            "test_an_invalid_due_date_is_refused",
            "test_a_near_miss_of_a_zone_names_the_zone",
            "test_an_offset_for_a_zone_is_refused_and_no_zone_of_another_sign_is_named",
            "test_an_etc_gmt_zone_is_used_as_typed_and_its_offset_is_noted",
            "test_a_time_with_a_zone_that_is_not_understood_is_answered_with_the_arguments_to_send",
            "test_a_part_of_the_nulls_beside_a_change_is_refused_too",
            "test_a_single_null_beside_a_change_empties_its_field",
            "test_nulls_without_another_change_empty_their_fields",
            "test_clear_is_understood_in_a_bulk_change_and_in_other_spellings",
            "test_clear_names_only_fields_that_can_be_emptied_here",
            "test_a_note_that_cannot_be_appended_is_refused_and_nothing_is_written",
            "test_an_evening_due_time_is_on_the_day_of_its_own_zone",
            "test_overdue_means_unfinished_and_past_due",
            "test_a_create_in_another_spelling_is_the_same_and_with_another_meaning_is_not",
            "test_an_idempotency_key_matches_equivalent_arguments_of_a_create",
            "test_the_would_write_values_of_an_undo_can_be_sent_to_update_task",
        ),
    ),
    (
        lambda can: can.least_responsibles > 0,
        "a task has a responsible",
        ("test_tasks_of_nobody_are_found_alone_or_beside_those_of_people",),
    ),
    (
        lambda can: can.most_responsibles == 1,
        "a task has at most one responsible",
        (
            "test_two_people_added_at_the_same_moment_are_both_kept",
            "test_people_are_added_and_taken_off_each_task",
            "test_a_new_task_has_the_requested_fields_and_the_initial_status",
            "test_responsibles_are_replaced_added_and_removed",
            "test_a_name_of_two_people_is_answered_with_candidates_and_nothing_is_written",
            "test_one_update_adds_and_takes_off_people_beside_other_fields",
            "test_adding_a_responsible_person_or_removing_an_absent_one_changes_nothing",
            "test_people_replaced_and_added_or_added_and_taken_off_are_refused",
            "test_empty_values_beside_people_to_add_are_not_given",
            "test_a_bulk_change_combines_fields_people_and_days",
        ),
    ),
    (
        lambda can: can.priorities != _ANY.priorities,
        "the only priorities are {priorities}",
        (
            "test_several_filters_are_combined",
            "test_a_list_has_the_requested_order",
            "test_priority_is_sent_as_a_string_and_read_as_an_integer",
        ),
    ),
    (
        lambda can: can.status_names not in ((), _STATUS_NAMES),
        "the only statuses are {statuses}",
        (
            "test_statuses_are_listed_by_position_with_their_types",
            "test_a_list_shows_compact_rows_of_names",
            "test_statuses_filter_by_name_and_by_type",
            "test_a_status_is_set_by_name_or_by_position",
            "test_a_status_that_does_not_exist_names_the_nearest_first",
            "test_a_position_that_does_not_exist_lists_the_positions",
            "test_completing_picks_the_done_status_and_says_which",
            "test_completing_into_a_status_that_is_not_finished_is_refused",
            "test_a_finished_task_can_be_reopened",
        ),
    ),
)


def gaps_of(can: Capabilities) -> dict[str, str]:
    """The tests that cannot pass on a backend with these capabilities, with the reason."""
    words = {"priorities": " and ".join(can.priorities), "statuses": " and ".join(can.status_names)}
    return {test: reason.format(**words) for holds, reason, tests in _GAPS if holds(can) for test in tests}
