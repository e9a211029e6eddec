"""The check before each write that its change still belongs to this process."""

import pytest

from taskhand.call.change_ownership import check_ownership, own_writes
from taskhand.domain.errors import NotAttempted, OperatorError


async def test_without_a_change_every_write_is_allowed() -> None:
    await check_ownership()


@pytest.mark.parametrize("is_unknown", [False, True])
async def test_a_write_is_not_attempted_if_its_change_is_lost_or_that_is_unknown(*, is_unknown: bool) -> None:
    answers = [True, False]

    async def is_own() -> bool:
        owns = answers.pop(0)
        if not owns and is_unknown:
            raise OperatorError("The journal cannot be read.")
        return owns

    own_writes(is_own)
    await check_ownership()
    with pytest.raises(NotAttempted, match="cannot be read" if is_unknown else "another server has ended the change"):
        await check_ownership()
