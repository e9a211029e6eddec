"""Any backend with data in it."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from taskhand.config.settings import BackendName
from taskhand.domain.errors import CallerError
from taskhand.testing.clock import Clock
from taskhand.testing.data import DataSet
from taskhand.testing.places.place import Place

# A sandbox is imported when it is asked for: a run on one backend does not pay for the others.
# ruff: noqa: PLC0415

__all__ = ["open_place"]


def open_place(
    backend: BackendName, data: DataSet, clock: Clock, folder: Path, reading: Sequence[str] = ()
) -> AbstractAsyncContextManager[Place]:
    """The data on that backend: an embedded store in `folder`, or a CRM of its own on loopback.

    `reading` are `name=value` switches of the CRM's sandbox. CallerError for one that is none.
    """
    try:
        match backend:
            case "local":
                return _local(data, clock, folder, reading)
            case "vambe":
                from taskhand.testing.places.vambe import vambe_place

                return vambe_place(data, clock, reading)
            case "close":
                from taskhand.testing.places.close import close_place

                return close_place(data, clock, reading)
            case "hubspot":
                from taskhand.testing.places.hubspot import hubspot_place

                return hubspot_place(data, clock, reading)
    except ValueError as error:
        raise CallerError(f"The CRM cannot be read so: {error}.", code="invalid_reading") from None


def _local(data: DataSet, clock: Clock, folder: Path, reading: Sequence[str]) -> AbstractAsyncContextManager[Place]:
    from taskhand.testing.places.local import local_place

    if reading:
        raise ValueError("the embedded store has no readings")
    return local_place(data, clock, folder)
