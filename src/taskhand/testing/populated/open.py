"""Opens a backend with a data set in it."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from taskhand.config.settings import BackendName
from taskhand.domain.errors import CallerError
from taskhand.testing.clock import Clock
from taskhand.testing.data import DataSet
from taskhand.testing.populated.backend import PopulatedBackend

__all__ = ["open_populated"]


@asynccontextmanager
async def open_populated(
    backend: BackendName, data: DataSet, clock: Clock, folder: Path, variants: Sequence[str] = ()
) -> AsyncIterator[PopulatedBackend]:
    """A backend with the data set in it: a built-in store in `folder`, or an emulated CRM on loopback.

    The module of this package with the backend's name populates it. `variants` are `name=value` switches of the CRM's
    sandbox. CallerError for an unknown switch, and for a backend without such a module.
    """
    module = f"taskhand.testing.populated.{backend}"
    if find_spec(module) is None:
        raise CallerError(f"There is no sandbox of {backend} to put test data into.", code="not_for_backend")
    populate = import_module(module).populate
    async with AsyncExitStack() as stack:
        try:
            populated = await stack.enter_async_context(populate(data, clock, folder, variants))
        except ValueError as error:
            raise CallerError(f"The sandbox does not accept the variant: {error}.", code="invalid_reading") from None
        yield populated
