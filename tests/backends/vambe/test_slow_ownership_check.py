"""When a write to Vambe leaves: in the turn that the rate budget has for it."""

from backends.vambe.sandboxed_app import TASK, Time, Witness, sandboxed_app, vambe
from taskhand.call.change_ownership import own_writes
from taskhand.domain.edit import Edit
from taskhand.sandbox.server import serve_sandbox


async def test_a_write_whose_ownership_check_takes_too_long_waits_for_another_turn() -> None:
    time, owns = Time(), []

    async def is_own() -> bool:
        """The first answer takes a second."""
        owns.append(time.now)
        if len(owns) == 1:
            await time.sleep(1.0)
        return True

    witness = Witness(time)
    sandbox = vambe()
    async with serve_sandbox(sandbox) as url, sandboxed_app(url, time, transport=witness, vambe_rate=1) as app:
        own_writes(is_own)
        before = await app.backend.get_task(TASK)
        asked = len(witness.left_at)
        await app.backend.update_task(before, Edit(title="Later"))
    assert len(owns) == 2
    assert witness.left_at[asked] >= owns[1] >= owns[0] + 1.0
