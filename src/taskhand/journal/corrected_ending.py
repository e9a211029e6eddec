"""The second ending of a change whose unknown outcome is known by late results, within a transaction."""

from dataclasses import replace
from datetime import datetime

from taskhand.domain.outcome import overall_outcome
from taskhand.journal import change_lookup, row_writes
from taskhand.journal.change_rows import ending_entry
from taskhand.sql.connection import SqlConnection

__all__ = ["correct_ending"]


def correct_ending(connection: SqlConnection, change_id: str, account_name: str, at: datetime) -> None:
    """End a change of unknown outcome once more, if its late results leave no task with an unknown one."""
    (change,) = change_lookup.load_changes(connection, [change_id])
    if change.ending is None or change.outcome != "unknown" or len(change.results) < len(change.intents):
        return
    outcome = overall_outcome({result.outcome for result in change.results.values()})
    if outcome != "unknown":
        codes = [result.code for result in change.results.values() if result.outcome == outcome]
        ending = replace(change.ending, outcome=outcome, code=next(filter(None, codes), change.ending.code))
        row_writes.append(connection, [ending_entry(change_id, account_name, at, ending)])
