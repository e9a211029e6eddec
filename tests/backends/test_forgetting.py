"""A CRM whose lists are cached or lag forgets its own writes once another process has written, until it is closed."""

from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import SecretStr

from fixed_clock import FixedClock
from taskhand.backends.close.factory import CloseSettings
from taskhand.backends.close.factory import open_backend as open_close
from taskhand.backends.factory import Forget, OpenContext
from taskhand.backends.vambe.factory import VambeSettings
from taskhand.backends.vambe.factory import open_backend as open_vambe


@pytest.mark.parametrize("name", ["close", "vambe"])
async def test_writes_of_another_process_make_the_own_ones_forgotten_until_the_backend_is_closed(
    name: str, tmp_path: Path
) -> None:
    registered: list[Forget] = []

    def on_foreign_write(forget: Forget) -> Callable[[], None]:
        registered.append(forget)
        return lambda: registered.remove(forget)

    context = OpenContext(FixedClock(), None, tmp_path / "tasks.db", on_foreign_write=on_foreign_write)
    async with context.stack:
        backend = await (
            open_close(CloseSettings(close_api_key=SecretStr("api_1")), context)
            if name == "close"
            else open_vambe(VambeSettings(vambe_api_key=SecretStr("key")), context)
        )
        backend.recent.note_write("1", {"id": "1"})
        [forget] = registered
        forget(["1"])
        assert backend.recent.get("1") is None
    assert registered == []
