"""Which errors name the connection of the call."""

from pathlib import Path

import pytest

from behaviour.world import NOW
from file_stores import journal_in, store_in
from taskhand.domain.errors import (
    Ambiguous,
    CallerError,
    NotAllowed,
    NotFound,
    OperatorError,
    TaskhandError,
    UpstreamError,
)
from taskhand.service.account_errors import naming_account
from taskhand.service.app_context import AppContext, ConnectionInfo
from taskhand.service.lazy import Lazy


@pytest.mark.parametrize(
    ("error", "is_named"),
    [
        (NotFound("-", code="task_not_found"), True),
        (NotFound("-", code="plan_not_found"), False),
        (NotFound("-", code="change_not_found"), False),
        (Ambiguous("-", code="ambiguous_member"), True),
        (UpstreamError("-"), True),
        (OperatorError("-"), True),
        (NotAllowed("-"), False),
        (CallerError("-", code="invalid_id"), True),
        (CallerError("-", code="nothing_to_change"), False),
    ],
    ids=lambda one: one.code if isinstance(one, TaskhandError) else None,
)
def test_an_error_about_the_data_of_an_account_names_its_connection(
    error: TaskhandError, tmp_path: Path, *, is_named: bool
) -> None:
    journal, connection = Lazy(lambda: journal_in(tmp_path)), ConnectionInfo("north")
    app = AppContext(store_in(tmp_path), journal, lambda: NOW, connection=connection)
    with pytest.raises(TaskhandError) as raised, naming_account(app):
        raise error
    assert raised.value.connection == ("north" if is_named else None)
